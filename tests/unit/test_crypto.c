#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/crypto.h"

static void assert_hex(const void *at, size_t len, const char *expected)
{
    char hex[512];
    assert_true(2 * len + 1 <= sizeof(hex));
    crypto_hex(bytes_of(at, len), hex);
    assert_string_equal(hex, expected);
}

static struct secret_key *secret_from_hex(const char *hex)
{
    uint8_t raw[SECRET_KEY_BYTES];
    assert_true(crypto_unhex(bytes_text(hex), raw, sizeof(raw)));
    struct secret_key *key = secret_key_from(raw);
    assert_non_null(key);
    return key;
}

/* 00 01 02 … */
static struct secret_key *counting_secret(void)
{
    uint8_t raw[SECRET_KEY_BYTES];
    for (size_t i = 0; i < sizeof(raw); i++)
        raw[i] = (uint8_t)i;
    return secret_key_from(raw);
}

static void blake2b_matches_its_known_answers(void **state)
{
    (void)state;
    /* blake2-kat: keyed BLAKE2b-512 of the empty input. */
    uint8_t key[64];
    uint8_t out[64];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    crypto_keyed_hash(bytes_of(key, 64), bytes_of(NULL, 0), out, sizeof(out));
    assert_hex(out, 64,
               "10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786"
               "b5e996e8f0f4eb981fc214b005f42d2ff4233499391653df7aefcbc13fc51568");
}

static void a_hash_covers_its_type_and_is_the_same_in_pieces(void **state)
{
    (void)state;
    struct bytes parts[2] = { bytes_text("abc"), bytes_text("def") };
    struct bytes whole = bytes_text("abcdef");
    struct hash a;
    struct hash b;
    crypto_hash("leaf", parts, 2, &a);
    /* By Python's hashlib over "tksk-sync/1/leaf\0abcdef". */
    assert_hex(a.at, HASH_BYTES,
               "c802835fb8856fd5fb6340984bb064eb942c82280c76138e317e8fdb2eac6347");
    crypto_hash("leaf", &whole, 1, &b);
    assert_true(hash_equal(&a, &b));

    struct hasher hasher;
    hasher_start(&hasher, "leaf");
    for (size_t i = 0; i < whole.len; i++)
        hasher_add(&hasher, bytes_of(whole.at + i, 1));
    hasher_end(&hasher, &b);
    assert_true(hash_equal(&a, &b));

    crypto_hash("head", &whole, 1, &b);
    assert_false(hash_equal(&a, &b));
}

