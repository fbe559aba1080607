/* From what an operator asks to a signed, sealed, queued transaction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/node_fixture.h"

static struct entry_field text_field(const char *name, const char *text)
{
    return (struct entry_field){ .name = bytes_text(name), .text = bytes_text(text) };
}

#define TEXT(name, text) text_field(name, text)
#define CREATE(collection_name, list)                                                              \
    {                                                                                              \
        .op = OP_CREATE, .collection = bytes_text(collection_name), .fields = (list),              \
        .field_count = COUNT_OF(list)                                                              \
    }

struct result {
    struct hash leaf;
    uint64_t seq;
    unsigned failed;
    struct warnings warnings;
};

static struct result result;

static enum err submit(struct office *o, struct entry_change *changes, unsigned count,
                       enum lane lane, uint64_t wall_ms)
{
    const struct entry_request request = {
        .wall_ms = wall_ms, .lane = lane, .changes = changes, .change_count = count
    };
    memset(&result, 0, sizeof result);
    return node_entry_submit(o->entry, &request, &result.leaf, &result.seq, &result.failed,
                             &o->problem, &result.warnings);
}

static void is_problem(const struct office *o, enum err err, enum err code, const char *thing)
{
    if (err != code || strcmp(o->problem.thing, thing) != 0)
        print_error("%s: \"%s\": \"%s\"\n", err_name(err), o->problem.thing, o->problem.detail);
    assert_int_equal(err, code);
    assert_int_equal(o->problem.code, code);
    assert_string_equal(o->problem.thing, thing);
}

/* The last entry of a lane as the hub opens it. */
static struct txn *open_last(struct office *o, enum lane lane, struct bundle_item *ret_item)
{
    struct bundle_item item;
    struct txn *txn = office_sent(o, lane, office_lane(o, lane).highest, &item);
    assert_int_equal(txn_verify(txn, OFFICE_DISTRICT, &o->operator_key, &item.sealed.leaf), OK);
    if (ret_item)
        *ret_item = item;
    return txn;
}

/* ---- what is signed and sealed */

static void the_hub_opens_what_the_operator_signed(void **state)
{
    struct office *o = *state;
    struct entry_field fields[] = { TEXT("kec", "36.04.29"), TEXT("Nama Lengkap", "Maimunah"),
                                    TEXT("jk", "Perempuan"), TEXT("alamat", "") };
    struct entry_change changes[] = { CREATE("orang", fields) };
    assert_int_equal(submit(o, changes, 1, LANE_NORMAL, OFFICE_WALL_MS), OK);
    struct bundle_item item;
    const struct txn *txn = open_last(o, LANE_NORMAL, &item);
    assert_true(hash_equal(&item.sealed.leaf, &result.leaf));
    assert_int_equal(result.seq, office_lane(o, LANE_NORMAL).highest);
    assert_int_equal(txn->operator_number, 1);
    assert_int_equal(txn->trust_version, 2);
    assert_int_equal(txn->rules_version, 1);
    assert_int_equal(txn->claimed_ms, OFFICE_WALL_MS);
    assert_int_equal(txn->change_count, 1);
    const struct change *change = &txn->changes[0];
    assert_true(id_equal(&change->record, &changes[0].record));
    assert_int_equal(change->number, 1);
    assert_false(change->has_base);
    assert_true(
        bytes_equal(fields_get(change->fields, bytes_text("nama")), office_text("Maimunah")));
    assert_true(bytes_equal(fields_get(change->fields, bytes_text("jk")), office_text("P")));
    assert_true(bytes_equal(fields_get(change->fields, bytes_text("status")), office_text("baru")));
    assert_int_equal(fields_get(change->fields, bytes_text("alamat")).len, 0);
    assert_int_equal(result.warnings.count, 0);
}

static void every_create_gets_the_next_short_number(void **state)
{
    struct office *o = *state;
    struct id first = office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", "Satu"));
    struct id second = office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", "Dua"));
    assert_true(bytes_is(office_view(o, &first)->short_text, "29-0001"));
    assert_true(bytes_is(office_view(o, &second)->short_text, "29-0002"));
    char text[16];
    node_entry_short("36.04.29", 12345, text);
    assert_string_equal(text, "29-12345");
    node_entry_short("36.04", 7, text);
    assert_string_equal(text, "04-0007");
}

