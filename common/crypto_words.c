#include <sodium.h>

#include "common/crypto.h"
#include "common/must.h"

/* Two syllables of consonant and vowel. Both lists are closed: they are part of the protocol, in
 * this order. Left out are syllables that only differ by ear on a bad line at the end of a word (a
 * final e), and those with which rude Indonesian or Javanese words would come up. */
static const char first_syllables[64][3] = {
    "ba", "be", "bi", "ca", "ce", "co", "cu", "da", "de", "di", "du", "ga", "ge", "go", "gu", "ja",
    "je", "ji", "jo", "ju", "ka", "ki", "ko", "ku", "la", "le", "li", "lo", "lu", "ma", "me", "mi",
    "mo", "mu", "na", "ne", "ni", "no", "nu", "pa", "pi", "po", "ra", "re", "ri", "ro", "ru", "sa",
    "se", "si", "so", "su", "ta", "te", "ti", "to", "tu", "wa", "we", "wi", "wo", "ya", "yo", "yu",
};
static const char second_syllables[32][3] = {
    "da", "di", "do", "du", "gu", "ja", "ji", "jo", "ju", "ka", "ko", "ku", "la", "lu", "na", "no",
    "nu", "ra", "ri", "ro", "ru", "sa", "si", "ta", "to", "tu", "wa", "wi", "wo", "ya", "yo", "yu",
};

#define WORD_COUNT 6
#define WORD_BITS 11
#define WORDS_MEM_KIB (19 * 1024)
#define WORDS_PASSES 2
#define WORDS_KEY_BYTES 16 /* the least that Argon2id gives in libsodium */

_Static_assert(8 * WORDS_KEY_BYTES >= WORD_COUNT * WORD_BITS, "enough bits");
_Static_assert(WORD_COUNT * 5 <= WORDS_TEXT_MAX, "room for six words, spaces and NUL");

enum err crypto_six_words(struct bytes transcript, char ret[WORDS_TEXT_MAX])
{
    struct hash salt;
    uint8_t key[WORDS_KEY_BYTES];
    crypto_hash("words-salt", &transcript, 1, &salt);
    if (crypto_pwhash(key, sizeof(key), (const char *)transcript.at, transcript.len, salt.at,
                      WORDS_PASSES, (size_t)WORDS_MEM_KIB * 1024,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return ERR_MEMORY;

    char *out = ret;
    for (unsigned word = 0; word < WORD_COUNT; word++) {
        unsigned number = 0;
        for (unsigned bit = word * WORD_BITS; bit < (word + 1) * WORD_BITS; bit++)
            number = number << 1 | (key[bit / 8] >> (7 - bit % 8) & 1U);
        must(number < 2048);
        memcpy(out, first_syllables[number >> 5], 2);
        memcpy(out + 2, second_syllables[number & 31], 2);
        out[4] = word + 1 < WORD_COUNT ? ' ' : '\0';
        out += 5;
    }
    sodium_memzero(key, sizeof(key));
    return OK;
}
