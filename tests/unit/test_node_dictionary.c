/* Which dictionary a node seals with, and what it keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/bundle.h"
#include "tests/support/node_fixture.h"

static uint8_t space[DICTIONARY_BYTES_MAX];

static int open_office(void **state)
{
    if (office_set_up(state) != 0)
        return -1;
    struct office *o = *state;
    o->dictionary = buf_of(space, sizeof space);
    return 0;
}

/* Number of the dictionary of a new entry; *ret_bytes: of its body. */
static uint64_t put(struct office *o, size_t *ret_bytes)
{
    uint8_t keys_space[8192], items_space[8192];
    struct writer keys = writer_of(keys_space, sizeof keys_space);
    struct writer items = writer_of(items_space, sizeof items_space);
    struct queue_run run;
    struct node_lane lane;
    (void)office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", "Maimunah", "jk", "P"));
    assert_int_equal(node_store_lane(o->store, LANE_NORMAL, &lane), OK);
    assert_int_equal(
        node_store_run(o->store, LANE_NORMAL, lane.highest, 1, 1 << 20, true, &keys, &items, &run),
        OK);
    /* [[kind, after, leaf, key number, dictionary, plain length, body]] */
    struct reader in = reader_of(writer_bytes(&items));
    reader_array_of(&in, 1);
    reader_array_of(&in, 7);
    for (int i = 0; i < 4; i++)
        (void)reader_raw(&in);
    uint64_t dictionary = reader_uint(&in);
    (void)reader_raw(&in);
    struct bytes body = reader_bin(&in);
    assert_int_equal(reader_end(&in), OK);
    if (ret_bytes)
        *ret_bytes = body.len;
    return dictionary;
}

static enum err feed_dictionary(struct office *o, uint64_t version, struct bytes bytes)
{
    return office_feed_one(
        o, FEED_CONTROL,
        (struct feed_item){ .kind = FEED_DICTIONARY, .version = version, .document = bytes });
}

static enum err feed_rules(struct office *o, uint64_t version)
{
    struct hash before = o->rules_hash;
    return office_feed_document(o, FEED_RULES, office_rules(o, NULL, version, &before));
}

static void entries_use_the_one_that_the_rules_in_force_name(void **state)
{
    struct office *o = *state;
    size_t without = 0, with = 0;
    assert_int_equal(put(o, NULL), 0);
    assert_int_equal(feed_rules(o, 2), OK);
    assert_int_equal(put(o, &without), 0); /* it has not come yet */
    assert_int_equal(feed_dictionary(o, 2, buf_bytes(&o->dictionary)), OK);
    assert_int_equal(put(o, &with), 2);
    assert_true(with < without);
    office_restart(o);
    office_unlock(o);
    assert_int_equal(put(o, NULL), 2);
}

static void what_the_rules_do_not_name_is_of_no_use_and_does_no_harm(void **state)
{
    struct office *o = *state;
    struct bytes bytes;
    assert_int_equal(feed_rules(o, 2), OK);
    space[50] ^= 1;
    assert_int_equal(feed_dictionary(o, 2, buf_bytes(&o->dictionary)), OK);
    assert_int_equal(put(o, NULL), 0);
    assert_int_equal(feed_dictionary(o, 2, bytes_text("not a dictionary")), OK);
    assert_int_equal(put(o, NULL), 0);
    space[50] ^= 1;
    assert_int_equal(feed_dictionary(o, 2, buf_bytes(&o->dictionary)), OK);
    assert_int_equal(put(o, NULL), 2);

    /* The next rules name none: not used any more, but kept for a hub that loses it. */
    size_t len = o->dictionary.len;
    o->dictionary.cap = 0;
    assert_int_equal(feed_rules(o, 3), OK);
    assert_int_equal(put(o, NULL), 0);
    assert_int_equal(node_store_dictionary_get(o->store, 2, &bytes), OK);
    assert_int_equal(bytes.len, len);
    assert_int_equal(node_store_dictionary_get(o->store, 3, &bytes), ERR_NOT_FOUND);
}

/* When many versions are caught up with at once. */
static void it_may_come_before_its_rules(void **state)
{
    struct office *o = *state;
    struct hash before = o->rules_hash;
    struct bytes rules = office_rules(o, NULL, 3, &before);
    assert_int_equal(feed_dictionary(o, 2, buf_bytes(&o->dictionary)), OK);
    assert_int_equal(put(o, NULL), 0);
    assert_int_equal(office_feed_document(o, FEED_RULES, rules), OK);
    assert_int_equal(put(o, NULL), 2);
}

int main(void)
{
#define WITH_DICTIONARY(test) cmocka_unit_test_setup_teardown(test, open_office, office_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_DICTIONARY(entries_use_the_one_that_the_rules_in_force_name),
        WITH_DICTIONARY(what_the_rules_do_not_name_is_of_no_use_and_does_no_harm),
        WITH_DICTIONARY(it_may_come_before_its_rules),
    };
    if (crypto_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
