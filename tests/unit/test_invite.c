#include "tests/unit/proto_samples.h"
#include "tests/unit/same_hub.h"

#include "proto/invite.h"

static void assert_same_invite(const struct invite *a, const struct invite *b)
{
    assert_string_equal(a->district, b->district);
    assert_string_equal(a->node, b->node);
    assert_true(id_equal(&a->invite, &b->invite));
    assert_true(hash_equal(&a->token, &b->token));
    assert_memory_equal(a->one_time, b->one_time, sizeof(a->one_time));
    assert_memory_equal(&a->root_key, &b->root_key, sizeof(a->root_key));
    assert_same_hub(&a->hub, &b->hub);
    assert_int_equal(a->expires_ms, b->expires_ms);
}

static void sample_invite(struct invite *ret)
{
    *ret = (struct invite){ .district = SAMPLE_DISTRICT,
                            .node = SAMPLE_NODE,
                            .invite = sample_id(0x71),
                            .token = sample_hash(0x72),
                            .root_key = sample_sign_public(0x01),
                            .hub = { .sign_key = sample_sign_public(0x51),
                                     .seal_key = sample_box_public(0x52),
                                     .curve_key = sample_box_public(0x53),
                                     .endpoint_count = 2,
                                     .endpoints = { "tcp://dinsos.example:7740",
                                                    "tcp://10.0.0.7:7740" } },
                            .expires_ms = 1790000000000 };
    memset(ret->one_time, 0x73, sizeof(ret->one_time));
}

static void write_sample(char text[INVITE_TEXT_MAX])
{
    struct invite invite;
    struct secret_key *hub = sample_secret(0x51);
    sample_invite(&invite);
    assert_int_equal(invite_format(&invite, hub, text, INVITE_TEXT_MAX), OK);
    secret_key_close(&hub);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    char text[INVITE_TEXT_MAX];
    struct invite back, expected;
    write_sample(text);
    sample_invite(&expected);
    assert_int_equal(invite_parse(bytes_text(text), &back, NULL), OK);
    assert_same_invite(&back, &expected);
}

static void it_is_text_of_short_lines(void **state)
{
    (void)state;
    char text[INVITE_TEXT_MAX];
    write_sample(text);
    assert_memory_equal(text, "tksk-sync invite 1\n", 19);
    size_t len = strlen(text), column = 0;
    assert_string_equal(text + len - 5, "\nend\n");
    for (size_t i = 0; i < len; i++) {
        column = text[i] == '\n' ? 0 : column + 1;
        assert_true(column <= 64);
        assert_true(text[i] == '\n' || (text[i] >= 0x20 && text[i] < 0x7f));
    }
}

static void mail_and_other_systems_may_change_line_ends(void **state)
{
    (void)state;
    char text[INVITE_TEXT_MAX], changed[2 * INVITE_TEXT_MAX];
    struct invite back;
    write_sample(text);
    size_t len = 0;
    changed[len++] = '\n';
    for (size_t i = 0; text[i]; i++) {
        if (text[i] == '\n')
            changed[len++] = '\r';
        changed[len++] = text[i];
    }
    memcpy(changed + len, "\r\n \r\n", 6);
    assert_int_equal(invite_parse(bytes_of(changed, len + 5), &back, NULL), OK);
    /* The last end of line may be lost. */
    assert_int_equal(invite_parse(bytes_of(text, strlen(text) - 1), &back, NULL), OK);
}

static void a_cut_invite_is_malformed_and_says_so(void **state)
{
    (void)state;
    char text[INVITE_TEXT_MAX];
    struct invite back;
    write_sample(text);
    for (size_t len = 0; len < strlen(text) - 2; len++) {
        struct problem problem = { .code = OK };
        assert_int_equal(invite_parse(bytes_of(text, len), &back, &problem), ERR_MALFORMED);
        assert_int_equal(problem.code, ERR_MALFORMED);
        assert_string_equal(problem.thing, "invite file");
    }
}

