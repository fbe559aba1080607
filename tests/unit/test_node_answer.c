/* Submissions at an office: what waits for an answer, answers that come, answering, receipts, how
 * far a record has come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "node/node_answer.h"
#include "proto/receipt.h"
#include "tests/support/node_world.h"

#define DAY_MS UINT64_C(86400000)

static const char submissions[] =
    "code_list langkah { version '2020-01-01' { code draf { label = 'Draf' }\n"
    "    code masuk { label = 'Masuk' } code periksa { label = 'Diperiksa' }\n"
    "    code setuju { label = 'Disetujui' } code tolak { label = 'Ditolak' } } }\n"
    "code_list bidang { version '2020-01-01' { code sosial { label = 'Bidang sosial' }\n"
    "    code dana { label = 'Bidang dana' } } }\n"
    "collection usul { title = 'Usul' area_field = kec\n"
    "field kec { type = area level = 3 required = true authority = {T} sensitivity = U }\n"
    "field langkah { type = enum codes = langkah default = draf authority = {T} sensitivity = U }\n"
    "field bidang { type = enum codes = bidang authority = {T} sensitivity = U }\n"
    "field rahasia { type = text length = 40 authority = {T} sensitivity = P }\n"
    "field jawab { type = list element = map keys = {apa, kapan, ket, sampai, siapa}\n"
    "    append_only = true authority = {T} sensitivity = U label = 'Jawaban' }\n"
    "field ket { type = text length = 40 authority = {T} sensitivity = U label = 'Alasan' }\n"
    "workflow langkah { edge draf { to = draf authority = {T} }\n"
    "    edge masuk { to = masuk authority = {T} }\n"
    "    edge tanya { from = {draf} to = masuk authority = {T} }\n"
    "    edge setuju { from = {masuk, periksa} to = setuju authority = {T} }\n"
    "    edge tolak { from = {masuk} to = tolak authority = {T} requires = {ket} } }\n"
    "%s}\n";
static const char answer[] =
    "answer { field = jawab state = langkah unit = bidang days = 14 open = {masuk, periksa}\n"
    "    time_key = kapan by_key = siapa decision_key = apa target_key = sampai }\n";

static void rules(struct admin_world *w, uint64_t version, const char *of_answers)
{
    char text[16384], more[4096];
    const struct hash previous = w->o.rules_hash;
    (void)snprintf(more, sizeof more, submissions, of_answers);
    int len = snprintf(text, sizeof text, "%s%s", world_source, more);
    assert_true(len > 0 && (size_t)len < sizeof text);
    assert_int_equal(
        office_feed_document(&w->o, FEED_RULES, office_rules(&w->o, text, version, &previous)), OK);
}

static int open_world(void **state)
{
    int result = world_ready(state);
    rules(*state, 2, answer);
    return result;
}

/* --- helpers --------------------------------------------------------------------------------- */

static void ack_all(struct admin_world *w)
{
    struct node_lane lane;
    assert_int_equal(node_store_lane(w->o.store, LANE_NORMAL, &lane), OK);
    if (lane.highest > lane.acked)
        assert_int_equal(office_ack(&w->o, LANE_NORMAL, lane.acked + 1, lane.highest,
                                    lane.acked + 1, bytes_of(NULL, 0)),
                         OK);
}

/* Entered and merged; its id. */
static struct id submit(struct admin_world *w, const char *step)
{
    struct id id;
    if (!world_ask(w, "put",
                   json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "collection", "usul", "fields", "kec",
                             OFFICE_NODE, "langkah", step, "bidang", "dana", "rahasia", "Karto")))
        fail_msg("%s: %s", world_text(w, "thing"), world_text(w, "rule"));
    assert_true(uuid_from_text(bytes_text(world_text(w, "id")), &id));
    ack_all(w);
    return id;
}

static const char *id_text(const struct id *id)
{
    static char text[UUID_TEXT_BYTES];
    uuid_to_text(id, text);
    return text;
}