static void an_update_names_what_its_author_saw(void **state)
{
    struct office *o = *state;
    struct id person = office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", "Satu"));
    struct hash create =
        open_last(o, LANE_NORMAL, NULL) ? office_view(o, &person)->leaf : (struct hash){ { 0 } };
    struct hash edit = office_edit(o, &person, FIELDS("nama", "Dua"));
    const struct base *base = &open_last(o, LANE_NORMAL, NULL)->changes[0].base;
    assert_int_equal(base->rev, 0);
    assert_true(base->has_leaf && hash_equal(&base->leaf, &create));
    assert_int_equal(
        office_ack(o, LANE_NORMAL, 1, office_lane(o, LANE_NORMAL).highest, 1, bytes_of(NULL, 0)),
        OK);
    office_edit(o, &person, FIELDS("nama", "Tiga"));
    base = &open_last(o, LANE_NORMAL, NULL)->changes[0].base;
    assert_int_equal(base->rev, 0); /* nothing came by the feed yet */
    assert_true(base->has_leaf && hash_equal(&base->leaf, &edit));
    assert_int_equal(office_ack(o, LANE_NORMAL, office_lane(o, LANE_NORMAL).highest,
                                office_lane(o, LANE_NORMAL).highest, 1, bytes_of(NULL, 0)),
                     OK);
    assert_int_equal(office_feed(o, FEED_RECORDS, NULL, 0), OK);
    office_edit(o, &person, FIELDS("nama", "Empat", "alamat", ""));
    const struct change *change = &open_last(o, LANE_NORMAL, NULL)->changes[0];
    assert_int_equal(change->base.epoch, 1);
    assert_int_equal(change->base.rev, o->journal);
    assert_false(change->base.has_leaf);
    assert_true(bytes_equal(fields_get(change->fields, bytes_text("alamat")), bytes_of("\xc0", 1)));
}

static void each_run_of_the_daemon_has_its_own_data_key(void **state)
{
    struct office *o = *state;
    struct bundle_item item;
    for (uint64_t run = 1; run <= 3; run++) {
        (void)office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", "Satu"));
        (void)office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", "Dua"));
        (void)open_last(o, LANE_NORMAL, &item);
        assert_int_equal(item.sealed.key_number, run);
        office_restart(o);
        office_unlock(o);
    }
}

static void a_data_key_that_was_not_stored_is_given_again(void **state)
{
    struct office *o = *state;
    struct id record;
    struct hash leaf;
    uint64_t seq;
    node_store_queue_limit(o->store, 10);
    assert_int_equal(office_try(o, OP_CREATE, "orang", &record,
                                FIELDS("kec", "36.04.29", "nama", "Satu"), LANE_NORMAL, &leaf,
                                &seq),
                     ERR_LIMIT);
    node_store_queue_limit(o->store, QUEUE_BYTES_MAX);
    (void)office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", "Satu"));
    (void)open_last(o, LANE_NORMAL, NULL); /* asserts that the key is there */
}

/* ---- references */

static void changes_of_one_request_name_each_other(void **state)
{
    struct office *o = *state;
    struct entry_field person[] = { TEXT("kec", "36.04.29"), TEXT("nama", "Ibu"),
                                    TEXT("rumah", "$2") };
    struct entry_field family[] = { TEXT("kec", "36.04.29"), TEXT("kepala", "$1") };
    struct entry_field child[] = { TEXT("kec", "36.04.29"), TEXT("nama", "Anak"),
                                   TEXT("ibu", " $1 "), TEXT("anak", "$1|$3") };
    struct entry_change changes[] = { CREATE("orang", person), CREATE("keluarga", family),
                                      CREATE("orang", child) };
    changes[2].group = 1;
    assert_int_equal(submit(o, changes, 3, LANE_NORMAL, OFFICE_WALL_MS), OK);
    const struct txn *txn = open_last(o, LANE_NORMAL, NULL);
    assert_int_equal(txn->change_count, 3);
    assert_int_equal(txn->changes[2].group, 1);
    struct reader in = reader_of(fields_get(txn->changes[0].fields, bytes_text("rumah")));
    assert_true(bytes_equal(reader_bin(&in), bytes_id(&changes[1].record)));
    in = reader_of(fields_get(txn->changes[1].fields, bytes_text("kepala")));
    assert_true(bytes_equal(reader_bin(&in), bytes_id(&changes[0].record)));
    in = reader_of(fields_get(txn->changes[2].fields, bytes_text("anak")));
    assert_int_equal(reader_array(&in), 2);
    assert_true(bytes_equal(reader_bin(&in), bytes_id(&changes[0].record)));
    assert_true(bytes_equal(reader_bin(&in), bytes_id(&changes[2].record)));
    assert_int_equal(txn->changes[2].number, 3);
    assert_int_equal(node_store_next_number(o->store), 4);
}

