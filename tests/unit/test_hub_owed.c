/* What waits for an answer at the hub, and since when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/hub_fixture.h"

static struct fixture f;

#define STEPS                                                                                      \
    "code_list step { version '2020-01-01' { code drawn { } code asked { } code looked { }\n"      \
    "    code done { } } }\n"                                                                      \
    "code_list unit { version '2020-01-01' { code money { } code homes { } } }\n"
#define ASK(answer)                                                                                \
    "collection ask { title = 'Ask' area_field = area\n"                                           \
    "field area { type = area required = true authority = {T, D} sensitivity = U }\n"              \
    "field step { type = enum codes = step authority = {T} sensitivity = U }\n"                    \
    "field unit { type = enum codes = unit authority = {T} sensitivity = U }\n"                    \
    "field said { type = list element = map authority = {T} sensitivity = U }\n" answer "}\n"
#define ANSWER "answer { field = said state = step unit = unit days = 14 open = {asked, looked} }\n"

static void rules(const char *more)
{
    char text[16384];
    int len = snprintf(text, sizeof text, "%s" STEPS "%s", fixture_source, more);
    assert_true(len > 0 && (size_t)len < sizeof text);
    fixture_rules(&f, text);
}

/* --- helpers --------------------------------------------------------------------------------- */

static struct id ask(const char *step, const char *unit, uint64_t *ret_number)
{
    struct id id = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    d->short_number = 7;
    draft_create(d, "ask", &id,
                 VALUES(V_TEXT("area", f.nodes[NODE_A].name), V_TEXT("step", step),
                        unit != NULL ? V_TEXT("unit", unit) : V_NIL("unit")));
    *ret_number = fixture_send(d).number;
    return id;
}

static uint64_t change(const struct id *id, const struct value *values, size_t count)
{
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "ask", id, base_rev(fixture_rev(&f, "ask", id)), values, count);
    return fixture_send(d).number;
}

struct listed {
    unsigned count;
    struct {
        char id[40], unit[24], state[24], since[24];
    } rows[600];
};

static const char *text_of(const struct hub_row *row, const char *name)
{
    for (int i = 0; i < row->count; i++)
        if (strcmp(row->names[i], name) == 0)
            return row->values[i] != NULL ? row->values[i] : "";
    fail_msg("no column %s", name);
    return "";
}

static void take(void *ctx, const struct hub_row *row)
{
    struct listed *listed = ctx;
    assert_true(listed->count < COUNT_OF(listed->rows));
    snprintf(listed->rows[listed->count].id, 40, "%s", text_of(row, "id"));
    snprintf(listed->rows[listed->count].unit, 24, "%s", text_of(row, "unit"));
    snprintf(listed->rows[listed->count].state, 24, "%s", text_of(row, "state"));
    snprintf(listed->rows[listed->count++].since, 24, "%s", text_of(row, "since"));
}

/* All pages. */
static const struct listed *owed(void)
{
    static struct listed all;
    char since[24] = "0", id[40] = "";
    unsigned before;
    all.count = 0;
    do {
        const char *const from[] = { since, id };
        before = all.count;
        assert_int_equal(hub_store_list(f.store, HUB_LIST_OWED, from, take, &all), OK);
        if (all.count > before) {
            memcpy(since, all.rows[all.count - 1].since, sizeof since);
            memcpy(id, all.rows[all.count - 1].id, sizeof id);
        }
    } while (all.count > before);
    return &all;
}

static struct value answer_value(void)
{
    static const uint8_t one[] = { 0x91, 0x81, 0xa1, 'k', 0xa1, 'v' };
    return V_RAW("said", bytes_of(one, sizeof one));
}

/* --- tests ----------------------------------------------------------------------------------- */

static void what_comes_into_an_open_state_waits_from_that_entry_on(void **state)
{
    uint64_t made, opened;
    (void)state;
    rules(ASK(ANSWER));
    struct id id = ask("drawn", NULL, &made);
    assert_int_equal(owed()->count, 0);
    opened = change(&id, VALUES(V_TEXT("step", "asked")));
    assert_true(opened > made);
    assert_int_equal(owed()->count, 1);
    assert_int_equal(strtoull(owed()->rows[0].since, NULL, 10), opened);
    /* To another open state, or another unit: it has waited since. */
    (void)change(&id, VALUES(V_TEXT("step", "looked"), V_TEXT("unit", "homes")));
    assert_int_equal(owed()->count, 1);
    assert_int_equal(strtoull(owed()->rows[0].since, NULL, 10), opened);
    assert_string_equal(owed()->rows[0].state, "looked");
    assert_string_equal(owed()->rows[0].unit, "homes");
    assert_int_equal(hub_store_verify(f.store, &(struct problem){ .code = OK }), OK);
}

static void an_answer_a_closed_state_and_a_delete_end_it(void **state)
{
    static const uint8_t empty[] = { 0x90 };
    uint64_t number;
    (void)state;
    rules(ASK(ANSWER));
    struct id answered = ask("asked", "money", &number), closed = ask("asked", "money", &number),
              gone = ask("asked", "money", &number), left = ask("asked", "money", &number);
    assert_int_equal(owed()->count, 4);
    (void)change(&answered, VALUES(V_RAW("said", bytes_of(empty, sizeof empty))));
    assert_int_equal(owed()->count, 4); /* an empty list says nothing */
    (void)change(&answered, VALUES(answer_value()));
    (void)change(&closed, VALUES(V_TEXT("step", "done")));
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_delete(d, "ask", &gone, base_rev(fixture_rev(&f, "ask", &gone)));
    (void)fixture_send(d);
    assert_int_equal(owed()->count, 1);
    /* It comes back when the state opens again, from then on. */
    uint64_t again = change(&closed, VALUES(V_TEXT("step", "asked")));
    assert_int_equal(owed()->count, 2);
    assert_int_equal(strtoull(owed()->rows[1].since, NULL, 10), again);
    (void)left;
}