static const char *number_of(struct admin_world *w, const struct id *id)
{
    static char text[40];
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", id_text(id))));
    (void)snprintf(text, sizeof text, "%s", world_text(w, "short"));
    return text;
}

/* What the district did with it, at `claimed_ms`. */
static void told(struct admin_world *w, const struct id *id, const char *const *fields,
                 uint64_t claimed_ms)
{
    struct feed_item item = office_record(id, "usul", number_of(w, id), fields);
    item.origin.claimed_ms = claimed_ms;
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
}

static struct bytes one_answer(void)
{
    static uint8_t space[128];
    struct writer out = writer_of(space, sizeof space);
    writer_map(&out, 1);
    writer_text(&out, "jawab");
    writer_array(&out, 1);
    writer_map(&out, 3);
    writer_text(&out, "apa");
    writer_text(&out, "setuju");
    writer_text(&out, "ket");
    writer_text(&out, "Karto sudah tua");
    writer_text(&out, "sampai");
    writer_text(&out, "2030-12-01");
    assert_int_equal(out.err, OK);
    return writer_bytes(&out);
}

static void answered(struct admin_world *w, const struct id *id)
{
    struct feed_item item = office_record(id, "usul", number_of(w, id), FIELDS(NULL));
    item.fields = one_answer();
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
}

static json_int_t status(struct admin_world *w, const char *key)
{
    assert_true(world_ask(w, "status", NULL));
    return world_number(w, key);
}

static const char *row_text(struct admin_world *w, size_t index, const char *key)
{
    const char *text = json_string_value(json_object_get(world_row(w, index), key));
    return text != NULL ? text : "";
}

/* The row of `attention` that tells of an answer; NULL: none. */
static json_t *told_row(struct admin_world *w)
{
    assert_true(world_ask(w, "attention", NULL));
    for (size_t i = 0; i < world_rows(w); i++)
        if (strcmp(row_text(w, i, "kind"), "answer") == 0)
            return world_row(w, i);
    return NULL;
}

/* --- what waits ------------------------------------------------------------------------------ */

static void a_submission_waits_once_the_district_has_it_in_an_open_state(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "draf");
    assert_int_equal(status(w, "unanswered"), 0);
    told(w, &id, FIELDS("langkah", "masuk"), loop_wall_ms() - 3 * DAY_MS);
    told(w, &id, FIELDS("langkah", "periksa"), loop_wall_ms() - DAY_MS);
    assert_int_equal(status(w, "unanswered"), 1);
    assert_int_equal(status(w, "unanswered_late"), 0);
    assert_true(world_ask(w, "unanswered", NULL));
    assert_int_equal(world_rows(w), 1);
    assert_string_equal(row_text(w, 0, "state_label"), "Diperiksa");
    assert_string_equal(row_text(w, 0, "unit_label"), "Bidang dana");
    assert_int_equal(json_integer_value(json_object_get(world_row(w, 0), "days")), 3);
    assert_true(world_ask(w, "unanswered", json_pack("{s:s}", "unit", "bidang DANA")));
    assert_int_equal(world_rows(w), 1);
    assert_true(world_ask(w, "unanswered", json_pack("{s:s}", "unit", "sosial")));
    assert_int_equal(world_rows(w), 0);
    assert_true(world_ask(w, "unanswered", json_pack("{s:i}", "days", 4)));
    assert_int_equal(world_rows(w), 0);
    world_refused(w, "code", "unanswered", json_pack("{s:s}", "unit", "dapur"));
    answered(w, &id);
    assert_int_equal(status(w, "unanswered"), 0);
    assert_true(world_ask(w, "unanswered", NULL));
    assert_int_equal(world_rows(w), 0);
}

