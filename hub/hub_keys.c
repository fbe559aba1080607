#include "hub/hub_keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/files.h"
#include "common/must.h"

/* One file, so that there is never half a set: a line "tksk-hub-keys 1", then "<kind> <hex>" a key,
 * seal keys oldest first, then "end". */
#define FILE_NAME "hub.keys"
#define FIRST_LINE "tksk-hub-keys 1"
#define LAST_LINE "end"
#define HEX_CHARS (2 * SECRET_KEY_BYTES)
#define FILE_BYTES_MAX 4096
#define PATH_BYTES_MAX 4096

static void publics_derive(struct hub_keys *keys)
{
    must(keys->sign != NULL && keys->curve != NULL && keys->seal_count > 0);
    crypto_sign_public(keys->sign, &keys->sign_public);
    crypto_box_public(keys->curve, &keys->curve_public);
    crypto_box_public(keys->seal[keys->seal_count - 1], &keys->seal_public);
}

enum err hub_keys_make(struct hub_keys *ret_keys)
{
    struct hub_keys keys = { .sign = secret_key_new(), .curve = secret_key_new() };
    keys.seal[0] = secret_key_new();
    if (keys.sign == NULL || keys.curve == NULL || keys.seal[0] == NULL) {
        hub_keys_close(&keys);
        return ERR_MEMORY;
    }
    keys.seal_count = 1;
    publics_derive(&keys);
    *ret_keys = keys;
    return OK;
}

void hub_keys_close(struct hub_keys *keys)
{
    if (keys == NULL)
        return;
    secret_key_close(&keys->sign);
    secret_key_close(&keys->curve);
    for (unsigned i = 0; i < HUB_SEAL_KEYS_MAX; i++)
        secret_key_close(&keys->seal[i]);
    *keys = (struct hub_keys){ .seal_count = 0 };
}

/* ---- the file */

static struct secret_key **slot_of(struct hub_keys *keys, struct bytes kind)
{
    if (bytes_is(kind, "sign"))
        return &keys->sign;
    if (bytes_is(kind, "curve"))
        return &keys->curve;
    if (bytes_is(kind, "seal") && keys->seal_count < HUB_SEAL_KEYS_MAX)
        return &keys->seal[keys->seal_count];
    return NULL;
}

static enum err line_read(struct hub_keys *keys, struct bytes line)
{
    const uint8_t *space = memchr(line.at, ' ', line.len);
    if (space == NULL)
        return ERR_MALFORMED;
    struct bytes kind = bytes_of(line.at, (size_t)(space - line.at));
    struct bytes hex = bytes_of(space + 1, line.len - kind.len - 1);
    uint8_t secret[SECRET_KEY_BYTES];
    struct secret_key **slot = slot_of(keys, kind);
    if (slot == NULL || *slot != NULL || hex.len != HEX_CHARS ||
        !crypto_unhex(hex, secret, sizeof secret))
        return ERR_MALFORMED;
    *slot = secret_key_from(secret);
    crypto_wipe(secret, sizeof secret);
    if (*slot == NULL)
        return ERR_MEMORY;
    if (bytes_is(kind, "seal"))
        keys->seal_count++;
    return OK;
}

static enum err file_read(struct bytes text, struct hub_keys *ret_keys)
{
    struct hub_keys keys = { .seal_count = 0 };
    enum err err = OK;
    bool started = false, ended = false;
    while (err == OK && !ended) {
        const uint8_t *end = text.len > 0 ? memchr(text.at, '\n', text.len) : NULL;
        if (end == NULL) {
            err = ERR_MALFORMED;
            break;
        }
        struct bytes line = bytes_of(text.at, (size_t)(end - text.at));
        text = bytes_of(end + 1, text.len - line.len - 1);
        if (!started) {
            started = true;
            err = bytes_is(line, FIRST_LINE) ? OK : ERR_MALFORMED;
        } else if (bytes_is(line, LAST_LINE)) {
            ended = true;
        } else {
            err = line_read(&keys, line);
        }
    }
    if (err == OK && (keys.sign == NULL || keys.curve == NULL || keys.seal_count == 0))
        err = ERR_MALFORMED;
    if (err != OK) {
        hub_keys_close(&keys);
        return err;
    }
    publics_derive(&keys);
    *ret_keys = keys;
    return OK;
}

static void line_write(struct buf *text, const char *kind, const struct secret_key *key)
{
    char hex[HEX_CHARS + 1];
    crypto_hex(bytes_of(secret_key_bytes(key), SECRET_KEY_BYTES), hex);
    int n = snprintf((char *)text->at + text->len, text->cap - text->len, "%s %s\n", kind, hex);
    must(n > 0 && (size_t)n < text->cap - text->len);
    text->len += (size_t)n;
    crypto_wipe(hex, sizeof hex);
}

static enum err file_write(const char *path, const struct hub_keys *keys, struct problem *problem)
{
    char space[FILE_BYTES_MAX];
    struct buf text = buf_of(space, sizeof space);
    text.len = (size_t)snprintf(space, sizeof space, "%s\n", FIRST_LINE);
    line_write(&text, "sign", keys->sign);
    line_write(&text, "curve", keys->curve);
    for (unsigned i = 0; i < keys->seal_count; i++)
        line_write(&text, "seal", keys->seal[i]);
    text.len += (size_t)snprintf(space + text.len, sizeof space - text.len, "%s\n", LAST_LINE);
    enum err err = files_write_new(path, 0600, buf_bytes(&text), problem);
    crypto_wipe(space, sizeof space);
    return err;
}

enum err hub_keys_open(const char *directory, struct hub_keys *ret_keys, struct problem *problem)
{
    char path[PATH_BYTES_MAX];
    if (snprintf(path, sizeof path, "%s/%s", directory, FILE_NAME) >= (int)sizeof path)
        return problem_set(problem, ERR_LIMIT, "the directory of the hub's keys", "its path");
    enum err err = files_make_directory(directory, 0700, problem);
    if (err != OK)
        return err;
    struct buf content = { .at = NULL };
    err = files_read(path, FILE_BYTES_MAX, &content, problem);
    if (err == OK) {
        err = file_read(buf_bytes(&content), ret_keys);
        files_release(&content);
        if (err != OK)
            return problem_set(problem, err, path, "bring back the copy from the safe");
        return OK;
    }
    if (err != ERR_NOT_FOUND)
        return err;
    struct hub_keys keys;
    err = hub_keys_make(&keys);
    if (err != OK)
        return problem_set(problem, err, path, NULL);
    err = file_write(path, &keys, problem);
    if (err != OK) {
        hub_keys_close(&keys);
        return err;
    }
    *ret_keys = keys;
    return OK;
}
