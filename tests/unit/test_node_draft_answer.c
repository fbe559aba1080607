/* What the district office rejects comes back as a draft, exactly once. */
#include "tests/unit/draft_fixture.h"

/* ---- made of an answer */

static void a_rejected_change_comes_back_once_with_its_reason(void **state)
{
    struct admin_world *w = *state;
    put_rejected(w, "Ani");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(drafts(w), 1);
        assert_string_equal(row_text(w, 0, "origin"), "rejected");
        assert_string_equal(row_text(w, 0, "reason"), "nik");
        assert_string_equal(row_text(w, 0, "field"), "nama");
        assert_string_equal(row_text(w, 0, "by"), "Siti Aminah");
        assert_true(strlen(row_text(w, 0, "reason_text")) > 0);
        assert_int_equal(attention(w), 1);
        if (i == 0) { /* the hub says it again */
            assert_int_equal(office_ack(&w->o, LANE_NORMAL, 1, 1, 1,
                                        office_answer(0, DISPOSITION_REJECTED, "nik", "nama")),
                             OK);
        } else {
            world_restart(w);
            assert_true(world_unlock(w));
        }
    }
    assert_true(show(w, "D-1"));
    assert_string_equal(value(w, 1, "nama"), "Ani");
    assert_null(value(w, 1, "status")); /* a default is left to the policy in force */
    assert_int_equal(problems(w), 0);
    assert_true(send_draft(w, "D-1", "{\"nama\":\"Ani Mulyani\"}"));
    assert_string_equal(world_text(w, "short"), "29-0002");
    assert_int_equal(attention(w), 0);
}

static void an_answer_while_locked_makes_the_draft_too(void **state)
{
    struct admin_world *w = *state;
    world_put(w, "Ani");
    assert_true(world_ask(w, "lock", NULL));
    ack_all(w, office_answer(0, DISPOSITION_REJECTED, "nik", "nama"));
    assert_true(world_ask(w, "attention", NULL));
    assert_int_equal(world_rows(w), 1);
    assert_string_equal(row_text(w, 0, "kind"), "draft");
    assert_string_equal(row_text(w, 0, "reason"), "nik");
    assert_true(json_is_null(json_object_get(world_row(w, 0), "collection")));
    assert_null(json_object_get(world_row(w, 0), "summary"));
    world_restart(w);
    assert_true(world_unlock(w));
    assert_int_equal(drafts(w), 1);
    assert_true(show(w, "D-1"));
    assert_string_equal(value(w, 1, "nama"), "Ani");
}

static void an_accepted_change_has_no_draft(void **state)
{
    struct admin_world *w = *state;
    world_put(w, "Ani");
    world_put(w, "Budi");
    ack_all(w, office_answer(0, DISPOSITION_SUPERSEDED, "", ""));
    assert_int_equal(drafts(w), 0);
}

static void a_later_decision_makes_the_draft(void **state)
{
    struct admin_world *w = *state;
    world_put(w, "Ani");
    ack_all(w, office_answer(0, DISPOSITION_QUARANTINED, "author_ended", ""));
    assert_int_equal(drafts(w), 0);
    struct feed_item item = { .kind = FEED_DECISION };
    item.decision = (struct ack_entry){ .whole = true,
                                        .disposition = DISPOSITION_REJECTED,
                                        .reason = bytes_text("author_ended") };
    char leaf[80];
    assert_true(world_ask(w, "attention", NULL));
    snprintf(leaf, sizeof leaf, "%s", row_text(w, 0, "leaf"));
    for (unsigned i = 0; i < HASH_BYTES; i++)
        assert_int_equal(sscanf(leaf + 2 * i, "%2hhx", &item.leaf.at[i]), 1);
    assert_int_equal(office_feed_one(&w->o, FEED_CONTROL, item), OK);
    assert_int_equal(drafts(w), 1);
    assert_string_equal(row_text(w, 0, "reason"), "author_ended");
}

