/* The books of every office: two counts of the same work, which can disagree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "hub/hub_admin_inside.h"
#include "tests/support/hub_fixture.h"

#define JULY_MS UINT64_C(1785000000000)     /* 2026-07-25: after the term of OPERATOR_LATE */
#define MAY_LAST_MS UINT64_C(1780246799000) /* the last second of May at UTC+7 */

static struct fixture f;
static json_t *rows, *done, *failed;

static int set_up(void **state)
{
    (void)state;
    fixture_open(&f, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(rows);
    json_decref(done);
    json_decref(failed);
    rows = done = failed = NULL;
    fixture_close(&f);
    return 0;
}

/* `harm`: SQL that is done to the copy first; NULL: none. */
static void reconcile(const char *text, const char *harm)
{
    char path[128], line[4096], *out = NULL;
    size_t len = 0;
    struct problem problem = { .code = OK };
    (void)snprintf(path, sizeof(path), "%s/copy.db", f.directory);
    assert_int_equal(hub_store_copy(f.store, path, &problem), OK);
    if (harm) {
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, harm, NULL, NULL, NULL), SQLITE_OK);
        assert_true(sqlite3_changes(db) > 0);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
    FILE *file = open_memstream(&out, &len);
    assert_non_null(file);
    hub_reconcile_write(path, text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(unlink(path), 0);
    json_decref(rows);
    json_decref(done);
    json_decref(failed);
    rows = json_array();
    done = failed = NULL;
    file = fmemopen(out, len, "r");
    while (fgets(line, sizeof(line), file)) {
        json_t *object = json_loads(line, 0, NULL);
        assert_non_null(object);
        if (json_object_get(object, "row"))
            json_array_append(rows, json_object_get(object, "row"));
        if (json_object_get(object, "done"))
            done = json_incref(json_object_get(object, "done"));
        if (json_object_get(object, "error"))
            failed = json_incref(json_object_get(object, "error"));
        json_decref(object);
    }
    (void)fclose(file);
    free(out);
}

static json_int_t figure(const char *node, const char *key)
{
    size_t at;
    json_t *row;
    json_array_foreach(rows, at, row) {
        if (strcmp(json_string_value(json_object_get(row, "node")), node) == 0) {
            assert_true(json_is_integer(json_object_get(row, key)));
            return json_integer_value(json_object_get(row, key));
        }
    }
    fail_msg("no row of %s", node);
    return -1;
}

static size_t unbalanced(void)
{
    assert_non_null(done);
    return json_array_size(json_object_get(done, "unbalanced"));
}

static struct draft *person(uint32_t op, uint64_t claimed_ms, const char *area, struct id *ret_id)
{
    struct draft *d = draft_new(&f, NODE_A, op);
    *ret_id = fixture_id(&f);
    d->claimed_ms = claimed_ms;
    draft_create(d, "person", ret_id, VALUES(V_TEXT("area", area), V_TEXT("name", "Ani")));
    return d;
}

static void heard(const struct id *incarnation, uint64_t normal)
{
    const uint64_t highest[LANE_COUNT] = { 0, normal, 0 };
    const struct policy_mark mark = { .trust_version = 2 };
    assert_int_equal(hub_store_begin(f.store), OK);
    assert_int_equal(
        hub_store_heard(f.store, f.nodes[NODE_A].name, incarnation, highest, &mark, 77), OK);
    assert_int_equal(hub_store_commit(f.store), OK);
}

/* One of each: what is taken, refused, kept, what waits behind it, a policy entry, an entry that
 * did not open, and one that came twice. */
static void a_day(void)
{
    struct id id, other, late;
    fixture_policy_entry(&f, NODE_A, LANE_NORMAL);
    struct draft *d = person(OPERATOR_A, FIXTURE_CLAIMED_MS, "36.04.29", &id);
    other = fixture_id(&f);
    draft_create(d, "person", &other, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "B")));
    struct signed_txn *first = draft_sign(d);
    (void)fixture_send_at(&f, first, NODE_A, LANE_NORMAL);
    (void)fixture_send(person(OPERATOR_A, MAY_LAST_MS, "36.04.30", &other)); /* another's area */
    struct sent kept = fixture_send(person(OPERATOR_LATE, JULY_MS, "36.04.29", &late));
    d = draft_new(&f, NODE_A, OPERATOR_A);
    d->claimed_ms = MAY_LAST_MS + 1000; /* June */
    draft_update(d, "person", &late, base_leaf(0, &kept.leaf), VALUES(V_TEXT("name", "C")));
    (void)fixture_send(d);
    d = person(OPERATOR_A, FIXTURE_CLAIMED_MS, "36.04.29", &other);
    d->fault = ERR_DECRYPT;
    (void)fixture_send(d);
    (void)fixture_send_at(&f, first, NODE_A, LANE_NORMAL);
    free(first);
}

