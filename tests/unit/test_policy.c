#include "proto/chain.h"
#include "tests/unit/policy_fixture.h"

/* --- a document by hand: what a peer may send, beside what the compiler makes
 * ----------------------- */

struct parts {
    const char *areas_code;
    const char *authority;
    bool sorted_lists;
    bool flag;
    bool unknown_key;
    uint64_t format;
    uint64_t version;
    uint8_t previous;
    unsigned area_index;
    unsigned lane;             /* 0: not given */
    unsigned dictionary_bytes; /* 0: not given */
    const char *countersigner; /* of the role `ketik`; `tksk` is the other one */
};

static const struct parts good = { .areas_code = "36.04",
                                   .authority = "DT",
                                   .sorted_lists = true,
                                   .flag = true,
                                   .format = 1,
                                   .version = 1 };

static void write_code_list(struct writer *out, const char *name)
{
    writer_array(out, 2);
    writer_text(out, name);
    writer_array(out, 1);
    writer_array(out, 2);
    writer_text(out, "2020-01-01");
    writer_array(out, 1);
    writer_array(out, 3);
    writer_text(out, "a");
    writer_text(out, "A satu");
    writer_bool(out, false);
}

static void write_authority(struct writer *out, const char *letter)
{
    writer_array(out, 4);
    writer_text(out, letter);
    writer_text(out, letter);
    writer_bool(out, false);
    writer_text(out, "");
}

static void write_roles(struct writer *out, const char *countersigner)
{
    writer_array(out, 2);
    for (unsigned i = 0; i < 2; i++) {
        writer_array(out, 5);
        writer_text(out, i == 0 ? "ketik" : "tksk");
        writer_text(out, "Peran");
        writer_text(out, "T");
        writer_array(out, i == 0 && countersigner != NULL ? 1 : 0);
        if (i == 0 && countersigner != NULL)
            writer_text(out, countersigner);
        writer_uint(out, 0);
    }
}

static struct bytes document_of(const struct parts *parts)
{
    static uint8_t space[4096];
    struct hash previous = { { parts->previous } };
    struct writer out = writer_of(space, sizeof space);
    writer_map(&out, 10u + parts->unknown_key + (parts->dictionary_bytes > 0));
    writer_text(&out, "areas");
    writer_array(&out, 1);
    writer_array(&out, 4);
    writer_text(&out, parts->areas_code);
    writer_text(&out, "SERANG");
    writer_text(&out, "");
    writer_text(&out, "");
    writer_text(&out, "authorities");
    writer_array(&out, 2);
    write_authority(&out, "D");
    write_authority(&out, "T");
    writer_text(&out, "collections");
    writer_array(&out, 1);
    writer_map(&out, 4u + (parts->lane > 0));
    writer_text(&out, "area");
    writer_uint(&out, parts->area_index);
    writer_text(&out, "fields");
    writer_array(&out, 1);
    writer_map(&out, 5);
    writer_text(&out, "authority");
    writer_text(&out, parts->authority);
    writer_text(&out, "name");
    writer_text(&out, "kec");
    writer_text(&out, "required");
    writer_bool(&out, parts->flag);
    writer_text(&out, "sensitivity");
    writer_text(&out, "U");
    writer_text(&out, "type");
    writer_text(&out, "area");
    if (parts->lane > 0) {
        writer_text(&out, "lane");
        writer_uint(&out, parts->lane);
    }
    writer_text(&out, "name");
    writer_text(&out, "benda");
    writer_text(&out, "title");
    writer_text(&out, "Benda");
    if (parts->dictionary_bytes > 0) {
        static const uint8_t filler[64] = { 7 };
        writer_text(&out, "dictionary");
        writer_bin(&out, bytes_of(filler, parts->dictionary_bytes));
    }
    writer_text(&out, "district");
    writer_text(&out, "36.04");
    writer_text(&out, "format");
    writer_uint(&out, parts->format);
    writer_text(&out, "lists");
    writer_array(&out, 2);
    write_code_list(&out, parts->sorted_lists ? "alfa" : "beta");
    write_code_list(&out, parts->sorted_lists ? "beta" : "alfa");
    writer_text(&out, "previous");
    writer_bin(&out, bytes_hash(&previous));
    writer_text(&out, "roles");
    write_roles(&out, parts->countersigner);
    writer_text(&out, "settings");
    writer_map(&out, 0);
    if (parts->unknown_key) {
        writer_text(&out, "trik");
        writer_nil(&out);
    }
    writer_text(&out, "version");
    writer_uint(&out, parts->version);
    assert_int_equal(out.err, OK);
    assert_int_equal(codec_scan(writer_bytes(&out)), OK);
    return writer_bytes(&out);
}

