/* Two people, one netbook: what one enters waits until the other has signed it too. */
#include "tests/unit/countersign_fixture.h"

/* ---- waiting */

static void what_is_entered_waits_here_and_shows_at_once(void **state)
{
    struct pair *p = *state;
    struct node_figures before, after;
    assert_int_equal(node_store_figures(p->o.store, &before), OK);
    uint64_t highest = queued(p, LANE_NORMAL);
    struct id person = put(p, "Maimunah");
    const struct record_view *view = office_view(&p->o, &person);
    assert_true(view->pending);
    assert_true(view->to_countersign);
    assert_true(bytes_is(view->short_text, "29-0001"));
    assert_string_equal(office_value(view, "nama"), "Maimunah");
    assert_int_equal(queued(p, LANE_NORMAL), highest);
    assert_int_equal(node_store_figures(p->o.store, &after), OK);
    assert_int_equal(after.queued, before.queued);
    assert_int_equal(after.to_countersign, 1);
    struct own_change change = change_of(p, &person);
    assert_int_equal(change.countersign, COUNTERSIGN_WAITS);
    assert_int_equal(change.author, BUDI);
    struct id second = put(p, "Nuraini");
    assert_true(bytes_is(office_view(&p->o, &second)->short_text, "29-0002"));
}

static void it_survives_a_restart_and_is_counted_while_locked(void **state)
{
    struct pair *p = *state;
    struct id person = put(p, "Maimunah");
    struct hash leaf = leaf_of(p, &person);
    struct waiting_txn txn;
    office_restart(&p->o);
    assert_int_equal(waiting(p), 1);
    assert_int_equal(node_store_waiting_get(p->o.store, &leaf, &txn), ERR_LOCKED);
    unlock(p, SITI);
    assert_string_equal(office_value(office_view(&p->o, &person), "nama"), "Maimunah");
    sign_all(p, &leaf, 1);
    assert_int_equal(waiting(p), 0);
}

static void the_disk_does_not_tell_what_waits(void **state)
{
    struct pair *p = *state;
    (void)put(p, "Maimunah Tersembunyi");
    assert_false(office_disk_holds(&p->o, bytes_text("Maimunah Tersembunyi")));
}

static void a_request_is_taken_once(void **state)
{
    struct pair *p = *state;
    struct entry_field fields[] = { { .name = bytes_text("kec"), .text = bytes_text(OFFICE_NODE) },
                                    { .name = bytes_text("nama"), .text = bytes_text("Ani") } };
    struct entry_change change = { .op = OP_CREATE,
                                   .collection = bytes_text("orang"),
                                   .fields = fields,
                                   .field_count = COUNT_OF(fields) };
    const struct entry_request request = { .request = crypto_random_id(),
                                           .wall_ms = OFFICE_WALL_MS,
                                           .lane = LANE_NORMAL,
                                           .changes = &change,
                                           .change_count = 1 };
    struct hash leaf;
    struct bytes answer;
    uint64_t seq = 0;
    unsigned failed;
    assert_int_equal(
        node_entry_submit(p->o.entry, &request, &leaf, &seq, &failed, &p->o.problem, NULL), OK);
    assert_true(seq > 0);
    assert_int_equal(node_store_answer(p->o.store, &request.request, &answer), OK);
    assert_int_equal(
        node_entry_submit(p->o.entry, &request, &leaf, &seq, &failed, &p->o.problem, NULL),
        ERR_STATE);
    assert_int_equal(waiting(p), 1);
}

static void a_full_queue_counts_what_waits(void **state)
{
    struct pair *p = *state;
    struct hash leaf;
    uint64_t seq;
    struct id id;
    (void)put(p, "Ani");
    node_store_queue_limit(p->o.store, 400);
    assert_int_equal(office_try(&p->o, OP_CREATE, "orang", &id,
                                FIELDS("kec", OFFICE_NODE, "nama", "Budi"), LANE_NORMAL, &leaf,
                                &seq),
                     ERR_LIMIT);
}

/* ---- signing */