static void the_books_balance_whatever_became_of_the_work(void **state)
{
    (void)state;
    a_day();
    reconcile("36.04", NULL);
    assert_null(failed);
    assert_int_equal(unbalanced(), 0);
    assert_int_equal(figure("36.04.29", "entered"), 5);
    assert_int_equal(figure("36.04.29", "accepted"), 1); /* of two changes */
    assert_int_equal(figure("36.04.29", "rejected"), 2);
    assert_int_equal(figure("36.04.29", "unreadable"), 1);
    assert_int_equal(figure("36.04.29", "quarantined"), 1);
    assert_int_equal(figure("36.04.29", "pending"), 1);
    assert_int_equal(figure("36.04.29", "policy"), 1);
    assert_int_equal(figure("36.04.29", "again"), 1);
    assert_int_equal(figure("36.04.29", "difference"), 0);
}

static void what_an_office_has_queued_is_pending_and_what_moved_counts_once(void **state)
{
    (void)state;
    struct id id, former = f.nodes[NODE_A].incarnation;
    (void)fixture_send(person(OPERATOR_A, FIXTURE_CLAIMED_MS, "36.04.29", &id));
    heard(&former, 4);
    reconcile("36.04", NULL);
    assert_int_equal(figure("36.04.29", "entered"), 4);
    assert_int_equal(figure("36.04.29", "pending"), 3);
    /* The machine goes on under a new incarnation and queues those three again. */
    fixture_reincarnate(&f, NODE_A, true);
    heard(&f.nodes[NODE_A].incarnation, 3);
    reconcile("36.04", NULL);
    assert_int_equal(figure("36.04.29", "entered"), 4);
    assert_int_equal(figure("36.04.29", "queued"), 3);
    assert_int_equal(unbalanced(), 0);
}

static void what_a_former_machine_had_queued_is_not_forgotten(void **state)
{
    (void)state;
    uint8_t space[512];
    struct writer ops = writer_of(space, sizeof(space));
    struct trust_node node = { .name = "36.04.29", .area = "36.04.29" };
    struct id id;
    (void)fixture_send(person(OPERATOR_A, FIXTURE_CLAIMED_MS, "36.04.29", &id));
    heard(&f.nodes[NODE_A].incarnation, 4);
    memset(node.device_key.at, 7, sizeof(node.device_key.at));
    memset(node.curve_key.at, 8, sizeof(node.curve_key.at));
    memset(node.seal_key.at, 9, sizeof(node.seal_key.at));
    trust_op_node(&ops, &node);
    fixture_trust(&f, 1, writer_bytes(&ops));
    fixture_reincarnate(&f, NODE_A, true);
    reconcile("36.04", NULL);
    assert_int_equal(figure("36.04.29", "lost"), 3);
    assert_int_equal(figure("36.04.29", "queued"), 0);
    assert_int_equal(figure("36.04.29", "entered"), 4);
    assert_int_equal(unbalanced(), 0);
}

static void a_month_holds_what_claims_to_be_of_it_and_months_add_up_to_the_whole(void **state)
{
    (void)state;
    static const char *const months[] = { "36.04 2026-05", "36.04 2026-06", "36.04 2026-07" };
    static const json_int_t entered[] = { 2, 1, 1 };
    json_int_t sum = 0;
    a_day();
    heard(&f.nodes[NODE_A].incarnation, 9);
    for (size_t i = 0; i < COUNT_OF(months); i++) {
        reconcile(months[i], NULL);
        assert_int_equal(unbalanced(), 0);
        assert_int_equal(figure("36.04.29", "entered"), entered[i]);
        assert_int_equal(figure("36.04.29", "undated"), 3); /* two not here, one did not open */
        sum += figure("36.04.29", "entered");
    }
    json_int_t undated = figure("36.04.29", "undated");
    reconcile("36.04", NULL);
    assert_int_equal(figure("36.04.29", "entered"), sum + undated);
    reconcile("36.04 2026-13", NULL);
    assert_non_null(failed);
}

static void books_that_were_tampered_with_do_not_balance(void **state)
{
    (void)state;
    static const char *const harms[] = {
        "DELETE FROM tksk_change WHERE txn = (SELECT min(txn) FROM tksk_change)",
        "DELETE FROM tksk_change WHERE idx = 1",
        "DELETE FROM tksk_entry WHERE txn = number AND seq = 3",
        "DELETE FROM tksk_txn WHERE number = (SELECT max(number) FROM tksk_txn)",
        "UPDATE tksk_lane SET received = received + 1 WHERE node = '36.04.29' AND lane = 1",
        "UPDATE tksk_entry SET txn = NULL WHERE txn = number AND seq = 4",
    };
    a_day();
    for (size_t i = 0; i < COUNT_OF(harms); i++) {
        const char *harm = harms[i];
        reconcile("36.04", harm);
        if (unbalanced() != 1)
            fail_msg("balances after: %s", harm);
        assert_string_equal(
            json_string_value(json_array_get(json_object_get(done, "unbalanced"), 0)), "36.04.29");
        reconcile("36.04 2026-05", harm); /* a month says so too */
        assert_int_equal(unbalanced(), 1);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_books_balance_whatever_became_of_the_work),
        TEST(what_an_office_has_queued_is_pending_and_what_moved_counts_once),
        TEST(what_a_former_machine_had_queued_is_not_forgotten),
        TEST(a_month_holds_what_claims_to_be_of_it_and_months_add_up_to_the_whole),
        TEST(books_that_were_tampered_with_do_not_balance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