static void what_is_over_its_days_is_late_also_while_locked(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "draf");
    told(w, &id, FIELDS("langkah", "masuk"), loop_wall_ms() - 15 * DAY_MS);
    assert_true(world_ask(w, "unanswered", NULL));
    assert_true(json_is_true(json_object_get(world_row(w, 0), "late")));
    assert_int_equal(world_number(w, "late"), 1);
    assert_true(world_ask(w, "lock", NULL));
    assert_int_equal(status(w, "unanswered_late"), 1);
    world_refused(w, "locked", "unanswered", NULL);
    world_refused(w, "locked", "receipt", json_pack("{s:s}", "number", "29-0001-KM"));
}

static void a_policy_that_asks_for_answers_later_finds_what_waits(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "masuk");
    assert_int_equal(status(w, "unanswered"), 1);
    rules(w, 3, "");
    assert_int_equal(status(w, "unanswered"), 0);
    rules(w, 4, answer);
    assert_int_equal(status(w, "unanswered"), 1);
    world_restart(w);
    assert_true(world_unlock(w));
    assert_int_equal(status(w, "unanswered"), 1);
    (void)id;
}

/* --- what comes ------------------------------------------------------------------------------ */

static void an_answer_is_told_until_somebody_puts_it_away(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "masuk");
    assert_null(told_row(w));
    answered(w, &id);
    assert_int_equal(status(w, "replies"), 1);
    assert_int_equal(status(w, "replies_new"), 1);
    json_t *row = told_row(w);
    assert_non_null(row);
    const char *why = json_string_value(json_object_get(row, "reason_text"));
    assert_non_null(strstr(why, "Disetujui"));
    assert_non_null(strstr(why, "2030-12-01"));
    assert_null(strstr(why, "Karto"));
    assert_int_equal(status(w, "replies_new"), 0); /* it was looked at */
    assert_int_equal(status(w, "replies"), 1);
    assert_true(world_ask(w, "dismiss", json_pack("{s:s}", "id", id_text(&id))));
    assert_null(told_row(w));
    world_refused(w, "not_found", "dismiss", json_pack("{s:s}", "id", id_text(&id)));
    told(w, &id, FIELDS("langkah", "setuju"), OFFICE_WALL_MS); /* the state moves: told again */
    assert_non_null(told_row(w));
}

static void own_changes_and_other_offices_submissions_are_no_answer(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "draf"), other = crypto_uuid7(OFFICE_WALL_MS);
    struct feed_item item =
        office_record(&id, "usul", number_of(w, &id), FIELDS("langkah", "masuk"));
    item.origin.node = bytes_text(OFFICE_NODE);
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
    assert_int_equal(status(w, "replies"), 0);
    item = office_record(&other, "usul", "05-0001", FIELDS("kec", OFFICE_NODE, "langkah", "masuk"));
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
    item = office_record(&other, "usul", "05-0001", FIELDS("langkah", "setuju"));
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
    assert_int_equal(status(w, "replies"), 0);
    /* Of what is told for the first time nobody knows what is new. */
    struct id former = crypto_uuid7(OFFICE_WALL_MS + 1);
    item =
        office_record(&former, "usul", "29-0900", FIELDS("kec", OFFICE_NODE, "langkah", "setuju"));
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
    assert_int_equal(status(w, "replies"), 0);
    told(w, &id, FIELDS("rahasia", "x"), OFFICE_WALL_MS); /* neither state nor answer */
    assert_int_equal(status(w, "replies"), 0);
}

static void an_answer_is_told_where_the_question_was_asked(void **state)
{
    struct admin_world *w = *state;
    struct id id = crypto_uuid7(OFFICE_WALL_MS);
    struct feed_item item =
        office_record(&id, "usul", "04-0001", FIELDS("kec", OFFICE_NODE, "langkah", "draf"));
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
    if (!world_ask(w, "edit",
                   json_pack("{s:s, s:{s:s}}", "id", id_text(&id), "fields", "langkah", "masuk")))
        fail_msg("%s: %s", world_text(w, "thing"), world_text(w, "rule"));
    ack_all(w);
    assert_int_equal(status(w, "unanswered"), 1);
    assert_int_equal(status(w, "replies"), 0);
    item = office_record(&id, "usul", "04-0001", FIELDS("langkah", "setuju"));
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
    assert_int_equal(status(w, "replies"), 1);
    /* What comes later, when it is no longer owed, is told too. */
    assert_true(world_ask(w, "dismiss", json_pack("{s:s}", "id", id_text(&id))));
    item = office_record(&id, "usul", "04-0001", FIELDS(NULL));
    item.fields = one_answer();
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
    assert_int_equal(status(w, "replies"), 1);
}

