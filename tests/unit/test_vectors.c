#include "tests/vectors/forms.h"

#include <zstd.h>

/* The version of Debian 12, with which the files were made. */
#define ZSTD_OF_THE_VECTORS 10504

static void check_file(const struct vector_file *file)
{
    char path[256];
    char *made = NULL;
    size_t made_bytes = 0;
    FILE *memory = open_memstream(&made, &made_bytes);
    assert_non_null(memory);
    vector_write(file, memory);
    assert_int_equal(fclose(memory), 0);

    (void)snprintf(path, sizeof(path), "tests/vectors/%s", file->name);
    FILE *in = fopen(path, "rb");
    if (!in)
        fail_msg("%s is missing: run this test from the top of the tree", path);
    char *kept = malloc(made_bytes + 1);
    assert_non_null(kept);
    size_t kept_bytes = fread(kept, 1, made_bytes + 1, in);
    (void)fclose(in);
    size_t same = 0;
    while (same < kept_bytes && same < made_bytes && kept[same] == made[same])
        same++;
    if (same < kept_bytes || same < made_bytes)
        fail_msg("%s differs from byte %zu on: a wire form has changed", path, same);
    free(made);
    free(kept);
}

static void todays_code_makes_the_bytes_of_the_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vector_files); i++) {
        if (vector_files[i].compressed && ZSTD_versionNumber() != ZSTD_OF_THE_VECTORS)
            print_message("%s: not compared, another zstd\n", vector_files[i].name);
        else
            check_file(&vector_files[i]);
    }
}

/* Compressed forms of any zstd are read, whatever this one would write. */
static void the_kept_bundle_is_read_by_todays_code(void **state)
{
    (void)state;
    static char text[65536];
    static uint8_t raw[16384];
    static struct bundle bundle;
    FILE *in = fopen("tests/vectors/bundle.json", "rb");
    assert_non_null(in);
    size_t len = fread(text, 1, sizeof(text) - 1, in);
    (void)fclose(in);
    text[len] = '\0';
    const char *hex = strstr(text, "\"bundle\": \"");
    assert_non_null(hex);
    hex += strlen("\"bundle\": \"");
    size_t raw_bytes = strcspn(hex, "\"") / 2;
    assert_true(raw_bytes <= sizeof(raw));
    assert_true(crypto_unhex(bytes_of(hex, 2 * raw_bytes), raw, raw_bytes));
    assert_int_equal(bundle_decode(bytes_of(raw, raw_bytes), &bundle), OK);

    static uint8_t work_space[ENVELOPE_WORK_BYTES], txn_space[TRANSACTION_BYTES_MAX];
    static struct txn txn;
    struct secret_key *hub = sample_secret(0x52), *data_key = NULL;
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct buf plain = buf_of(txn_space, sizeof(txn_space));
    const struct sealed *sealed = &bundle.items[0].sealed;
    assert_int_equal(data_key_open(bundle.keys[0].sealed, hub, &data_key), OK);
    assert_int_equal(envelope_open(sealed, SAMPLE_DISTRICT, data_key, NULL, &work, &plain), OK);
    assert_int_equal(txn_decode(buf_bytes(&plain), &txn), OK);
    struct public_key key = sample_sign_public(0x31);
    assert_int_equal(txn_verify(&txn, SAMPLE_DISTRICT, &key, &sealed->leaf), OK);
    secret_key_close(&hub);
    secret_key_close(&data_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(todays_code_makes_the_bytes_of_the_vectors),
        cmocka_unit_test(the_kept_bundle_is_read_by_todays_code),
    };
    return cmocka_run_group_tests(tests, sample_start, NULL);
}
