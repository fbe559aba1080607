/* Messy histories: nodes that write, read, resolve and begin other lives end equal to the hub. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/hub_fixture.h"

static struct fixture f;

/* A node as the protocol describes it: values with their numbers, from ACKs and from the feed. */
enum { MIRROR_RECORDS = 24, MIRROR_FIELDS = 3, MIRROR_STEPS = 160 };
static const char *const mirror_fields[MIRROR_FIELDS] = { "area", "age", "name" };

struct mirror_value {
    char text[24]; /* the raw value */
    uint64_t rev;
};
struct mirror {
    uint64_t seen[MIRROR_RECORDS]; /* highest number of the record, 0 unknown */
    bool deleted[MIRROR_RECORDS];
    uint64_t deleted_rev[MIRROR_RECORDS];
    struct hash leaf[MIRROR_RECORDS];
    bool has_leaf[MIRROR_RECORDS];
    struct mirror_value values[MIRROR_RECORDS][MIRROR_FIELDS];
    uint64_t cursor;
    unsigned conflicts;
    struct {
        struct id id;
        unsigned record;
        char field[8];
    } open[64];
};
struct mess {
    struct mirror nodes[FIXTURE_NODES];
    struct id ids[MIRROR_RECORDS];
    unsigned records;
    uint32_t random;
    unsigned held, resolved, waiting_count, released;
    struct hash waiting[MIRROR_STEPS];
};

static uint32_t below(struct mess *m, uint32_t bound)
{
    m->random = m->random * 1664525u + 1013904223u;
    return (m->random >> 8) % bound;
}

static void mirror_take(struct mirror *node, unsigned record, struct bytes fields, uint64_t number)
{
    for (unsigned i = 0; i < MIRROR_FIELDS; i++) {
        struct bytes raw = fields_get(fields, bytes_text(mirror_fields[i]));
        struct mirror_value *value = &node->values[record][i];
        if (raw.len == 0 || value->rev > number)
            continue;
        assert_true(raw.len < sizeof(value->text));
        memset(value->text, 0, sizeof(value->text));
        memcpy(value->text, raw.at, raw.len);
        value->rev = number;
    }
    if (number > node->seen[record])
        node->seen[record] = number;
}

static unsigned record_index(const struct mess *m, const struct id *id)
{
    unsigned i = 0;
    while (i < m->records && !id_equal(&m->ids[i], id))
        i++;
    assert_true(i < m->records);
    return i;
}

static void mirror_read(struct mess *m, unsigned n)
{
    struct mirror *node = &m->nodes[n];
    const struct items *items = fixture_feed(&f, n, FEED_RECORDS, node->cursor);
    for (unsigned i = 0; i < items->count; i++) {
        const struct feed_item *item = &items->list[i];
        unsigned record = record_index(m, &item->record);
        if (item->kind == FEED_RECORD) {
            mirror_take(node, record, item->fields, item->number);
            if (item->number >= node->deleted_rev[record]) {
                node->deleted[record] = item->deleted;
                node->deleted_rev[record] = item->number;
            }
        } else if (item->kind == FEED_CONFLICT && node->conflicts < 64) {
            node->open[node->conflicts].id = item->conflict;
            node->open[node->conflicts].record = record;
            (void)snprintf(node->open[node->conflicts++].field, 8, "%.*s", (int)item->field.len,
                           (const char *)item->field.at);
        }
    }
    node->cursor = items->to;
}

/* Sends one change and confirms what the ACK calls accepted, as a node would. */
static void mess_send(struct mess *m, unsigned n, unsigned record, struct draft *d)
{
    struct mirror *node = &m->nodes[n];
    struct change change = d->txn.changes[0];
    uint8_t raw[CHANGE_BYTES_MAX];
    memcpy(raw, change.raw.at, change.raw.len);
    assert_int_equal(change_decode(bytes_of(raw, change.raw.len), &change), OK);
    struct sent sent = fixture_send(d);
    struct answer answer = fixture_answer(&f, &sent, 0);
    node->has_leaf[record] = true;
    node->leaf[record] = sent.leaf;
    m->held += answer.disposition == DISPOSITION_HELD;
    if (answer.disposition == DISPOSITION_QUARANTINED && m->waiting_count < MIRROR_STEPS)
        m->waiting[m->waiting_count++] = sent.leaf;
    if (answer.disposition != DISPOSITION_ACCEPTED)
        return;
    m->resolved += change.op == OP_RESOLVE;
    mirror_take(node, record, change.fields, answer.number);
    if (change.op == OP_DELETE) {
        node->deleted[record] = true;
        node->deleted_rev[record] = answer.number;
    }
    struct bytes existence = fields_get(change.fields, bytes_text(""));
    if (existence.len > 0) {
        node->deleted[record] = existence.at[0] == 0xc3;
        node->deleted_rev[record] = answer.number;
    }
}