/* Each character between the first and the last line, replaced by others of the alphabet. */
static void an_altered_invite_is_told_from_a_cut_one(void **state)
{
    (void)state;
    char text[INVITE_TEXT_MAX];
    struct invite back;
    write_sample(text);
    size_t end = strlen(text) - strlen("end\n");
    for (size_t i = strlen(INVITE_FIRST_LINE) + 1; i < end; i++) {
        char was = text[i];
        for (const char *other = "AZaz09+/=!"; *other; other++) {
            if (was == '\n' || *other == was)
                continue;
            text[i] = *other;
            enum err err = invite_parse(bytes_text(text), &back, NULL);
            if (err != ERR_SIGNATURE)
                fail_msg("'%c' for '%c' at %zu: %s", *other, was, i, err_name(err));
        }
        text[i] = was;
    }
    /* A line less. */
    char *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
    memmove(second, third, strlen(third) + 1);
    assert_int_equal(invite_parse(bytes_text(text), &back, NULL), ERR_SIGNATURE);
}

static void other_files_and_newer_invites_are_named(void **state)
{
    (void)state;
    struct invite back;
    assert_int_equal(invite_parse(bytes_text(""), &back, NULL), ERR_MALFORMED);
    assert_int_equal(invite_parse(bytes_text("nik,nama\n1,2\n"), &back, NULL), ERR_MALFORMED);
    assert_int_equal(invite_parse(bytes_text("tksk-sync invite 2\nAAAA\nend\n"), &back, NULL),
                     ERR_VERSION);
    assert_int_equal(invite_parse(bytes_text("tksk-sync invite 1\nend\n"), &back, NULL),
                     ERR_SIGNATURE);
    char *big = malloc(1 << 20);
    assert_non_null(big);
    memset(big, 'A', 1 << 20);
    assert_int_equal(invite_parse(bytes_of(big, 1 << 20), &back, NULL), ERR_MALFORMED);
    free(big);
}

static void an_invite_signed_by_another_key_than_it_names_is_refused(void **state)
{
    (void)state;
    char text[INVITE_TEXT_MAX];
    struct invite invite, back;
    struct secret_key *stranger = sample_secret(0x52);
    sample_invite(&invite);
    assert_int_equal(invite_format(&invite, stranger, text, sizeof(text)), OK);
    assert_int_equal(invite_parse(bytes_text(text), &back, NULL), ERR_SIGNATURE);
    secret_key_close(&stranger);
}

static void the_longest_invite_fits(void **state)
{
    (void)state;
    char text[INVITE_TEXT_MAX];
    struct invite invite, back;
    struct secret_key *hub = sample_secret(0x51);
    sample_invite(&invite);
    memset(invite.district, '9', DISTRICT_TEXT_MAX);
    memset(invite.node, '9', NODE_TEXT_MAX);
    invite.hub.endpoint_count = ENDPOINTS_MAX;
    for (unsigned i = 0; i < ENDPOINTS_MAX; i++)
        memset(invite.hub.endpoints[i], 'e', ENDPOINT_TEXT_MAX);
    invite.expires_ms = INT64_MAX;
    assert_int_equal(invite_format(&invite, hub, text, sizeof(text)), OK);
    assert_int_equal(invite_parse(bytes_text(text), &back, NULL), OK);
    assert_same_invite(&back, &invite);
    for (size_t cap = 1; cap <= strlen(text); cap++)
        assert_int_equal(invite_format(&invite, hub, text, cap), ERR_LIMIT);
    secret_key_close(&hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(it_is_text_of_short_lines),
        cmocka_unit_test(mail_and_other_systems_may_change_line_ends),
        cmocka_unit_test(a_cut_invite_is_malformed_and_says_so),
        cmocka_unit_test(an_altered_invite_is_told_from_a_cut_one),
        cmocka_unit_test(other_files_and_newer_invites_are_named),
        cmocka_unit_test(an_invite_signed_by_another_key_than_it_names_is_refused),
        cmocka_unit_test(the_longest_invite_fits),
    };
    return cmocka_run_group_tests(tests, sample_start, NULL);
}
