/* A few records in a hand-made policy, and what an expression may ask about them; shared by the
 * tests of the language and of its limits. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/expr.h"
#include "proto/policy.h"

/* --- the policy ---------------------------------------------------------------------------- */

static const char *const to_meeting[] = { "rapat" };
static const char *const to_village[] = { "desa" };
static const char *const to_people[] = { "orang", "keluarga" };

#define REFERS(list) .type = FIELD_REFERENCE, .targets = (list), .target_count = COUNT_OF(list)

static const struct policy_field proposal_fields[] = {
    { .name = "nama", .type = FIELD_TEXT },
    { .name = "jumlah", .type = FIELD_INTEGER },
    { .name = "harga", .type = FIELD_MONEY },
    { .name = "aktif", .type = FIELD_BOOL },
    { .name = "jenis", .type = FIELD_ENUM },
    { .name = "lahir", .type = FIELD_DATE },
    { .name = "count", .type = FIELD_INTEGER },
    { .name = "peserta", .type = FIELD_LIST, .element = FIELD_MAP },
    { .name = "tag", .type = FIELD_LIST, .element = FIELD_TEXT },
    { .name = "rumah", .type = FIELD_MAP },
    { .name = "ttd", .type = FIELD_SIGNATURE },
    { .name = "rapat", REFERS(to_meeting) },
    { .name = "rapat2", REFERS(to_meeting) },
    { .name = "siapa", REFERS(to_people) },
    { .name = "rapat_lain",
      .type = FIELD_LIST,
      .element = FIELD_REFERENCE,
      .targets = to_meeting,
      .target_count = COUNT_OF(to_meeting) },
};
static const struct policy_field meeting_fields[] = {
    { .name = "status", .type = FIELD_ENUM },
    { .name = "hadir", .type = FIELD_INTEGER },
    { .name = "peserta", .type = FIELD_LIST, .element = FIELD_MAP },
    { .name = "desa", REFERS(to_village) },
};
static const struct policy_field village_fields[] = {
    { .name = "nama", .type = FIELD_TEXT },
    { .name = "rumah", .type = FIELD_MAP },
};
static const struct policy_field person_fields[] = { { .name = "nik", .type = FIELD_NIK } };
static const struct policy_field family_fields[] = {
    { .name = "kk", .type = FIELD_KK },
    { .name = "program", .type = FIELD_ENUM },
};

static const struct policy_code codes_old[] = { { .code = "kube" } };
static const struct policy_code codes_new[] = { { .code = "kube" }, { .code = "rtlh" } };
static const struct policy_code_version versions[] = {
    { .from = "2018-01-01", .codes = codes_old, .code_count = COUNT_OF(codes_old) },
    { .from = "2025-01-01", .codes = codes_new, .code_count = COUNT_OF(codes_new) },
};
static const struct policy_code_list code_lists[] = {
    { .name = "jenis", .versions = versions, .version_count = COUNT_OF(versions) },
};

static const struct policy_setting rows_old[] = { { "apbn", 500000 } };
static const struct policy_setting rows_new[] = { { "apbd_kab", 250000 }, { "apbn", 700000 } };
static const struct policy_table_version table_versions[] = {
    { "2018-01-01", "2024-12-31", "Perdirjen", rows_old, COUNT_OF(rows_old) },
    { "2025-01-01", "", "Kepdirjen", rows_new, COUNT_OF(rows_new) },
};
static const struct policy_table tables[] = {
    { .name = "tali_asih",
      .label = "Tali asih",
      .versions = table_versions,
      .version_count = COUNT_OF(table_versions) },
};

#define NAMES_MAX 16
static struct policy_field_name names[5][NAMES_MAX];
#define COLLECTION_OF(at, text, list)                                                              \
    {                                                                                              \
        .name = (text), .fields = (list), .field_count = COUNT_OF(list), .names = names[at]        \
    }
static const struct policy_collection collections[] = {
    COLLECTION_OF(0, "usulan", proposal_fields), COLLECTION_OF(1, "rapat", meeting_fields),
    COLLECTION_OF(2, "desa", village_fields),    COLLECTION_OF(3, "orang", person_fields),
    COLLECTION_OF(4, "keluarga", family_fields),
};