static enum err put_with(struct office *o, const char *field, const char *text)
{
    struct id record;
    struct hash leaf;
    uint64_t seq;
    return office_try(o, OP_CREATE, "orang", &record,
                      FIELDS("kec", "36.04.29", "nama", "Anak", field, text), LANE_NORMAL, &leaf,
                      &seq);
}

static void a_reference_must_lead_to_a_record_of_a_target(void **state)
{
    struct office *o = *state;
    struct id mother = office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", "Ibu"));
    (void)office_put(o, "keluarga", FIELDS("kec", "36.04.29"));
    char uuid[UUID_TEXT_BYTES];
    uuid_to_text(&mother, uuid);
    assert_int_equal(put_with(o, "ibu", "29-0001"), OK);
    assert_int_equal(put_with(o, "ibu", uuid), OK);
    assert_int_equal(put_with(o, "anak", "29-1|29-0003"), OK);
    uint64_t before = office_lane(o, LANE_NORMAL).highest;
    is_problem(o, put_with(o, "ibu", "29-0099"), ERR_REFERENCE, "orang.ibu");
    assert_string_equal(o->problem.detail, "29-0099");
    is_problem(o, put_with(o, "ibu", "$2"), ERR_REFERENCE, "orang.ibu");
    is_problem(o, put_with(o, "ibu", "29-0002"), ERR_REFERENCE, "orang.ibu"); /* a family */
    is_problem(o, put_with(o, "ibu", "Maimunah binti S"), ERR_REFERENCE, "orang.ibu");
    assert_string_equal(o->problem.detail, "orang"); /* never what was typed: it may be a name */
    is_problem(o, put_with(o, "anak", "29-0001|29-0099"), ERR_REFERENCE, "orang.anak");
    struct id deleted = mother;
    struct hash leaf;
    uint64_t seq;
    assert_int_equal(office_try(o, OP_DELETE, NULL, &deleted, NULL, LANE_NORMAL, &leaf, &seq), OK);
    is_problem(o, put_with(o, "ibu", "29-0001"), ERR_REFERENCE, "orang.ibu");
    assert_int_equal(office_lane(o, LANE_NORMAL).highest, before + 1);
    /* Two records under one short number are never guessed between. */
    struct id other = crypto_uuid7(9);
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&other, "keluarga", "29-0003", FIELDS("kec", "36.04.29"))),
        OK);
    is_problem(o, put_with(o, "ibu", "29-0003"), ERR_AMBIGUOUS, "orang.ibu");
}

/* ---- lanes */

static void work_goes_behind_what_it_builds_on(void **state)
{
    struct office *o = *state;
    struct hash leaf;
    uint64_t seq;
    struct id bulk, urgent;
    assert_int_equal(office_try(o, OP_CREATE, "orang", &bulk,
                                FIELDS("kec", "36.04.29", "nama", "Impor"), LANE_BULK, &leaf, &seq),
                     OK);
    uint64_t bulk_seq = seq;
    assert_int_equal(office_try(o, OP_CREATE, "orang", &urgent,
                                FIELDS("kec", "36.04.29", "nama", "Darurat"), LANE_URGENT, &leaf,
                                &seq),
                     OK);
    uint64_t urgent_seq = seq;
    /* An urgent edit of a record whose create waits in the bulk lane. */
    struct entry_field edit[] = { TEXT("alamat", "Baru"), TEXT("ibu", "29-0002") };
    struct entry_change change = {
        .op = OP_UPDATE, .record = bulk, .fields = edit, .field_count = 2
    };
    assert_int_equal(submit(o, &change, 1, LANE_URGENT, OFFICE_WALL_MS), OK);
    assert_int_equal(office_lane(o, LANE_BULK).highest, bulk_seq + 1);
    assert_int_equal(office_lane(o, LANE_URGENT).highest, urgent_seq);
    struct bundle_item item;
    (void)open_last(o, LANE_BULK, &item);
    assert_int_equal(item.after_count, 1); /* the reference waits in the urgent lane */
    assert_int_equal(item.after[0].lane, LANE_URGENT);
    assert_int_equal(item.after[0].seq, urgent_seq);
    /* Once answered there is nothing to wait for. */
    for (enum lane lane = LANE_URGENT; lane < LANE_COUNT; lane++)
        assert_int_equal(office_ack(o, lane, 1, office_lane(o, lane).highest, 1, bytes_of(NULL, 0)),
                         OK);
    assert_int_equal(submit(o, &change, 1, LANE_URGENT, OFFICE_WALL_MS), OK);
    (void)open_last(o, LANE_URGENT, &item);
    assert_int_equal(item.after_count, 0);
}

