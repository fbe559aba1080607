#include "tests/unit/hub_fixture.h"

#include "hub/hub_enrol.h"
#include "proto/invite.h"

static char directory[64];
static char path[96];
static struct fix_district district;
static struct trust trust;
static struct hub_enrol *enrol;
static struct fix_office office;

static int setup(void **state)
{
    (void)state;
    struct problem problem = { .code = OK };
    fix_directory(directory, sizeof directory);
    snprintf(path, sizeof path, "%s/enrol.db", directory);
    fix_district_open(&district);
    fix_office_open(&office, "36.04.29", 1);
    trust_open(&trust);
    fix_apply(&trust, fix_founding(&district, &trust));
    assert_ok(hub_enrol_open(path, NULL, &enrol, &problem));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hub_enrol_close(&enrol);
    trust_close(&trust);
    fix_office_close(&office);
    fix_district_close(&district);
    fix_directory_drop(directory);
    return 0;
}

static void reopen(void)
{
    struct problem problem = { .code = OK };
    hub_enrol_close(&enrol);
    assert_ok(hub_enrol_open(path, NULL, &enrol, &problem));
}

static void invite_make(struct invite *ret_invite, struct public_key *ret_curve_key)
{
    char text[INVITE_TEXT_MAX];
    struct problem problem = { .code = OK };
    assert_ok(hub_enrol_invite(enrol, &district.keys, &trust, office.name, 24, FIX_WALL_MS, text,
                               sizeof text, &problem));
    assert_ok(invite_parse(bytes_text(text), ret_invite, &problem));
    struct secret_key *one_time = secret_key_from(ret_invite->one_time);
    crypto_box_public(one_time, ret_curve_key);
    secret_key_close(&one_time);
}

/* The ENROL frame of an office; *ret_message points into the returned bytes. */
static struct bytes request_make(const struct invite *invite, const struct fix_office *from,
                                 struct message *ret_message)
{
    static uint8_t request_space[1024], frame_space[2048];
    struct message message = { .type = MESSAGE_ENROL };
    struct enrol *request = &message.enrol;
    *request = (struct enrol){ .district = bytes_text(invite->district),
                               .node = bytes_text(invite->node),
                               .invite = invite->invite,
                               .token = invite->token,
                               .device_key = from->device_key,
                               .curve_key = from->curve_key,
                               .seal_key = from->seal_key,
                               .nonce = { .at = { 7 } } };
    struct writer out = writer_of(request_space, sizeof request_space);
    enrol_request(request, &out);
    assert_ok(out.err);
    request->request = writer_bytes(&out);
    crypto_sign_typed("enrol", request->request, from->device, &request->signature);
    struct writer frame = writer_of(frame_space, sizeof frame_space);
    assert_ok(message_encode(&message, &frame));
    assert_ok(message_decode(writer_bytes(&frame), ret_message));
    return writer_bytes(&frame);
}

static enum err request_send(const struct invite *invite, const struct public_key *curve_key,
                             const struct fix_office *from, uint64_t wall_ms,
                             enum enrol_standing *ret_standing)
{
    struct message message;
    struct bytes frame = request_make(invite, from, &message);
    unsigned tries;
    return hub_enrol_request(enrol, &trust, curve_key, &message.enrol, frame, wall_ms, ret_standing,
                             &tries);
}

static void words_of(const struct invite *invite, const struct fix_office *from,
                     char ret[WORDS_TEXT_MAX])
{
    uint8_t space[4096];
    struct message message;
    (void)request_make(invite, from, &message);
    struct writer transcript = writer_of(space, sizeof space);
    enrol_transcript(&message.enrol, &invite->hub, &invite->root_key, &transcript);
    assert_ok(transcript.err);
    assert_ok(crypto_six_words(writer_bytes(&transcript), ret));
}

static void view_take(void *ctx, const struct enrol_view *view)
{
    unsigned *count = ctx;
    assert_string_equal(view->node, office.name);
    ++*count;
}

static unsigned waiting_count(void)
{
    unsigned count = 0;
    assert_ok(hub_enrol_waiting(enrol, &trust, view_take, &count));
    return count;
}