static void a_group_comes_back_and_is_corrected_together(void **state)
{
    struct admin_world *w = *state;
    json_t *changes = json_loads(
        "[{\"op\":\"create\",\"collection\":\"keluarga\",\"fields\":{\"kec\":\"36.04.29\","
        "\"kepala\":\"$2\"}},{\"op\":\"create\",\"collection\":\"orang\","
        "\"fields\":{\"kec\":\"36.04.29\",\"nama\":\"Ani\",\"rumah\":\"$1\"}},"
        "{\"op\":\"create\",\"collection\":\"orang\",\"group\":1,"
        "\"fields\":{\"kec\":\"36.04.29\",\"nama\":\"Budi\"}}]",
        0, NULL);
    assert_true(world_ask(w, "apply", json_pack("{s:o}", "changes", changes)));
    uint8_t space[256];
    struct writer out = writer_of(space, sizeof space);
    writer_array(&out, 2);
    for (unsigned i = 0; i < 2; i++) {
        writer_array(&out, 4);
        writer_uint(&out, i);
        writer_uint(&out, DISPOSITION_REJECTED);
        writer_text(&out, "nik");
        writer_text(&out, i == 1 ? "nama" : "");
    }
    ack_all(w, writer_bytes(&out));
    assert_int_equal(drafts(w), 1);
    assert_int_equal(json_integer_value(json_object_get(world_row(w, 0), "changes")), 2);
    assert_string_equal(row_text(w, 0, "field"), "nama");
    assert_true(show(w, "D-1"));
    assert_int_equal(problems(w), 0);
    assert_int_equal(strlen(value(w, 1, "kepala")), 36);
    assert_true(send_draft(w, "D-1", "{\"2.nama\":\"Ani Mulyani\"}"));
    const json_t *ids = json_object_get(world_done(w), "ids");
    assert_int_equal(json_array_size(ids), 2);
    char house[40], head[40];
    snprintf(house, sizeof house, "%s",
             json_string_value(json_object_get(json_array_get(ids, 0), "id")));
    snprintf(head, sizeof head, "%s",
             json_string_value(json_object_get(json_array_get(ids, 1), "id")));
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", house)));
    char *text = json_dumps(world_done(w), 0);
    assert_non_null(strstr(text, head));
    free(text);
    assert_int_equal(attention(w), 0);
}

static void what_builds_on_a_refused_record_follows_its_correction(void **state)
{
    struct admin_world *w = *state;
    char id[40];
    snprintf(id, sizeof id, "%s", world_put(w, "Ani"));
    assert_true(
        world_ask(w, "edit", json_pack("{s:s, s:{s:s}}", "id", id, "fields", "umur", "40")));
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s}}", "collection", "keluarga", "fields",
                                    "kec", OFFICE_NODE, "kepala", id)));
    struct node_lane row;
    assert_int_equal(node_store_lane(w->o.store, LANE_NORMAL, &row), OK);
    for (uint64_t seq = row.acked + 1; seq <= row.highest; seq++)
        assert_int_equal(
            office_ack(&w->o, LANE_NORMAL, seq, seq, 1,
                       seq + 2 == row.highest
                           ? office_answer(0, DISPOSITION_REJECTED, "nik", "nama")
                           : office_answer(0, DISPOSITION_REJECTED, "base_rejected", "")),
            OK);
    assert_int_equal(drafts(w), 3);
    assert_false(send_draft(w, "D-2", NULL));
    assert_string_equal(world_text(w, "code"), "draft_order");
    assert_non_null(strstr(world_text(w, "rule"), "D-1"));
    assert_true(send_draft(w, "D-1", NULL));
    char now[40];
    snprintf(now, sizeof now, "%s", world_text(w, "id"));
    assert_string_not_equal(now, id);
    assert_true(send_draft(w, "D-2", NULL));
    assert_string_equal(world_text(w, "id"), now);
    assert_true(send_draft(w, "D-3", NULL));
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", world_text(w, "id"))));
    char *text = json_dumps(world_done(w), 0);
    assert_non_null(strstr(text, now));
    free(text);
    assert_int_equal(attention(w), 0);
}

