/* Questions to the hub: what is masked stays masked, however it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

#include "common/db.h"
#include "hub/hub_query.h"
#include "hub/hub_store_access.h"
#include "tests/support/hub_fixture.h"

#define NIK "3604290107800001"
#define SPECIFIC "buta warna"
#define RESTRICTED "korban kekerasan"

static const char more[] =
    "collection warga { title = 'Warga' area_field = area\n"
    "field area { type = area required = true authority = {T, D} sensitivity = U label = 'a' }\n"
    "field nama { type = text authority = {T} sensitivity = P label = 'n' }\n"
    "field nik { type = nik lookup = true authority = {T} sensitivity = P label = 'nik' }\n"
    "field lain { type = list element = nik authority = {T} sensitivity = P label = 'l' }\n"
    "field sakit { type = text authority = {T} sensitivity = S label = 's' }\n"
    "field rahasia { type = text authority = {T} sensitivity = R label = 'r' }\n"
    "field jenis { type = enum codes = kind authority = {T} sensitivity = P label = 'j' }\n"
    "}\n";

static struct fixture f;
static char *answer; /* all lines of the last one */

/* One person with all there is, one without anything, and a transaction that stays held. */
static int set_up(void **state)
{
    (void)state;
    char source[8192];
    uint8_t space[64];
    struct writer list = writer_of(space, sizeof space);
    fixture_open(&f, false);
    (void)snprintf(source, sizeof source, "%s%s", fixture_source, more);
    fixture_rules(&f, source);
    writer_array(&list, 1);
    writer_text(&list, NIK);
    struct id id = fixture_id(&f), other = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "warga", &id,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("jenis", "shut"),
                        V_RAW("lain", writer_bytes(&list)), V_TEXT("nama", "Siti"),
                        V_TEXT("nik", NIK), V_TEXT("rahasia", RESTRICTED),
                        V_TEXT("sakit", SPECIFIC)));
    draft_create(d, "warga", &other, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("jenis", "open")));
    struct sent made = fixture_send(d);
    for (unsigned node = NODE_A; node <= NODE_D; node += NODE_D) {
        d = draft_new(&f, node, node == NODE_A ? OPERATOR_A : OPERATOR_D);
        draft_update(d, "warga", &id, base_rev(made.number),
                     VALUES(V_TEXT("area", node == NODE_A ? "36.04.29.2001" : "36.04.29.2002")));
        (void)fixture_send(d);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(answer);
    answer = NULL;
    fixture_close(&f);
    return 0;
}

static void ask(const char *sql, bool full)
{
    char copy[128];
    size_t len;
    struct problem problem = { .code = OK };
    const struct hub_question question = {
        .sql = sql, .limit_ms = 5000, .full = full, .policy = hub_store_policy(f.store)
    };
    (void)snprintf(copy, sizeof copy, "%s/copy.db", f.directory);
    assert_int_equal(hub_store_copy(f.store, copy, &problem), OK);
    free(answer);
    FILE *out = open_memstream(&answer, &len);
    assert_non_null(out);
    hub_store_query(copy, &question, out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(unlink(copy), 0);
}

static bool told(const char *text)
{
    return strstr(answer, text) != NULL;
}

static void leaks_nothing(const char *sql)
{
    static const char *const secrets[] = { NIK, SPECIFIC, RESTRICTED, "07800001", "shut" };
    for (size_t i = 0; i < COUNT_OF(secrets); i++)
        if (told(secrets[i]))
            fail_msg("%s\ntells %s:\n%s", sql, secrets[i], answer);
}

static void names_stay_and_numbers_are_masked(void **state)
{
    (void)state;
    static const char sql[] = "SELECT nama, nik, lain, sakit, rahasia, jenis FROM warga "
                              "ORDER BY nama IS NULL";
    ask(sql, false);
    leaks_nothing(sql);
    assert_true(told("[\"Siti\",\"3604••••••••0001\",null,null,null,null]"));
    assert_true(told("[null,null,null,null,null,\"open\"]"));
    assert_true(told("\"masked\":[\"warga.nik\",\"warga.lain\",\"warga.sakit\",\"warga.rahasia\","
                     "\"warga.jenis\"]"));
    ask("SELECT nama FROM warga w WHERE area LIKE '36.04.29%'", false);
    assert_true(told("\"masked\":[]"));
    ask("SELECT count(*) FROM warga", false);
    assert_true(told("[2]"));
}

static void what_is_masked_is_no_oracle(void **state)
{
    (void)state;
    static const char *const none[] = {
        "SELECT count(*) FROM warga WHERE nik = '" NIK "'",
        "SELECT count(*) FROM warga WHERE nik LIKE '%07800001'",
        "SELECT count(*) FROM warga WHERE sakit IS NOT NULL",
        "SELECT count(*) FROM warga WHERE rahasia LIKE 'korban%'",
        "SELECT count(*) FROM warga WHERE jenis = 'shut'",
        "SELECT count(*) FROM v_warga WHERE nik = '" NIK "'",
    };
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        ask(none[i], false);
        if (!told("{\"cells\":[0]}"))
            fail_msg("%s: %s", none[i], answer);
    }
}