static int by_name(const void *a, const void *b)
{
    return policy_name_compare(((const struct policy_field_name *)a)->name,
                               ((const struct policy_field_name *)b)->name);
}

/* --- the records --------------------------------------------------------------------------- */

#define CELL_BYTES_MAX 4000
struct cell {
    const char *record; /* "": the one that is written; "old": as it was before */
    const char *field;
    bool unknown;
    size_t len;
    uint8_t raw[CELL_BYTES_MAX];
};
static struct cell cells[40];
static size_t cell_count;
static uint8_t *lent; /* what the last follow gave */
static unsigned follows;
static enum signature_state signature_says;

static struct id id_of(const char *record)
{
    struct id id = { .at = { 0 } };
    memcpy(id.at, record, strlen(record));
    return id;
}

static struct cell *cell_find(const char *record, struct bytes field)
{
    for (size_t i = 0; i < cell_count; i++)
        if (strcmp(cells[i].record, record) == 0 && bytes_is(field, cells[i].field))
            return &cells[i];
    return NULL;
}

static inline struct cell *cell_set(const char *record, const char *field)
{
    struct cell *cell = cell_find(record, bytes_text(field));
    if (cell == NULL)
        cell = &cells[cell_count++];
    assert_true(cell_count <= COUNT_OF(cells));
    *cell = (struct cell){ .record = record, .field = field };
    return cell;
}

#define SET(record, field, write)                                                                  \
    do {                                                                                           \
        struct cell *set_cell = cell_set(record, field);                                           \
        struct writer w = writer_of(set_cell->raw, sizeof set_cell->raw);                          \
        write;                                                                                     \
        assert_int_equal(w.err, OK);                                                               \
        set_cell->len = w.buf.len;                                                                 \
        assert_int_equal(codec_scan(bytes_of(set_cell->raw, set_cell->len)), OK);                  \
    } while (0)
#define SET_TEXT(record, field, text) SET(record, field, writer_text(&w, text))
#define SET_INT(record, field, i) SET(record, field, writer_int(&w, i))
#define SET_REF(record, field, to)                                                                 \
    do {                                                                                           \
        struct id set_id = id_of(to);                                                              \
        SET(record, field, writer_bin(&w, bytes_id(&set_id)));                                     \
    } while (0)

static bool say_field(void *context, const struct policy_field *field, bool old,
                      struct bytes *ret_raw)
{
    assert_ptr_equal(context, cells);
    const struct cell *cell = cell_find(old ? "old" : "", bytes_text(field->name));
    *ret_raw = cell == NULL ? bytes_of(NULL, 0) : bytes_of(cell->raw, cell->len);
    return cell == NULL || !cell->unknown;
}

/* Record names begin as their collections do, "r1" of "rapat". What was given before is gone, so
 * that a sanitizer finds who still reads it. */
static bool say_follow(void *context, const struct policy_field *reference, const struct id *id,
                       struct bytes name, const struct policy_collection **ret_collection,
                       struct bytes *ret_raw)
{
    assert_ptr_equal(context, cells);
    follows++;
    struct id copy = *id;
    if (lent != NULL)
        memset(lent, 0xc1, CELL_BYTES_MAX);
    free(lent);
    lent = NULL;
    for (size_t i = 0; i < reference->target_count; i++)
        if (reference->targets[i][0] == copy.at[0])
            for (size_t k = 0; k < COUNT_OF(collections); k++)
                if (strcmp(collections[k].name, reference->targets[i]) == 0)
                    *ret_collection = &collections[k];
    char record[ID_BYTES + 1] = "";
    memcpy(record, copy.at, ID_BYTES);
    const struct cell *cell = cell_find(record, name);
    if (cell == NULL)
        return strcmp(record, "r-elsewhere") != 0;
    if (cell->unknown)
        return false;
    lent = malloc(CELL_BYTES_MAX);
    assert_non_null(lent);
    memcpy(lent, cell->raw, cell->len);
    *ret_raw = bytes_of(lent, cell->len);
    return true;
}

static enum signature_state say_signature(void *context, const struct policy_field *field)
{
    assert_ptr_equal(context, cells);
    assert_string_equal(field->name, "ttd");
    return signature_says;
}