static void decodes_to(struct parts parts, enum err expected, const char *place)
{
    struct policy *policy = NULL;
    struct problem problem = { .code = OK };
    enum err err = policy_decode(document_of(&parts), &policy, &problem);
    if (err != expected || strcmp(problem.thing, place) != 0)
        print_error("%s: %s: %s\n", err_name(err), problem.thing, problem.detail);
    assert_int_equal(err, expected);
    assert_string_equal(problem.thing, place);
    assert_int_equal(policy != NULL, err == OK);
    policy_close(&policy);
}

static void document_by_hand_is_read(void **state)
{
    (void)state;
    decodes_to(good, OK, "");
    struct policy *policy = NULL;
    assert_int_equal(policy_decode(document_of(&good), &policy, NULL), OK);
    assert_string_equal(policy->district, "36.04");
    assert_string_equal(policy->collections[0].fields[0].label, "kec");
    assert_int_equal(policy->collections[0].fields[0].authority, AUTHORITY('D') | AUTHORITY('T'));
    assert_int_equal(policy->collections[0].date_field, -1);
    struct hash hash;
    crypto_hash("rules", &policy->document, 1, &hash);
    assert_true(hash_equal(&hash, &policy->hash));
    policy_close(&policy);
}

static void what_is_not_exact_is_refused(void **state)
{
    (void)state;
    struct parts parts = good;
    parts.areas_code = "36.";
    decodes_to(parts, ERR_MALFORMED, "areas");
    parts = good;
    parts.authority = "TD";
    decodes_to(parts, ERR_MALFORMED, "collection benda field kec");
    parts.authority = "DX";
    decodes_to(parts, ERR_MALFORMED, "collection benda field kec");
    parts.authority = "";
    decodes_to(parts, ERR_MALFORMED, "collection benda field kec");
    parts = good;
    parts.sorted_lists = false;
    decodes_to(parts, ERR_MALFORMED, "code_list alfa");
    parts = good;
    parts.flag = false;
    decodes_to(parts, ERR_MALFORMED, "collection benda field kec");
    parts = good;
    parts.unknown_key = true;
    decodes_to(parts, ERR_MALFORMED, "rules");
    parts = good;
    parts.area_index = 1;
    decodes_to(parts, ERR_MALFORMED, "collection benda");
    parts = good;
    parts.previous = 1;
    decodes_to(parts, ERR_MALFORMED, "version");
    parts = good;
    parts.version = 2;
    decodes_to(parts, ERR_MALFORMED, "version");
    parts.version = 0;
    decodes_to(parts, ERR_MALFORMED, "version");
}

static void countersigners_lane_and_dictionary_are_read_where_given(void **state)
{
    (void)state;
    struct policy *policy = NULL;
    struct parts parts = good;
    assert_int_equal(policy_decode(document_of(&parts), &policy, NULL), OK);
    assert_false(policy->has_dictionary);
    assert_int_equal(policy->collections[0].lane, LANE_NORMAL);
    assert_int_equal(policy_role(policy, bytes_text("ketik"))->countersigner_count, 0);
    policy_close(&policy);

    parts.lane = LANE_BULK;
    parts.dictionary_bytes = HASH_BYTES;
    parts.countersigner = "tksk";
    assert_int_equal(policy_decode(document_of(&parts), &policy, NULL), OK);
    assert_true(policy->has_dictionary);
    assert_int_equal(policy->dictionary.at[0], 7);
    assert_int_equal(policy->collections[0].lane, LANE_BULK);
    assert_true(policy_countersigns(policy_role(policy, bytes_text("ketik")), "tksk"));
    policy_close(&policy);

    parts.lane = LANE_COUNT;
    decodes_to(parts, ERR_MALFORMED, "collection benda");
    parts = good;
    parts.dictionary_bytes = HASH_BYTES - 1;
    decodes_to(parts, ERR_MALFORMED, "dictionary");
    parts = good;
    parts.countersigner = "ketik";
    decodes_to(parts, ERR_MALFORMED, "role ketik");
    parts.countersigner = "siapa";
    decodes_to(parts, ERR_MALFORMED, "role ketik");
}

