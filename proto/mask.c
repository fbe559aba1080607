#include "proto/mask.h"

#include <stdio.h>

#include "common/must.h"

#define ENDS_KEPT 4 /* digits at each end: the district in front, the running number behind */
#define PART_MIN 12 /* shorter ones would be told by what is kept */

bool mask_is_number(const struct policy_field *field)
{
    enum field_type type = field->type == FIELD_LIST ? field->element : field->type;
    return type == FIELD_NIK || type == FIELD_KK;
}

static bool code_is_restricted(const struct policy_code_list *codes, struct bytes text)
{
    for (size_t i = 0; i < codes->version_count; i++) {
        const struct policy_code *code = policy_code(&codes->versions[i], text);
        if (code != NULL && code->restricted)
            return true;
    }
    return false;
}

bool mask_restricted(const struct policy_field *field, struct bytes value)
{
    if (field->sensitivity == SENSITIVITY_R)
        return true;
    if (field->codes == NULL || value.len == 0)
        return false;
    struct reader in = reader_of(value);
    size_t count = reader_peek(&in) == KIND_ARRAY ? reader_array(&in) : 1;
    for (size_t i = 0; i < count && reader_peek(&in) == KIND_STR; i++) {
        if (code_is_restricted(field->codes, reader_str(&in)))
            return true;
    }
    return false;
}

enum mask mask_of(const struct policy_field *field, struct bytes value, enum mask_place place)
{
    must(place < MASK_PLACE_COUNT);
    if (field == NULL)
        return MASK_AWAY;
    if (place == MASK_RECORD_FULL)
        return MASK_NONE;
    if (mask_restricted(field, value))
        return MASK_AWAY;
    if (place == MASK_LIST_FULL)
        return MASK_NONE;
    if (field->sensitivity == SENSITIVITY_S)
        return place == MASK_LIST ? MASK_AWAY : MASK_WHOLE;
    return place == MASK_LIST && mask_is_number(field) ? MASK_PART : MASK_NONE;
}

void mask_part(const char *text, char *ret, size_t cap)
{
    must(cap > 0);
    size_t used = 0;
    ret[0] = '\0';
    for (const char *at = text; used < cap;) {
        size_t len = strcspn(at, "|");
        int n = len < PART_MIN ? snprintf(ret + used, cap - used, "%s", len > 0 ? MASK_TEXT : "")
                               : snprintf(ret + used, cap - used, "%.*s" MASK_MIDDLE "%.*s",
                                          ENDS_KEPT, at, ENDS_KEPT, at + len - ENDS_KEPT);
        used += n > 0 ? (size_t)n : 0;
        at += len;
        if (*at == '\0')
            break;
        at++;
        if (used + 1 < cap) {
            ret[used++] = '|';
            ret[used] = '\0';
        }
    }
}
