#include "common/tkskctl/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/must.h"
#include "common/tkskctl/fields.h"
#include "proto/blob.h"

#define CHUNK_BYTES ((size_t)384 * 1024)
#define REF_TEXT_MAX (2 * HASH_BYTES + 32 + BLOB_TYPE_BYTES_MAX)

/* ---- the file */

struct source {
    char path[PATH_MAX];
    int fd;
    struct stat st;
};

static enum err source_errno(const struct source *source, int number, struct problem *problem)
{
    enum err code = number == ENOENT || number == ENOTDIR ? ERR_NOT_FOUND
                    : number == EACCES || number == EPERM ? ERR_DENIED
                                                          : ERR_IO;
    return problem_set(problem, code, source->path, strerror(number));
}

static enum err source_open(const char *name, const char *base, struct source *ret_source,
                            struct problem *problem)
{
    struct source source = { .fd = -1 };
    const char *home = name[0] == '~' && name[1] == '/' ? getenv("HOME") : NULL;
    bool relative = name[0] != '/' && !home && base;
    int len = snprintf(source.path, sizeof(source.path), "%s%s%s",
                       home       ? home
                       : relative ? base
                                  : "",
                       relative ? "/" : "", home ? name + 1 : name);
    if (len < 0 || (size_t)len >= sizeof(source.path))
        return problem_set(problem, ERR_LIMIT, "@", "the path is empty or too long");
    source.fd = open(source.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (source.fd < 0)
        return source_errno(&source, errno, problem);
    enum err err = OK;
    if (fstat(source.fd, &source.st) != 0)
        err = source_errno(&source, errno, problem);
    else if (S_ISDIR(source.st.st_mode))
        err = source_errno(&source, EISDIR, problem);
    else if (!S_ISREG(source.st.st_mode))
        err = problem_set(problem, ERR_IO, source.path, "not a regular file");
    else if (source.st.st_size == 0)
        err = problem_set(problem, ERR_BLOB_EMPTY, source.path, NULL);
    if (err != OK) {
        (void)close(source.fd);
        return err;
    }
    *ret_source = source;
    return OK;
}

/* Exactly `len` bytes, unless the file became shorter. */
static enum err source_read(const struct source *source, uint8_t *at, size_t len,
                            struct problem *problem)
{
    while (len > 0) {
        ssize_t got = read(source->fd, at, len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return source_errno(source, errno, problem);
        if (got == 0)
            return problem_set(problem, ERR_FILE_CHANGED, source->path, NULL);
        at += got;
        len -= (size_t)got;
    }
    return OK;
}

static enum err source_unchanged(const struct source *source, struct problem *problem)
{
    struct stat now;
    if (fstat(source->fd, &now) != 0)
        return source_errno(source, errno, problem);
    if (now.st_size != source->st.st_size || now.st_mtim.tv_sec != source->st.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != source->st.st_mtim.tv_nsec)
        return problem_set(problem, ERR_FILE_CHANGED, source->path, NULL);
    return OK;
}

/* ---- to the daemon */

static json_t *error_of(const struct problem *problem)
{
    char rule[PROBLEM_DETAIL_MAX + 256];
    problem_rule(problem, say_lang_now(), rule, sizeof(rule));
    return ctl_memory(json_pack("{s:s, s:s, s:s, s:s}", "code", err_name(problem->code), "thing",
                                problem->thing, "rule", rule, "remedy",
                                problem_remedy(problem, say_lang_now())));
}

struct upload {
    struct hasher hasher;
    struct ctl *ctl;
    struct source source;
    json_t *done; /* the daemon's last answer */
    uint8_t *space;
    char *text;
    bool dry;
    char token[2 * ID_BYTES + 1];
    char type[BLOB_TYPE_BYTES_MAX + 1];
};

/* A refusal names the file, not what the daemon calls it. */
static enum exit_code send_chunk(struct upload *upload, size_t at, size_t len, json_t **ret_error)
{
    struct answer answer;
    enum err fits =
        crypto_base64(bytes_of(upload->space, len), upload->text, CHUNK_BYTES / 3 * 4 + 8);
    must(fits == OK);
    json_t *args = ctl_memory(json_pack("{s:s, s:I, s:I, s:s}", "token", upload->token, "total",
                                        (json_int_t)upload->source.st.st_size, "offset",
                                        (json_int_t)at, "data", upload->text));
    enum exit_code code = ctl_try(upload->ctl, "blob_put", args, &answer);
    if (code != EXIT_DONE && answer.error) {
        *ret_error = json_incref(answer.error);
        if (strcmp(text_of(answer.error, "code"), "locked") != 0)
            json_object_set_new(*ret_error, "thing", json_string(upload->source.path));
    }
    if (code == EXIT_DONE) {
        json_decref(upload->done);
        upload->done = json_incref(answer.done);
    }
    answer_close(&answer);
    return code;
}

static enum exit_code send_all(struct upload *upload, json_t **ret_error)
{
    struct problem problem;
    size_t total = (size_t)upload->source.st.st_size;
    enum exit_code code = EXIT_DONE;
    enum err err = OK;
    for (size_t at = 0; at < total && err == OK && code == EXIT_DONE; at += CHUNK_BYTES) {
        size_t len = total - at < CHUNK_BYTES ? total - at : CHUNK_BYTES;
        err = source_read(&upload->source, upload->space, len, &problem);
        /* Before the last chunk, which makes the daemon keep it. */
        if (err == OK && at + len == total)
            err = source_unchanged(&upload->source, &problem);
        if (err != OK)
            break;
        if (at == 0)
            (void)snprintf(upload->type, sizeof(upload->type), "%s",
                           blob_media_type(bytes_of(upload->space, len)));
        hasher_add(&upload->hasher, bytes_of(upload->space, len));
        if (!upload->dry)
            code = send_chunk(upload, at, len, ret_error);
    }
    if (err == OK)
        return code;
    *ret_error = error_of(&problem);
    return EXIT_REFUSED;
}

/* The reference of one file into `ret`. */
static enum exit_code attach_one(struct ctl *ctl, const char *name, const char *base, bool dry,
                                 char ret[REF_TEXT_MAX], json_t **ret_error)
{
    struct upload upload = { .ctl = ctl, .dry = dry };
    struct problem problem;
    struct hash hash;
    struct id token = crypto_random_id();
    char hex[2 * HASH_BYTES + 1];
    if (source_open(name, base, &upload.source, &problem) != OK) {
        *ret_error = error_of(&problem);
        return EXIT_REFUSED;
    }
    crypto_hex(bytes_id(&token), upload.token);
    hasher_start(&upload.hasher, BLOB_HASH);
    upload.space = ctl_memory(malloc(CHUNK_BYTES));
    upload.text = ctl_memory(malloc(CHUNK_BYTES / 3 * 4 + 8));
    enum exit_code code = send_all(&upload, ret_error);
    hasher_end(&upload.hasher, &hash);
    crypto_hex(bytes_hash(&hash), hex);
    if (code == EXIT_DONE && !dry && strcmp(text_of(upload.done, "hash"), hex) != 0) {
        (void)problem_set(&problem, ERR_FILE_CHANGED, upload.source.path, NULL);
        *ret_error = error_of(&problem);
        code = EXIT_REFUSED;
    }
    if (code == EXIT_DONE)
        (void)snprintf(ret, REF_TEXT_MAX, "%s %lld %s", hex, (long long)upload.source.st.st_size,
                       dry ? upload.type : text_of(upload.done, "type"));
    json_decref(upload.done);
    (void)close(upload.source.fd);
    crypto_wipe(upload.space, CHUNK_BYTES);
    crypto_wipe(upload.text, CHUNK_BYTES / 3 * 4 + 8);
    free(upload.space);
    free(upload.text);
    return code;
}

/* ---- one value */

/* The next part of a list up to a bare "|", unescaped and trimmed in place; NULL: no more. */
static char *next_part(char **rest, bool list)
{
    char *at = *rest, *out = *rest, *in = *rest;
    if (!at)
        return NULL;
    for (; *in && (!list || *in != '|'); in++) {
        if (list && *in == '\\' && in[1])
            in++;
        *out++ = *in;
    }
    *rest = *in ? in + 1 : NULL;
    *out = '\0';
    while (out > at && out[-1] == ' ')
        *--out = '\0';
    return at + strspn(at, " ");
}

enum exit_code attach_text(struct ctl *ctl, const char *typed, bool list, const char *base,
                           bool dry, char **ret_text, json_t **ret_error)
{
    char *copy = ctl_memory(strdup(typed)), *rest = copy, *part, *text = NULL;
    size_t len = 0;
    enum exit_code code = EXIT_DONE;
    FILE *out = ctl_memory(open_memstream(&text, &len));
    for (size_t count = 0; code == EXIT_DONE && (part = next_part(&rest, list)) != NULL; count++) {
        char ref[REF_TEXT_MAX];
        if (part[0] == '@')
            code = attach_one(ctl, part + 1, base, dry, ref, ret_error);
        if (code == EXIT_DONE)
            (void)fprintf(out, "%s%s", count > 0 ? "|" : "", part[0] == '@' ? ref : part);
    }
    (void)fclose(out);
    free(copy);
    if (code == EXIT_DONE)
        *ret_text = ctl_memory(text);
    else
        free(text);
    return code;
}

enum err attach_readable(const char *typed, bool list, struct problem *problem)
{
    char *copy = ctl_memory(strdup(typed)), *rest = copy, *part;
    struct source source;
    enum err err = OK;
    while (err == OK && (part = next_part(&rest, list)) != NULL) {
        if (part[0] != '@')
            continue;
        err = source_open(part + 1, NULL, &source, problem);
        if (err == OK)
            (void)close(source.fd);
    }
    free(copy);
    return err;
}

char *attach_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return ctl_memory(slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("."));
}

/* ---- fields */

static bool has_file(const json_t *value)
{
    size_t index;
    json_t *item;
    const char *text = json_string_value(value);
    if (text) {
        text += strspn(text, " ");
        return text[0] == '@' || strstr(text, "|@") || strstr(text, "| @");
    }
    json_array_foreach(value, index, item) {
        if (json_is_string(item) && has_file(item))
            return true;
    }
    return false;
}

bool attach_wanted(const json_t *fields)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)fields, name, value) {
        if (has_file(value))
            return true;
    }
    return false;
}