static void a_discarded_draft_leaves_attention_and_stays_in_the_history(void **state)
{
    struct admin_world *w = *state;
    char id[40];
    snprintf(id, sizeof id, "%s", put_rejected(w, "Ani"));
    assert_true(world_ask(w, "draft_discard", json_pack("{s:s}", "draft", "D-1")));
    assert_int_equal(drafts(w), 0);
    assert_int_equal(attention(w), 0);
    world_refused(w, "draft_gone", "draft_discard", json_pack("{s:s}", "draft", "D-1"));
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", id)));
    assert_int_equal(json_array_size(json_object_get(world_done(w), "history")), 1);
}

static void a_refusal_that_needs_no_correction_is_dismissed(void **state)
{
    struct admin_world *w = *state;
    char id[40];
    snprintf(id, sizeof id, "%s", world_put(w, "Ani"));
    ack_all(w, bytes_of(NULL, 0));
    /* A delete has no values to mend: it is in `attention` alone. */
    assert_true(world_ask(w, "delete", json_pack("{s:s}", "id", id)));
    ack_all(w, office_answer(0, DISPOSITION_REJECTED, "authority", ""));
    assert_int_equal(drafts(w), 0);
    assert_true(world_ask(w, "attention", NULL));
    assert_int_equal(world_rows(w), 1);
    assert_string_equal(row_text(w, 0, "kind"), "rejected");
    assert_true(world_ask(w, "dismiss", json_pack("{s:s}", "id", "29-0001")));
    assert_int_equal(attention(w), 0);
    world_refused(w, "not_found", "dismiss", json_pack("{s:s}", "id", "29-0001"));
    /* An edit takes its draft along, unless somebody has worked on that. */
    for (int i = 0; i < 2; i++) {
        assert_true(
            world_ask(w, "edit", json_pack("{s:s, s:{s:s}}", "id", id, "fields", "umur", "40")));
        ack_all(w, office_answer(0, DISPOSITION_REJECTED, "authority", "umur"));
        assert_int_equal(drafts(w), 1);
        if (i == 1) {
            assert_true(with_fields(w, "draft_edit", "D-2", "{\"umur\":\"41\"}", NULL));
            world_refused(w, "draft_edited", "dismiss", json_pack("{s:s}", "id", id));
            assert_int_equal(drafts(w), 1);
        } else {
            assert_true(world_ask(w, "dismiss", json_pack("{s:s}", "id", id)));
            assert_int_equal(attention(w), 0);
        }
    }
}

/* ---- a hub that was restored */

static void next_epoch(struct admin_world *w, uint64_t cut)
{
    uint8_t space[256];
    struct writer ops = writer_of(space, sizeof space);
    const struct hash hash = { { 0 } };
    trust_op_epoch(&ops, w->o.epoch + 1, cut, &hash);
    struct bytes statement = office_statement(&w->o, 1, writer_bytes(&ops));
    w->o.journal += 10;
    w->o.epoch++;
    assert_int_equal(office_feed_document(&w->o, FEED_TRUST, statement), OK);
}

/* Answers what waits, `from_end` before the last with `entries`; the last one is the policy entry
 * of the new epoch. */
static void answer_again(struct admin_world *w, unsigned from_end, struct bytes entries)
{
    struct node_lane row;
    assert_int_equal(node_store_lane(w->o.store, LANE_NORMAL, &row), OK);
    for (uint64_t seq = row.acked + 1; seq <= row.highest; seq++)
        assert_int_equal(office_ack(&w->o, LANE_NORMAL, seq, seq, 1,
                                    seq + from_end == row.highest ? entries : bytes_of(NULL, 0)),
                         OK);
}