/* Where one of the collection goes when nobody asks. */
static void goes_to(struct office *o, const char *collection, enum lane lane)
{
    struct entry_field fields[] = { TEXT("kec", "36.04.29"), TEXT("nama", "N") };
    struct entry_change change = { .op = OP_CREATE,
                                   .collection = bytes_text(collection),
                                   .fields = fields,
                                   .field_count = strcmp(collection, "orang") == 0 ? 2 : 1 };
    uint64_t before = office_lane(o, lane).highest;
    assert_int_equal(submit(o, &change, 1, LANE_OF_POLICY, OFFICE_WALL_MS), OK);
    assert_int_equal(office_lane(o, lane).highest, before + 1);
}

static void the_policy_says_how_urgent_a_collection_is(void **state)
{
    struct office *o = *state;
    static const char orang[] = "collection orang {", keluarga[] = "collection keluarga {";
    static char text[8192];
    const char *first = strstr(office_source, orang), *second = strstr(office_source, keluarga);
    goes_to(o, "orang", LANE_NORMAL);
    assert_true(first != NULL && second != NULL && first < second);
    snprintf(text, sizeof text, "%.*s%s lane = urgent %.*s%s lane = bulk %s",
             (int)(first - office_source), office_source, orang,
             (int)(second - first - (ptrdiff_t)strlen(orang)), first + strlen(orang), keluarga,
             second + strlen(keluarga));
    const struct hash previous = o->rules_hash;
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, text, 2, &previous)), OK);
    goes_to(o, "orang", LANE_URGENT);
    goes_to(o, "keluarga", LANE_BULK);
    /* Together they are as urgent as the more urgent one; --lane decides against both. */
    struct entry_field a[] = { TEXT("kec", "36.04.29"), TEXT("nama", "N") };
    struct entry_change both[] = {
        { 0, OP_CREATE, bytes_text("keluarga"), .fields = a, .field_count = 1 },
        { 1, OP_CREATE, bytes_text("orang"), .fields = a, .field_count = 2 },
    };
    uint64_t urgent = office_lane(o, LANE_URGENT).highest,
             normal = office_lane(o, LANE_NORMAL).highest;
    assert_int_equal(submit(o, both, 2, LANE_OF_POLICY, OFFICE_WALL_MS), OK);
    assert_int_equal(office_lane(o, LANE_URGENT).highest, urgent + 1);
    assert_int_equal(submit(o, both, 2, LANE_NORMAL, OFFICE_WALL_MS), OK);
    assert_int_equal(office_lane(o, LANE_NORMAL).highest, normal + 1);
}

/* ---- refusals */

static void refused_work_leaves_no_trace(void **state)
{
    struct office *o = *state;
    struct entry_field good[] = { TEXT("kec", "36.04.29"), TEXT("nama", "Baik") };
    struct entry_field bad[] = { TEXT("kec", "36.04.29"), TEXT("nama", "Buruk"),
                                 TEXT("nik", "123") };
    struct entry_change changes[] = { CREATE("orang", good), CREATE("orang", bad) };
    changes[1].group = 1;
    struct node_lane before = office_lane(o, LANE_NORMAL);
    is_problem(o, submit(o, changes, 2, LANE_NORMAL, OFFICE_WALL_MS), ERR_NIK, "orang.nik");
    assert_int_equal(result.failed, 1);
    assert_true(id_is_zero(&changes[0].record));
    struct node_lane after = office_lane(o, LANE_NORMAL);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(node_store_next_number(o->store), 1);
}

static enum err put_fields(struct office *o, const char *collection, const char *const *fields)
{
    struct id record;
    struct hash leaf;
    uint64_t seq;
    return office_try(o, OP_CREATE, collection, &record, fields, LANE_NORMAL, &leaf, &seq);
}