static void newer_format_says_update_even_with_unknown_keys(void **state)
{
    (void)state;
    struct parts parts = good;
    parts.format = 2;
    parts.unknown_key = true;
    decodes_to(parts, ERR_VERSION, "rules");
    parts.format = 0;
    decodes_to(parts, ERR_MALFORMED, "rules");
}

static void too_large_a_document_is_a_limit(void **state)
{
    (void)state;
    struct policy *policy = NULL;
    struct problem problem;
    uint8_t *large = calloc(1, RULES_BYTES_MAX + 1);
    assert_non_null(large);
    assert_int_equal(policy_decode(bytes_of(large, RULES_BYTES_MAX + 1), &policy, &problem),
                     ERR_LIMIT);
    free(large);
}

/* Truncated anywhere: refused. Any byte changed: refused or another whole policy, never a crash. */
static void truncated_and_flipped_documents_are_answered(void **state)
{
    (void)state;
    struct policy *policy = small_policy();
    struct problem problem;
    size_t len = policy->document.len;
    uint8_t *copy = malloc(len);
    assert_non_null(copy);
    for (size_t cut = 0; cut < len; cut += cut < 64 ? 1 : 13) {
        struct policy *other = NULL;
        uint8_t *exact = malloc(cut + 1); /* reading beyond is seen by the sanitizer */
        assert_non_null(exact);
        memcpy(exact, policy->document.at, cut);
        assert_int_not_equal(policy_decode(bytes_of(exact, cut), &other, &problem), OK);
        assert_null(other);
        free(exact);
    }
    static const uint8_t flips[] = { 0x01, 0x80, 0x20, 0xFF };
    unsigned refused = 0;
    for (size_t at = 0; at < len; at++)
        for (size_t i = 0; i < COUNT_OF(flips); i++) {
            struct policy *other = NULL;
            memcpy(copy, policy->document.at, len);
            copy[at] ^= flips[i];
            enum err err = policy_decode(bytes_of(copy, len), &other, &problem);
            assert_int_equal(err == OK, other != NULL);
            if (err == OK)
                assert_false(hash_equal(&other->hash, &policy->hash));
            refused += err != OK;
            policy_close(&other);
        }
    assert_true(refused > len);
    free(copy);
    policy_close(&policy);
}

static void look_ups_find_what_is_there_and_nothing_else(void **state)
{
    (void)state;
    struct policy *policy = small_policy();
    const struct policy_collection *benda = policy_collection(policy, bytes_text("benda"));
    assert_non_null(benda);
    assert_null(policy_collection(policy, bytes_text("bend")));
    assert_null(policy_collection(policy, bytes_text("benda ")));
    assert_null(policy_field(benda, bytes_text("Isi teks")));
    assert_ptr_equal(policy_field_loose(benda, bytes_text("ISI TEKS")), field_of(policy, "teks"));
    assert_ptr_equal(policy_field_loose(benda, bytes_text("Teks")), field_of(policy, "teks"));
    assert_null(policy_field_loose(benda, bytes_text("")));
    assert_int_equal(policy->area_count, 7);
    for (size_t i = 0; i < policy->area_count; i++)
        assert_ptr_equal(policy_area(policy, bytes_text(policy->areas[i].code)), &policy->areas[i]);
    assert_null(policy_area(policy, bytes_text("36.04.2")));
    assert_null(policy_area(policy, bytes_text("")));
    assert_int_equal(policy_role(policy, bytes_text("tksk"))->authority, AUTHORITY('T'));
    assert_null(policy_role(policy, bytes_text("kadis")));
    assert_int_equal(policy_setting(policy, "idle_lock_minutes", 7), 15);
    assert_int_equal(policy_setting(policy, "idle", 7), 7);
    assert_int_equal(policy->computed, AUTHORITY('H'));
    assert_true(field_of(policy, "hasil")->computed);
    assert_false(field_of(policy, "teks")->computed);
    policy_close(&policy);
}