static void ed25519_matches_rfc_8032(void **state)
{
    (void)state;
    struct secret_key *seed =
        secret_from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    struct public_key key;
    crypto_sign_public(seed, &key);
    assert_hex(key.at, PUBLIC_KEY_BYTES,
               "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    secret_key_close(&seed);
    assert_null(seed);
}

static void a_signature_holds_for_its_type_its_message_and_its_key_alone(void **state)
{
    (void)state;
    struct secret_key *seed = counting_secret();
    struct public_key key;
    struct signature sig;
    struct bytes message = bytes_text("message");
    crypto_sign_public(seed, &key);
    crypto_sign_typed("ack", message, seed, &sig);
    /* By Python's nacl over "tksk-sync/1/ack\0" ‖ u64 7 ‖ "message". */
    assert_hex(sig.at, SIGNATURE_BYTES,
               "89590ac28add83e87e2d83fbab0f07350e310a4efc89b4de9c90b939e833897f"
               "c1d18330671e2ae6a5e3a09bd0a2d5d60f1a81bab73c07d617217260e5db1907");
    assert_true(crypto_verify_typed("ack", message, &key, &sig));
    assert_false(crypto_verify_typed("act", message, &key, &sig));
    assert_false(crypto_verify_typed("ack", bytes_text("messagf"), &key, &sig));
    assert_false(crypto_verify_typed("ack", bytes_text("messag"), &key, &sig));
    for (size_t bit = 0; bit < 8 * SIGNATURE_BYTES; bit += 7) {
        struct signature bent = sig;
        bent.at[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_false(crypto_verify_typed("ack", message, &key, &bent));
    }
    struct public_key zero = { { 0 } };
    assert_false(crypto_verify_typed("ack", message, &zero, &sig));
    secret_key_close(&seed);
}

static void x25519_matches_rfc_7748(void **state)
{
    (void)state;
    /* 6.1, Bob */
    struct secret_key *secret =
        secret_from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    struct public_key key;
    crypto_box_public(secret, &key);
    assert_hex(key.at, PUBLIC_KEY_BYTES,
               "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    secret_key_close(&secret);
}

static void a_sealed_box_opens_for_its_recipient_alone(void **state)
{
    (void)state;
    struct secret_key *secret = secret_key_new();
    struct secret_key *other = secret_key_new();
    struct public_key key;
    uint8_t sealed[64 + SEAL_EXTRA_BYTES];
    uint8_t plain[64];
    struct buf out = buf_of(sealed, sizeof(sealed));
    crypto_box_public(secret, &key);
    assert_int_equal(crypto_seal(bytes_text("isi"), &key, &out), OK);
    assert_int_equal(out.len, 3 + SEAL_EXTRA_BYTES);

    struct buf back = buf_of(plain, sizeof(plain));
    assert_int_equal(crypto_seal_open(buf_bytes(&out), other, &back), ERR_DECRYPT);
    assert_int_equal(back.len, 0);
    assert_int_equal(crypto_seal_open(buf_bytes(&out), secret, &back), OK);
    assert_true(bytes_is(buf_bytes(&back), "isi"));
    assert_int_equal(crypto_seal_open(bytes_of(sealed, SEAL_EXTRA_BYTES - 1), secret, &back),
                     ERR_DECRYPT);
    back.cap = back.len + 2;
    assert_int_equal(crypto_seal_open(buf_bytes(&out), secret, &back), ERR_LIMIT);

    struct public_key zero = { { 0 } };
    out.len = 0;
    assert_int_equal(crypto_seal(bytes_text("isi"), &zero, &out), ERR_KEY);
    out.cap = 2 + SEAL_EXTRA_BYTES;
    assert_int_equal(crypto_seal(bytes_text("isi"), &key, &out), ERR_LIMIT);
    assert_int_equal(out.len, 0);
    secret_key_close(&secret);
    secret_key_close(&other);
}

/* draft-irtf-cfrg-xchacha-03, A.3.1 */
static void xchacha20poly1305_matches_its_draft(void **state)
{
    (void)state;
    static const char plain[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
                                "only one tip for the future, sunscreen would be it.";
    struct secret_key *key =
        secret_from_hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    uint8_t nonce[AEAD_NONCE_BYTES];
    uint8_t ad[12];
    uint8_t cipher[200];
    uint8_t back[200];
    for (size_t i = 0; i < sizeof(nonce); i++)
        nonce[i] = (uint8_t)(0x40 + i);
    assert_true(crypto_unhex(bytes_text("50515253c0c1c2c3c4c5c6c7"), ad, sizeof(ad)));
    struct buf out = buf_of(cipher, sizeof(cipher));
    assert_int_equal(crypto_encrypt(bytes_text(plain), bytes_of(ad, sizeof(ad)), nonce, key, &out),
                     OK);
    assert_hex(cipher, out.len,
               "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440"
               "bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f"
               "3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e"
               "c0875924c1c7987947deafd8780acf49");

    struct buf opened = buf_of(back, sizeof(back));
    ad[0] ^= 1;
    assert_int_equal(crypto_decrypt(buf_bytes(&out), bytes_of(ad, sizeof(ad)), nonce, key, &opened),
                     ERR_DECRYPT);
    ad[0] ^= 1;
    assert_int_equal(crypto_decrypt(buf_bytes(&out), bytes_of(ad, sizeof(ad)), nonce, key, &opened),
                     OK);
    assert_true(bytes_is(buf_bytes(&opened), plain));
    secret_key_close(&key);
}

static void a_box_at_rest_has_a_fresh_nonce_and_opens_under_its_context(void **state)
{
    (void)state;
    struct secret_key *key = secret_key_new();
    uint8_t box[2][8 + BOX_EXTRA_BYTES];
    uint8_t plain[8];
    struct buf out[2] = { buf_of(box[0], sizeof(box[0])), buf_of(box[1], sizeof(box[1])) };
    struct buf back = buf_of(plain, sizeof(plain));
    for (int i = 0; i < 2; i++)
        assert_int_equal(crypto_box_put(bytes_text("12345678"), bytes_text("a"), key, &out[i]), OK);
    assert_memory_not_equal(box[0], box[1], AEAD_NONCE_BYTES);
    assert_int_equal(crypto_box_get(buf_bytes(&out[0]), bytes_text("b"), key, &back), ERR_DECRYPT);
    assert_int_equal(crypto_box_get(buf_bytes(&out[0]), bytes_text("a"), key, &back), OK);
    assert_true(bytes_is(buf_bytes(&back), "12345678"));
    assert_int_equal(crypto_box_put(bytes_text("1"), bytes_text("a"), key, &out[0]), ERR_LIMIT);
    secret_key_close(&key);
}

static void subkeys_differ_by_number_and_context(void **state)
{
    (void)state;
    struct secret_key *key = counting_secret();
    struct secret_key *a = crypto_subkey(key, 7, "cacheidx");
    struct secret_key *b = crypto_subkey(key, 8, "cacheidx");
    struct secret_key *c = crypto_subkey(key, 7, "cacheidy");
    /* By Python's hashlib: BLAKE2b with salt = number, person = context. */
    assert_hex(secret_key_bytes(a), SECRET_KEY_BYTES,
               "7c1587e185233e26d16882dd5af4c65844fd607b460a54cd80eaf6e949f5c062");
    assert_memory_not_equal(secret_key_bytes(a), secret_key_bytes(b), SECRET_KEY_BYTES);
    assert_memory_not_equal(secret_key_bytes(a), secret_key_bytes(c), SECRET_KEY_BYTES);
    secret_key_close(&a);
    secret_key_close(&b);
    secret_key_close(&c);
    secret_key_close(&key);
}

static void a_passphrase_makes_the_same_key_each_time(void **state)
{
    (void)state;
    uint8_t salt[ARGON_SALT_BYTES];
    struct secret_key *key = NULL;
    for (size_t i = 0; i < sizeof(salt); i++)
        salt[i] = (uint8_t)i;
    assert_int_equal(crypto_passphrase_key(bytes_text("rahasia"), salt, 64, 1, &key), OK);
    /* By Python's nacl.pwhash.argon2id. */
    assert_hex(secret_key_bytes(key), SECRET_KEY_BYTES,
               "f2e912cf813e8fed297760050c5de7da72a177987aa76956ca92bbece8c0461f");
    secret_key_close(&key);
    assert_int_equal(crypto_passphrase_key(bytes_text("x"), salt, 0, 1, &key), ERR_LIMIT);
    assert_int_equal(crypto_passphrase_key(bytes_text("x"), salt, UINT32_MAX, 1, &key), ERR_LIMIT);
    assert_int_equal(crypto_passphrase_key(bytes_text("x"), salt, 64, 0, &key), ERR_LIMIT);
    assert_null(key);
}

static void six_words_follow_the_written_rule(void **state)
{
    (void)state;
    char words[WORDS_TEXT_MAX];
    /* By a Python program written from the rule in crypto.h. */
    assert_int_equal(crypto_six_words(bytes_text("transcript"), words), OK);
    assert_string_equal(words, "miji duwa yari jita tota tayo");
    assert_int_equal(crypto_six_words(bytes_text(""), words), OK);
    assert_string_equal(words, "nuju palu geda cotu yudo seji");
}

static void uuid7_carries_time_version_and_variant(void **state)
{
    (void)state;
    /* RFC 9562, A.6 */
    struct id id = crypto_uuid7(0x017f22e279b0);
    assert_hex(id.at, 6, "017f22e279b0");
    assert_int_equal(id.at[6] >> 4, 7);
    assert_int_equal(id.at[8] >> 6, 2);
    struct id next = crypto_uuid7(0x017f22e279b0);
    assert_false(id_equal(&id, &next));
}

static void hex_and_base64_lead_there_and_back_and_refuse_what_is_off(void **state)
{
    (void)state;
    uint8_t raw[4];
    char text[16];
    assert_true(crypto_unhex(bytes_text("00ffA05e"), raw, 4));
    crypto_hex(bytes_of(raw, 4), text);
    assert_string_equal(text, "00ffa05e");
    assert_false(crypto_unhex(bytes_text("00ffa05"), raw, 4));
    assert_false(crypto_unhex(bytes_text("00ffa05e00"), raw, 4));
    assert_false(crypto_unhex(bytes_text("00ffa05g"), raw, 4));

    assert_int_equal(crypto_base64(bytes_text("foob"), text, 9), OK);
    assert_string_equal(text, "Zm9vYg==");
    assert_int_equal(crypto_base64(bytes_text("foob"), text, 8), ERR_LIMIT);
    struct buf out = buf_of(raw, sizeof(raw));
    assert_int_equal(crypto_unbase64(bytes_text("Zm9v\r\nYg==\n"), &out), OK);
    assert_true(bytes_is(buf_bytes(&out), "foob"));
    out.len = 1;
    assert_int_equal(crypto_unbase64(bytes_text("Zm9vYg=="), &out), ERR_LIMIT);
    out.len = 0;
    assert_int_equal(crypto_unbase64(bytes_text("Zm9vYg"), &out), ERR_MALFORMED);
    assert_int_equal(crypto_unbase64(bytes_text("Zm9vYh=="), &out), ERR_MALFORMED);
    assert_int_equal(crypto_unbase64(bytes_text("Zm9v!"), &out), ERR_MALFORMED);
    assert_int_equal(out.len, 0);
}

static uint8_t next_fill;

static void counting_fill(void *buffer, size_t len)
{
    uint8_t *at = buffer;
    for (size_t i = 0; i < len; i++)
        at[i] = next_fill++;
}

/* Last, since there is no way back. */
static void replaced_randomness_reaches_every_use_of_it(void **state)
{
    (void)state;
    uint8_t sealed[2][SEAL_EXTRA_BYTES];
    struct secret_key *keys[2];
    struct public_key to;
    struct id ids[2];
    crypto_random_replace(counting_fill);
    for (int i = 0; i < 2; i++) {
        next_fill = 0;
        keys[i] = secret_key_new();
        assert_int_equal(secret_key_bytes(keys[i])[31], 31);
        ids[i] = crypto_random_id();
        crypto_box_public(keys[0], &to);
        struct buf out = buf_of(sealed[i], sizeof(sealed[i]));
        assert_int_equal(crypto_seal(bytes_of(NULL, 0), &to, &out), OK);
        assert_true(crypto_random_below(10) < 10);
    }
    assert_true(id_equal(&ids[0], &ids[1]));
    assert_memory_equal(sealed[0], sealed[1], SEAL_EXTRA_BYTES);
    secret_key_close(&keys[0]);
    secret_key_close(&keys[1]);
}

static int start(void **state)
{
    (void)state;
    return crypto_start() == OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blake2b_matches_its_known_answers),
        cmocka_unit_test(a_hash_covers_its_type_and_is_the_same_in_pieces),
        cmocka_unit_test(ed25519_matches_rfc_8032),
        cmocka_unit_test(a_signature_holds_for_its_type_its_message_and_its_key_alone),
        cmocka_unit_test(x25519_matches_rfc_7748),
        cmocka_unit_test(a_sealed_box_opens_for_its_recipient_alone),
        cmocka_unit_test(xchacha20poly1305_matches_its_draft),
        cmocka_unit_test(a_box_at_rest_has_a_fresh_nonce_and_opens_under_its_context),
        cmocka_unit_test(subkeys_differ_by_number_and_context),
        cmocka_unit_test(a_passphrase_makes_the_same_key_each_time),
        cmocka_unit_test(six_words_follow_the_written_rule),
        cmocka_unit_test(uuid7_carries_time_version_and_variant),
        cmocka_unit_test(hex_and_base64_lead_there_and_back_and_refuse_what_is_off),
        cmocka_unit_test(replaced_randomness_reaches_every_use_of_it),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