static void what_breaks_the_policy_is_refused_with_its_place(void **state)
{
    struct office *o = *state;
    is_problem(o, put_fields(o, "mobil", FIELDS("kec", "36.04.29")), ERR_COLLECTION, "mobil");
    is_problem(o, put_fields(o, "orang", FIELDS("kec", "36.04.29", "warna", "merah")), ERR_FIELD,
               "orang.warna");
    is_problem(o, put_fields(o, "orang", FIELDS("kec", "36.04.29")), ERR_REQUIRED, "orang.nama");
    is_problem(o, put_fields(o, "orang", FIELDS("kec", "36.04.05", "nama", "X")), ERR_AREA,
               "orang.kec");
    is_problem(o,
               put_fields(o, "orang", FIELDS("kec", "36.04.29", "nama", "X", "Nama lengkap", "Y")),
               ERR_TWICE, "orang.nama");
    is_problem(
        o, put_fields(o, "orang", FIELDS("kec", "36.04.29", "nama", "X", "status", "disetujui")),
        ERR_AUTHORITY, "orang.status");
    is_problem(o, put_fields(o, "orang", FIELDS("kec", "36.04.29", "nama", "X", "jk", "Z")),
               ERR_CODE, "orang.jk");
    struct node_figures figures;
    assert_int_equal(node_store_figures(o->store, &figures), OK);
    assert_int_equal(figures.queued, 0);
}

static void an_edit_of_what_is_not_there_or_has_moved_is_refused(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1), elsewhere = crypto_uuid7(2), none = crypto_uuid7(3);
    struct feed_item items[] = {
        office_record(&person, "orang", "29-0100", FIELDS("kec", "36.04.29", "nama", "Asal")),
        office_record(&elsewhere, "orang", "05-0001", FIELDS("kec", "36.04.05", "nama", "Jauh")),
    };
    assert_int_equal(office_feed(o, FEED_RECORDS, items, 2), OK);
    struct entry_field edit[] = { TEXT("alamat", "Baru") };
    struct entry_change change = {
        .op = OP_UPDATE, .record = none, .fields = edit, .field_count = 1
    };
    is_problem(o, submit(o, &change, 1, LANE_NORMAL, OFFICE_WALL_MS), ERR_NOT_FOUND, "change 1");
    change.record = elsewhere;
    is_problem(o, submit(o, &change, 1, LANE_NORMAL, OFFICE_WALL_MS), ERR_AREA, "orang.kec");
    change.record = person;
    change.expect_rev = o->journal;
    is_problem(o, submit(o, &change, 1, LANE_NORMAL, OFFICE_WALL_MS), ERR_STATE, "change 1");
    change.expect_rev = o->journal - 1;
    assert_int_equal(submit(o, &change, 1, LANE_NORMAL, OFFICE_WALL_MS), OK);
    change.expect_rev = 0;
    change.field_count = 0;
    assert_int_equal(submit(o, &change, 1, LANE_NORMAL, OFFICE_WALL_MS), ERR_VALUE);
    struct entry_change twice[] = { change, change };
    twice[0].field_count = twice[1].field_count = 1;
    is_problem(o, submit(o, twice, 2, LANE_NORMAL, OFFICE_WALL_MS), ERR_TWICE, "change 2");
    twice[1].group = 2; /* a gap */
    is_problem(o, submit(o, twice, 2, LANE_NORMAL, OFFICE_WALL_MS), ERR_USAGE, "groups");
    struct entry_change gone = { .op = OP_DELETE, .record = person };
    assert_int_equal(submit(o, &gone, 1, LANE_NORMAL, OFFICE_WALL_MS), OK);
    change.field_count = 1;
    is_problem(o, submit(o, &change, 1, LANE_NORMAL, OFFICE_WALL_MS), ERR_STATE, "change 1");
}

static void a_raw_value_must_be_canonical(void **state)
{
    struct office *o = *state;
    struct entry_field fields[] = {
        TEXT("kec", "36.04.29"), { .name = bytes_text("nama"), .value = bytes_of("\xd9\x01X", 3) }
    }; /* a long head */
    struct entry_change changes[] = { CREATE("orang", fields) };
    is_problem(o, submit(o, changes, 1, LANE_NORMAL, OFFICE_WALL_MS), ERR_MALFORMED, "orang.nama");
    fields[1].value = bytes_of("\xa1X", 2);
    assert_int_equal(submit(o, changes, 1, LANE_NORMAL, OFFICE_WALL_MS), OK);
}