static struct policy policy = {
    .district = "36.04",
    .collections = collections,
    .collection_count = COUNT_OF(collections),
    .code_lists = code_lists,
    .code_list_count = COUNT_OF(code_lists),
    .tables = tables,
    .table_count = COUNT_OF(tables),
};

static struct expr_env env = {
    .policy = &policy,
    .collection = &collections[0],
    .field = say_field,
    .follow = say_follow,
    .signature = say_signature,
    .context = cells,
};

/* "peserta": {hadir, jumlah, nama}, of three people. */
static void write_people(struct writer *w)
{
    writer_array(w, 3);
    for (size_t i = 0; i < 3; i++) {
        static const char *const people[] = { "Ani", "Budi", "Citra" };
        writer_map(w, i == 2 ? 2 : 3);
        writer_text(w, "hadir");
        writer_bool(w, i != 1);
        if (i != 2) {
            writer_text(w, "jumlah");
            writer_int(w, i == 0 ? 40 : 2);
        }
        writer_text(w, "nama");
        writer_text(w, people[i]);
    }
}

/* Run before each test: an empty record of the day 2026-03-01. */
static int start(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(collections); k++) {
        for (size_t i = 0; i < collections[k].field_count; i++)
            names[k][i] = (struct policy_field_name){
                .name = bytes_text(collections[k].fields[i].name),
                .field = &collections[k].fields[i],
            };
        qsort(names[k], collections[k].field_count, sizeof names[k][0], by_name);
    }
    memset(cells, 0, sizeof cells);
    cell_count = 0;
    follows = 0;
    signature_says = SIGNATURE_OK;
    env.event = "2026-03-01";
    env.claimed = "2026-03-04";
    env.follow = say_follow;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    free(lent);
    lent = NULL;
    return 0;
}

/* --- asking -------------------------------------------------------------------------------- */

static _Alignas(16) uint8_t arena[16384];

static void *arena_take(void *context, size_t size)
{
    assert_ptr_equal(context, arena);
    assert_true(size <= sizeof arena);
    return memset(arena, 0, sizeof arena);
}

static inline const struct expr *compiled(const char *text)
{
    const struct expr *expr = NULL;
    char why[200] = "";
    enum err err = expr_compile(bytes_text(text), arena_take, arena, &expr, why, sizeof why);
    if (err != OK)
        fail_msg("%s: %s", text, why);
    return expr;
}

static inline void is(const char *text, enum truth truth)
{
    enum truth found = expr_truth(compiled(text), &env);
    if (found != truth)
        fail_msg("%s: %d, not %d", text, found, truth);
}

static inline void yes(const char *text)
{
    is(text, TRUTH_YES);
}

static inline void no(const char *text)
{
    is(text, TRUTH_NO);
}

static inline void open_to_doubt(const char *text)
{
    struct expr_result result;
    is(text, TRUTH_UNKNOWN);
    assert_false(expr_value(compiled(text), &env, &result));
    assert_int_equal(result.kind, EXPR_UNKNOWN);
}

static inline struct expr_result value_of(const char *text)
{
    struct expr_result result;
    assert_true(expr_value(compiled(text), &env, &result));
    return result;
}

static inline void gives(const char *text, int64_t number)
{
    struct expr_result result = value_of(text);
    if (result.kind != EXPR_INT || result.i != number)
        fail_msg("%s: kind %d, %lld, not %lld", text, result.kind, (long long)result.i,
                 (long long)number);
}

static inline void gives_text(const char *text, const char *expected)
{
    struct expr_result result = value_of(text);
    assert_int_equal(result.kind, EXPR_TEXT);
    assert_string_equal(result.text, expected);
}

static inline void gives_nil(const char *text)
{
    struct expr_result result = value_of(text);
    if (result.kind != EXPR_NIL)
        fail_msg("%s: kind %d, not nil", text, result.kind);
    no(text);
}

static inline void refused(const char *text, const char *why)
{
    const struct expr *expr = NULL;
    char said[200] = "";
    assert_int_equal(expr_compile(bytes_text(text), arena_take, arena, &expr, said, sizeof said),
                     ERR_POLICY_MEANING);
    assert_null(expr);
    if (strcmp(said, why) != 0)
        fail_msg("%s: %s, not %s", text, said, why);
}