bool attach_field(const json_t *field)
{
    return strcmp(text_of(field, "type"), "blob") == 0 ||
           strcmp(text_of(field, "element"), "blob") == 0;
}

static bool is_list(const json_t *field)
{
    return strcmp(text_of(field, "type"), "list") == 0;
}

/* Replaces one text; says what is wrong. */
static enum exit_code attach_value(struct ctl *ctl, const char *typed, bool list, const char *base,
                                   json_t **ret_value)
{
    struct answer answer = { .rows = NULL };
    char *text = NULL;
    enum exit_code code = attach_text(ctl, typed, list, base, false, &text, &answer.error);
    if (code == EXIT_DONE)
        *ret_value = ctl_memory(json_string(text));
    else if (answer.error)
        (void)ctl_refused(ctl, &answer);
    free(text);
    answer_close(&answer);
    return code;
}

static enum exit_code attach_json(struct ctl *ctl, const json_t *field, const char *base,
                                  const json_t *value, json_t **ret_value)
{
    size_t index;
    json_t *item;
    enum exit_code code = EXIT_DONE;
    if (json_is_string(value))
        return attach_value(ctl, json_string_value(value), is_list(field), base, ret_value);
    json_t *list = ctl_memory(json_array());
    json_array_foreach(value, index, item) {
        json_t *one = NULL;
        if (has_file(item))
            code = attach_value(ctl, json_string_value(item), false, base, &one);
        if (code != EXIT_DONE)
            break;
        json_array_append_new(list, one ? one : json_incref(item));
    }
    if (code == EXIT_DONE)
        *ret_value = list;
    else
        json_decref(list);
    return code;
}

