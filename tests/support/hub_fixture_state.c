#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/value.h"
#include "tests/support/hub_fixture.h"

/* --- answers and state ----------------------------------------------------------------------- */

struct answer fixture_answer(struct fixture *f, const struct sent *sent, unsigned index)
{
    static uint8_t space[64 * 1024];
    struct writer out = writer_of(space + 1, sizeof(space) - 1);
    struct answer answer = { .disposition = DISPOSITION_ACCEPTED };
    unsigned count = 0;
    uint64_t last = 0;
    assert_int_equal(hub_store_ack_items(f->store, f->nodes[sent->node].name, &sent->incarnation,
                                         sent->lane, sent->seq, sent->seq, &out, &count, &last),
                     OK);
    assert_int_equal(count, 1);
    assert_int_equal(last, sent->seq);
    space[0] = 0x91; /* an array of one */
    struct items_iter items = items_of(bytes_of(space, out.buf.len + 1));
    struct ack_item item;
    assert_true(ack_item_next(&items, &item));
    assert_int_equal(item.seq, sent->seq);
    answer.number = item.number;
    struct items_iter entries = items_of(item.entries);
    struct ack_entry entry;
    while (ack_entry_next(&entries, &entry)) {
        if (!entry.whole && entry.index != index)
            continue;
        answer.disposition = entry.disposition;
        (void)snprintf(answer.reason, sizeof(answer.reason), "%.*s", (int)entry.reason.len,
                       (const char *)entry.reason.at);
        (void)snprintf(answer.field, sizeof(answer.field), "%.*s", (int)entry.field.len,
                       (const char *)entry.field.at);
    }
    return answer;
}

static const struct hub_record *record_of(struct fixture *f, const char *collection,
                                          const struct id *id)
{
    static struct hub_record record;
    const struct policy_collection *c =
        policy_collection(hub_store_policy(f->store), bytes_text(collection));
    assert_non_null(c);
    enum err err = f->store->ops->record_get(f->store->backend, c, id, &record);
    assert_true(err == OK || err == ERR_NOT_FOUND);
    return err == OK ? &record : NULL;
}

uint64_t fixture_rev(struct fixture *f, const char *collection, const struct id *id)
{
    const struct hub_record *record = record_of(f, collection, id);
    return record ? record->rev : 0;
}

bool fixture_deleted(struct fixture *f, const char *collection, const struct id *id)
{
    const struct hub_record *record = record_of(f, collection, id);
    assert_non_null(record);
    return record->deleted;
}

const char *fixture_text(struct fixture *f, const char *collection, const struct id *id,
                         const char *field_name)
{
    static char text[64 * 1024];
    const struct hub_record *record = record_of(f, collection, id);
    assert_non_null(record);
    const struct policy_field *field = policy_field(record->collection, bytes_text(field_name));
    assert_non_null(field);
    struct bytes raw = record->fields[field - record->collection->fields].raw;
    if (raw.len == 0)
        return "";
    assert_int_equal(codec_scan(raw), OK);
    assert_int_equal(value_to_text(field, raw, text, sizeof(text)), OK);
    return text;
}

bool fixture_conflict(struct fixture *f, const struct id *record, const char *field, unsigned node,
                      struct id *ret_conflict)
{
    struct row_conflict row;
    enum err err =
        f->store->ops->conflict_find(f->store->backend, record, field, f->nodes[node].name, &row);
    assert_true(err == OK || err == ERR_NOT_FOUND);
    if (err == OK)
        *ret_conflict = row.id;
    return err == OK;
}

const struct items *fixture_feed(struct fixture *f, unsigned node, enum feed_stream stream,
                                 uint64_t from)
{
    static uint8_t space[FEED_PLAIN_BYTES_MAX];
    static struct items items;
    const struct hub_reader reader = { .node = f->nodes[node].name,
                                       .area = f->nodes[node].name,
                                       .incarnation = f->nodes[node].incarnation };
    struct writer out = writer_of(space, sizeof(space));
    struct hash hash;
    items.count = 0;
    enum err err = hub_store_feed(f->store, &reader, stream, from, FIXTURE_ITEMS_MAX, &out,
                                  &items.count, &items.to, &hash);
    if (err)
        fail_msg("feed: %s", err_name(err));
    struct reader in = reader_of(writer_bytes(&out));
    for (unsigned i = 0; i < items.count; i++) {
        struct bytes raw = reader_raw(&in);
        assert_int_equal(codec_scan(raw), OK);
        assert_int_equal(feed_item_decode(raw, &items.list[i]), OK);
    }
    assert_int_equal(reader_end(&in), OK);
    const struct cursor cursor = { .epoch = hub_store_journal(f->store).epoch,
                                   .number = items.to,
                                   .hash = hash };
    bool proven = false;
    assert_int_equal(hub_store_proves(f->store, &cursor, &proven), OK);
    assert_true(proven);
    return &items;
}

const struct feed_item *items_find(const struct items *items, enum feed_item_kind kind,
                                   const struct id *record)
{
    for (unsigned i = 0; i < items->count; i++)
        if (items->list[i].kind == kind && id_equal(&items->list[i].record, record))
            return &items->list[i];
    return NULL;
}

unsigned items_count(const struct items *items, enum feed_item_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < items->count; i++)
        count += items->list[i].kind == kind;
    return count;
}

void fixture_check_replay(struct fixture *f)
{
    static unsigned number;
    char name[32];
    struct hash here, there;
    struct problem problem = { .code = OK };
    (void)snprintf(name, sizeof(name), "replay-%u.db", number++);
    struct hub_store *into = fixture_store_at(f, name);
    enum err err = hub_store_replay(f->store, into);
    if (err)
        fail_msg("replay stopped after entry %llu: %s",
                 (unsigned long long)hub_store_journal(into).number, err_name(err));
    assert_int_equal(hub_store_content_hash(f->store, &here), OK);
    assert_int_equal(hub_store_content_hash(into, &there), OK);
    hub_store_close(&into);
    assert_memory_equal(here.at, there.at, HASH_BYTES);
    err = hub_store_verify(f->store, &problem);
    if (err)
        fail_msg("verify: %s %s", problem.thing, problem.detail);
}