static void code_versions_start_on_their_day(void **state)
{
    (void)state;
    struct policy *policy = small_policy();
    const struct policy_code_list *list = field_of(policy, "warna")->codes;
    assert_string_equal(policy_codes_at(list, "1999-01-01")->from, "2010-01-01");
    assert_string_equal(policy_codes_at(list, "2019-12-31")->from, "2010-01-01");
    assert_string_equal(policy_codes_at(list, "2020-01-01")->from, "2020-01-01");
    const struct policy_code_version *now = policy_codes_at(list, "2024-01-01");
    assert_true(policy_code(now, bytes_text("hijau"))->restricted);
    assert_false(policy_code(now, bytes_text("merah"))->restricted);
    assert_null(policy_code(now, bytes_text("ungu")));
    policy_close(&policy);
}

static void areas_nest_by_their_parts(void **state)
{
    (void)state;
    assert_true(area_within(bytes_text("36.04.29.2001"), bytes_text("36.04.29")));
    assert_true(area_within(bytes_text("36.04.29"), bytes_text("36.04.29")));
    assert_false(area_within(bytes_text("36.04.2"), bytes_text("36.04.29")));
    assert_false(area_within(bytes_text("36.04.290"), bytes_text("36.04.29")));
    assert_false(area_within(bytes_text("36.04"), bytes_text("36.04.29")));
    assert_false(area_within(bytes_text("36.04"), bytes_text("")));
    assert_int_equal(area_level(bytes_text("36.04.29.2001")), 4);
    assert_int_equal(area_level(bytes_text("36")), 1);
    static const char *const bad[] = {
        "", ".", "36.", ".36", "36..04", "36.a", "1.2.3.4.5", "36 "
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(area_level(bytes_text(bad[i])), 0);
}

/* --- what may follow
 * ------------------------------------------------------------------------------- */

/* The source with every `from` replaced by `to`. Static. */
static const char *with(const char *from, const char *to)
{
    static char text[16384];
    static const char source[] = HEAD LISTS COLLECTION;
    size_t len = 0;
    bool found = false;
    for (const char *at = source; *at != '\0';) {
        if (from != NULL && strncmp(at, from, strlen(from)) == 0) {
            memcpy(text + len, to, strlen(to));
            len += strlen(to);
            at += strlen(from);
            found = true;
        } else {
            text[len++] = *at++;
        }
    }
    text[len] = '\0';
    assert_true(from == NULL || found);
    return text;
}

static void follows(const char *from, const char *to, const char *refused_at)
{
    struct policy *before = small_policy();
    struct policy *after = policy_of(with(from, to), 2, &before->hash);
    struct problem problem = { .code = OK };
    enum err err = policy_may_follow(before, after, &problem);
    if ((refused_at == NULL) != (err == OK))
        print_error("%s → %s: %s: %s\n", from, to, problem.thing, problem.detail);
    assert_int_equal(err, refused_at == NULL ? OK : ERR_POLICY_FOLLOW);
    if (refused_at != NULL)
        assert_string_equal(problem.thing, refused_at);
    policy_close(&before);
    policy_close(&after);
}

static void what_adds_or_loosens_may_follow(void **state)
{
    (void)state;
    follows(NULL, NULL, NULL);
    follows("length = 5 required = true", "length = 50", NULL);
    follows("min = 1 max = 10", "max = 11", NULL);
    follows("field jam {", "field baru { type = text" REST "field jam {", NULL);
    follows("targets = {benda}", "targets = {benda} until = '2030-01-01'", NULL);
    follows("child_of = kec", "", NULL);
    follows("keys = {lantai, luas_m2, milik}", "keys = {lantai, luas_m2, milik, atap}", NULL);
    follows("keys = {lantai, luas_m2, milik}", "", NULL);
    follows("code hijau { restricted = true }", "code hijau { } code nila { }", NULL);
    follows("code hijau { restricted = true } } }",
            "code hijau { } } version '2025-01-01' { code merah { } } }", NULL);
    follows("idle_lock_minutes = 15", "lain = 3", NULL);
    follows("role tksk { label", "role dua { } role tksk { countersigned_by = {dua} label", NULL);
    follows("collection benda { ", "collection benda { lane = bulk ", NULL);
    follows("label = 'Isi teks'", "label = 'Teks'", NULL);
    follows("type = bool default = ya authority = {T}", "type = bool authority = {D, T}", NULL);
}

static void what_removes_or_narrows_is_refused_with_its_place(void **state)
{
    (void)state;
    follows("field jam { type = time" REST, "", "collection benda field jam");
    follows("field jam { type = time", "field jam { type = date", "collection benda field jam");
    follows("type = list element = text", "type = list element = kk",
            "collection benda field catatan");
    follows("length = 5", "length = 4", "collection benda field teks");
    follows("min = 1 max = 10", "min = 2 max = 10", "collection benda field angka");
    follows("min = 1 max = 10", "min = 1 max = 9", "collection benda field angka");
    follows("field jam { type = time", "field jam { type = time required = true",
            "collection benda field jam");
    follows("keys = {lantai, luas_m2, milik}", "keys = {lantai}", "collection benda field rumah");
    follows("type = list element = map", "type = list element = map keys = {a}",
            "collection benda field riwayat");
    follows("type = enum codes = jk", "type = enum codes = warna", "collection benda field jk");
    follows("date_field = tgl", "date_field = lahir", "collection benda");
    follows("date_field = tgl", "", "collection benda");
    follows("code ungu { }", "", "code_list warna version 2010-01-01");
    follows("version '2010-01-01'", "version '2011-01-01'", "code_list warna version 2010-01-01");
    follows("version '2010-01-01'", "version '2000-01-01' { code merah { } } version '2010-01-01'",
            "code_list warna version 2000-01-01");
    follows("role tksk", "role lain", "role tksk");
}

static void only_the_next_version_of_the_same_chain_may_follow(void **state)
{
    (void)state;
    struct policy *before = small_policy();
    struct problem problem;
    struct hash other = before->hash;
    other.at[0] ^= 1;
    struct policy *skips = policy_of(with(NULL, NULL), 3, &before->hash);
    struct policy *forks = policy_of(with(NULL, NULL), 2, &other);
    struct policy *next = policy_of(with(NULL, NULL), 2, &before->hash);
    assert_int_equal(policy_may_follow(before, skips, &problem), ERR_POLICY_FOLLOW);
    assert_string_equal(problem.thing, "version");
    assert_int_equal(policy_may_follow(before, forks, &problem), ERR_POLICY_FOLLOW);
    assert_string_equal(problem.thing, "previous");
    assert_int_equal(policy_may_follow(before, before, &problem), ERR_POLICY_FOLLOW);
    assert_int_equal(policy_may_follow(before, next, &problem), OK);
    assert_int_equal(policy_may_follow(next, before, &problem),
                     ERR_POLICY_FOLLOW); /* no way back */
    policy_close(&skips);
    policy_close(&forks);
    policy_close(&next);
    policy_close(&before);
}

static void lost_areas_letters_and_collections_are_refused(void **state)
{
    (void)state;
    struct parts parts = good;
    struct policy *before = NULL;
    struct policy *after = NULL;
    struct problem problem;
    parts.areas_code = "36.05";
    assert_int_equal(policy_decode(document_of(&good), &before, &problem), OK);
    assert_int_equal(policy_decode(document_of(&parts), &after, &problem), OK);
    after->version = 2;
    after->previous = before->hash;
    assert_int_equal(policy_may_follow(before, after, &problem), ERR_POLICY_FOLLOW);
    assert_string_equal(problem.thing, "areas");
    after->areas = before->areas;
    after->authority_count = 1;
    assert_int_equal(policy_may_follow(before, after, &problem), ERR_POLICY_FOLLOW);
    assert_string_equal(problem.thing, "authority T");
    after->collection_count = 0;
    assert_int_equal(policy_may_follow(before, after, &problem), ERR_POLICY_FOLLOW);
    assert_string_equal(problem.thing, "collection benda");
    policy_close(&before);
    policy_close(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_by_hand_is_read),
        cmocka_unit_test(what_is_not_exact_is_refused),
        cmocka_unit_test(countersigners_lane_and_dictionary_are_read_where_given),
        cmocka_unit_test(newer_format_says_update_even_with_unknown_keys),
        cmocka_unit_test(too_large_a_document_is_a_limit),
        cmocka_unit_test(truncated_and_flipped_documents_are_answered),
        cmocka_unit_test(look_ups_find_what_is_there_and_nothing_else),
        cmocka_unit_test(code_versions_start_on_their_day),
        cmocka_unit_test(areas_nest_by_their_parts),
        cmocka_unit_test(what_adds_or_loosens_may_follow),
        cmocka_unit_test(what_removes_or_narrows_is_refused_with_its_place),
        cmocka_unit_test(only_the_next_version_of_the_same_chain_may_follow),
        cmocka_unit_test(lost_areas_letters_and_collections_are_refused),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