static void no_other_way_leads_to_the_values(void **state)
{
    (void)state;
    static const char *const attacks[] = {
        "SELECT nik FROM main.warga",
        "SELECT * FROM main.warga",
        "SELECT * FROM \"main\".\"WARGA\"",
        "SELECT nik FROM main.v_warga",
        "SELECT w.nik FROM main.warga AS w JOIN warga USING (_id)",
        "SELECT nama FROM warga WHERE EXISTS (SELECT 1 FROM main.warga WHERE nik = '" NIK "')",
        "SELECT (SELECT nik FROM main.warga LIMIT 1)",
        "SELECT nama FROM warga ORDER BY (SELECT sakit FROM main.warga LIMIT 1)",
        "WITH warga AS (SELECT nik FROM main.warga) SELECT nik FROM warga",
        "WITH v_warga AS (SELECT nik FROM main.warga) SELECT nik FROM v_warga",
        "WITH tksk AS (SELECT nik FROM main.warga) SELECT nik FROM tksk",
        "WITH tksk_ AS (SELECT nik FROM main.warga) SELECT nik FROM tksk_",
        "WITH RECURSIVE warga(n) AS (SELECT nik FROM main.warga) SELECT n FROM warga",
        "WITH a AS (WITH warga AS (SELECT * FROM main.warga) SELECT * FROM warga) SELECT * FROM a",
        "SELECT json_group_array(nik) FROM main.warga",
        "SELECT value FROM main.warga, json_each(main.warga.lain)",
        "SELECT _rowid_, rowid FROM main.warga",
        "SELECT nik FROM (SELECT * FROM main.warga)",
        "SELECT nik FROM warga UNION ALL SELECT nik FROM main.warga",
        "SELECT nik FROM warga EXCEPT SELECT nik FROM main.warga",
        "VALUES ((SELECT max(nik) FROM main.warga))",
        "SELECT max(nik) OVER () FROM main.warga",
        "SELECT sql FROM sqlite_master",
        "SELECT sql FROM main.sqlite_schema",
        "SELECT name, sql FROM temp.sqlite_master",
        "SELECT name, sql FROM sqlite_temp_schema",
        "SELECT * FROM pragma_table_info('warga')",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM dbstat",
        "SELECT * FROM sqlite_dbpage",
        "PRAGMA table_info(warga)",
        "PRAGMA query_only=OFF",
        "PRAGMA writable_schema=ON",
        "EXPLAIN SELECT nik FROM warga",
        "EXPLAIN QUERY PLAN SELECT nik FROM warga",
        "ATTACH '/tmp/x.db' AS x",
        "CREATE TEMP TABLE t AS SELECT nik FROM main.warga",
        "DROP VIEW temp.warga",
        "CREATE TEMP VIEW warga AS SELECT * FROM main.warga",
        "SELECT sealed FROM tksk_data_key",
        "SELECT frame FROM tksk_hello",
        "SELECT value FROM tksk_meta",
        "SELECT load_extension('x')",
    };
    for (size_t i = 0; i < COUNT_OF(attacks); i++) {
        ask(attacks[i], false);
        leaks_nothing(attacks[i]);
        if (!told("{\"error\":") || told("{\"done\":"))
            fail_msg("answered: %s\n%s", attacks[i], answer);
    }
}

