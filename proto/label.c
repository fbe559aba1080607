#include "proto/label.h"

#include <stdio.h>

#include "proto/value_form.h"

static const struct policy_code *newest(const struct policy_field *field, struct bytes code)
{
    for (size_t i = field->codes != NULL ? field->codes->version_count : 0; i > 0; i--) {
        const struct policy_code *found = policy_code(&field->codes->versions[i - 1], code);
        if (found != NULL)
            return found;
    }
    return NULL;
}

const char *label_of(const struct policy *policy, const struct policy_field *field,
                     struct bytes code)
{
    if (field->type == FIELD_AREA) {
        const struct policy_area *area = policy_area(policy, code);
        return area != NULL ? area->name : NULL;
    }
    const struct policy_code *found = newest(field, code);
    return found != NULL ? found->label : NULL;
}

/* Behind what is in `ret`; the code itself where it says more than the label. */
static enum err code_add(const struct policy *policy, const struct policy_field *field,
                         struct bytes code, char *ret, size_t cap)
{
    const char *label = label_of(policy, field, code);
    size_t len = strlen(ret);
    int width = (int)code.len, added;
    if (label == NULL)
        added = snprintf(ret + len, cap - len, "%s%.*s", len > 0 ? ", " : "", width,
                         (const char *)code.at);
    else if (text_same_loose(code, label))
        added = snprintf(ret + len, cap - len, "%s%s", len > 0 ? ", " : "", label);
    else
        added = snprintf(ret + len, cap - len, "%s%s (%.*s)", len > 0 ? ", " : "", label, width,
                         (const char *)code.at);
    return added >= 0 && (size_t)added < cap - len ? OK : ERR_LIMIT;
}

enum err label_value(const struct policy *policy, const struct policy_field *field,
                     struct bytes value, char *ret, size_t cap)
{
    const struct policy_field one = field_of_element(field);
    struct reader in = reader_of(value);
    if ((one.type != FIELD_ENUM && one.type != FIELD_AREA) || cap == 0 || value_is_nil(value))
        return value_to_text(field, value, ret, cap);
    size_t count = field->type == FIELD_LIST ? reader_array(&in) : 1;
    enum err err = OK;
    ret[0] = '\0';
    for (size_t i = 0; i < count && in.err == OK && err == OK; i++) {
        struct bytes code = reader_str(&in);
        if (in.err == OK)
            err = code_add(policy, &one, code, ret, cap);
    }
    if (err == OK && reader_end(&in) != OK)
        err = ERR_MALFORMED;
    return err;
}

bool label_means(const struct policy *policy, const struct policy_field *field, struct bytes code,
                 const char *text)
{
    const char *label = label_of(policy, field, code);
    char own[IDENTIFIER_BYTES_MAX + 1];
    if (field->type == FIELD_AREA && area_within(code, bytes_text(text)))
        return true;
    if (label != NULL && text_same_loose(bytes_text(text), label))
        return true;
    if (code.len == 0 || code.len > IDENTIFIER_BYTES_MAX)
        return false;
    memcpy(own, code.at, code.len);
    own[code.len] = '\0';
    return text_same_loose(bytes_text(text), own);
}

bool label_known(const struct policy *policy, const struct policy_field *field, const char *text)
{
    for (size_t i = 0; field->type == FIELD_AREA && i < policy->area_count; i++)
        if (label_means(policy, field, bytes_text(policy->areas[i].code), text))
            return true;
    for (size_t i = 0; field->codes != NULL && i < field->codes->version_count; i++) {
        const struct policy_code_version *version = &field->codes->versions[i];
        for (size_t k = 0; k < version->code_count; k++)
            if (label_means(policy, field, bytes_text(version->codes[k].code), text))
                return true;
    }
    return false;
}

void label_codes(const struct policy_field *field, char *ret, size_t cap)
{
    const struct policy_code_list *list = field->codes;
    for (size_t i = 0; list != NULL && i < list->versions[list->version_count - 1].code_count;
         i++) {
        size_t len = strlen(ret);
        (void)snprintf(ret + len, cap - len, "%s%s", len > 0 ? ", " : "",
                       list->versions[list->version_count - 1].codes[i].code);
    }
}

bool label_restricted(const struct policy_field *field, struct bytes code)
{
    for (size_t i = 0; field->codes != NULL && i < field->codes->version_count; i++) {
        const struct policy_code *found = policy_code(&field->codes->versions[i], code);
        if (found != NULL && found->restricted)
            return true;
    }
    return false;
}