static void a_rejection_that_is_taken_back_takes_its_draft_along(void **state)
{
    struct admin_world *w = *state;
    uint64_t cut = w->o.journal;
    put_rejected(w, "Ani");
    assert_int_equal(drafts(w), 1);
    next_epoch(w, cut);
    assert_int_equal(drafts(w), 0);
    assert_int_equal(attention(w), 0);
    answer_again(w, 1, office_answer(0, DISPOSITION_REJECTED, "nik", "nama"));
    assert_int_equal(drafts(w), 1);
    assert_string_equal(row_text(w, 0, "draft"), "D-2");
    assert_true(show(w, "D-2"));
    assert_string_equal(value(w, 1, "nama"), "Ani");
}

static void a_draft_that_somebody_edited_stays_and_is_not_entered_twice(void **state)
{
    struct admin_world *w = *state;
    uint64_t cut = w->o.journal;
    put_rejected(w, "Ani");
    assert_true(with_fields(w, "draft_edit", "D-1", "{\"nama\":\"Ani Mulyani\"}", NULL));
    next_epoch(w, cut);
    assert_int_equal(drafts(w), 1);
    assert_string_equal(row_text(w, 0, "origin"), "asked");
    assert_false(send_draft(w, "D-1", NULL));
    assert_string_equal(world_text(w, "code"), "draft_asked");
    answer_again(w, 1, bytes_of(NULL, 0));
    assert_int_equal(drafts(w), 1);
    assert_string_equal(row_text(w, 0, "origin"), "taken");
    assert_true(strlen(row_text(w, 0, "what")) > 0);
    assert_false(send_draft(w, "D-1", NULL));
    assert_string_equal(world_text(w, "code"), "draft_taken");
    assert_true(world_ask(w, "draft_discard", json_pack("{s:s}", "draft", "D-1")));
    assert_int_equal(attention(w), 0);
}

static void a_draft_that_was_sent_does_not_come_back(void **state)
{
    struct admin_world *w = *state;
    uint64_t cut = w->o.journal;
    put_rejected(w, "Ani");
    assert_true(send_draft(w, "D-1", NULL));
    ack_all(w, bytes_of(NULL, 0));
    next_epoch(w, cut);
    answer_again(w, 2, office_answer(0, DISPOSITION_REJECTED, "nik", "nama"));
    struct node_figures figures;
    assert_int_equal(node_store_figures(w->o.store, &figures), OK);
    assert_int_equal(figures.rejected, 1);
    assert_int_equal(drafts(w), 0);
}

static void a_new_incarnation_keeps_drafts(void **state)
{
    struct admin_world *w = *state;
    put_rejected(w, "Ani");
    assert_true(put_text(w, "{\"nama\":\"Budi\"}", NULL));
    world_put(w, "Cici");
    assert_int_equal(node_store_reopen(w->o.store), OK);
    assert_int_equal(drafts(w), 2);
    assert_true(send_draft(w, "D-1", NULL));
    assert_true(send_draft(w, "D-2", "{\"kec\":\"36.04.29\"}"));
}

int main(void)
{
#define READY(test) cmocka_unit_test_setup_teardown(test, world_ready, world_close)
    const struct CMUnitTest tests[] = {
        READY(a_rejected_change_comes_back_once_with_its_reason),
        READY(an_answer_while_locked_makes_the_draft_too),
        READY(an_accepted_change_has_no_draft),
        READY(a_later_decision_makes_the_draft),
        READY(a_group_comes_back_and_is_corrected_together),
        READY(what_builds_on_a_refused_record_follows_its_correction),
        READY(a_discarded_draft_leaves_attention_and_stays_in_the_history),
        READY(a_refusal_that_needs_no_correction_is_dismissed),
        READY(a_rejection_that_is_taken_back_takes_its_draft_along),
        READY(a_draft_that_somebody_edited_stays_and_is_not_entered_twice),
        READY(a_draft_that_was_sent_does_not_come_back),
        READY(a_new_incarnation_keeps_drafts),
    };
    if (crypto_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
