/* A personal signature over four fields of a record, one of them empty. Inside forms.h only. */
#pragma once

#include "proto/endorse.h"

struct endorse_value {
    struct writer out; /* empty: the record has none */
    uint8_t space[128];
};

static inline bool endorse_field(void *context, const struct policy_field *field, bool old,
                                 struct bytes *ret_raw)
{
    struct endorse_value *values = context;
    (void)old;
    *ret_raw = writer_bytes(&values[field->min].out); /* its place */
    return true;
}

static inline void vectors_endorsement(struct json *json)
{
    /* Not in the order of their names, as in a policy. */
    static const struct policy_field fields[] = {
        { .name = "penerima", .type = FIELD_LIST, .min = 0 },
        { .name = "isi", .type = FIELD_MAP, .min = 1 },
        { .name = "foto", .type = FIELD_BLOB, .min = 2 },
        { .name = "isian", .type = FIELD_MONEY, .min = 3 },
        { .name = "catatan", .type = FIELD_TEXT, .min = 4 },
        { .name = "ttd", .type = FIELD_SIGNATURE, .min = 5 },
    };
    static const uint16_t covers[] = { 0, 1, 2, 3 };
    struct endorse_value values[COUNT_OF(fields)];
    struct policy_field signature = fields[5];
    const struct policy_collection collection = { .name = "usulan",
                                                  .fields = fields,
                                                  .field_count = COUNT_OF(fields) };
    const struct expr_env env = { .field = endorse_field, .context = values };
    struct endorsement made = { .operator_number = 12,
                                .trust_version = 7,
                                .signed_ms = 1795300000123 };
    struct id record = sample_id(0x08), person = sample_id(0x09);
    struct secret_key *key = sample_secret(0x31);
    uint8_t space[1024];
    char text[ENDORSEMENT_TEXT_BYTES];
    signature.covers = covers;
    signature.cover_count = COUNT_OF(covers);
    for (size_t i = 0; i < COUNT_OF(values); i++)
        values[i].out = writer_of(values[i].space, sizeof(values[i].space));
    writer_array(&values[0].out, 1);
    writer_bin(&values[0].out, bytes_id(&person));
    writer_map(&values[1].out, 2);
    writer_text(&values[1].out, "luas");
    writer_int(&values[1].out, 36);
    writer_text(&values[1].out, "uraian");
    writer_text(&values[1].out, "atap bocor");
    writer_int(&values[3].out, 15000000);
    writer_text(&values[4].out, "tidak ditandatangani");

    struct writer out = writer_of(space, sizeof(space));
    must(endorsement_statement(&made, SAMPLE_DISTRICT, &collection, &signature, &record, &env,
                               &out) == OK);
    endorsement_sign(&made, writer_bytes(&out), key);
    endorsement_text(&made, text);
    secret_key_close(&key);

    json_text(json, "district", SAMPLE_DISTRICT);
    json_text(json, "collection", collection.name);
    json_hex(json, "record", bytes_id(&record));
    json_text(json, "field", signature.name);
    json_secret(json, "operator_seed", 0x31);
    json_number(json, "operator", made.operator_number);
    json_number(json, "trust_version", made.trust_version);
    json_number(json, "signed_ms", made.signed_ms);
    json_open(json, "covers", '[');
    for (size_t i = 0; i < COUNT_OF(covers); i++)
        json_text(json, NULL, fields[covers[i]].name);
    json_close(json, ']');
    json_open(json, "fields", '{');
    for (size_t i = 0; i + 1 < COUNT_OF(values); i++)
        json_hex(json, fields[i].name, writer_bytes(&values[i].out));
    json_close(json, '}');
    json_text(json, "value", text);
}