static void both_signatures_are_sent_and_the_leaf_stays(void **state)
{
    struct pair *p = *state;
    struct bundle_item item;
    struct countersign_fate fate;
    struct id person = put(p, "Maimunah");
    struct hash leaf = leaf_of(p, &person);
    uint64_t highest = queued(p, LANE_NORMAL);
    sign_all(p, &leaf, 1);
    assert_int_equal(queued(p, LANE_NORMAL), highest + 1);
    const struct txn *txn = office_sent(&p->o, LANE_NORMAL, highest + 1, &item);
    assert_true(hash_equal(&item.sealed.leaf, &leaf));
    assert_int_equal(txn->operator_number, BUDI);
    assert_int_equal(txn_verify(txn, OFFICE_DISTRICT, &p->keys[BUDI], &leaf), OK);
    assert_int_equal(txn->countersignature_count, 1);
    assert_int_equal(txn->countersignatures[0].operator_number, SITI);
    assert_true(countersignature_verify(&txn->countersignatures[0], &leaf, &p->keys[SITI]));
    const struct record_view *view = office_view(&p->o, &person);
    assert_true(view->pending);
    assert_false(view->to_countersign);
    assert_int_equal(view->pending_seq[LANE_NORMAL], highest + 1);
    assert_int_equal(node_store_countersign_fate(p->o.store, &leaf, &fate), OK);
    assert_int_equal(fate.state, COUNTERSIGN_SIGNED);
    assert_int_equal(fate.operator_number, SITI);
    assert_int_equal(change_of(p, &person).countersigner, SITI);

    assert_int_equal(office_ack(&p->o, LANE_NORMAL, highest + 1, highest + 1, 1, bytes_of(NULL, 0)),
                     ERR_STATE);
    assert_int_equal(office_ack(&p->o, LANE_NORMAL, 1, highest + 1, 1, bytes_of(NULL, 0)), OK);
    assert_true(office_view(&p->o, &person)->confirmed);
    assert_int_equal(change_of(p, &person).disposition, DISPOSITION_ACCEPTED);
}

static void saying_it_again_does_it_once(void **state)
{
    struct pair *p = *state;
    struct id person = put(p, "Maimunah");
    struct hash leaf = leaf_of(p, &person);
    size_t done;
    sign_all(p, &leaf, 1);
    uint64_t highest = queued(p, LANE_NORMAL);
    assert_int_equal(countersign(p, &leaf, 1, &done), OK);
    assert_int_equal(done, 0);
    assert_int_equal(queued(p, LANE_NORMAL), highest);
    leaf.at[0] ^= 1;
    assert_int_equal(countersign(p, &leaf, 1, &done), ERR_NOT_FOUND);
}

static void neither_the_author_nor_a_colleague_countersigns(void **state)
{
    struct pair *p = *state;
    struct id person = put(p, "Maimunah");
    struct hash leaf = leaf_of(p, &person);
    size_t done;
    assert_int_equal(countersign(p, &leaf, 1, &done), ERR_DENIED);
    assert_non_null(strstr(p->o.problem.detail, "themselves"));
    act(p, DEWI);
    assert_int_equal(countersign(p, &leaf, 1, &done), ERR_DENIED);
    assert_non_null(strstr(p->o.problem.detail, "TKSK"));
    assert_int_equal(node_entry_refuse(p->o.entry, &leaf, 1, bytes_text("x"), &p->o.problem),
                     ERR_DENIED);
    assert_int_equal(waiting(p), 1);
}

static void a_failed_commit_leaves_it_waiting(void **state)
{
    struct pair *p = *state;
    struct id person = put(p, "Maimunah");
    struct hash leaf = leaf_of(p, &person);
    struct waiting_txn txn;
    act(p, SITI);
    uint64_t highest = queued(p, LANE_NORMAL);
    assert_int_equal(node_store_waiting_get(p->o.store, &leaf, &txn), OK);
    uint8_t raw[256];
    struct writer out = writer_of(raw, sizeof raw);
    change_encode(&(struct change){ .op = OP_CREATE,
                                    .collection = bytes_text("orang"),
                                    .record = person,
                                    .fields = bytes_text("\x80") },
                  &out);
    const struct queue_change first = { .raw = writer_bytes(&out) };
    const struct queue_entry entry = { .lane = LANE_NORMAL,
                                       .item = bytes_text("item"),
                                       .leaf = leaf,
                                       .key_number = 1,
                                       .key_sealed = bytes_text("key"),
                                       .txn = bytes_text("txn"),
                                       .changes = &first,
                                       .change_count = 1 };
    assert_int_equal(node_store_countersign_begin(p->o.store), OK);
    assert_int_equal(node_store_countersign_put(p->o.store, txn.number, &entry, SITI), OK);
    assert_int_equal(node_store_countersign_end(p->o.store, ERR_IO), ERR_IO);
    assert_int_equal(waiting(p), 1);
    assert_int_equal(queued(p, LANE_NORMAL), highest);
    sign_all(p, &leaf, 1);
    assert_int_equal(queued(p, LANE_NORMAL), highest + 1);
}

/* ---- order */

