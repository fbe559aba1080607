#include "common/tkskctl/policy_diff.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/tkskctl/ctl.h"
#include "proto/limits.h"

static void add(json_t *rows, const char *what, const char *name, const char *change)
{
    json_array_append_new(rows, ctl_memory(json_pack("{s:s, s:s, s:s}", "what", what, "name", name,
                                                     "change", change)));
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Appends "word" to a list joined by ", ". */
static void note(char *list, size_t cap, bool changed, const char *word)
{
    size_t used = strlen(list);
    if (changed)
        (void)snprintf(list + used, cap - used, "%s%s", used ? ", " : "", word);
}

static void diff_field(const struct policy_collection *collection, const struct policy_field *was,
                       const struct policy_field *is, json_t *rows)
{
    char name[2 * IDENTIFIER_BYTES_MAX + 2], changes[256] = "";
    size_t cap = sizeof(changes);
    (void)snprintf(name, sizeof(name), "%s.%s", collection->name, is->name);
    if (!was) {
        (void)snprintf(changes, cap, tr("new, %s", "baru, %s"), field_type_name(is->type));
        add(rows, "field", name, changes);
        return;
    }
    note(changes, cap, !same_text(was->label, is->label), "label");
    note(changes, cap, was->type != is->type, "type");
    note(changes, cap, was->required != is->required, "required");
    note(changes, cap, was->authority != is->authority, "authority");
    note(changes, cap, was->sensitivity != is->sensitivity, "sensitivity");
    note(changes, cap, was->length_max != is->length_max, "length");
    note(changes, cap, was->min != is->min || was->max != is->max, "range");
    note(changes, cap, was->lookup != is->lookup, "lookup");
    note(changes, cap, was->summary != is->summary, "summary");
    note(changes, cap, !bytes_equal(was->default_value, is->default_value), "default");
    note(changes, cap, was->target_count != is->target_count, "targets");
    note(changes, cap, !same_text(was->until, is->until), "until");
    if (changes[0])
        add(rows, "field", name, changes);
}

static void diff_collections(const struct policy *before, const struct policy *after, json_t *rows)
{
    for (size_t c = 0; c < after->collection_count; c++) {
        const struct policy_collection *is = &after->collections[c];
        const struct policy_collection *was =
            before ? policy_collection(before, bytes_text(is->name)) : NULL;
        if (!was) {
            char change[64];
            (void)snprintf(change, sizeof(change), tr("new, %zu fields", "baru, %zu isian"),
                           is->field_count);
            add(rows, "collection", is->name, change);
            continue;
        }
        if (!same_text(was->title, is->title))
            add(rows, "collection", is->name, "title");
        if (!same_text(was->until, is->until))
            add(rows, "collection", is->name, "until");
        if (was->lane != is->lane)
            add(rows, "collection", is->name, "lane");
        for (size_t f = 0; f < is->field_count; f++) {
            const struct policy_field *field = &is->fields[f];
            diff_field(is, policy_field(was, bytes_text(field->name)), field, rows);
        }
    }
}

static const struct policy_code_list *find_list(const struct policy *policy, const char *name)
{
    for (size_t i = 0; policy && i < policy->code_list_count; i++) {
        if (strcmp(policy->code_lists[i].name, name) == 0)
            return &policy->code_lists[i];
    }
    return NULL;
}

static void diff_code_lists(const struct policy *before, const struct policy *after, json_t *rows)
{
    for (size_t i = 0; i < after->code_list_count; i++) {
        const struct policy_code_list *is = &after->code_lists[i];
        const struct policy_code_list *was = find_list(before, is->name);
        for (size_t v = 0; v < is->version_count; v++) {
            const struct policy_code_version *version = &is->versions[v];
            const struct policy_code_version *old =
                was && v < was->version_count ? &was->versions[v] : NULL;
            char change[96];
            if (!old)
                (void)snprintf(change, sizeof(change), tr("%zu codes from %s", "%zu kode mulai %s"),
                               version->code_count, version->from);
            else if (old->code_count != version->code_count)
                (void)snprintf(
                    change, sizeof(change),
                    tr("version of %s: %zu codes instead of %zu", "versi %s: %zu kode, dahulu %zu"),
                    version->from, version->code_count, old->code_count);
            else
                continue;
            add(rows, "code_list", is->name, change);
        }
    }
}

/* Said also of a new role: from then on what its holders enter waits for another person. */
static void diff_countersigners(const struct policy_role *was, const struct policy_role *is,
                                json_t *rows)
{
    char change[256] = "";
    bool same = was && was->countersigner_count == is->countersigner_count;
    for (size_t i = 0; i < is->countersigner_count; i++) {
        note(change, sizeof(change), true, is->countersigners[i]);
        same = same && policy_countersigns(was, is->countersigners[i]);
    }
    if (same)
        return;
    char text[sizeof(change) + 64];
    (void)snprintf(text, sizeof(text), tr("countersigned by: %s", "ditandatangani juga oleh: %s"),
                   change[0] ? change : tr("nobody", "tidak ada"));
    add(rows, "role", is->name, text);
}

static void diff_roles(const struct policy *before, const struct policy *after, json_t *rows)
{
    for (size_t i = 0; i < after->role_count; i++) {
        const struct policy_role *is = &after->roles[i];
        const struct policy_role *was = before ? policy_role(before, bytes_text(is->name)) : NULL;
        if (!was)
            add(rows, "role", is->name, tr("new", "baru"));
        if (was && was->authority != is->authority)
            add(rows, "role", is->name, "authority");
        if (is->countersigner_count > 0 || (was && was->countersigner_count > 0))
            diff_countersigners(was, is, rows);
    }
}

static void diff_settings(const struct policy *before, const struct policy *after, json_t *rows)
{
    for (size_t i = 0; i < after->setting_count; i++) {
        const struct policy_setting *is = &after->settings[i];
        char change[64];
        /* Two different fall-backs tell an absent setting from one of that value. */
        bool was_there =
            before && policy_setting(before, is->name, 0) == policy_setting(before, is->name, 1);
        int64_t was = before ? policy_setting(before, is->name, 0) : 0;
        if (was_there && was == is->value)
            continue;
        if (was_there)
            (void)snprintf(change, sizeof(change), "%" PRId64 " -> %" PRId64, was, is->value);
        else
            (void)snprintf(change, sizeof(change), "%" PRId64, is->value);
        add(rows, "setting", is->name, change);
    }
}

static void diff_areas(const struct policy *before, const struct policy *after, json_t *rows)
{
    size_t added = 0, renamed = 0;
    for (size_t i = 0; i < after->area_count; i++) {
        const struct policy_area *was =
            before ? policy_area(before, bytes_text(after->areas[i].code)) : NULL;
        added += was ? 0 : 1;
        renamed += was && !same_text(was->name, after->areas[i].name) ? 1 : 0;
    }
    char change[96];
    if (added + renamed > 0) {
        (void)snprintf(change, sizeof(change),
                       tr("%zu new, %zu renamed", "%zu baru, %zu ganti nama"), added, renamed);
        add(rows, "areas", "", change);
    }
    for (size_t i = 0; i < after->area_count; i++) {
        const struct policy_area *is = &after->areas[i];
        const struct policy_area *was = before ? policy_area(before, bytes_text(is->code)) : NULL;
        if (strcmp(was ? was->from : "", is->from) == 0 &&
            strcmp(was ? was->until : "", is->until) == 0)
            continue;
        (void)snprintf(change, sizeof(change), tr("from %s until %s", "mulai %s sampai %s"),
                       is->from[0] ? is->from : "-", is->until[0] ? is->until : "-");
        add(rows, "area", is->code, change);
    }
}

void policy_diff(const struct policy *before, const struct policy *after, json_t *rows)
{
    diff_collections(before, after, rows);
    policy_diff_work(before, after, rows);
    diff_code_lists(before, after, rows);
    diff_areas(before, after, rows);
    diff_roles(before, after, rows);
    diff_settings(before, after, rows);
    if (after->has_dictionary && (!before || !before->has_dictionary ||
                                  !hash_equal(&before->dictionary, &after->dictionary)))
        add(rows, "dictionary", "", tr("new", "baru"));
    if (before && before->has_dictionary && !after->has_dictionary)
        add(rows, "dictionary", "", tr("no longer used", "tidak dipakai lagi"));
}