static void too_much_is_refused_not_cut(void **state)
{
    struct office *o = *state;
    static char text[40 * 1024];
    memset(text, 'x', sizeof text - 1);
    struct entry_field fields[] = { TEXT("kec", "36.04.29"), TEXT("nama", text) };
    struct entry_change changes[257] = { CREATE("orang", fields) };
    enum err err = submit(o, changes, 1, LANE_NORMAL, OFFICE_WALL_MS);
    assert_true(err == ERR_LIMIT || err == ERR_LENGTH);
    text[10] = '\0';
    fields[1] = text_field("nama", text);
    for (unsigned i = 1; i < 257; i++) {
        changes[i] = changes[0];
        changes[i].group = i;
    }
    is_problem(o, submit(o, changes, 257, LANE_NORMAL, OFFICE_WALL_MS), ERR_LIMIT, "transaction");
    assert_int_equal(submit(o, changes, 256, LANE_NORMAL, OFFICE_WALL_MS), OK);
    assert_int_equal(open_last(o, LANE_NORMAL, NULL)->change_count, 256);
}

static void nothing_is_entered_without_key_policy_or_approval(void **state)
{
    struct office *o = *state;
    node_store_lock(o->store);
    is_problem(o, put_fields(o, "orang", FIELDS("kec", "36.04.29", "nama", "X")), ERR_LOCKED,
               "node");
    struct office *bare = malloc(sizeof *bare);
    assert_non_null(bare);
    office_open(bare, true);
    office_unlock(bare);
    is_problem(bare, put_fields(bare, "orang", FIELDS("kec", "36.04.29", "nama", "X")), ERR_STATE,
               "policy");
    assert_int_equal(office_feed_document(bare, FEED_TRUST, office_founding(bare)), OK);
    assert_int_equal(office_feed_document(bare, FEED_RULES, office_rules(bare, NULL, 1, NULL)), OK);
    is_problem(bare, put_fields(bare, "orang", FIELDS("kec", "36.04.29", "nama", "X")), ERR_STATE,
               "operator");
    assert_int_equal(office_feed_document(bare, FEED_TRUST, office_roster(bare)), OK);
    assert_int_equal(put_fields(bare, "orang", FIELDS("kec", "36.04.29", "nama", "X")), OK);
    uint8_t space[256];
    struct writer ops = writer_of(space, sizeof space);
    const struct ended ended = { .reason = END_ENDED };
    trust_op_operator_end(&ops, 1, &ended);
    assert_int_equal(
        office_feed_document(bare, FEED_TRUST, office_statement(bare, 1, writer_bytes(&ops))), OK);
    is_problem(bare, put_fields(bare, "orang", FIELDS("kec", "36.04.29", "nama", "X")), ERR_DENIED,
               "Siti Aminah");
    office_close(bare);
    free(bare);
}

static void a_clock_outside_the_term_only_warns(void **state)
{
    struct office *o = *state;
    struct entry_field fields[] = { TEXT("kec", "36.04.29"), TEXT("nama", "Baik") };
    struct entry_change changes[] = { CREATE("orang", fields) };
    assert_int_equal(submit(o, changes, 1, LANE_NORMAL, UINT64_C(1262304000000)), OK); /* 2010 */
    assert_int_equal(result.warnings.count, 1);
    assert_int_equal(result.warnings.list[0].code, ERR_TERM_START);
    assert_int_equal(submit(o, changes, 1, LANE_NORMAL, UINT64_C(4102444800000)), OK); /* 2100 */
    assert_int_equal(result.warnings.list[0].code, ERR_TERM_ENDED);
}

/* ---- conflicts */