static void what_builds_on_another_is_signed_after_it(void **state)
{
    struct pair *p = *state;
    struct id person = put(p, "Maimunah"), other = put(p, "Nuraini");
    struct hash made = leaf_of(p, &person), edit, family_leaf;
    edit = office_edit(&p->o, &person, FIELDS("alamat", "Kp. Baru"));
    char text[UUID_TEXT_BYTES];
    uuid_to_text(&person, text);
    struct id family = office_put(&p->o, "keluarga", FIELDS("kec", OFFICE_NODE, "kepala", text));
    family_leaf = leaf_of(p, &family);
    size_t done;
    act(p, SITI);
    assert_int_equal(countersign(p, &edit, 1, &done), ERR_COUNTERSIGN_FIRST);
    assert_int_equal(countersign(p, &family_leaf, 1, &done), ERR_COUNTERSIGN_FIRST);
    assert_int_equal(waiting(p), 4);

    struct waiting_plan plan;
    assert_int_equal(waiting_plan_open(p->o.store, &plan), OK);
    assert_int_equal(waiting_plan_choose(&plan, &family), 1);
    assert_int_equal(waiting_plan_before(&plan), OK);
    assert_int_equal(plan.count, 4);
    assert_true(plan.rows[0].implied);  /* makes the person */
    assert_false(plan.rows[1].implied); /* another person */
    assert_false(plan.rows[2].implied); /* the family only needs that the person is there */
    assert_true(plan.rows[3].chosen);
    waiting_plan_close(&plan);

    const struct hash list[] = { family_leaf, edit, made }; /* in whatever order they are named */
    uint64_t highest = queued(p, LANE_NORMAL);
    sign_all(p, list, COUNT_OF(list));
    const struct hash expected[] = { made, edit, family_leaf };
    for (unsigned i = 0; i < COUNT_OF(expected); i++) {
        struct bundle_item item;
        (void)office_sent(&p->o, LANE_NORMAL, highest + 1 + i, &item);
        assert_true(hash_equal(&item.sealed.leaf, &expected[i]));
    }
    assert_int_equal(waiting(p), 1);
    assert_true(office_view(&p->o, &other)->to_countersign);
}

static void the_lane_is_that_of_what_it_builds_on(void **state)
{
    struct pair *p = *state;
    struct hash leaves[2];
    uint64_t seq;
    struct id person;
    assert_int_equal(office_try(&p->o, OP_CREATE, "orang", &person,
                                FIELDS("kec", OFFICE_NODE, "nama", "Ani"), LANE_BULK, &leaves[0],
                                &seq),
                     OK);
    assert_int_equal(office_try(&p->o, OP_UPDATE, NULL, &person, FIELDS("alamat", "Kp. Baru"),
                                LANE_URGENT, &leaves[1], &seq),
                     OK);
    uint64_t bulk = queued(p, LANE_BULK), urgent = queued(p, LANE_URGENT);
    sign_all(p, leaves, 2);
    assert_int_equal(queued(p, LANE_BULK), bulk + 2);
    assert_int_equal(queued(p, LANE_URGENT), urgent);
}

static void others_work_overtakes_but_does_not_build_on_it(void **state)
{
    struct pair *p = *state;
    struct id person = put(p, "Maimunah");
    struct hash leaf;
    uint64_t seq, highest = queued(p, LANE_NORMAL);
    char text[UUID_TEXT_BYTES];
    uuid_to_text(&person, text);
    act(p, SITI);
    assert_int_equal(office_try(&p->o, OP_UPDATE, NULL, &person, FIELDS("alamat", "Kp. Baru"),
                                LANE_NORMAL, &leaf, &seq),
                     ERR_COUNTERSIGN_FIRST);
    assert_string_equal(p->o.problem.detail, "29-0001");
    struct id family;
    assert_int_equal(office_try(&p->o, OP_CREATE, "keluarga", &family,
                                FIELDS("kec", OFFICE_NODE, "kepala", text), LANE_NORMAL, &leaf,
                                &seq),
                     ERR_COUNTERSIGN_FIRST);
    struct id own = put(p, "Siti sendiri");
    assert_false(office_view(&p->o, &own)->to_countersign);
    assert_int_equal(queued(p, LANE_NORMAL), highest + 1);
    /* To refer to a record that is there, and only waits for a change, is no building on it. */
    act(p, BUDI);
    (void)office_edit(&p->o, &own, FIELDS("alamat", "Kp. Lama"));
    act(p, SITI);
    uuid_to_text(&own, text);
    (void)office_put(&p->o, "keluarga", FIELDS("kec", OFFICE_NODE, "kepala", text));
    /* A colleague who needs a countersignature too goes behind. */
    act(p, DEWI);
    (void)office_edit(&p->o, &person, FIELDS("alamat", "Kp. Baru"));
    assert_int_equal(waiting(p), 3);
}