static void the_longest_waiting_come_first_over_pages(void **state)
{
    uint64_t number, before = 0;
    (void)state;
    rules(ASK(ANSWER));
    for (unsigned i = 0; i < 520; i++)
        (void)ask("asked", i % 2 ? "money" : NULL, &number);
    const struct listed *all = owed();
    assert_int_equal(all->count, 520);
    for (unsigned i = 0; i < all->count; i++) {
        uint64_t since = strtoull(all->rows[i].since, NULL, 10);
        assert_true(since > before);
        before = since;
    }
}

static void count_unit(void *ctx, const struct hub_row *row)
{
    uint64_t *counts = ctx;
    bool money = strcmp(text_of(row, "unit"), "money") == 0;
    counts[money] += strtoull(text_of(row, "count"), NULL, 10);
    counts[2] += strtoull(text_of(row, "late"), NULL, 10);
}

static void units_are_counted_with_what_is_late(void **state)
{
    uint64_t number, counts[3] = { 0 };
    char now[24];
    (void)state;
    rules(ASK(ANSWER));
    (void)ask("asked", "money", &number);
    (void)ask("asked", NULL, &number);
    snprintf(now, sizeof now, "%llu", (unsigned long long)(1000 + f.minted)); /* of the last one */
    (void)ask("asked", "money", &number);
    const char *const parameters[] = { "ask", now };
    assert_int_equal(hub_store_list(f.store, HUB_LIST_OWED_UNITS, parameters, count_unit, counts),
                     OK);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 2);
    assert_int_equal(counts[2], 1); /* the first alone is older */
}

static void a_policy_that_asks_for_answers_later_finds_what_waits(void **state)
{
    uint64_t number;
    (void)state;
    rules(ASK(""));
    struct id waiting = ask("asked", "homes", &number);
    (void)ask("drawn", "homes", &number);
    struct id answered = ask("asked", "homes", &number);
    (void)change(&answered, VALUES(answer_value()));
    assert_int_equal(owed()->count, 0);
    rules(ASK(ANSWER));
    assert_int_equal(owed()->count, 1);
    assert_string_equal(owed()->rows[0].unit, "homes");
    assert_int_equal(strtoull(owed()->rows[0].since, NULL, 10), fixture_rev(&f, "ask", &waiting));
    rules(ASK(ANSWER)); /* and keeps it */
    assert_int_equal(owed()->count, 1);
    rules(ASK("")); /* and lets it go */
    assert_int_equal(owed()->count, 0);
}

static void the_list_follows_from_the_journal(void **state)
{
    struct hub_store *again = fixture_store_at(&f, "again.db");
    uint64_t number;
    struct listed copy = { .count = 0 };
    const char *const from[] = { "0", "" };
    (void)state;
    rules(ASK(ANSWER));
    (void)ask("asked", "money", &number);
    struct id id = ask("asked", NULL, &number);
    (void)change(&id, VALUES(answer_value()));
    assert_int_equal(hub_store_replay(f.store, again), OK);
    assert_int_equal(hub_store_list(again, HUB_LIST_OWED, from, take, &copy), OK);
    assert_int_equal(copy.count, owed()->count);
    assert_string_equal(copy.rows[0].id, owed()->rows[0].id);
    assert_string_equal(copy.rows[0].since, owed()->rows[0].since);
    hub_store_close(&again);
}

static void take_values(void *ctx, const struct hub_row *row)
{
    unsigned *seen = ctx;
    assert_int_equal(row->count, 3);
    assert_int_equal(strlen(row->values[0]), 32);
    seen[0]++;
    seen[1] += strcmp(row->values[1], "asked") == 0 && strcmp(row->values[2], "money") == 0;
}

static void values_for_counting_come_in_pages_without_the_deleted(void **state)
{
    uint64_t number;
    struct listed page = { .count = 0 };
    (void)state;
    rules(ASK(ANSWER));
    (void)ask("asked", "money", &number);
    struct id gone = ask("asked", "homes", &number);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_delete(d, "ask", &gone, base_rev(number));
    (void)fixture_send(d);
    const char *bad[] = { "ask", "", "step,nobody" };
    assert_int_equal(hub_store_list(f.store, HUB_LIST_VALUES, bad, take, &page), ERR_FIELD);
    const char *const nowhere[] = { "tksk_txn", "", "step" };
    assert_int_equal(hub_store_list(f.store, HUB_LIST_VALUES, nowhere, take, &page), ERR_NOT_FOUND);
    unsigned seen[2] = { 0 };
    const char *const good[] = { "ask", "", "step,unit" };
    assert_int_equal(hub_store_list(f.store, HUB_LIST_VALUES, good, take_values, seen), OK);
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], 1);
    assert_int_equal(page.count, 0);
}

#define TEST(name) FIXTURE_TEST(name, &f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_comes_into_an_open_state_waits_from_that_entry_on),
        TEST(an_answer_a_closed_state_and_a_delete_end_it),
        TEST(the_longest_waiting_come_first_over_pages),
        TEST(units_are_counted_with_what_is_late),
        TEST(a_policy_that_asks_for_answers_later_finds_what_waits),
        TEST(the_list_follows_from_the_journal),
        TEST(values_for_counting_come_in_pages_without_the_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