/* --- answering ------------------------------------------------------------------------------- */

static const char *field_text(struct admin_world *w, const struct id *id, const char *name)
{
    size_t index;
    json_t *row;
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", id_text(id))));
    json_array_foreach(json_object_get(world_done(w), "fields"), index, row) {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
            return json_string_value(json_object_get(row, "value"));
    }
    return "";
}

static const char *answer_text(struct admin_world *w, const struct id *id)
{
    return field_text(w, id, "jawab");
}

static bool reply(struct admin_world *w, const struct id *id, json_t *values)
{
    return world_ask(w, "answer", json_pack("{s:s, s:o}", "id", id_text(id), "values", values));
}

static void an_answer_goes_behind_those_that_stand(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "masuk");
    assert_true(reply(w, &id,
                      json_pack("{s:s, s:s, s:s, s:s}", "decision", "setuju", "target",
                                "2030-12-01", "ket", "lengkap", "state", "setuju")));
    assert_true(reply(w, &id, json_pack("{s:s}", "apa", "dana ada")));
    const char *text = answer_text(w, &id);
    const char *first = strstr(text, "apa=setuju"), *second = strstr(text, "apa=dana ada");
    assert_true(first != NULL && second != NULL && first < second);
    assert_non_null(strstr(text, "sampai=2030-12-01"));
    assert_non_null(strstr(text, "siapa=siti"));
    assert_non_null(strstr(text, "kapan=20"));
    ack_all(w);
    assert_int_equal(status(w, "unanswered"), 0);
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", id_text(&id))));
    assert_string_equal(world_text(w, "hop"), "answered");
}

static void a_reason_that_the_new_state_asks_for_is_typed_once(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "masuk");
    assert_true(reply(w, &id, json_pack("{s:s, s:s}", "apa", "tunggu", "ket", "dicek dulu")));
    assert_string_equal(field_text(w, &id, "ket"), "");
    assert_false(reply(w, &id, json_pack("{s:s, s:s}", "apa", "tolak", "state", "tolak")));
    assert_true(reply(
        w, &id,
        json_pack("{s:s, s:s, s:s}", "apa", "tolak", "state", "tolak", "ket", "belum lengkap")));
    assert_string_equal(field_text(w, &id, "ket"), "belum lengkap");
    assert_non_null(strstr(answer_text(w, &id), "ket=belum lengkap"));
}

static void who_answers_may_say_when_and_in_whose_name(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "masuk");
    assert_true(reply(w, &id,
                      json_pack("{s:s, s:s, s:s}", "apa", "setuju", "siapa", "Bupati", "kapan",
                                "2026-01-02 08:00")));
    const char *text = answer_text(w, &id);
    assert_non_null(strstr(text, "siapa=Bupati"));
    assert_non_null(strstr(text, "kapan=2026-01-02 08:00"));
    assert_null(strstr(text, "siti"));
}

