/* Proofs over the journal, lists for people, copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <unistd.h>

#include "proto/value.h"
#include "tests/support/hub_fixture.h"

static struct fixture f;

/* Some alter the store beside itself: what came about is not asked for. */
static int tear_down(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

static struct sent person_new(unsigned node, uint32_t op, struct id *ret_id)
{
    struct draft *d = draft_new(&f, node, op);
    *ret_id = fixture_id(&f);
    d->short_number = 417;
    draft_create(d, "person", ret_id,
                 VALUES(V_TEXT("area", f.nodes[node].name), V_TEXT("name", "Ani"),
                        V_TEXT("secret", "hush")));
    return fixture_send(d);
}

static struct hash content(void)
{
    struct hash hash;
    assert_int_equal(hub_store_content_hash(f.store, &hash), OK);
    return hash;
}

static void path_of(const char *name, char ret[128])
{
    (void)snprintf(ret, 128, "%s/%s", f.directory, name);
}

/* --- proofs ---------------------------------------------------------------------------------- */

/* Closes the store and alters its file. */
static void alter(const char *sql)
{
    char path[128];
    sqlite3 *db = NULL;
    path_of("hub.db", path);
    hub_store_close(&f.store);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void raw_sql(const char *sql)
{
    alter(sql);
    f.store = fixture_store_at(&f, "hub.db");
}

static void what_was_altered_beside_the_store_is_found(void **state)
{
    (void)state;
    static const char *const forgeries[] = {
        "UPDATE tksk_journal SET entry = (SELECT entry FROM tksk_journal WHERE number = 4) "
        "WHERE number = 5",
        "UPDATE tksk_journal SET hash = zeroblob(32) WHERE number = 4",
        "DELETE FROM tksk_journal WHERE number = 4",
        "UPDATE tksk_txn SET body = (SELECT body FROM tksk_txn WHERE number = 4) WHERE number = 5",
        "UPDATE tksk_entry SET leaf = zeroblob(32) WHERE seq = 1",
        "UPDATE tksk_document SET hash = zeroblob(32); UPDATE tksk_journal SET entry = "
        "(SELECT entry FROM tksk_journal WHERE number = 2) WHERE number = 1",
    };
    char path[128];
    struct problem problem = { .code = OK };
    for (size_t i = 0; i < COUNT_OF(forgeries); i++) {
        struct id id;
        fixture_close(&f);
        fixture_open(&f, false);
        (void)person_new(NODE_A, OPERATOR_A, &id);
        (void)person_new(NODE_A, OPERATOR_A, &id);
        assert_int_equal(hub_store_verify(f.store, &problem), OK);
        raw_sql(forgeries[i]);
        assert_int_equal(hub_store_verify(f.store, &problem), ERR_STORE);
        assert_true(problem.thing[0] != '\0');
    }
    /* A trust part that does not fold is not even opened. */
    alter("UPDATE tksk_document SET signed = (SELECT signed FROM tksk_document WHERE kind = 2 AND "
          "version = 1) WHERE kind = 2 AND version = 2");
    path_of("hub.db", path);
    assert_int_equal(hub_store_open(path, NULL, FIXTURE_DISTRICT, &f.store, &problem), ERR_STATE);
    assert_null(f.store);
}

static void the_content_hash_sees_every_kind_of_state(void **state)
{
    (void)state;
    static const char *const touches[] = {
        "UPDATE person SET name = 'Eve'",
        "UPDATE person SET _rev = _rev + 1",
        "UPDATE person SET _revs = x'0105'",
        "UPDATE person SET _deleted = 1",
        "UPDATE tksk_change SET disposition = 3",
        "UPDATE tksk_change SET reason = 'area'",
        "UPDATE tksk_lane SET received = received + 1",
        "UPDATE tksk_lane SET head = zeroblob(32)",
        "UPDATE tksk_conflict SET held_value = x'01'",
        "UPDATE tksk_document SET hash = zeroblob(32)",
        "UPDATE tksk_scope SET number = number + 1000",
        "UPDATE tksk_field SET type = 'money' WHERE name = 'age'",
    };
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, &id);
    for (int age = 1; age <= 2; age++) {
        struct draft *d =
            draft_new(&f, age == 1 ? NODE_D : NODE_A, age == 1 ? OPERATOR_D : OPERATOR_A);
        draft_update(d, "person", &id, base_rev(made.number), VALUES(V_INT("age", age)));
        (void)fixture_send(d);
    }
    struct hash last = content();
    for (size_t i = 0; i < COUNT_OF(touches); i++) {
        raw_sql(touches[i]);
        struct hash now = content();
        if (memcmp(now.at, last.at, HASH_BYTES) == 0)
            fail_msg("unseen: %s", touches[i]);
        last = now;
    }
    raw_sql("UPDATE tksk_journal SET wall_ms = wall_ms + 1");
    struct hash now = content();
    assert_memory_equal(now.at, last.at, HASH_BYTES);
}

static void a_replay_of_an_altered_store_stops(void **state)
{
    (void)state;
    struct id id;
    (void)person_new(NODE_A, OPERATOR_A, &id);
    (void)person_new(NODE_A, OPERATOR_A, &id);
    raw_sql("UPDATE tksk_txn SET body = (SELECT body FROM tksk_txn WHERE number = 4) "
            "WHERE number = 5; UPDATE tksk_journal SET hash = zeroblob(32) WHERE number = 4");
    struct hub_store *into = fixture_store_at(&f, "into.db");
    assert_int_equal(hub_store_replay(f.store, into), ERR_STORE);
    hub_store_close(&into);
}

/* --- lists ----------------------------------------------------------------------------------- */

struct seen {
    unsigned rows;
    char text[4096];
};

static void see(void *ctx, const struct hub_row *row)
{
    struct seen *seen = ctx;
    size_t len = strlen(seen->text);
    seen->rows++;
    for (int i = 0; i < row->count; i++)
        len += (size_t)snprintf(seen->text + len, sizeof(seen->text) - len, "%s=%s ", row->names[i],
                                row->values[i] ? row->values[i] : "-");
}

static struct seen list(enum hub_list which, const char *a, const char *b)
{
    struct seen seen = { .rows = 0 };
    const char *const parameters[] = { a, b };
    assert_int_equal(hub_store_list(f.store, which, parameters, see, &seen), OK);
    return seen;
}

static void lists_tell_people_what_there_is(void **state)
{
    (void)state;
    struct id id;
    char uuid[UUID_TEXT_BYTES];
    struct sent made = person_new(NODE_A, OPERATOR_A, &id);
    for (int age = 1; age <= 2; age++) {
        struct draft *d =
            draft_new(&f, age == 1 ? NODE_D : NODE_A, age == 1 ? OPERATOR_D : OPERATOR_A);
        draft_update(d, "person", &id, base_rev(made.number), VALUES(V_INT("age", age)));
        (void)fixture_send(d);
    }
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_LATE);
    struct id late = fixture_id(&f);
    d->claimed_ms += UINT64_C(90) * 24 * 3600 * 1000;
    draft_create(d, "person", &late, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x")));
    (void)fixture_send(d);
    uuid_to_text(&id, uuid);

    struct seen seen = list(HUB_LIST_NODES, NULL, NULL);
    assert_int_equal(seen.rows, 3);
    assert_non_null(strstr(seen.text, "node=36.04.29 area=36.04.29 roster=enrolled state=active"));
    seen = list(HUB_LIST_CONFLICTS, NULL, NULL);
    assert_int_equal(seen.rows, 1);
    assert_non_null(
        strstr(seen.text, "field=age value_a=1 value_b=2 author_a=36.04 author_b=36.04.29"));
    assert_non_null(strstr(seen.text, uuid));
    seen = list(HUB_LIST_REVIEW, NULL, NULL);
    assert_int_equal(seen.rows, 1);
    assert_non_null(strstr(seen.text, "state=quarantined reason=term_ended changes=1"));
    seen = list(HUB_LIST_TOTALS, NULL, NULL);
    assert_non_null(strstr(seen.text, "disposition=accepted count=2 "));
    assert_non_null(strstr(seen.text, "disposition=held count=1 "));
    assert_non_null(strstr(seen.text, "disposition=quarantined count=1 "));
    seen = list(HUB_LIST_COLLECTIONS, NULL, NULL);
    assert_non_null(strstr(seen.text, "collection=person records=1 "));
    seen = list(HUB_LIST_HISTORY, uuid, NULL);
    assert_int_equal(seen.rows, 3);
    assert_non_null(strstr(seen.text, "op=create disposition=accepted"));
    assert_non_null(strstr(seen.text, "op=update disposition=held reason=- field=age"));
    seen = list(HUB_LIST_RECORDS, "person", "36.04");
    assert_int_equal(seen.rows, 1);
    assert_non_null(strstr(seen.text, "name=Ani"));
    assert_null(strstr(seen.text, "hush")); /* restricted values stay out of lists */
    assert_int_equal(list(HUB_LIST_RECORDS, "person", "36.04.2").rows, 0);
    assert_int_equal(list(HUB_LIST_RECORDS, "person", "%").rows, 1);
    assert_int_equal(hub_store_list(f.store, HUB_LIST_RECORDS,
                                    (const char *const[]){ "person\"; DROP", "%" }, see, &seen),
                     ERR_NOT_FOUND);
    seen = list(HUB_LIST_FIND, "29-0417", NULL);
    assert_int_equal(seen.rows, 1);
    assert_non_null(strstr(seen.text, uuid));
    uuid[13] = '\0';
    assert_int_equal(list(HUB_LIST_FIND, uuid, NULL).rows, 1);
    assert_int_equal(list(HUB_LIST_FIND, "29-0418", NULL).rows, 0);
    assert_int_equal(list(HUB_LIST_FIND, "0190", NULL).rows, 0);
}

static void a_copy_opens_in_any_sqlite_with_views_for_people(void **state)
{
    (void)state;
    char path[128];
    struct id id;
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    struct problem problem = { .code = OK };
    (void)person_new(NODE_A, OPERATOR_A, &id);
    path_of("copy.db", path);
    assert_int_equal(hub_store_copy(f.store, path, &problem), OK);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT id, short, name FROM v_person", -1, &st, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    char uuid[UUID_TEXT_BYTES];
    uuid_to_text(&id, uuid);
    assert_string_equal((const char *)sqlite3_column_text(st, 0), uuid);
    assert_string_equal((const char *)sqlite3_column_text(st, 1), "29-0417");
    assert_string_equal((const char *)sqlite3_column_text(st, 2), "Ani");
    (void)sqlite3_finalize(st);
    assert_int_not_equal(sqlite3_prepare_v2(db, "SELECT secret FROM v_person", -1, &st, NULL),
                         SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_not_equal(hub_store_copy(f.store, path, &problem), OK); /* never over a file */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_prestate_setup_teardown(name, fixture_set_up, tear_down, &f)
    const struct CMUnitTest tests[] = {
        TEST(what_was_altered_beside_the_store_is_found),
        TEST(the_content_hash_sees_every_kind_of_state),
        TEST(a_replay_of_an_altered_store_stops),
        TEST(lists_tell_people_what_there_is),
        TEST(a_copy_opens_in_any_sqlite_with_views_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
