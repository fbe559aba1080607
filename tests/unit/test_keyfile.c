#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/keyfile.h"

static struct keyfile wrapped(const struct secret_key *secret)
{
    struct keyfile file;
    struct public_key key;
    crypto_sign_public(secret, &key);
    assert_int_equal(keyfile_wrap("operator", &key, secret, bytes_text("kata sandi"), &file), OK);
    return file;
}

static void a_secret_comes_back_through_text_and_passphrase(void **state)
{
    (void)state;
    char text[KEYFILE_TEXT_MAX];
    struct secret_key *secret = secret_key_new();
    struct secret_key *back = NULL;
    struct keyfile file = wrapped(secret);
    struct keyfile parsed;
    keyfile_format(&file, text);
    assert_int_equal(strncmp(text, "tksk-key 1 operator ", 20), 0);
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_int_equal(keyfile_parse(bytes_text(text), &parsed), OK);
    assert_memory_equal(&parsed, &file, sizeof(file));
    assert_int_equal(keyfile_open(&parsed, bytes_text("kata sandi"), &back), OK);
    assert_memory_equal(secret_key_bytes(back), secret_key_bytes(secret), SECRET_KEY_BYTES);
    secret_key_close(&back);
    assert_int_equal(keyfile_open(&parsed, bytes_text("Kata sandi"), &back), ERR_PASSPHRASE);
    assert_int_equal(keyfile_open(&parsed, bytes_text(""), &back), ERR_PASSPHRASE);
    assert_null(back);
    secret_key_close(&secret);
}

static void what_stands_before_the_box_cannot_be_exchanged(void **state)
{
    (void)state;
    struct secret_key *secret = secret_key_new();
    struct secret_key *derived = NULL;
    struct secret_key *back = NULL;
    struct keyfile file = wrapped(secret);
    assert_int_equal(keyfile_derive(&file, bytes_text("kata sandi"), &derived), OK);
    struct keyfile bent = file;
    bent.public_key.at[0] ^= 1;
    assert_int_equal(keyfile_open_derived(&bent, derived, &back), ERR_PASSPHRASE);
    bent = file;
    memcpy(bent.kind, "officer\0", 9);
    assert_int_equal(keyfile_open_derived(&bent, derived, &back), ERR_PASSPHRASE);
    assert_null(back);

    /* The daemon's side: another secret under the same derived key. */
    struct secret_key *second = secret_key_new();
    assert_int_equal(keyfile_wrap_derived(derived, second, &file), OK);
    assert_int_equal(keyfile_open(&file, bytes_text("kata sandi"), &back), OK);
    assert_memory_equal(secret_key_bytes(back), secret_key_bytes(second), SECRET_KEY_BYTES);
    secret_key_close(&back);
    secret_key_close(&second);
    secret_key_close(&derived);
    secret_key_close(&secret);
}

static enum err parse_with(const char *text, const char *old, const char *new_text)
{
    char changed[2 * KEYFILE_TEXT_MAX];
    struct keyfile file;
    const char *at = strstr(text, old);
    assert_non_null(at);
    (void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, new_text,
                   at + strlen(old));
    return keyfile_parse(bytes_text(changed), &file);
}

static void text_that_is_off_by_anything_is_refused(void **state)
{
    (void)state;
    char text[KEYFILE_TEXT_MAX];
    struct keyfile file;
    struct secret_key *secret = secret_key_new();
    file = wrapped(secret);
    secret_key_close(&secret);
    keyfile_format(&file, text);
    assert_int_equal(parse_with(text, "tksk-key", "tksk-kex"), ERR_MALFORMED);
    assert_int_equal(parse_with(text, " 1 ", " 2 "), ERR_MALFORMED);
    assert_int_equal(parse_with(text, "operator", "Operator"), ERR_MALFORMED);
    assert_int_equal(parse_with(text, "operator", "operator_of_the_world"), ERR_MALFORMED);
    assert_int_equal(parse_with(text, "operator ", "operator  "), ERR_MALFORMED);
    assert_int_equal(parse_with(text, "argon2id", "scrypt"), ERR_MALFORMED);
    assert_int_equal(parse_with(text, " 47104 ", " 047104 "), ERR_MALFORMED);
    assert_int_equal(parse_with(text, " 47104 ", " -1 "), ERR_MALFORMED);
    assert_int_equal(parse_with(text, " 47104 ", " 99999999999 "), ERR_MALFORMED);
    assert_int_equal(parse_with(text, " 47104 ", " 999999999 "), ERR_LIMIT);
    assert_int_equal(parse_with(text, " 47104 1 ", " 47104 17 "), ERR_LIMIT);
    assert_int_equal(parse_with(text, " 47104 ", " 1 "), ERR_LIMIT);
    assert_int_equal(parse_with(text, "\n", " x\n"), ERR_MALFORMED);
    for (size_t len = 0; len + 2 < strlen(text); len++)
        assert_int_equal(keyfile_parse(bytes_of(text, len), &file), ERR_MALFORMED);
    assert_int_equal(keyfile_parse(bytes_of(text, strlen(text) - 1), &file), OK);
}

static int start(void **state)
{
    (void)state;
    return crypto_start() == OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_comes_back_through_text_and_passphrase),
        cmocka_unit_test(what_stands_before_the_box_cannot_be_exchanged),
        cmocka_unit_test(text_that_is_off_by_anything_is_refused),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