static void an_answer_to_a_conflict_is_a_change_like_any_other(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1), conflict = crypto_random_id();
    struct feed_item items[] = {
        office_record(&person, "orang", "29-0100", FIELDS("kec", "36.04.29", "nama", "Satu")),
        { .kind = FEED_CONFLICT,
          .conflict = conflict,
          .collection = bytes_text("orang"),
          .record = person,
          .field = bytes_text("nama"),
          .value_a = office_text("Satu"),
          .value_b = office_text("Dua"),
          .author_a = bytes_text("36.04"),
          .author_b = bytes_text(OFFICE_NODE) },
    };
    assert_int_equal(office_feed(o, FEED_RECORDS, items, 2), OK);
    struct entry_field chosen[] = { TEXT("alamat", "Dua") };
    struct entry_change change = {
        .op = OP_RESOLVE, .conflict = conflict, .fields = chosen, .field_count = 1
    };
    is_problem(o, submit(o, &change, 1, LANE_NORMAL, OFFICE_WALL_MS), ERR_USAGE, "change 1");
    chosen[0] = text_field("nama", "Dua");
    change.record = (struct id){ { 0 } }; /* the conflict knows its record */
    assert_int_equal(submit(o, &change, 1, LANE_NORMAL, OFFICE_WALL_MS), OK);
    const struct change *made = &open_last(o, LANE_NORMAL, NULL)->changes[0];
    assert_int_equal(made->op, OP_RESOLVE);
    assert_true(id_equal(&made->conflict, &conflict) && id_equal(&made->record, &person));
    assert_int_equal(made->base.rev, o->journal - 1);
    change.conflict = crypto_random_id();
    is_problem(o, submit(o, &change, 1, LANE_NORMAL, OFFICE_WALL_MS), ERR_NOT_FOUND, "change 1");
}

/* ---- the stored answer */

static void make_answer(void *ctx, const struct entry_request *request, const struct hash *leaf,
                        struct buf *ret)
{
    struct hash *seen = ctx;
    *seen = *leaf;
    assert_false(id_is_zero(&request->changes[0].record));
    memcpy(ret->at, "{\"done\":1}", 10);
    ret->len = 10;
}

static void a_repeated_request_is_answered_not_stored_again(void **state)
{
    struct office *o = *state;
    struct entry_field fields[] = { TEXT("kec", "36.04.29"), TEXT("nama", "Baik") };
    struct entry_change changes[] = { CREATE("orang", fields) };
    struct hash in_answer;
    const struct entry_request request = { .request = crypto_random_id(),
                                           .wall_ms = OFFICE_WALL_MS,
                                           .lane = LANE_NORMAL,
                                           .changes = changes,
                                           .change_count = 1,
                                           .answer = make_answer,
                                           .ctx = &in_answer };
    struct bytes answer;
    assert_int_equal(node_entry_submit(o->entry, &request, &result.leaf, &result.seq,
                                       &result.failed, &o->problem, NULL),
                     OK);
    assert_true(hash_equal(&in_answer, &result.leaf));
    assert_int_equal(node_store_answer(o->store, &request.request, &answer), OK);
    assert_true(bytes_is(answer, "{\"done\":1}"));
    uint64_t before = office_lane(o, LANE_NORMAL).highest;
    assert_int_equal(node_entry_submit(o->entry, &request, &result.leaf, &result.seq,
                                       &result.failed, &o->problem, NULL),
                     ERR_STATE);
    assert_string_equal(o->problem.thing, "request");
    assert_int_equal(office_lane(o, LANE_NORMAL).highest, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_OFFICE(the_hub_opens_what_the_operator_signed),
        WITH_OFFICE(every_create_gets_the_next_short_number),
        WITH_OFFICE(an_update_names_what_its_author_saw),
        WITH_OFFICE(each_run_of_the_daemon_has_its_own_data_key),
        WITH_OFFICE(a_data_key_that_was_not_stored_is_given_again),
        WITH_OFFICE(changes_of_one_request_name_each_other),
        WITH_OFFICE(a_reference_must_lead_to_a_record_of_a_target),
        WITH_OFFICE(work_goes_behind_what_it_builds_on),
        WITH_OFFICE(the_policy_says_how_urgent_a_collection_is),
        WITH_OFFICE(refused_work_leaves_no_trace),
        WITH_OFFICE(what_breaks_the_policy_is_refused_with_its_place),
        WITH_OFFICE(an_edit_of_what_is_not_there_or_has_moved_is_refused),
        WITH_OFFICE(a_raw_value_must_be_canonical),
        WITH_OFFICE(too_much_is_refused_not_cut),
        WITH_OFFICE(nothing_is_entered_without_key_policy_or_approval),
        WITH_OFFICE(a_clock_outside_the_term_only_warns),
        WITH_OFFICE(an_answer_to_a_conflict_is_a_change_like_any_other),
        WITH_OFFICE(a_repeated_request_is_answered_not_stored_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