static void answers_that_fit_nothing_are_refused_with_what_fits(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "masuk"), person;
    assert_true(uuid_from_text(bytes_text(world_put(w, "Ani")), &person));
    assert_false(reply(w, &id, json_pack("{s:s}", "warna", "biru")));
    assert_string_equal(world_text(w, "code"), "part");
    assert_non_null(strstr(world_text(w, "rule"), "apa, kapan, ket, sampai, siapa"));
    assert_false(reply(w, &id, json_pack("{s:s}", "langkah", "setuju"))); /* an edit, no answer */
    assert_string_equal(world_text(w, "code"), "part");
    assert_false(reply(w, &id, json_pack("{s:s, s:s}", "apa", "setuju", "decision", "tolak")));
    assert_string_equal(world_text(w, "code"), "twice");
    assert_false(reply(w, &id, json_pack("{s:s, s:s}", "apa", "setuju", "state", "dapur")));
    assert_string_equal(world_text(w, "code"), "code");
    assert_false(reply(w, &person, json_pack("{s:s}", "apa", "setuju")));
    assert_string_equal(world_text(w, "code"), "unanswered");
    assert_string_equal(answer_text(w, &id), "");
}

static void an_answer_with_two_values_is_decided_first(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "masuk");
    struct bytes list = one_answer();
    list = bytes_of(list.at + 7, list.len - 7); /* the value behind the field's name */
    struct feed_item item = { .kind = FEED_CONFLICT,
                              .conflict = crypto_random_id(),
                              .collection = bytes_text("usul"),
                              .record = id,
                              .field = bytes_text("jawab"),
                              .value_a = list,
                              .value_b = list,
                              .author_a = bytes_text("36.04"),
                              .author_b = bytes_text(OFFICE_NODE) };
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
    answered(w, &id);
    assert_false(reply(w, &id, json_pack("{s:s}", "apa", "setuju")));
    assert_string_equal(world_text(w, "code"), "state");
    assert_non_null(strstr(world_text(w, "rule"), "conflict list"));
}

static void a_repeated_request_answers_once(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "masuk");
    for (unsigned i = 0; i < 2; i++)
        assert_true(
            world_ask(w, "answer",
                      json_pack("{s:s, s:{s:s}, s:s}", "id", id_text(&id), "values", "apa",
                                "setuju", "request", "0191f0c2-0000-7000-8000-000000000001")));
    const char *text = answer_text(w, &id);
    assert_null(strstr(strstr(text, "apa=setuju") + 1, "apa=setuju"));
}

/* --- receipts -------------------------------------------------------------------------------- */

static void a_receipt_tells_the_state_and_nothing_personal(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "masuk");
    char number[RECEIPT_TEXT_MAX];
    receipt_text(bytes_text(number_of(w, &id)), &id, number);
    assert_true(world_ask(w, "receipt", json_pack("{s:s}", "number", number)));
    assert_string_equal(world_text(w, "state_label"), "Masuk");
    assert_string_equal(world_text(w, "unit_label"), "Bidang dana");
    assert_string_equal(world_text(w, "receipt"), number);
    assert_int_equal(world_number(w, "unanswered_days"), 0);
    answered(w, &id);
    assert_true(world_ask(w, "receipt", json_pack("{s:s}", "number", number)));
    assert_string_equal(world_text(w, "decision_label"), "Disetujui");
    assert_string_equal(world_text(w, "target"), "2030-12-01");
    char *all = json_dumps(world_done(w), 0);
    assert_null(strstr(all, "Karto"));
    assert_null(strstr(all, id_text(&id)));
    free(all);
}

static void every_wrong_number_gets_the_same_answer(void **state)
{
    struct admin_world *w = *state;
    struct id id = submit(w, "masuk"), person;
    char number[RECEIPT_TEXT_MAX], wrong[RECEIPT_TEXT_MAX];
    receipt_text(bytes_text(number_of(w, &id)), &id, number);
    (void)snprintf(wrong, sizeof wrong, "%s", number);
    wrong[strlen(wrong) - 1] = wrong[strlen(wrong) - 1] == 'A' ? 'B' : 'A';
    world_refused(w, "receipt", "receipt", json_pack("{s:s}", "number", wrong));
    world_refused(w, "receipt", "receipt", json_pack("{s:s}", "number", "29-0999-KM"));
    world_refused(w, "receipt", "receipt", json_pack("{s:s}", "number", "x"));
    assert_true(uuid_from_text(bytes_text(world_put(w, "Ani")), &person));
    receipt_text(bytes_text(number_of(w, &person)), &person, number);
    world_refused(w, "receipt", "receipt", json_pack("{s:s}", "number", number));
}

