/* The dictionary of a policy: how it is made, who gets it, what it is used for. */
#include "tests/unit/policy_fixture.h"

#include "proto/dictionary.h"
#include "proto/txn.h"

#define MANY                                                                                       \
    "collection orang { title = 'Orang' area_field = kec\n"                                        \
    "field kec { type = area level = 3 required = true authority = {T, D} sensitivity = U }\n"     \
    "field nama { type = text required = true length = 60" REST                                    \
    "field alamat { type = text length = 60 " EXAMPLES REST                                        \
    "field jk { type = enum codes = jk" REST "field status_rekaman { type = text default = aktif"  \
    " authority = {D} sensitivity = U }\n}\n"
#define EXAMPLES "examples = {'Kampung Sukamaju', 'Jalan Raya Serang'}"

static const char small_source[] = HEAD LISTS MANY;

static uint8_t document_space[RULES_BYTES_MAX], dictionary_space[2][DICTIONARY_BYTES_MAX];

static enum err compile_text(const char *text, uint64_t version, struct buf *ret_document,
                             struct buf *ret_dictionary, struct problem *problem)
{
    static const struct hash zero, before = { .at = { 1 } };
    char directory[] = "/tmp/tksk-policy-XXXXXX";
    assert_non_null(mkdtemp(directory));
    write_file(directory, "10-a.conf", text, strlen(text));
    write_file(directory, "a.csv", AREAS, strlen(AREAS));
    *ret_document = buf_of(document_space, sizeof document_space);
    enum err err =
        policy_text_compile_whole(directory, DISTRICT, version, version > 1 ? &before : &zero,
                                  ret_document, ret_dictionary, problem);
    remove_file(directory, "10-a.conf");
    remove_file(directory, "a.csv");
    assert_int_equal(rmdir(directory), 0);
    return err;
}

static struct policy *made(const char *text, uint64_t version, unsigned which,
                           struct bytes *ret_dictionary)
{
    struct problem problem = { .code = OK };
    struct buf document, dictionary = buf_of(dictionary_space[which], DICTIONARY_BYTES_MAX);
    struct policy *policy = NULL;
    enum err err = compile_text(text, version, &document, &dictionary, &problem);
    if (err != OK)
        print_error("%s: %s\n", problem.thing, problem.detail);
    assert_int_equal(err, OK);
    assert_int_equal(policy_decode(buf_bytes(&document), &policy, &problem), OK);
    *ret_dictionary = buf_bytes(&dictionary);
    return policy;
}

static void the_rules_name_the_dictionary_that_comes_with_them(void **state)
{
    (void)state;
    struct problem problem = { .code = OK };
    struct bytes dictionary, other;
    struct hash hash;
    struct policy *policy = made(HEAD LISTS COLLECTION MANY, 1, 0, &dictionary);
    assert_true(dictionary.len > 1024 && dictionary.len <= DICTIONARY_BYTES_USUAL);
    dictionary_hash(dictionary, &hash);
    assert_true(policy->has_dictionary);
    assert_memory_equal(policy->dictionary.at, hash.at, HASH_BYTES);
    assert_int_equal(dictionary_check(policy, dictionary, &problem), OK);

    struct policy *second = made(small_source, 1, 1, &other);
    assert_int_equal(dictionary_check(policy, other, &problem), ERR_DICTIONARY);
    assert_int_equal(dictionary_check(policy, bytes_of(NULL, 0), &problem), ERR_DICTIONARY);
    policy_close(&second);
    policy_close(&policy);
}

static void the_same_source_makes_the_same_bytes_whatever_its_version(void **state)
{
    (void)state;
    struct bytes first, again;
    struct policy *one = made(HEAD LISTS COLLECTION MANY, 1, 0, &first);
    struct policy *two = made(HEAD LISTS COLLECTION MANY, 7, 1, &again);
    assert_true(bytes_equal(first, again));
    policy_close(&one);
    policy_close(&two);
}

static bool holds(struct bytes bytes, const char *text)
{
    return memmem(bytes.at, bytes.len, text, strlen(text)) != NULL;
}

static void it_holds_names_codes_areas_and_examples(void **state)
{
    (void)state;
    struct bytes dictionary;
    struct policy *policy = made(small_source, 1, 0, &dictionary);
    const char *const texts[] = { "alamat",           "status_rekaman",    "aktif",
                                  "Kampung Sukamaju", "Jalan Raya Serang", "36.04." };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (!holds(dictionary, texts[i]))
            fail_msg("it does not hold %s", texts[i]);
    policy_close(&policy);
}

static size_t packed_bytes(struct bytes plain, struct bytes dictionary)
{
    static uint8_t space[4096];
    struct buf out = buf_of(space, sizeof space);
    assert_int_equal(compress_with(plain, dictionary, &out), OK);
    return out.len;
}

/* What no dictionary can know stays: ids, seed, signature. */
#define CHANCE_BYTES (2 * ID_BYTES + SEED_BYTES + SIGNATURE_BYTES)