static enum err check(const char *words, unsigned *ret_left)
{
    struct problem problem = { .code = OK };
    unsigned count = 0;
    enum err err = hub_enrol_check(enrol, &trust, office.name, NULL, words, ret_left, view_take,
                                   &count, &problem);
    assert_int_equal(count, err == OK ? 1 : 0);
    return err;
}

static void an_invite_carries_what_the_office_must_trust(void **state)
{
    (void)state;
    struct invite invite;
    struct public_key curve_key;
    invite_make(&invite, &curve_key);
    assert_string_equal(invite.district, FIX_DISTRICT);
    assert_string_equal(invite.node, office.name);
    assert_memory_equal(&invite.root_key, &district.root_key, sizeof invite.root_key);
    assert_memory_equal(&invite.hub.sign_key, &district.keys.sign_public, PUBLIC_KEY_BYTES);
    assert_memory_equal(&invite.hub.curve_key, &district.keys.curve_public, PUBLIC_KEY_BYTES);
    assert_string_equal(invite.hub.endpoints[0], "tcp://127.0.0.1:7443");
    assert_true(hub_enrol_admits(enrol, &curve_key, FIX_WALL_MS));
    assert_false(hub_enrol_admits(enrol, &office.curve_key, FIX_WALL_MS));
}

static void an_altered_or_cut_invite_is_refused(void **state)
{
    (void)state;
    char text[INVITE_TEXT_MAX];
    struct problem problem = { .code = OK };
    struct invite invite;
    assert_ok(hub_enrol_invite(enrol, &district.keys, &trust, office.name, 24, FIX_WALL_MS, text,
                               sizeof text, &problem));
    size_t len = strlen(text);
    for (size_t at = strlen(INVITE_FIRST_LINE) + 1; at + 8 < len; at += 17) {
        char saved = text[at];
        text[at] = saved == 'A' ? 'B' : 'A';
        assert_int_not_equal(invite_parse(bytes_text(text), &invite, &problem), OK);
        text[at] = saved;
    }
    for (size_t cut = 0; cut + 2 < len; cut += 13)
        assert_int_not_equal(invite_parse(bytes_of(text, cut), &invite, &problem), OK);
    assert_ok(invite_parse(bytes_text(text), &invite, &problem));
}

static void invites_are_made_for_offices_and_for_bounded_time_only(void **state)
{
    (void)state;
    char text[INVITE_TEXT_MAX];
    struct problem problem = { .code = OK };
    assert_err(hub_enrol_invite(enrol, &district.keys, &trust, "kantor", 24, FIX_WALL_MS, text,
                                sizeof text, &problem),
               ERR_VALUE);
    assert_err(hub_enrol_invite(enrol, &district.keys, &trust, "36.73.01", 24, FIX_WALL_MS, text,
                                sizeof text, &problem),
               ERR_AREA_CHILD);
    assert_err(hub_enrol_invite(enrol, &district.keys, &trust, office.name, 0, FIX_WALL_MS, text,
                                sizeof text, &problem),
               ERR_LIMIT);
    struct trust nothing;
    trust_open(&nothing);
    assert_err(hub_enrol_invite(enrol, &district.keys, &nothing, office.name, 24, FIX_WALL_MS, text,
                                sizeof text, &problem),
               ERR_STATE);
    trust_close(&nothing);
}

static void a_request_waits_and_a_repeat_gets_the_same_answer(void **state)
{
    (void)state;
    struct invite invite;
    struct public_key curve_key;
    enum enrol_standing standing;
    invite_make(&invite, &curve_key);
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(request_send(&invite, &curve_key, &office, FIX_WALL_MS, &standing));
        assert_int_equal(standing, ENROL_WAITING);
        reopen();
    }
    assert_int_equal(waiting_count(), 1);
}