/* One of `fields`, whose name in the collection is `name`. */
static enum exit_code attach_at(struct ctl *ctl, const json_t *collection, const char *base,
                                const char *name, const char *key, json_t *fields)
{
    const json_t *field = fields_find(json_object_get(collection, "fields"), name);
    json_t *value = NULL;
    if (!field || !attach_field(field))
        return EXIT_DONE;
    enum exit_code code = attach_json(ctl, field, base, json_object_get(fields, key), &value);
    if (code == EXIT_DONE)
        json_object_set_new(fields, key, value);
    return code;
}

enum exit_code attach_fields(struct ctl *ctl, const json_t *collection, const char *base,
                             json_t *fields)
{
    const char *name;
    json_t *value;
    enum exit_code code = EXIT_DONE;
    json_object_foreach(fields, name, value) {
        if (code == EXIT_DONE && has_file(value))
            code = attach_at(ctl, collection, base, name, name, fields);
    }
    return code;
}

enum exit_code attach_named(struct ctl *ctl, const char *collection, const char *base,
                            json_t *fields)
{
    json_t *described = NULL;
    if (!attach_wanted(fields))
        return EXIT_DONE;
    enum exit_code code = ctl_fields(ctl, collection, &described);
    if (code == EXIT_DONE)
        code = attach_fields(ctl, described, base, fields);
    json_decref(described);
    return code;
}