static void the_stores_own_tables_tell_no_values(void **state)
{
    (void)state;
    static const char *const questions[] = {
        "SELECT * FROM tksk_txn",      "SELECT hex(body) FROM tksk_txn WHERE body IS NOT NULL",
        "SELECT * FROM tksk_journal",  "SELECT CAST(entry AS TEXT) FROM main.tksk_journal",
        "SELECT * FROM tksk_change",   "SELECT * FROM tksk_conflict",
        "SELECT * FROM tksk_entry",    "SELECT count(*) FROM tksk_data_key",
        "SELECT * FROM tksk_document",
    };
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        ask(questions[i], false);
        leaks_nothing(questions[i]);
        if (!told("{\"done\":"))
            fail_msg("%s: %s", questions[i], answer);
    }
    ask("SELECT count(body), count(*) > 0 FROM tksk_txn", false);
    assert_true(told("[0,1]"));
    ask("SELECT count(held_value), count(chosen) FROM tksk_conflict", false);
    assert_true(told("[0,0]"));
    ask("SELECT count(entry) FROM tksk_journal", false);
    assert_true(told("[0]"));
    ask("SELECT count(signed), count(*) > 0 FROM tksk_document", false);
    assert_true(told("[0,1]"));
}

static void a_full_question_reads_everything_and_still_only_reads(void **state)
{
    (void)state;
    ask("SELECT nik, sakit, rahasia, jenis FROM warga WHERE nama = 'Siti'", true);
    assert_true(told("[\"" NIK "\",\"" SPECIFIC "\",\"" RESTRICTED "\",\"shut\"]"));
    ask("SELECT count(body) > 0 FROM tksk_txn", true);
    assert_true(told("[1]"));
    static const char *const refused[] = { "DELETE FROM warga", "PRAGMA query_only=OFF",
                                           "ATTACH '/tmp/x.db' AS x" };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        ask(refused[i], true);
        assert_true(told("{\"error\":"));
    }
}

/* ---- the log */

static void a_chain_is_kept_over_a_restart_and_found_broken(void **state)
{
    (void)state;
    char path[128];
    struct access_store *store = NULL;
    struct access_check check;
    struct problem problem = { .code = OK };
    struct access_row row = {
        .wall_ms = 5, .op = ACCESS_QUERY, .who = 1000, .name = bytes_text("ani")
    };
    const struct access_note note = { bytes_text("SELECT 1"), bytes_text("periksa") };
    (void)snprintf(path, sizeof path, "%s/access.db", f.directory);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(access_store_open(path, NULL, &store, &problem), OK);
        for (unsigned k = 0; k < 3; k++)
            assert_int_equal(access_store_put(store, &row, &note), OK);
        assert_int_equal(access_store_check(store, &check), OK);
        assert_int_equal(check.fault, ACCESS_SOUND);
        assert_int_equal(check.end.last, 3 * (i + 1));
        access_store_close(&store);
    }
    struct db db;
    static const char *const steps[] = { "" };
    const struct db_kind kind = {
        .application_id = 0x746b7361, .steps = steps, .step_count = 1, .autocheckpoint_pages = 100
    };
    assert_int_equal(db_open(path, NULL, &kind, &db, &problem), OK);
    assert_int_equal(db_exec(&db, "UPDATE access SET name = 'budi' WHERE number = 4"), OK);
    db_close(&db);
    assert_int_equal(access_store_open(path, NULL, &store, &problem), OK);
    assert_int_equal(access_store_check(store, &check), OK);
    assert_int_equal(check.fault, ACCESS_ALTERED);
    assert_int_equal(check.at, 4);
    access_store_close(&store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_stay_and_numbers_are_masked),
        TEST(what_is_masked_is_no_oracle),
        TEST(no_other_way_leads_to_the_values),
        TEST(the_stores_own_tables_tell_no_values),
        TEST(a_full_question_reads_everything_and_still_only_reads),
        TEST(a_chain_is_kept_over_a_restart_and_found_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
