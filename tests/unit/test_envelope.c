#include "tests/unit/proto_samples.h"

#include "proto/envelope.h"

static uint8_t work_space[ENVELOPE_WORK_BYTES], body_space[SEALED_BYTES_MAX];
static uint8_t back_space[TRANSACTION_BYTES_MAX], plain[TRANSACTION_BYTES_MAX];

static struct sealed seal_text(struct bytes text, uint64_t key_number)
{
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct buf body = buf_of(body_space, sizeof(body_space));
    struct secret_key *key = sample_secret(0x11);
    struct hash leaf = sample_hash(0x22);
    struct sealed sealed;
    assert_int_equal(
        envelope_seal(text, SAMPLE_DISTRICT, &leaf, key_number, key, NULL, &work, &body, &sealed),
        OK);
    secret_key_close(&key);
    return sealed;
}

static enum err open_with(const struct sealed *sealed, const char *district, uint8_t filler,
                          struct bytes *ret_plain)
{
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct buf back = buf_of(back_space, sizeof(back_space));
    struct secret_key *key = sample_secret(filler);
    enum err err = envelope_open(sealed, district, key, NULL, &work, &back);
    secret_key_close(&key);
    *ret_plain = buf_bytes(&back);
    return err;
}

static void what_is_sealed_opens_again(void **state)
{
    (void)state;
    struct bytes back;
    struct sealed sealed = seal_text(bytes_text("a transaction"), 1);
    assert_int_equal(sealed.plain_bytes, 13);
    assert_int_equal(sealed.dictionary, 0);
    assert_int_equal(open_with(&sealed, SAMPLE_DISTRICT, 0x11, &back), OK);
    assert_true(bytes_is(back, "a transaction"));
}

static void the_largest_transaction_fits_even_when_it_does_not_compress(void **state)
{
    (void)state;
    struct sample_random random = { 3 };
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t)sample_next(&random);
    struct bytes back;
    struct sealed sealed = seal_text(bytes_of(plain, sizeof(plain)), 1);
    assert_true(sealed.body.len <= SEALED_BYTES_MAX);
    assert_int_equal(open_with(&sealed, SAMPLE_DISTRICT, 0x11, &back), OK);
    assert_true(bytes_equal(back, bytes_of(plain, sizeof(plain))));
}