static void used_expired_and_foreign_invites_are_refused(void **state)
{
    (void)state;
    struct invite invite, other;
    struct public_key curve_key, other_key;
    enum enrol_standing standing;
    struct fix_office thief;
    fix_office_open(&thief, office.name, 2);
    invite_make(&invite, &curve_key);
    invite_make(&other, &other_key);

    assert_err(request_send(&invite, &other_key, &office, FIX_WALL_MS, &standing), ERR_DENIED);
    struct invite forged = invite;
    forged.token.at[0] ^= 1;
    assert_err(request_send(&forged, &curve_key, &office, FIX_WALL_MS, &standing), ERR_DENIED);
    forged = invite;
    snprintf(forged.node, sizeof forged.node, "36.04.30");
    assert_err(request_send(&forged, &curve_key, &office, FIX_WALL_MS, &standing), ERR_DENIED);

    uint64_t late_ms = FIX_WALL_MS + 25ull * 3600 * 1000;
    assert_err(request_send(&invite, &curve_key, &office, late_ms, &standing), ERR_EXPIRED);
    assert_true(hub_enrol_admits(enrol, &curve_key, late_ms)); /* to be told so */

    assert_ok(request_send(&invite, &curve_key, &office, FIX_WALL_MS, &standing));
    assert_err(request_send(&invite, &curve_key, &thief, FIX_WALL_MS, &standing), ERR_USED);
    /* Whoever waits may ask until there is an answer. */
    assert_true(hub_enrol_admits(enrol, &curve_key, late_ms));
    assert_ok(request_send(&invite, &curve_key, &office, late_ms, &standing));
    fix_office_close(&thief);
}

static void a_request_with_another_device_signature_is_refused(void **state)
{
    (void)state;
    struct invite invite;
    struct public_key curve_key;
    struct message message;
    enum enrol_standing standing;
    unsigned tries;
    invite_make(&invite, &curve_key);
    struct bytes frame = request_make(&invite, &office, &message);
    message.enrol.signature.at[3] ^= 1;
    assert_err(hub_enrol_request(enrol, &trust, &curve_key, &message.enrol, frame, FIX_WALL_MS,
                                 &standing, &tries),
               ERR_SIGNATURE);
    assert_int_equal(waiting_count(), 0);
}

static void the_right_words_give_the_keys_however_they_are_typed(void **state)
{
    (void)state;
    struct invite invite;
    struct public_key curve_key;
    enum enrol_standing standing;
    char words[WORDS_TEXT_MAX], typed[2 * WORDS_TEXT_MAX];
    unsigned left = 9;
    invite_make(&invite, &curve_key);
    assert_ok(request_send(&invite, &curve_key, &office, FIX_WALL_MS, &standing));
    words_of(&invite, &office, words);
    words[0] = (char)(words[0] - 'a' + 'A');
    snprintf(typed, sizeof typed, "  %s \n", words);
    assert_ok(check(typed, &left));
    assert_ok(check(typed, &left));
}

static void three_wrong_tries_refuse_the_request(void **state)
{
    (void)state;
    struct invite invite;
    struct public_key curve_key;
    enum enrol_standing standing;
    char words[WORDS_TEXT_MAX];
    unsigned left = 9;
    invite_make(&invite, &curve_key);
    assert_ok(request_send(&invite, &curve_key, &office, FIX_WALL_MS, &standing));
    words_of(&invite, &office, words);
    assert_err(check("baku baku baku baku baku baku", &left), ERR_WORDS);
    assert_int_equal(left, 2);
    reopen();
    assert_err(check("", &left), ERR_WORDS);
    assert_int_equal(left, 1);
    assert_err(check("x", &left), ERR_WORDS);
    assert_int_equal(left, 0);
    assert_err(check(words, &left), ERR_NOT_FOUND);
    assert_ok(request_send(&invite, &curve_key, &office, FIX_WALL_MS, &standing));
    assert_int_equal(standing, ENROL_REFUSED);
}

static void the_words_of_a_forged_invite_do_not_fit(void **state)
{
    (void)state;
    struct invite invite, forged;
    struct public_key curve_key;
    enum enrol_standing standing;
    char words[WORDS_TEXT_MAX];
    unsigned left = 9;
    invite_make(&invite, &curve_key);
    assert_ok(request_send(&invite, &curve_key, &office, FIX_WALL_MS, &standing));
    forged = invite;
    forged.hub.seal_key.at[0] ^= 1; /* someone in between who wants to read what is sealed */
    words_of(&forged, &office, words);
    assert_err(check(words, &left), ERR_WORDS);
}

