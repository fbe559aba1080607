#include "proto/receipt.h"

#include <ctype.h>
#include <stdio.h>

#include "common/crypto.h"
#include "common/must.h"
#include "proto/value.h"

/* Without I, O and Q, which are read as 1 and 0. */
static const char LETTERS[] = "ABCDEFGHJKLMNPRSTUVWXYZ";
#define LETTER_COUNT (sizeof LETTERS - 1)

void receipt_letters(const struct id *record, char ret[RECEIPT_LETTERS_MAX])
{
    struct hash hash;
    _Static_assert(LETTER_COUNT == 23, "the letters of a receipt");
    const struct bytes id = bytes_id(record);
    crypto_hash("receipt", &id, 1, &hash);
    unsigned number = (unsigned)hash.at[0] << 8 | hash.at[1];
    ret[0] = LETTERS[number / LETTER_COUNT % LETTER_COUNT];
    ret[1] = LETTERS[number % LETTER_COUNT];
    ret[2] = '\0';
}

void receipt_text(struct bytes short_text, const struct id *record, char ret[RECEIPT_TEXT_MAX])
{
    char letters[RECEIPT_LETTERS_MAX];
    ret[0] = '\0';
    if (short_text.len == 0 || short_text.len + sizeof letters + 1 > RECEIPT_TEXT_MAX)
        return;
    receipt_letters(record, letters);
    (void)snprintf(ret, RECEIPT_TEXT_MAX, "%.*s-%s", (int)short_text.len,
                   (const char *)short_text.at, letters);
}

bool receipt_parse(struct bytes text, char ret_short[RECEIPT_TEXT_MAX],
                   char ret_letters[RECEIPT_LETTERS_MAX])
{
    while (text.len > 0 && text.at[0] == ' ')
        text = bytes_of(text.at + 1, text.len - 1);
    while (text.len > 0 && text.at[text.len - 1] == ' ')
        text.len--;
    if (text.len < 5 || text.len >= RECEIPT_TEXT_MAX || text.at[text.len - 3] != '-')
        return false;
    for (size_t i = 0; i < 2; i++) {
        int letter = toupper(text.at[text.len - 2 + i]);
        if (letter == 0 || strchr(LETTERS, letter) == NULL)
            return false;
        ret_letters[i] = (char)letter;
    }
    ret_letters[2] = '\0';
    memcpy(ret_short, text.at, text.len - 3);
    ret_short[text.len - 3] = '\0';
    return strlen(ret_short) == text.len - 3 && strchr(ret_short, '-') != NULL;
}

bool answer_given(struct bytes value)
{
    struct reader in = reader_of(value);
    if (value.len == 0 || value_is_nil(value))
        return false;
    return reader_peek(&in) != KIND_ARRAY || reader_array(&in) > 0;
}

bool answer_is_open(const struct policy_answer *answer, struct bytes state)
{
    struct bytes code = value_string(state);
    for (size_t i = 0; i < answer->open_count; i++)
        if (bytes_is(code, answer->open[i]))
            return true;
    return false;
}

bool answer_is_owed(const struct policy_answer *answer, struct bytes state, struct bytes given)
{
    return answer != NULL && answer_is_open(answer, state) && !answer_given(given);
}

struct bytes answer_last(struct bytes given, const char *key)
{
    struct reader in = reader_of(given);
    struct bytes item = bytes_of(NULL, 0), found = bytes_of(NULL, 0);
    if (key == NULL || given.len == 0 || reader_peek(&in) != KIND_ARRAY)
        return found;
    size_t count = reader_array(&in);
    for (size_t i = 0; i < count && in.err == OK; i++)
        item = reader_raw(&in);
    in = reader_of(item);
    if (item.len == 0 || reader_peek(&in) != KIND_MAP)
        return found;
    count = reader_map(&in);
    for (size_t i = 0; i < count && in.err == OK; i++) {
        struct bytes name = reader_str(&in), raw = reader_raw(&in);
        if (bytes_is(name, key))
            found = value_string(raw);
    }
    return found;
}