static void what_one_entry_says_shrinks_to_half(void **state)
{
    (void)state;
    struct bytes dictionary;
    struct policy *policy = made(small_source, 1, 0, &dictionary);
    static struct txn txn;
    uint8_t fields_space[512], raw[1024], space[2048];
    struct writer fields = writer_of(fields_space, sizeof fields_space);
    const char *const values[] = {
        "alamat",          "Jalan Raya Serang KM 5", "jk",   "P", "kec", "36.04.29", "nama",
        "Sumarni Lestari", "status_rekaman",         "aktif"
    };
    writer_map(&fields, 5);
    for (size_t i = 0; i < COUNT_OF(values); i++)
        writer_text(&fields, values[i]);
    struct change change = { .op = OP_CREATE,
                             .collection = bytes_text("orang"),
                             .record = crypto_uuid7(1790000000000),
                             .fields = writer_bytes(&fields),
                             .number = 17 };
    struct writer out = writer_of(raw, sizeof raw), whole = writer_of(space, sizeof space);
    change_encode(&change, &out);
    txn.changes[0].raw = writer_bytes(&out);
    txn.change_count = 1;
    txn.operator_number = 3;
    txn.trust_version = txn.rules_version = 1;
    txn.request = crypto_random_id();
    txn.claimed_ms = 1790000000000;
    crypto_random(txn.seed, sizeof txn.seed);
    struct secret_key *key = secret_key_new();
    struct hash leaf;
    assert_int_equal(txn_sign(&txn, DISTRICT, key, &whole, &leaf), OK);
    size_t without = packed_bytes(writer_bytes(&whole), bytes_of(NULL, 0));
    size_t with = packed_bytes(writer_bytes(&whole), dictionary);
    if ((with - CHANCE_BYTES) * 2 > without - CHANCE_BYTES)
        fail_msg("%zu bytes with, %zu without", with, without);
    secret_key_close(&key);
    policy_close(&policy);
}

static void a_policy_says_how_large_it_is_and_whether_there_is_one(void **state)
{
    (void)state;
    struct bytes dictionary;
    struct problem problem = { .code = OK };
    struct buf document, room = buf_of(dictionary_space[0], DICTIONARY_BYTES_MAX);
    static const char start[] = "settings { dictionary_bytes = ";
    char text[8192];
    const struct {
        const char *number;
        enum err err;
    } cases[] = { { "0", OK },
                  { "1024", OK },
                  { "65536", OK },
                  { "65537", ERR_POLICY_MEANING },
                  { "100", ERR_POLICY_MEANING },
                  { "-1", ERR_POLICY_MEANING } };
    /* In place of the settings of HEAD. */
    const char *settings = strstr(small_source, "settings {");
    const char *rest = strchr(settings, '\n');
    int head = (int)(settings - small_source);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)snprintf(text, sizeof text, "%.*s%s%s }%s", head, small_source, start,
                       cases[i].number, rest);
        room.len = 0;
        assert_int_equal(compile_text(text, 1, &document, &room, &problem), cases[i].err);
        if (cases[i].err == OK)
            assert_true(room.len <= strtoul(cases[i].number, NULL, 10));
        else
            assert_non_null(strstr(problem.thing, "settings dictionary_bytes"));
    }
    /* None is named when none is wanted. */
    struct policy *policy = made(small_source, 1, 0, &dictionary);
    assert_true(policy->has_dictionary);
    policy_close(&policy);
    (void)snprintf(text, sizeof text, "%.*s%s0 }%s", head, small_source, start, rest);
    policy = made(text, 1, 0, &dictionary);
    assert_false(policy->has_dictionary);
    assert_int_equal(dictionary.len, 0);
    policy_close(&policy);
}

static void an_example_that_its_field_refuses_is_named_with_its_place(void **state)
{
    (void)state;
    struct problem problem = { .code = OK };
    struct buf document, room = buf_of(dictionary_space[0], DICTIONARY_BYTES_MAX);
    static const char text[] =
        HEAD LISTS "collection orang { title = 'Orang' area_field = kec\n"
                   "field kec { type = area required = true authority = {T} sensitivity = U }\n"
                   "field lahir { type = date examples = {'1990-02-30'}" REST "}\n";
    assert_int_equal(compile_text(text, 1, &document, &room, &problem), ERR_POLICY_MEANING);
    assert_non_null(strstr(problem.thing, "collection orang field lahir examples"));
    assert_non_null(strstr(problem.thing, "10-a.conf"));
    assert_non_null(strstr(problem.detail, "1990-02-30"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rules_name_the_dictionary_that_comes_with_them),
        cmocka_unit_test(the_same_source_makes_the_same_bytes_whatever_its_version),
        cmocka_unit_test(it_holds_names_codes_areas_and_examples),
        cmocka_unit_test(what_one_entry_says_shrinks_to_half),
        cmocka_unit_test(a_policy_says_how_large_it_is_and_whether_there_is_one),
        cmocka_unit_test(an_example_that_its_field_refuses_is_named_with_its_place),
    };
    if (crypto_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