static void a_signed_statement_approves_and_the_invite_is_used_for_good(void **state)
{
    (void)state;
    struct invite invite;
    struct public_key curve_key;
    enum enrol_standing standing;
    unsigned tries;
    invite_make(&invite, &curve_key);
    assert_ok(request_send(&invite, &curve_key, &office, FIX_WALL_MS, &standing));
    fix_apply(&trust, fix_enrolment(&district, &trust, &office));
    assert_ok(hub_enrol_standing(enrol, &trust, &invite.invite, &standing, &tries));
    assert_int_equal(standing, ENROL_APPROVED);
    assert_int_equal(waiting_count(), 0);
    hub_enrol_arrived(enrol, trust_node(&trust, bytes_text(office.name)));
    struct fix_office thief;
    fix_office_open(&thief, office.name, 2);
    assert_err(request_send(&invite, &curve_key, &thief, FIX_WALL_MS, &standing), ERR_USED);
    assert_ok(request_send(&invite, &curve_key, &office, FIX_WALL_MS, &standing));
    assert_int_equal(standing, ENROL_APPROVED);
    fix_office_close(&thief);
    assert_ok(enrol_store_sweep(hub_enrol_store(enrol), UINT64_MAX / 2));
    assert_false(hub_enrol_admits(enrol, &curve_key, FIX_WALL_MS));
}

/* ---- operators */

static struct bytes operator_make(const struct fix_office *from, const char *name,
                                  struct message *ret_message)
{
    static uint8_t request_space[1024], frame_space[2048];
    static uint8_t nonce;
    struct message message = { .type = MESSAGE_OPERATOR };
    struct operator_request *request = &message.operator_request;
    *request = (struct operator_request){ .district = bytes_text(FIX_DISTRICT),
                                          .node = bytes_text(from->name),
                                          .key = from->operator_key,
                                          .name = bytes_text(name),
                                          .role = bytes_text("tksk"),
                                          .nonce = { .at = { ++nonce } } };
    struct writer out = writer_of(request_space, sizeof request_space);
    operator_request_encode(request, &out);
    request->request = writer_bytes(&out);
    crypto_sign_typed("operator", request->request, from->operator_seed,
                      &request->operator_signature);
    crypto_sign_typed("operator", request->request, from->device, &request->device_signature);
    struct writer frame = writer_of(frame_space, sizeof frame_space);
    assert_ok(message_encode(&message, &frame));
    assert_ok(message_decode(writer_bytes(&frame), ret_message));
    return writer_bytes(&frame);
}

static void an_operator_waits_for_words_and_a_statement(void **state)
{
    (void)state;
    uint8_t space[4096], ops_space[2048];
    struct message message;
    enum enrol_standing standing;
    char words[WORDS_TEXT_MAX];
    unsigned left = 9, count = 0;
    struct problem problem = { .code = OK };
    struct writer ops = writer_of(ops_space, sizeof ops_space);
    writer_array(&ops, 1);
    fix_node_op(&ops, &office);
    fix_apply(&trust, fix_statement(&district, &trust, writer_bytes(&ops)));
    const struct trust_node *node = trust_node(&trust, bytes_text(office.name));

    struct bytes frame = operator_make(&office, "Siti", &message);
    assert_ok(hub_enrol_operator(enrol, &trust, node, &message.operator_request, frame, FIX_WALL_MS,
                                 &standing));
    assert_int_equal(standing, ENROL_WAITING);
    assert_int_equal(waiting_count(), 1);

    struct writer transcript = writer_of(space, sizeof space);
    operator_transcript(&message.operator_request, &district.keys.sign_public, &transcript);
    assert_ok(crypto_six_words(writer_bytes(&transcript), words));
    assert_err(hub_enrol_check(enrol, &trust, office.name, "Budi", words, &left, view_take, &count,
                               &problem),
               ERR_NOT_FOUND);
    assert_ok(hub_enrol_check(enrol, &trust, office.name, "Siti", words, &left, view_take, &count,
                              &problem));
    assert_int_equal(count, 1);

    ops = writer_of(ops_space, sizeof ops_space);
    writer_array(&ops, 1);
    fix_operator_op(&ops, &office);
    fix_apply(&trust, fix_statement(&district, &trust, writer_bytes(&ops)));
    node = trust_node(&trust, bytes_text(office.name));
    assert_ok(hub_enrol_operator(enrol, &trust, node, &message.operator_request, frame, FIX_WALL_MS,
                                 &standing));
    assert_int_equal(standing, ENROL_APPROVED);
    assert_int_equal(waiting_count(), 0);
}