static void a_new_life_of_the_store_keeps_what_waits(void **state)
{
    struct pair *p = *state;
    struct id person = put(p, "Maimunah");
    struct hash leaf = leaf_of(p, &person);
    struct bundle_item item;
    assert_int_equal(node_store_reopen(p->o.store), OK);
    assert_int_equal(waiting(p), 1);
    uint64_t highest = queued(p, LANE_NORMAL);
    sign_all(p, &leaf, 1);
    (void)office_sent(&p->o, LANE_NORMAL, highest + 1, &item);
    assert_true(hash_equal(&item.sealed.leaf, &leaf));
}

static void many_are_signed_in_one_go(void **state)
{
    struct pair *p = *state;
    enum { MANY = 80 }; /* more than two commits */
    static struct hash leaves[MANY];
    uint64_t highest = queued(p, LANE_NORMAL);
    for (unsigned i = 0; i < MANY; i++) {
        struct id person = put(p, "Orang");
        leaves[i] = leaf_of(p, &person);
    }
    sign_all(p, leaves, MANY);
    assert_int_equal(queued(p, LANE_NORMAL), highest + MANY);
    for (unsigned i = 0; i < MANY; i++) {
        struct bundle_item item;
        const struct txn *txn = office_sent(&p->o, LANE_NORMAL, highest + 1 + i, &item);
        assert_true(hash_equal(&item.sealed.leaf, &leaves[i]));
        assert_int_equal(txn->countersignature_count, 1);
    }
}

/* ---- refusing */

static void see_refused(void *ctx, const struct own_change *change)
{
    unsigned *seen = ctx;
    assert_int_equal(change->countersign, COUNTERSIGN_REFUSED);
    assert_int_equal(change->disposition, DISPOSITION_REJECTED);
    assert_true(bytes_is(change->reason, "countersign_refused"));
    assert_true(change->raw.len > 0);
    (*seen)++;
}

static void what_is_refused_goes_back_with_its_reason(void **state)
{
    struct pair *p = *state;
    struct countersign_fate fate;
    struct node_figures figures;
    struct id person = put(p, "Maimunah"), other = put(p, "Nuraini");
    struct hash made = leaf_of(p, &person);
    (void)office_edit(&p->o, &person, FIELDS("alamat", "Kp. Baru"));
    uint64_t highest = queued(p, LANE_NORMAL);

    act(p, SITI);
    struct waiting_plan plan;
    assert_int_equal(waiting_plan_open(p->o.store, &plan), OK);
    plan.rows[0].chosen = true;
    assert_int_equal(waiting_plan_after(&plan), OK);
    assert_false(plan.rows[1].implied);
    assert_true(plan.rows[2].implied); /* without the person there is nothing to change */
    const struct hash both[] = { made, plan.rows[2].txn.leaf };
    waiting_plan_close(&plan);
    assert_int_equal(
        node_entry_refuse(p->o.entry, both, 2, bytes_text("sudah meninggal"), &p->o.problem), OK);
    assert_int_equal(waiting(p), 1);
    assert_int_equal(queued(p, LANE_NORMAL), highest);
    const struct record_view *view;
    assert_int_equal(node_store_view(p->o.store, &person, &view), ERR_NOT_FOUND);
    assert_int_equal(node_store_countersign_fate(p->o.store, &made, &fate), OK);
    assert_int_equal(fate.state, COUNTERSIGN_REFUSED);
    assert_int_equal(fate.operator_number, SITI);
    assert_true(bytes_is(fate.reason, "sudah meninggal"));
    assert_int_equal(node_store_figures(p->o.store, &figures), OK);
    assert_int_equal(figures.drafts, 2);
    unsigned seen = 0;
    assert_int_equal(node_store_changes(p->o.store, &person, false, see_refused, &seen), OK);
    assert_int_equal(seen, 2);
    assert_false(office_disk_holds(&p->o, bytes_text("sudah meninggal")));
    size_t done;
    assert_int_equal(countersign(p, &made, 1, &done), ERR_NOT_FOUND);
    assert_true(office_view(&p->o, &other)->to_countersign);
}

