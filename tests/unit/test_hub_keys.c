#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "hub/hub_keys.h"

static char directory[64];
static char file[96];

static int directory_make(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/tksk-hub-keys-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(file, sizeof file, "%s/hub.keys", directory);
    return 0;
}

static int directory_drop(void **state)
{
    (void)state;
    (void)unlink(file);
    return rmdir(directory);
}

static bool same_secret(const struct secret_key *a, const struct secret_key *b)
{
    return memcmp(secret_key_bytes(a), secret_key_bytes(b), SECRET_KEY_BYTES) == 0;
}

static void fresh_keys_differ_and_their_public_halves_fit(void **state)
{
    (void)state;
    struct hub_keys a, b;
    assert_int_equal(hub_keys_make(&a), OK);
    assert_int_equal(hub_keys_make(&b), OK);
    assert_false(same_secret(a.sign, b.sign));
    assert_false(same_secret(a.sign, a.curve));
    assert_false(same_secret(a.curve, a.seal[0]));
    struct public_key expected;
    crypto_sign_public(a.sign, &expected);
    assert_memory_equal(&expected, &a.sign_public, sizeof expected);
    crypto_box_public(a.seal[0], &expected);
    assert_memory_equal(&expected, &a.seal_public, sizeof expected);
    hub_keys_close(&a);
    hub_keys_close(&b);
}

static void the_first_start_writes_what_the_second_reads(void **state)
{
    (void)state;
    struct hub_keys first, second;
    struct problem problem;
    assert_int_equal(hub_keys_open(directory, &first, &problem), OK);
    assert_int_equal(hub_keys_open(directory, &second, &problem), OK);
    assert_true(same_secret(first.sign, second.sign));
    assert_true(same_secret(first.curve, second.curve));
    assert_int_equal(second.seal_count, 1);
    assert_true(same_secret(first.seal[0], second.seal[0]));
    assert_memory_equal(&first.curve_public, &second.curve_public, PUBLIC_KEY_BYTES);
    hub_keys_close(&first);
    hub_keys_close(&second);
}

static void nobody_else_may_read_the_file(void **state)
{
    (void)state;
    struct hub_keys keys;
    struct problem problem;
    struct stat stat_buffer;
    assert_int_equal(hub_keys_open(directory, &keys, &problem), OK);
    assert_int_equal(stat(file, &stat_buffer), 0);
    assert_int_equal(stat_buffer.st_mode & 0777, 0600);
    hub_keys_close(&keys);
}

static void content_write(const char *content)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fputs(content, out);
    assert_int_equal(fclose(out), 0);
}

/* A damaged file must never be answered with new keys: every node would lose its hub. */
static void a_damaged_file_is_refused_and_left_alone(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "",
        "something else\n",
        "tksk-hub-keys 1\n",
        "tksk-hub-keys 1\nend\n",
        "tksk-hub-keys 1\nsign 00\nend\n",
        "tksk-hub-keys 1\nother "
        "0000000000000000000000000000000000000000000000000000000000000000\nend\n",
        "tksk-hub-keys 1\n"
        "sign 0000000000000000000000000000000000000000000000000000000000000001\n"
        "sign 0000000000000000000000000000000000000000000000000000000000000002\nend\n",
        "tksk-hub-keys 1\n"
        "sign 0000000000000000000000000000000000000000000000000000000000000001\n"
        "curve 0000000000000000000000000000000000000000000000000000000000000002\n"
        "seal 0000000000000000000000000000000000000000000000000000000000000003\n",
    };
    for (size_t i = 0; i < COUNT_OF(damaged); i++) {
        struct hub_keys keys;
        struct problem problem = { .code = OK };
        content_write(damaged[i]);
        assert_int_equal(hub_keys_open(directory, &keys, &problem), ERR_MALFORMED);
        assert_int_equal(problem.code, ERR_MALFORMED);
        assert_non_null(strstr(problem.thing, "hub.keys"));
        struct stat stat_buffer;
        assert_int_equal(stat(file, &stat_buffer), 0);
        assert_int_equal(stat_buffer.st_size, strlen(damaged[i]));
    }
}

static void old_seal_keys_are_kept_and_the_newest_is_last(void **state)
{
    (void)state;
    content_write("tksk-hub-keys 1\n"
                  "sign 0000000000000000000000000000000000000000000000000000000000000001\n"
                  "curve 0000000000000000000000000000000000000000000000000000000000000002\n"
                  "seal 0000000000000000000000000000000000000000000000000000000000000003\n"
                  "seal 0000000000000000000000000000000000000000000000000000000000000004\nend\n");
    struct hub_keys keys;
    struct problem problem;
    assert_int_equal(hub_keys_open(directory, &keys, &problem), OK);
    assert_int_equal(keys.seal_count, 2);
    struct public_key expected;
    crypto_box_public(keys.seal[1], &expected);
    assert_memory_equal(&expected, &keys.seal_public, sizeof expected);
    assert_int_equal(secret_key_bytes(keys.seal[0])[SECRET_KEY_BYTES - 1], 3);
    hub_keys_close(&keys);
}

int main(void)
{
    if (crypto_start() != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_keys_differ_and_their_public_halves_fit),
        cmocka_unit_test_setup_teardown(the_first_start_writes_what_the_second_reads,
                                        directory_make, directory_drop),
        cmocka_unit_test_setup_teardown(nobody_else_may_read_the_file, directory_make,
                                        directory_drop),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_refused_and_left_alone, directory_make,
                                        directory_drop),
        cmocka_unit_test_setup_teardown(old_seal_keys_are_kept_and_the_newest_is_last,
                                        directory_make, directory_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