static void entering_a_submission_names_its_receipt_number(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(
        w, "put", json_pack("{s:s, s:{s:s}}", "collection", "usul", "fields", "kec", OFFICE_NODE)));
    assert_int_equal(strlen(world_text(w, "receipt")), strlen("29-0001-KM"));
    (void)world_put(w, "Ani");
    assert_null(json_object_get(world_done(w), "receipt"));
}

/* --- how far it has come --------------------------------------------------------------------- */

static void a_record_comes_step_by_step(void **state)
{
    struct admin_world *w = *state;
    char id[40];
    (void)snprintf(id, sizeof id, "%s", world_put(w, "Ani"));
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", id)));
    assert_string_equal(world_text(w, "hop"), "queued");
    struct node_lane lane;
    assert_int_equal(node_store_lane(w->o.store, LANE_NORMAL, &lane), OK);
    assert_int_equal(office_ack(&w->o, LANE_NORMAL, lane.acked + 1, lane.highest, lane.acked + 1,
                                office_answer(0, DISPOSITION_PARKED, "wait", "")),
                     OK);
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", id)));
    assert_string_equal(world_text(w, "hop"), "received"); /* it waits there */
    struct id merged = submit(w, "masuk");
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", id_text(&merged))));
    assert_string_equal(world_text(w, "hop"), "merged");
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "usul")));
    assert_string_equal(row_text(w, 0, "hop"), "merged");
}

/* --- counting -------------------------------------------------------------------------------- */

static void records_are_counted_where_they_are(void **state)
{
    struct admin_world *w = *state;
    for (unsigned i = 0; i < 3; i++)
        (void)submit(w, i > 0 ? "masuk" : "draf");
    assert_true(world_ask(
        w, "count", json_pack("{s:s, s:[s, s]}", "collection", "Usul", "by", "langkah", "bidang")));
    assert_int_equal(world_rows(w), 2);
    assert_int_equal(world_number(w, "records"), 3);
    assert_int_equal(json_integer_value(json_object_get(world_row(w, 1), "records")), 2);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(world_row(w, 1), "labels"), 0)), "Masuk");
    assert_true(world_ask(w, "count",
                          json_pack("{s:s, s:[s], s:{s:s}}", "collection", "usul", "by", "kec",
                                    "find", "langkah", "draf")));
    assert_int_equal(world_number(w, "records"), 1);
    world_refused(w, "count_by", "count",
                  json_pack("{s:s, s:[s]}", "collection", "usul", "by", "rahasia"));
    world_refused(w, "usage", "count", json_pack("{s:s}", "collection", "usul"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_submission_waits_once_the_district_has_it_in_an_open_state),
        TEST(what_is_over_its_days_is_late_also_while_locked),
        TEST(a_policy_that_asks_for_answers_later_finds_what_waits),
        TEST(an_answer_is_told_until_somebody_puts_it_away),
        TEST(an_answer_is_told_where_the_question_was_asked),
        TEST(own_changes_and_other_offices_submissions_are_no_answer),
        TEST(an_answer_goes_behind_those_that_stand),
        TEST(a_reason_that_the_new_state_asks_for_is_typed_once),
        TEST(who_answers_may_say_when_and_in_whose_name),
        TEST(answers_that_fit_nothing_are_refused_with_what_fits),
        TEST(an_answer_with_two_values_is_decided_first),
        TEST(a_repeated_request_answers_once),
        TEST(a_receipt_tells_the_state_and_nothing_personal),
        TEST(every_wrong_number_gets_the_same_answer),
        TEST(entering_a_submission_names_its_receipt_number),
        TEST(a_record_comes_step_by_step),
        TEST(records_are_counted_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