static void a_refused_change_frees_its_record(void **state)
{
    struct pair *p = *state;
    act(p, SITI);
    struct id own = put(p, "Siti sendiri");
    act(p, BUDI);
    struct hash leaf = office_edit(&p->o, &own, FIELDS("nama", "Salah"));
    act(p, SITI);
    assert_int_equal(
        node_entry_refuse(p->o.entry, &leaf, 1, bytes_text("salah orang"), &p->o.problem), OK);
    assert_string_equal(office_value(office_view(&p->o, &own), "nama"), "Siti sendiri");
    (void)office_edit(&p->o, &own, FIELDS("alamat", "Kp. Baru"));
}

/* ---- people */

static void each_signs_with_the_own_key(void **state)
{
    struct pair *p = *state;
    struct hash leaf;
    uint64_t seq;
    struct id id;
    struct bundle_item item;
    act(p, SITI);
    (void)put(p, "Siti menulis");
    assert_int_equal(
        office_sent(&p->o, LANE_NORMAL, queued(p, LANE_NORMAL), &item)->operator_number, SITI);
    act(p, BUDI);
    struct id by_budi = put(p, "Budi menulis");
    assert_int_equal(change_of(p, &by_budi).author, BUDI);

    node_store_lock_operator(p->o.store, &p->keys[BUDI]);
    assert_int_equal(office_try(&p->o, OP_CREATE, "orang", &id,
                                FIELDS("kec", OFFICE_NODE, "nama", "Siapa"), LANE_NORMAL, &leaf,
                                &seq),
                     ERR_LOCKED); /* nobody acts */
    assert_int_equal(node_store_act(p->o.store, &p->keys[BUDI]), ERR_LOCKED);
    assert_true(node_store_unlocked(p->o.store));
    act(p, DEWI);
    (void)put(p, "Dewi menulis");
    node_store_lock_operator(p->o.store, &p->keys[DEWI]);
    node_store_lock_operator(p->o.store, &p->keys[SITI]);
    assert_false(node_store_unlocked(p->o.store));
    assert_null(node_store_seal_key(p->o.store));
}

static void an_operator_is_unlocked_once_and_eight_at_most(void **state)
{
    struct pair *p = *state;
    unlock(p, BUDI);
    unlock(p, BUDI);
    node_store_lock_operator(p->o.store, &p->keys[BUDI]);
    assert_int_equal(node_store_act(p->o.store, &p->keys[BUDI]), ERR_LOCKED);
}

static void it_is_said_when_nobody_can_countersign(void **state)
{
    struct pair *p = *state;
    char roles[64];
    uint8_t space[256];
    struct writer ops = writer_of(space, sizeof space);
    const struct policy_role *role =
        policy_role(node_store_policy(p->o.store), bytes_text("ketik"));
    assert_true(node_entry_has_countersigner(p->o.store, role, roles, sizeof roles));
    const struct ended ended = { .reason = END_SUCCESSION };
    trust_op_operator_end(&ops, SITI, &ended);
    assert_int_equal(
        office_feed_document(&p->o, FEED_TRUST, office_statement(&p->o, 1, writer_bytes(&ops))),
        OK);
    role = policy_role(node_store_policy(p->o.store), bytes_text("ketik"));
    assert_false(node_entry_has_countersigner(p->o.store, role, roles, sizeof roles));
    assert_string_equal(roles, "TKSK");
    act(p, BUDI);
    struct id person = put(p, "Maimunah"); /* entry goes on */
    struct hash leaf = leaf_of(p, &person);
    size_t done;
    act(p, SITI);
    assert_int_equal(countersign(p, &leaf, 1, &done), ERR_DENIED);
    assert_int_equal(waiting(p), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_entered_waits_here_and_shows_at_once),
        TEST(it_survives_a_restart_and_is_counted_while_locked),
        TEST(the_disk_does_not_tell_what_waits),
        TEST(a_request_is_taken_once),
        TEST(a_full_queue_counts_what_waits),
        TEST(both_signatures_are_sent_and_the_leaf_stays),
        TEST(saying_it_again_does_it_once),
        TEST(neither_the_author_nor_a_colleague_countersigns),
        TEST(a_failed_commit_leaves_it_waiting),
        TEST(what_builds_on_another_is_signed_after_it),
        TEST(the_lane_is_that_of_what_it_builds_on),
        TEST(others_work_overtakes_but_does_not_build_on_it),
        TEST(a_new_life_of_the_store_keeps_what_waits),
        TEST(many_are_signed_in_one_go),
        TEST(what_is_refused_goes_back_with_its_reason),
        TEST(a_refused_change_frees_its_record),
        TEST(each_signs_with_the_own_key),
        TEST(an_operator_is_unlocked_once_and_eight_at_most),
        TEST(it_is_said_when_nobody_can_countersign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