static void it_opens_only_as_what_it_was_sealed_as(void **state)
{
    (void)state;
    struct bytes back;
    struct sealed sealed = seal_text(bytes_text("a transaction"), 7), other;
    assert_int_equal(open_with(&sealed, SAMPLE_DISTRICT, 0x12, &back), ERR_DECRYPT);
    assert_int_equal(open_with(&sealed, "36.05", 0x11, &back), ERR_DECRYPT);
    other = sealed;
    other.leaf.at[0] ^= 1;
    assert_int_equal(open_with(&other, SAMPLE_DISTRICT, 0x11, &back), ERR_DECRYPT);
    other = sealed;
    other.key_number = 8;
    assert_int_equal(open_with(&other, SAMPLE_DISTRICT, 0x11, &back), ERR_DECRYPT);
    other = sealed;
    other.plain_bytes++;
    assert_int_equal(open_with(&other, SAMPLE_DISTRICT, 0x11, &back), ERR_DECRYPT);
    other = sealed;
    other.dictionary = 1;
    assert_int_equal(open_with(&other, SAMPLE_DISTRICT, 0x11, &back), ERR_DICTIONARY);
    other = sealed;
    other.plain_bytes = TRANSACTION_BYTES_MAX + 1;
    assert_int_equal(open_with(&other, SAMPLE_DISTRICT, 0x11, &back), ERR_LIMIT);
    for (size_t len = 0; len < sealed.body.len; len++) {
        other = sealed;
        other.body.len = len;
        assert_int_equal(open_with(&other, SAMPLE_DISTRICT, 0x11, &back), ERR_DECRYPT);
    }
    for (size_t bit = 0; bit < 8 * sealed.body.len; bit++) {
        body_space[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_int_equal(open_with(&sealed, SAMPLE_DISTRICT, 0x11, &back), ERR_DECRYPT);
        body_space[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
}

/* Someone with the data key seals a frame that is longer than it says. */
static void a_length_other_than_promised_is_malformed(void **state)
{
    (void)state;
    struct secret_key *key = sample_secret(0x11);
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct buf body = buf_of(body_space, sizeof(body_space));
    struct hash leaf = sample_hash(1);
    struct sealed sealed;
    struct bytes back;
    assert_int_equal(envelope_seal(bytes_text("short"), SAMPLE_DISTRICT, &leaf, 1, key, NULL, &work,
                                   &body, &sealed),
                     OK);

    uint8_t head_space[128], packed[64];
    struct writer head = writer_of(head_space, sizeof(head_space));
    writer_array(&head, 6);
    writer_uint(&head, SUITE);
    writer_text(&head, SAMPLE_DISTRICT);
    writer_bin(&head, bytes_hash(&leaf));
    writer_uint(&head, 1);
    writer_uint(&head, 0);
    writer_uint(&head, 6); /* one more than there is */
    struct bytes input = writer_bytes(&head);
    struct hash nonce;
    crypto_hash("nonce", &input, 1, &nonce);
    size_t packed_bytes = work.len;
    memcpy(packed, work_space, packed_bytes);
    body.len = 0;
    assert_int_equal(crypto_encrypt(bytes_of(packed, packed_bytes), input, nonce.at, key, &body),
                     OK);
    sealed.plain_bytes = 6;
    sealed.body = buf_bytes(&body);
    assert_int_equal(open_with(&sealed, SAMPLE_DISTRICT, 0x11, &back), ERR_MALFORMED);
    secret_key_close(&key);
}

static void nonce_and_body_follow_from_content_alone(void **state)
{
    (void)state;
    uint8_t first[128];
    struct sealed sealed = seal_text(bytes_text("a transaction"), 1);
    size_t len = sealed.body.len;
    memcpy(first, sealed.body.at, len);
    sealed = seal_text(bytes_text("a transaction"), 1);
    assert_memory_equal(first, sealed.body.at, len);
    sealed = seal_text(bytes_text("a transaction"), 2);
    assert_memory_not_equal(first, sealed.body.at, len);
}

static void a_data_key_opens_for_the_hub_alone(void **state)
{
    (void)state;
    struct secret_key *key = sample_secret(0x11), *hub = sample_secret(0x51);
    struct secret_key *other = sample_secret(0x52), *back = NULL;
    struct public_key public = sample_box_public(0x51);
    uint8_t sealed[DATA_KEY_SEALED_BYTES];
    assert_int_equal(data_key_seal(key, &public, sealed), OK);
    assert_int_equal(data_key_open(bytes_of(sealed, sizeof(sealed)), other, &back), ERR_DECRYPT);
    assert_null(back);
    assert_int_equal(data_key_open(bytes_of(sealed, sizeof(sealed) - 1), hub, &back),
                     ERR_MALFORMED);
    assert_int_equal(data_key_open(bytes_of(sealed, sizeof(sealed)), hub, &back), OK);
    assert_memory_equal(secret_key_bytes(back), secret_key_bytes(key), SECRET_KEY_BYTES);
    secret_key_close(&key);
    secret_key_close(&hub);
    secret_key_close(&other);
    secret_key_close(&back);
}

/* Made by hand: RFC 8878 wants tables, the trainer wants many samples. */
static struct bytes small_dictionary(void)
{
    static uint8_t space[1024];
    static uint8_t samples[64 * 1024];
    static size_t sizes[512];
    struct buf out = buf_of(space, sizeof(space));
    size_t len = 0;
    for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
        int n = snprintf((char *)samples + len, sizeof(samples) - len,
                         "a transaction %u of somebody with a number %u and some fields", i,
                         i * 7919 % 1000);
        sizes[i] = (size_t)n;
        len += sizes[i];
    }
    assert_int_equal(
        compress_dictionary_train(bytes_of(samples, len), sizes, COUNT_OF(sizes), &out), OK);
    return buf_bytes(&out);
}

static void what_is_sealed_with_a_dictionary_opens_with_that_one_alone(void **state)
{
    (void)state;
    static const char text[] = "a transaction 7 of somebody with a number 42 and some fields";
    const struct dictionary third = { .id = 3, .bytes = small_dictionary() };
    const struct dictionary fourth = { .id = 4, .bytes = third.bytes };
    const struct dictionary none = { .id = 0 };
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct buf body = buf_of(body_space, sizeof(body_space));
    struct buf back = buf_of(back_space, sizeof(back_space));
    struct secret_key *key = sample_secret(0x11);
    struct hash leaf = sample_hash(0x22);
    struct sealed sealed;
    assert_int_equal(envelope_seal(bytes_text(text), SAMPLE_DISTRICT, &leaf, 1, key, &third, &work,
                                   &body, &sealed),
                     OK);
    assert_int_equal(sealed.dictionary, 3);
    assert_true(sealed.body.len < seal_text(bytes_text(text), 1).body.len);
    body.len = 0; /* seal_text works in the same space */
    assert_int_equal(envelope_seal(bytes_text(text), SAMPLE_DISTRICT, &leaf, 1, key, &third, &work,
                                   &body, &sealed),
                     OK);
    assert_int_equal(envelope_open(&sealed, SAMPLE_DISTRICT, key, &third, &work, &back), OK);
    assert_true(bytes_is(buf_bytes(&back), text));
    assert_int_equal(envelope_open(&sealed, SAMPLE_DISTRICT, key, NULL, &work, &back),
                     ERR_DICTIONARY);
    assert_int_equal(envelope_open(&sealed, SAMPLE_DISTRICT, key, &none, &work, &back),
                     ERR_DICTIONARY);
    assert_int_equal(envelope_open(&sealed, SAMPLE_DISTRICT, key, &fourth, &work, &back),
                     ERR_DICTIONARY);
    /* The number is bound like all else of the head. */
    sealed.dictionary = 4;
    assert_int_equal(envelope_open(&sealed, SAMPLE_DISTRICT, key, &fourth, &work, &back),
                     ERR_DECRYPT);
    secret_key_close(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_with_a_dictionary_opens_with_that_one_alone),
        cmocka_unit_test(what_is_sealed_opens_again),
        cmocka_unit_test(the_largest_transaction_fits_even_when_it_does_not_compress),
        cmocka_unit_test(it_opens_only_as_what_it_was_sealed_as),
        cmocka_unit_test(a_length_other_than_promised_is_malformed),
        cmocka_unit_test(nonce_and_body_follow_from_content_alone),
        cmocka_unit_test(a_data_key_opens_for_the_hub_alone),
    };
    return cmocka_run_group_tests(tests, sample_start, NULL);
}
