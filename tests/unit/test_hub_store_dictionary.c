/* Dictionaries at the hub: who may bring one, what the feed gives, what stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/hub_fixture.h"

static struct fixture f;
static uint8_t space[DICTIONARY_BYTES_MAX];

static int set_up(void **state)
{
    (void)state;
    fixture_open(&f, false);
    f.dictionary = buf_of(space, sizeof(space));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

static enum err put(uint64_t version, struct bytes bytes)
{
    struct problem problem;
    assert_int_equal(hub_store_begin(f.store), OK);
    enum err err = hub_store_dictionary_put(f.store, version, bytes, &problem);
    if (err)
        hub_store_rollback(f.store);
    else
        assert_int_equal(hub_store_commit(f.store), OK);
    return err;
}

static const struct feed_item *fed(uint64_t from, struct hash *ret_hash)
{
    const struct items *items = fixture_feed(&f, NODE_A, FEED_CONTROL, from);
    assert_true(items_count(items, FEED_DICTIONARY) <= 1);
    for (unsigned i = 0; i < items->count; i++) {
        if (items->list[i].kind != FEED_DICTIONARY)
            continue;
        dictionary_hash(items->list[i].document, ret_hash);
        return &items->list[i];
    }
    return NULL;
}

static void it_comes_once_and_goes_with_the_rules_that_bring_it(void **state)
{
    (void)state;
    struct hash hash;
    uint64_t before = hub_store_journal(f.store).number;
    assert_null(fed(0, &hash));
    fixture_rules(&f, fixture_source); /* version 2 brings one */
    assert_int_equal(hub_store_dictionary_id(f.store), 2);
    const struct feed_item *item = fed(before, &hash);
    assert_non_null(item);
    assert_int_equal(item->version, 2);
    assert_int_equal(item->number, hub_store_journal(f.store).number);
    assert_true(hash_equal(&hash, &hub_store_policy(f.store)->dictionary));

    /* The same one goes on under the next version: its number stays and it is not sent again. */
    uint64_t there = hub_store_journal(f.store).number;
    fixture_rules(&f, fixture_source);
    assert_int_equal(hub_store_policy(f.store)->version, 3);
    assert_int_equal(hub_store_dictionary_id(f.store), 2);
    assert_null(fed(there, &hash));
    /* Who comes later gets it, with the newest rules. */
    assert_int_equal(fed(0, &hash)->version, 2);

    /* Another one replaces it, also for who comes later. */
    fixture_rules(&f, fixture_source_wider);
    assert_int_equal(hub_store_dictionary_id(f.store), 4);
    assert_int_equal(fed(0, &hash)->version, 4);
    assert_true(hash_equal(&hash, &hub_store_policy(f.store)->dictionary));
    /* Rules without one: nobody gets the old one any more. */
    f.dictionary.cap = 0;
    fixture_rules(&f, fixture_source_wider);
    assert_int_equal(hub_store_dictionary_id(f.store), 0);
    assert_null(fed(0, &hash));
    fixture_check_replay(&f);
}

static void what_was_used_once_stays(void **state)
{
    (void)state;
    struct dictionary second, fourth;
    fixture_rules(&f, fixture_source);
    assert_int_equal(hub_store_dictionary(f.store, 2, &second), OK);
    struct hash first_hash, again;
    dictionary_hash(second.bytes, &first_hash);
    fixture_rules(&f, fixture_source_wider);
    assert_int_equal(hub_store_dictionary(f.store, 3, &fourth), OK);
    fixture_reopen(&f);
    assert_int_equal(hub_store_dictionary(f.store, 2, &second), OK);
    dictionary_hash(second.bytes, &again);
    assert_true(hash_equal(&first_hash, &again));
    assert_int_equal(hub_store_dictionary(f.store, 0, &second), ERR_DICTIONARY);
    assert_int_equal(hub_store_dictionary(f.store, 1, &second), ERR_DICTIONARY);
    assert_int_equal(hub_store_dictionary(f.store, 9, &second), ERR_NOT_FOUND); /* not yet */
}

static void only_what_the_rules_name_is_taken(void **state)
{
    (void)state;
    struct hash hash;
    struct dictionary known;
    f.withhold = true;
    fixture_rules(&f, fixture_source);
    assert_int_equal(hub_store_dictionary(f.store, 2, &known), ERR_NOT_FOUND);
    assert_null(fed(0, &hash));
    uint8_t good = space[100];
    space[100] ^= 1;
    assert_int_equal(put(2, buf_bytes(&f.dictionary)), ERR_DICTIONARY);
    space[100] = good;
    assert_int_equal(put(1, buf_bytes(&f.dictionary)), ERR_DICTIONARY);
    assert_int_equal(put(3, buf_bytes(&f.dictionary)), ERR_DICTIONARY);
    assert_int_equal(put(2, bytes_of(NULL, 0)), ERR_DICTIONARY);

    /* A node gives it back later: from then on the feed has it, also for who has read on. */
    fixture_rules(&f, fixture_source);
    uint64_t there = hub_store_journal(f.store).number;
    struct sent sent;
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    struct id id = fixture_id(&f);
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.29.2001"), V_TEXT("name", "Ani")));
    sent = fixture_send(d);
    assert_true(sent.number > there);
    assert_int_equal(put(2, buf_bytes(&f.dictionary)), OK);
    assert_int_equal(put(2, buf_bytes(&f.dictionary)), OK); /* known */
    assert_int_equal(hub_store_dictionary(f.store, 2, &known), OK);
    assert_int_equal(fed(there, &hash)->version, 2);
    fixture_check_replay(&f);
}

static void a_dictionary_that_was_altered_does_not_verify(void **state)
{
    (void)state;
    struct problem problem = { .code = OK };
    fixture_rules(&f, fixture_source);
    fixture_rules(&f, fixture_source_wider);
    fixture_reopen(&f); /* older rules are read again */
    assert_int_equal(hub_store_verify(f.store, &problem), OK);
    assert_int_equal(hub_store_begin(f.store), OK);
    space[f.dictionary.len - 1] ^= 1;
    const struct hash wrong = { .at = { 0 } };
    assert_int_equal(f.store->ops->document_put(f.store->backend, DOCUMENT_DICTIONARY, 1, 1, &wrong,
                                                buf_bytes(&f.dictionary)),
                     OK);
    assert_int_equal(hub_store_commit(f.store), OK);
    assert_int_equal(hub_store_verify(f.store, &problem), ERR_STORE);
    assert_non_null(strstr(problem.detail, "dictionary"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_comes_once_and_goes_with_the_rules_that_bring_it),
        TEST(what_was_used_once_stays),
        TEST(only_what_the_rules_name_is_taken),
        TEST(a_dictionary_that_was_altered_does_not_verify),
    };
    if (crypto_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
