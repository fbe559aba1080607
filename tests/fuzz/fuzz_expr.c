/* An expression, and behind a NUL the values of the record's fields one after another: what
 * compiles is evaluated without reading what is not there, gives the same twice, and a value that
 * can be written. */
#include <stdlib.h>

#include "common/must.h"
#include "proto/expr.h"
#include "proto/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VALUES_MAX 8

static const char *const targets[] = { "c" };
static const struct policy_field fields[] = {
    { .name = "l", .type = FIELD_LIST, .element = FIELD_MAP },
    { .name = "m", .type = FIELD_MAP },
    { .name = "r", .type = FIELD_REFERENCE, .targets = targets, .target_count = 1 },
    { .name = "s", .type = FIELD_REFERENCE, .targets = targets, .target_count = 1 },
    { .name = "t", .type = FIELD_TEXT },
};
#define NAME(i, text)                                                                              \
    {                                                                                              \
        .name = { (const uint8_t *)(text), 1 }, .field = &fields[i]                                \
    }
static const struct policy_field_name names[] = { NAME(0, "l"), NAME(1, "m"), NAME(2, "r"),
                                                  NAME(3, "s"), NAME(4, "t") };
static const struct policy_collection collection = {
    .name = "c", .fields = fields, .field_count = COUNT_OF(fields), .names = names
};
static const struct policy_code codes[] = { { .code = "a" }, { .code = "b" } };
static const struct policy_code_version version = { .from = "2020-01-01",
                                                    .codes = codes,
                                                    .code_count = COUNT_OF(codes) };
static const struct policy_code_list lists[] = {
    { .name = "k", .versions = &version, .version_count = 1 }
};
static const struct policy_setting rows[] = { { "a", 7 }, { "b", INT64_MIN } };
static const struct policy_table_version table_version = { "2020-01-01", "", "-", rows,
                                                           COUNT_OF(rows) };
static const struct policy_table tables[] = {
    { .name = "x", .label = "X", .versions = &table_version, .version_count = 1 }
};
static const struct policy policy = { .collections = &collection,
                                      .collection_count = 1,
                                      .code_lists = lists,
                                      .code_list_count = 1,
                                      .tables = tables,
                                      .table_count = 1 };

struct record {
    struct bytes values[VALUES_MAX];
    size_t value_count;
    uint8_t *lent; /* what the last follow gave */
    size_t asked;
};

static bool take_field(void *context, const struct policy_field *field, bool old,
                       struct bytes *ret_raw)
{
    const struct record *record = context;
    size_t i = (size_t)(field - fields);
    if (old)
        return false;
    *ret_raw = i < record->value_count ? record->values[i] : bytes_of(NULL, 0);
    return true;
}

static bool follow(void *context, const struct policy_field *reference, const struct id *id,
                   struct bytes name, const struct policy_collection **ret_collection,
                   struct bytes *ret_raw)
{
    struct record *record = context;
    must(reference->type == FIELD_REFERENCE && policy_field(&collection, name) != NULL);
    struct id copy = *id;
    free(record->lent);
    record->lent = NULL;
    *ret_collection = &collection;
    size_t i = (size_t)(policy_field(&collection, name) - fields + copy.at[0]) % VALUES_MAX;
    if (i >= record->value_count)
        return copy.at[0] % 2 == 0;
    record->lent = malloc(record->values[i].len);
    must(record->lent);
    memcpy(record->lent, record->values[i].at, record->values[i].len);
    *ret_raw = bytes_of(record->lent, record->values[i].len);
    return ++record->asked < 10000;
}

static enum signature_state signature(void *context, const struct policy_field *field)
{
    const struct record *record = context;
    return (enum signature_state)(((size_t)(field - fields) + record->value_count) % 4);
}

static _Alignas(16) uint8_t arena[64 * 1024];

static void *take(void *context, size_t size)
{
    must(context == arena && size <= sizeof arena);
    return memset(arena, 0, size);
}

static void evaluate(const struct expr *expr, struct bytes rest)
{
    static uint8_t space[64 * 1024];
    struct record record = { .value_count = 0 };
    struct reader reader = reader_of(rest);
    while (record.value_count < VALUES_MAX && reader_peek(&reader) != KIND_END) {
        struct bytes value = reader_raw(&reader);
        if (reader.err || codec_scan(value))
            break;
        record.values[record.value_count++] = value;
    }
    struct expr_env env = { .policy = &policy,
                            .event = "2026-03-01",
                            .claimed = "2026-03-04",
                            .collection = &collection,
                            .field = take_field,
                            .follow = follow,
                            .signature = signature,
                            .context = &record };
    struct expr_result result;
    enum truth truth = expr_truth(expr, &env);
    record.asked = 0;
    must(expr_value(expr, &env, &result) == (truth != TRUTH_UNKNOWN));
    must((result.kind == EXPR_UNKNOWN) == (truth == TRUTH_UNKNOWN));
    must((result.kind == EXPR_BOOL && result.b) == (truth == TRUTH_YES));
    if (truth != TRUTH_UNKNOWN) {
        struct writer out = writer_of(space, sizeof space);
        expr_write(&result, &out);
        must(out.err || codec_scan(writer_bytes(&out)) == OK);
    }
    free(record.lent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len = 0;
    while (len < size && data[len] != 0)
        len++;
    const struct expr *expr = NULL;
    char why[120];
    enum err err = expr_compile(bytes_of(data, len), take, arena, &expr, why, sizeof why);
    if (err) {
        must(err == ERR_POLICY_MEANING && expr == NULL && strncmp(why, "column ", 7) == 0);
        return 0;
    }
    struct expr_name name;
    size_t count = 0;
    while (expr_names(expr, count, &name)) {
        must(name.column >= 1 && name.column <= len && name.path.len >= name.name.len);
        count++;
    }
    must(count <= EXPR_NODES_MAX);
    size_t used = len < size ? len + 1 : len;
    evaluate(expr, bytes_of(data + used, size - used));
    return 0;
}
