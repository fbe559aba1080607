#include "proto/access.h"

#include "common/crypto.h"
#include "common/must.h"

const char *access_op_name(enum access_op op)
{
    static const char *const names[ACCESS_OP_COUNT] = {
#define X(name, text) [name] = (text),
        ACCESS_OPS(X)
#undef X
    };
    return (unsigned)op < ACCESS_OP_COUNT ? names[op] : "?";
}

void access_hash(const struct access_row *row, const struct hash *previous, struct hash *ret_hash)
{
    uint8_t space[HASH_BYTES + ACCESS_NAME_BYTES_MAX + ACCESS_BOX_BYTES_MAX + 128];
    must(row->name.len <= ACCESS_NAME_BYTES_MAX && row->note.len <= ACCESS_BOX_BYTES_MAX);
    struct writer out = writer_of(space, sizeof space);
    writer_array(&out, 10);
    writer_bin(&out, bytes_hash(previous));
    writer_uint(&out, row->number);
    writer_uint(&out, row->wall_ms);
    writer_uint(&out, row->op);
    writer_bool(&out, row->full);
    writer_uint(&out, row->who);
    writer_bin(&out, row->name);
    if (row->has_record)
        writer_bin(&out, bytes_id(&row->record));
    else
        writer_nil(&out);
    writer_uint(&out, row->count);
    writer_bin(&out, row->note);
    must(out.err == OK);
    const struct bytes whole = writer_bytes(&out);
    crypto_hash("access", &whole, 1, ret_hash);
}

/* ---- notes */

/* At most `max` bytes, whole characters. */
static struct bytes cut(struct bytes text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max > 0 && (text.at[max] & 0xc0) == 0x80)
        max--;
    return bytes_of(text.at, max);
}

enum err access_note_encode(const struct access_note *note, struct writer *out)
{
    writer_array(out, 2);
    writer_str(out, cut(note->what, ACCESS_WHAT_BYTES_MAX));
    writer_str(out, note->reason);
    return out->err;
}

enum err access_note_decode(struct bytes note, struct access_note *ret_note)
{
    enum err err = codec_scan(note);
    if (err != OK)
        return ERR_MALFORMED;
    struct reader in = reader_of(note);
    struct access_note read;
    reader_array_of(&in, 2);
    read.what = reader_str(&in);
    read.reason = reader_str(&in);
    err = reader_end(&in);
    if (err == OK)
        *ret_note = read;
    return err;
}

enum err access_reason_check(struct bytes reason, struct problem *problem)
{
    size_t characters = 0;
    bool letter = false;
    bool good = codec_utf8(reason) && codec_plain(reason, "");
    for (size_t i = 0; i < reason.len; i++) {
        uint8_t c = reason.at[i];
        characters += (c & 0xc0) != 0x80;
        letter = letter || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
    }
    if (good && letter && characters <= ACCESS_REASON_CHARS_MAX)
        return OK;
    return problem_set(problem, ERR_USAGE, "--reason TEXT",
                       "why it is looked at, in one line of at most 200 characters");
}

/* ---- growth */

uint64_t access_trim_room(uint64_t first, uint64_t oldest_ms, uint64_t newest, uint64_t now_ms,
                          uint64_t *ret_until_ms)
{
    must(first >= 1);
    uint64_t count = newest >= first ? newest - first + 1 : 0;
    uint64_t until_ms = now_ms > ACCESS_KEEP_MS ? now_ms - ACCESS_KEEP_MS : 0;
    if (count < ACCESS_ROWS_MIN + ACCESS_TRIM_LEAST || oldest_ms >= until_ms)
        return 0;
    *ret_until_ms = until_ms;
    uint64_t room = count - ACCESS_ROWS_MIN;
    return room < ACCESS_TRIM_ROWS ? room : ACCESS_TRIM_ROWS;
}

/* ---- checking */

const char *access_fault_name(enum access_fault fault)
{
    switch (fault) {
    case ACCESS_SOUND:
        return "sound";
    case ACCESS_MISSING:
        return "missing";
    case ACCESS_ALTERED:
        return "altered";
    case ACCESS_CUT:
        return "cut";
    case ACCESS_ADDED:
        return "added";
    case ACCESS_ANCHOR:
        return "anchor";
    }
    return "?";
}

void access_check_start(struct access_check *check, const struct access_end *end)
{
    *check = (struct access_check){ .end = *end, .next = end->first + 1, .head = end->first_hash };
}

static bool fault(struct access_check *check, enum access_fault what, uint64_t at)
{
    check->fault = what;
    check->at = at;
    return false;
}

bool access_check_row(struct access_check *check, const struct access_row *row,
                      const struct hash *stored)
{
    struct hash hash;
    must(check->fault == ACCESS_SOUND);
    if (row->number != check->next)
        return fault(check, ACCESS_MISSING, check->next);
    if (row->number > check->end.last)
        return fault(check, ACCESS_ADDED, row->number);
    bool fits = row->name.len <= ACCESS_NAME_BYTES_MAX && row->note.len <= ACCESS_BOX_BYTES_MAX;
    if (fits)
        access_hash(row, &check->head, &hash);
    if (!fits || !hash_equal(&hash, stored))
        return fault(check, ACCESS_ALTERED, row->number);
    check->head = hash;
    check->next++;
    if (row->op == ACCESS_TRIM)
        check->trim = row->count;
    return true;
}

void access_check_end(struct access_check *check)
{
    if (check->fault != ACCESS_SOUND)
        return;
    if (check->next <= check->end.last)
        (void)fault(check, ACCESS_CUT, check->next);
    else if (!hash_equal(&check->head, &check->end.last_hash))
        (void)fault(check, ACCESS_ALTERED, check->end.last);
    else if (check->trim != check->end.first)
        (void)fault(check, ACCESS_ANCHOR, check->end.first + 1);
}