/* A person decides about one of those that wait. */
static void mess_rule(struct mess *m)
{
    uint8_t space[128];
    struct writer ops = writer_of(space, sizeof(space));
    unsigned at = below(m, m->waiting_count);
    trust_op_release(&ops, below(m, 3) > 0, &m->waiting[at], 1);
    fixture_trust(&f, 1, writer_bytes(&ops));
    m->waiting[at] = m->waiting[--m->waiting_count];
    m->released++;
}

static void mess_step(struct mess *m)
{
    static const char *const areas[] = { "36.04.29", "36.04.30", "36.04.29.2001" };
    static const char *const names[] = { "Ani", "Budi", "Citra" };
    unsigned n = below(m, FIXTURE_NODES);
    struct mirror *node = &m->nodes[n];
    bool late = n == NODE_A && below(m, 6) == 0;
    struct draft *d = draft_new(&f, n, late ? OPERATOR_LATE : n + 1); /* or OPERATOR_A, B, D */
    if (late)
        d->claimed_ms += UINT64_C(90) * 24 * 3600 * 1000;
    if (m->records < MIRROR_RECORDS && below(m, 4) == 0) {
        unsigned record = m->records++;
        m->ids[record] = fixture_id(&f);
        draft_create(d, "person", &m->ids[record],
                     VALUES(V_TEXT("area", areas[n == NODE_D ? below(m, 3) : n]),
                            V_TEXT("name", names[below(m, 3)])));
        mess_send(m, n, record, d);
        return;
    }
    unsigned record = m->records > 0 ? below(m, m->records) : 0;
    if (m->records == 0 || node->seen[record] == 0) {
        free(d);
        mirror_read(m, n);
        return;
    }
    struct base base = base_rev(node->seen[record]);
    if (node->has_leaf[record])
        base = base_leaf(node->seen[record], &node->leaf[record]);
    unsigned what = below(m, 12);
    if (what == 0) {
        draft_delete(d, "person", &m->ids[record], base);
    } else if (what <= 3 && node->conflicts > 0) {
        unsigned at = below(m, node->conflicts);
        const char *field = node->open[at].field;
        struct value value = strcmp(field, "age") == 0    ? V_INT("age", below(m, 3))
                             : field[0] == '\0'           ? V_BOOL("", below(m, 2))
                             : strcmp(field, "name") == 0 ? V_TEXT("name", names[below(m, 3)])
                                                          : V_TEXT("area", areas[below(m, 3)]);
        record = node->open[at].record;
        draft_resolve(d, "person", &m->ids[record], base_rev(node->seen[record]),
                      &node->open[at].id, &value, 1);
        node->open[at] = node->open[--node->conflicts];
    } else if (what == 4) {
        draft_update(d, "person", &m->ids[record], base,
                     VALUES(V_TEXT("area", areas[below(m, 3)])));
    } else {
        draft_update(d, "person", &m->ids[record], base,
                     VALUES(V_INT("age", below(m, 3)), V_TEXT("name", names[below(m, 3)])));
    }
    mess_send(m, n, record, d);
    if (below(m, 8) == 0)
        mirror_read(m, n);
    if (m->waiting_count > 0 && below(m, 8) == 0)
        mess_rule(m);
}

static void mess_compare(struct mess *m, unsigned n)
{
    struct mirror *node = &m->nodes[n];
    const struct policy_collection *c =
        policy_collection(hub_store_policy(f.store), bytes_text("person"));
    for (unsigned r = 0; r < m->records; r++) {
        struct hub_record *record = f.store->record;
        enum err err = f.store->ops->record_get(f.store->backend, c, &m->ids[r], record);
        if (err == ERR_NOT_FOUND)
            continue;
        if (!area_within(record_area(record), bytes_text(f.nodes[n].name)))
            continue;
        assert_int_equal(node->deleted[r], record->deleted);
        for (unsigned i = 0; i < MIRROR_FIELDS; i++) {
            const struct policy_field *field = policy_field(c, bytes_text(mirror_fields[i]));
            struct bytes raw = record->fields[field - c->fields].raw;
            char text[24] = "";
            if (raw.len > 0)
                memcpy(text, raw.at, raw.len);
            assert_memory_equal(node->values[r][i].text, text, sizeof(text));
        }
    }
}

static void nodes_end_equal_to_the_hub_after_any_history(void **state)
{
    (void)state;
    unsigned held = 0, resolved = 0, released = 0;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        static struct mess m;
        fixture_open(&f, false);
        m = (struct mess){ .random = seed };
        for (unsigned step = 0; step < MIRROR_STEPS; step++) {
            if (below(&m, 40) == 0)
                fixture_reincarnate(&f, below(&m, FIXTURE_NODES), true);
            mess_step(&m);
        }
        for (unsigned n = 0; n < FIXTURE_NODES; n++) {
            mirror_read(&m, n);
            mess_compare(&m, n);
        }
        fixture_check_replay(&f);
        fixture_close(&f);
        held += m.held;
        resolved += m.resolved;
        released += m.released;
    }
    assert_true(held > 50 && resolved > 20 && released > 20); /* the histories were messy */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_end_equal_to_the_hub_after_any_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