enum exit_code attach_record(struct ctl *ctl, const char *id, const char *base, json_t *fields)
{
    struct answer answer;
    if (!attach_wanted(fields))
        return EXIT_DONE;
    enum exit_code code = ctl_ask(ctl, "show", ctl_memory(json_pack("{s:s}", "id", id)), &answer);
    if (code != EXIT_DONE)
        return code;
    code = attach_named(ctl, text_of(answer.done, "collection"), base, fields);
    answer_close(&answer);
    return code;
}

enum exit_code attach_draft(struct ctl *ctl, const char *draft, json_t *fields)
{
    struct answer answer;
    const char *key;
    json_t *value;
    if (!attach_wanted(fields))
        return EXIT_DONE;
    enum exit_code code =
        ctl_ask(ctl, "draft_show", ctl_memory(json_pack("{s:s}", "draft", draft)), &answer);
    if (code != EXIT_DONE)
        return code;
    const json_t *changes = json_object_get(answer.done, "changes");
    json_object_foreach(fields, key, value) {
        json_t *described = NULL;
        char *end;
        size_t number = strtoul(key, &end, 10);
        bool numbered = end != key && *end == '.';
        const json_t *change = json_array_get(changes, numbered && number > 0 ? number - 1 : 0);
        if (code != EXIT_DONE || !has_file(value) || !maybe_text_of(change, "collection"))
            continue;
        code = ctl_fields(ctl, text_of(change, "collection"), &described);
        if (code == EXIT_DONE)
            code = attach_at(ctl, described, NULL, numbered ? end + 1 : key, key, fields);
        json_decref(described);
    }
    answer_close(&answer);
    return code;
}

enum exit_code attach_changes(struct ctl *ctl, const char *base, json_t *changes)
{
    size_t index;
    json_t *change;
    enum exit_code code = EXIT_DONE;
    json_array_foreach(changes, index, change) {
        json_t *fields = json_object_get(change, "fields");
        if (code != EXIT_DONE || !attach_wanted(fields))
            continue;
        if (maybe_text_of(change, "collection"))
            code = attach_named(ctl, text_of(change, "collection"), base, fields);
        else if (maybe_text_of(change, "id"))
            code = attach_record(ctl, text_of(change, "id"), base, fields);
    }
    return code;
}