static void an_operator_request_needs_both_signatures_and_its_own_office(void **state)
{
    (void)state;
    struct message message;
    enum enrol_standing standing;
    struct fix_office other;
    fix_office_open(&other, "36.04.30", 1);
    fix_apply(&trust, fix_enrolment(&district, &trust, &other));
    struct writer ops = writer_of((uint8_t[2048]){ 0 }, 2048);
    writer_array(&ops, 1);
    fix_node_op(&ops, &office);
    fix_apply(&trust, fix_statement(&district, &trust, writer_bytes(&ops)));
    const struct trust_node *node = trust_node(&trust, bytes_text(office.name));
    const struct trust_node *other_node = trust_node(&trust, bytes_text(other.name));

    struct bytes frame = operator_make(&office, "Siti", &message);
    assert_err(hub_enrol_operator(enrol, &trust, other_node, &message.operator_request, frame,
                                  FIX_WALL_MS, &standing),
               ERR_DENIED);
    message.operator_request.operator_signature.at[0] ^= 1;
    assert_err(hub_enrol_operator(enrol, &trust, node, &message.operator_request, frame,
                                  FIX_WALL_MS, &standing),
               ERR_SIGNATURE);
    message.operator_request.operator_signature.at[0] ^= 1;
    message.operator_request.device_signature.at[0] ^= 1;
    assert_err(hub_enrol_operator(enrol, &trust, node, &message.operator_request, frame,
                                  FIX_WALL_MS, &standing),
               ERR_SIGNATURE);
    fix_office_close(&other);
}

static void one_office_cannot_fill_the_table_with_operators(void **state)
{
    (void)state;
    struct message message;
    enum enrol_standing standing;
    struct writer ops = writer_of((uint8_t[2048]){ 0 }, 2048);
    writer_array(&ops, 1);
    fix_node_op(&ops, &office);
    fix_apply(&trust, fix_statement(&district, &trust, writer_bytes(&ops)));
    const struct trust_node *node = trust_node(&trust, bytes_text(office.name));
    for (unsigned i = 0; i <= OPERATORS_WAITING_MAX; i++) {
        struct fix_office person = office;
        person.operator_seed = secret_key_new();
        crypto_sign_public(person.operator_seed, &person.operator_key);
        struct bytes frame = operator_make(&person, "Siti", &message);
        enum err err = hub_enrol_operator(enrol, &trust, node, &message.operator_request, frame,
                                          FIX_WALL_MS, &standing);
        assert_err(err, i < OPERATORS_WAITING_MAX ? OK : ERR_LIMIT);
        secret_key_close(&person.operator_seed);
    }
}

static void the_proof_of_a_rollback_outlives_a_restart(void **state)
{
    (void)state;
    struct halt_row row = { .node = "36.04.29", .epoch = 1, .number = 17, .since_ms = 5 }, read;
    assert_err(enrol_store_halt(hub_enrol_store(enrol), &read), ERR_NOT_FOUND);
    assert_ok(enrol_store_halt_put(hub_enrol_store(enrol), &row));
    reopen();
    assert_ok(enrol_store_halt(hub_enrol_store(enrol), &read));
    assert_string_equal(read.node, row.node);
    assert_int_equal(read.number, 17);
    assert_ok(enrol_store_halt_drop(hub_enrol_store(enrol)));
    assert_err(enrol_store_halt(hub_enrol_store(enrol), &read), ERR_NOT_FOUND);
}

int main(void)
{
    if (crypto_start() != OK)
        return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_invite_carries_what_the_office_must_trust),
        TEST(an_altered_or_cut_invite_is_refused),
        TEST(invites_are_made_for_offices_and_for_bounded_time_only),
        TEST(a_request_waits_and_a_repeat_gets_the_same_answer),
        TEST(used_expired_and_foreign_invites_are_refused),
        TEST(a_request_with_another_device_signature_is_refused),
        TEST(the_right_words_give_the_keys_however_they_are_typed),
        TEST(three_wrong_tries_refuse_the_request),
        TEST(the_words_of_a_forged_invite_do_not_fit),
        TEST(a_signed_statement_approves_and_the_invite_is_used_for_good),
        TEST(an_operator_waits_for_words_and_a_statement),
        TEST(an_operator_request_needs_both_signatures_and_its_own_office),
        TEST(one_office_cannot_fill_the_table_with_operators),
        TEST(the_proof_of_a_rollback_outlives_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
