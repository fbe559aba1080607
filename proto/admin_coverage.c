#include "proto/admin_coverage.h"

#include <stdio.h>

void coverage_add(json_t *found, const char *area, const char *on)
{
    json_t *at = json_object_get(found, area);
    if (at == NULL) {
        at = json_pack("{s:i, s:n}", "count", 0, "on");
        (void)json_object_set_new(found, area, at);
    }
    (void)json_integer_set(json_object_get(at, "count"),
                           json_integer_value(json_object_get(at, "count")) + 1);
    const char *before = json_string_value(json_object_get(at, "on"));
    if (on != NULL && (before == NULL || strcmp(on, before) > 0))
        (void)json_object_set_new(at, "on", json_string(on));
}

static bool is_asked_for(const struct coverage *coverage, const char *area)
{
    return (coverage->within == NULL ||
            area_within(bytes_text(area), bytes_text(coverage->within))) &&
           coverage->audience_has(coverage->ctx, area);
}

static const char *area_name(const struct coverage *coverage, const char *code)
{
    const struct policy_area *area = policy_area(coverage->policy, bytes_text(code));
    return area != NULL ? area->name : "";
}

json_t *coverage_offices(const struct coverage *coverage, const json_t *receipts)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < coverage->trust->node_count; i++) {
        const struct trust_node *node = &coverage->trust->nodes[i];
        const json_t *read = json_object_get(receipts, node->area);
        if (node->ended.reason != END_NONE || strcmp(node->area, coverage->area) == 0 ||
            !is_asked_for(coverage, node->area))
            continue;
        json_t *row =
            json_pack("{s:s, s:s, s:s, s:s, s:b, s:O?}", "kind", "office", "node", node->name,
                      "area", node->area, "name", area_name(coverage, node->area), "read",
                      (int)(read != NULL), "read_on", json_object_get(read, "on"));
        (void)json_array_append_new(rows, row);
    }
    return rows;
}

json_t *coverage_areas(const struct coverage *coverage, unsigned level, const char today[11],
                       const json_t *covered)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < coverage->policy->area_count; i++) {
        const struct policy_area *area = &coverage->policy->areas[i];
        const json_t *at = json_object_get(covered, area->code);
        char within[IDENTIFIER_BYTES_MAX + 1];
        if (area_level(bytes_text(area->code)) != level || !policy_area_at(area, today) ||
            !is_asked_for(coverage, area->code))
            continue;
        (void)snprintf(within, sizeof within, "%s", area->code);
        char *dot = strrchr(within, '.');
        if (dot != NULL)
            *dot = '\0';
        json_t *row = json_pack(
            "{s:s, s:s, s:s, s:s, s:s, s:I, s:O?}", "kind", "area", "area", area->code, "name",
            area->name, "within", within, "within_name", area_name(coverage, within), "covered",
            json_integer_value(json_object_get(at, "count")), "on", json_object_get(at, "on"));
        (void)json_array_append_new(rows, row);
    }
    return rows;
}
