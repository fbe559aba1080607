/* Bytes that records name: whole or not at all, unreadable on a stolen disk, kept as long as
 * something names them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "node/node_blob.h"
#include "node/node_draft.h"
#include "tests/support/node_fixture.h"

#define DAY_MS BLOB_KEPT_MS
#define SIZE ((size_t)200 * 1000) /* several pieces, the last one not full */

/* A photo that compresses to nothing and repeats nothing. */
static uint8_t *photo(size_t size, uint32_t seed)
{
    uint8_t *at = malloc(size);
    assert_non_null(at);
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        at[i] = (uint8_t)(seed >> 24);
    }
    if (size >= 3)
        memcpy(at, "\xff\xd8\xff", 3);
    return at;
}

/* Rules with a photo at each family. */
static void with_photos(struct office *o)
{
    static const char mark[] = "field kepala ";
    static char text[8192];
    const char *at = strstr(office_source, mark);
    const struct hash previous = o->rules_hash;
    assert_non_null(at);
    snprintf(text, sizeof text,
             "%.*sfield foto { type = list element = blob length = 4 authority = {T}\n"
             "    sensitivity = P }\n%s",
             (int)(at - office_source), office_source, at);
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, text, 2, &previous)), OK);
}

/* In parts of another size than the pieces. */
static struct blob_ref store_at(struct office *o, const uint8_t *at, size_t size, uint64_t wall_ms)
{
    struct blob_writer *writer = NULL;
    struct blob_ref ref;
    assert_int_equal(node_store_blob_begin(o->store, size, &writer, &o->problem), OK);
    for (size_t done = 0, part; done < size; done += part) {
        part = size - done < 50000 ? size - done : 50000;
        assert_false(node_store_blob_whole(writer));
        assert_int_equal(node_store_blob_add(writer, bytes_of(at + done, part)), OK);
    }
    assert_true(node_store_blob_whole(writer));
    assert_int_equal(node_store_blob_end(writer, wall_ms, &ref), OK);
    node_store_blob_close(&writer);
    return ref;
}

static struct blob_ref store_photo(struct office *o, uint32_t seed)
{
    uint8_t *at = photo(SIZE, seed);
    struct blob_ref ref = store_at(o, at, SIZE, OFFICE_WALL_MS);
    free(at);
    return ref;
}

/* What is served of it before the end or an error; the error is returned. */
static enum err fetch(struct office *o, const struct hash *hash, struct buf *got)
{
    struct blob_reader *reader = NULL;
    struct bytes piece;
    enum err err = node_store_blob_open(o->store, hash, &reader);
    while (err == OK && (err = node_store_blob_read(reader, &piece)) == OK && piece.len > 0) {
        assert_true(piece.len <= got->cap - got->len);
        memcpy(got->at + got->len, piece.at, piece.len);
        got->len += piece.len;
    }
    node_store_blob_done(&reader);
    return err;
}

static enum err fetch_ref(struct office *o, const struct blob_ref *ref)
{
    struct buf got = buf_of(malloc(SIZE), SIZE);
    enum err err = fetch(o, &ref->hash, &got);
    free(got.at);
    return err;
}

static bool is_here(struct office *o, const struct blob_ref *ref)
{
    bool here = false;
    assert_int_equal(node_store_blob_here(o->store, &ref->hash, &here), OK);
    return here;
}

/* Calls `each` with every file below blobs/; how many there are. */
static unsigned files(struct office *o, void (*each)(const char *path))
{
    char top[96], sub[400], path[700];
    unsigned count = 0;
    const struct dirent *one, *two;
    snprintf(top, sizeof top, "%s/blobs", o->directory);
    DIR *dir = opendir(top);
    while (dir && (one = readdir(dir)) != NULL) {
        if (one->d_name[0] == '.')
            continue;
        snprintf(sub, sizeof sub, "%s/%s", top, one->d_name);
        DIR *inner = opendir(sub);
        count += inner ? 0 : 1; /* a temporary file */
        while (inner && (two = readdir(inner)) != NULL) {
            if (two->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", sub, two->d_name);
            count++;
            if (each)
                each(path);
        }
        if (inner)
            closedir(inner);
    }
    if (dir)
        closedir(dir);
    return count;
}

static char one_path[700];
static void note_path(const char *path)
{
    snprintf(one_path, sizeof one_path, "%s", path);
}

/* A value as people type it. */
static const char *typed(const struct blob_ref *ref)
{
    static char text[256];
    char hex[2 * HASH_BYTES + 1];
    crypto_hex(bytes_hash(&ref->hash), hex);
    snprintf(text, sizeof text, "%s %llu %s", hex, (unsigned long long)ref->size, ref->type);
    return text;
}

/* ---- the form */

static void the_same_bytes_come_back_at_every_length(void **state)
{
    static const size_t sizes[] = { 1,
                                    2,
                                    15,
                                    BLOB_PIECE_BYTES - 1,
                                    BLOB_PIECE_BYTES,
                                    BLOB_PIECE_BYTES + 1,
                                    2 * BLOB_PIECE_BYTES,
                                    SIZE };
    struct office *o = *state;
    uint8_t *at = photo(SIZE, 7);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buf got = buf_of(malloc(SIZE), SIZE);
        struct hash hash;
        struct blob_ref ref = store_at(o, at, sizes[i], OFFICE_WALL_MS);
        const struct bytes all = bytes_of(at, sizes[i]);
        crypto_hash("blob", &all, 1, &hash);
        assert_memory_equal(ref.hash.at, hash.at, HASH_BYTES);
        assert_int_equal(ref.size, sizes[i]);
        assert_string_equal(ref.type, sizes[i] >= 3 ? "image/jpeg" : "application/octet-stream");
        assert_int_equal(fetch(o, &ref.hash, &got), OK);
        assert_int_equal(got.len, sizes[i]);
        assert_memory_equal(got.at, at, sizes[i]);
        free(got.at);
    }
    free(at);
}

static void the_first_bytes_say_the_media_type(void **state)
{
    static const struct {
        struct bytes head;
        const char *type;
    } cases[] = {
#define HEAD(text) { (const uint8_t *)(text), sizeof(text) - 1 }
        { HEAD("\xff\xd8\xff\xe0"), "image/jpeg" },
        { HEAD("\x89PNG\r\n\x1a\n...."), "image/png" },
        { HEAD("RIFF\1\2\3\4WEBPVP8 "), "image/webp" },
        { HEAD("RIFF\1\2\3\4WAVEfmt "), "application/octet-stream" },
        { HEAD("%PDF-1.7"), "application/pdf" },
        { HEAD("II*\0\x08"), "image/tiff" },
        { HEAD("MM\0*\0"), "image/tiff" },
        { HEAD("\xff\xd8"), "application/octet-stream" },
        { HEAD("hello"), "application/octet-stream" },
#undef HEAD
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(blob_media_type(cases[i].head), cases[i].type);
}

static void pieces_of_a_file_do_not_change_places(void **state)
{
    (void)state;
    struct secret_key *key = secret_key_new();
    struct blob_seal out, in;
    uint8_t *plain = photo(2 * BLOB_PIECE_BYTES, 3), *space = malloc(3 * BLOB_BOX_BYTES_MAX);
    uint8_t *back = malloc(BLOB_PIECE_BYTES);
    struct buf boxes = buf_of(space, 3 * BLOB_BOX_BYTES_MAX), got = buf_of(back, BLOB_PIECE_BYTES);
    blob_seal_new(&out);
    assert_int_equal(blob_seal_put(&out, key, bytes_of(plain, BLOB_PIECE_BYTES), false, &boxes),
                     OK);
    assert_int_equal(blob_seal_put(&out, key, bytes_of(plain, BLOB_PIECE_BYTES), true, &boxes), OK);
    struct bytes first = bytes_of(space, BLOB_BOX_BYTES_MAX);
    struct bytes second = bytes_of(space + BLOB_BOX_BYTES_MAX, BLOB_BOX_BYTES_MAX);
    assert_int_equal(blob_seal_open(bytes_of(out.lead, BLOB_LEAD_BYTES), &in), OK);
    assert_int_equal(blob_seal_get(&in, key, second, false, &got), ERR_DECRYPT);
    assert_int_equal(blob_seal_get(&in, key, first, true, &got), ERR_DECRYPT); /* not the end */
    assert_int_equal(blob_seal_get(&in, key, first, false, &got), OK);
    got.len = 0;
    assert_int_equal(blob_seal_get(&in, key, first, false, &got), ERR_DECRYPT);
    assert_int_equal(blob_seal_get(&in, key, second, true, &got), OK);
    assert_int_equal(blob_seal_get(&in, key, second, true, &got), ERR_DECRYPT);
    free(back);
    free(space);
    free(plain);
    secret_key_close(&key);
}

/* ---- the disk */

static void the_disk_holds_no_run_of_the_bytes(void **state)
{
    struct office *o = *state;
    uint8_t *at = photo(SIZE, 11), *disk = malloc(2 * SIZE);
    struct blob_ref ref = store_at(o, at, SIZE, OFFICE_WALL_MS);
    char hex[2 * HASH_BYTES + 1];
    assert_int_equal(files(o, note_path), 1);
    FILE *file = fopen(one_path, "rb");
    assert_non_null(file);
    size_t len = fread(disk, 1, 2 * SIZE, file);
    fclose(file);
    assert_int_equal(len, blob_sealed_bytes(SIZE));
    for (size_t i = 0; i + 16 <= SIZE; i += 1000)
        assert_null(memmem(disk, len, at + i, 16));
    crypto_hex(bytes_hash(&ref.hash), hex);
    hex[8] = '\0';
    assert_null(strstr(one_path, hex)); /* a known photo cannot be looked for by its hash */
    assert_false(office_disk_holds(o, bytes_hash(&ref.hash)));
    free(disk);
    free(at);
}

static void the_same_bytes_are_kept_once(void **state)
{
    struct office *o = *state;
    uint64_t count = 0, bytes = 0;
    struct blob_ref first = store_photo(o, 1), again = store_photo(o, 1);
    assert_memory_equal(first.hash.at, again.hash.at, HASH_BYTES);
    (void)store_photo(o, 2);
    assert_int_equal(files(o, NULL), 2);
    assert_int_equal(node_store_blob_figures(o->store, &count, &bytes), OK);
    assert_int_equal(count, 2);
    assert_int_equal(bytes, 2 * SIZE);
}

static void a_file_that_was_cut_or_changed_is_never_served_as_whole(void **state)
{
    struct office *o = *state;
    struct blob_ref ref = store_photo(o, 1);
    const off_t piece = BLOB_LEAD_BYTES + (off_t)BLOB_BOX_BYTES_MAX;
    const off_t whole = (off_t)blob_sealed_bytes(SIZE);
    const off_t cuts[] = { 0, 10, BLOB_LEAD_BYTES, piece, whole - 1 };
    assert_int_equal(files(o, note_path), 1);
    int fd = open(one_path, O_RDWR);
    assert_true(fd >= 0);
    uint8_t byte;
    const off_t places[] = { 0, 12, BLOB_LEAD_BYTES + 5, piece + 100, whole - 1 };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_int_equal(pread(fd, &byte, 1, places[i]), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
        assert_int_equal(fetch_ref(o, &ref), ERR_BLOB_DAMAGED);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
    }
    assert_int_equal(fetch_ref(o, &ref), OK);
    for (size_t i = sizeof cuts / sizeof cuts[0]; i > 0; i--) {
        assert_int_equal(ftruncate(fd, cuts[i - 1]), 0);
        assert_int_equal(fetch_ref(o, &ref), ERR_BLOB_DAMAGED);
        assert_false(is_here(o, &ref));
    }
    close(fd);
    assert_int_equal(unlink(one_path), 0);
    assert_int_equal(fetch_ref(o, &ref), ERR_BLOB_GONE);
    (void)store_photo(o, 1); /* the original is there still */
    assert_int_equal(fetch_ref(o, &ref), OK);
    assert_true(is_here(o, &ref));
}

static char other_path[700];
static void note_other(const char *path)
{
    if (strcmp(path, one_path) != 0)
        snprintf(other_path, sizeof other_path, "%s", path);
}

static void one_file_in_the_place_of_another_is_damage(void **state)
{
    struct office *o = *state;
    struct blob_ref ref = store_photo(o, 1);
    assert_int_equal(files(o, note_path), 1);
    (void)store_photo(o, 2);
    assert_int_equal(files(o, note_other), 2);
    assert_int_equal(rename(other_path, one_path), 0);
    assert_int_equal(fetch_ref(o, &ref), ERR_BLOB_DAMAGED);
}

static void what_was_not_ended_is_gone_after_a_cut(void **state)
{
    struct office *o = *state;
    struct blob_writer *writer = NULL;
    uint8_t *at = photo(SIZE, 5);
    char left[128];
    const struct bytes all = bytes_of(at, SIZE);
    struct blob_ref ref = { .size = SIZE };
    crypto_hash("blob", &all, 1, &ref.hash);
    assert_int_equal(node_store_blob_begin(o->store, SIZE, &writer, &o->problem), OK);
    assert_int_equal(node_store_blob_add(writer, bytes_of(at, SIZE - 1)), OK);
    assert_int_equal(node_store_blob_add(writer, bytes_of(at, 2)), ERR_LIMIT);
    assert_int_equal(files(o, NULL), 1);
    assert_false(is_here(o, &ref));
    node_store_blob_close(&writer);
    assert_int_equal(files(o, NULL), 0);
    /* A process that was killed closes nothing. */
    snprintf(left, sizeof left, "%s/blobs/tmp-Qx7f2a", o->directory);
    FILE *file = fopen(left, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(at, 1, 1000, file), 1000);
    fclose(file);
    office_restart(o);
    office_unlock(o);
    assert_int_equal(files(o, NULL), 0);
    assert_int_equal(fetch_ref(o, &ref), ERR_BLOB_GONE);
    free(at);
}

static void a_locked_node_takes_and_gives_nothing(void **state)
{
    struct office *o = *state;
    struct blob_writer *writer = NULL, *other = NULL;
    struct blob_reader *reader = NULL;
    struct bytes piece;
    bool here;
    uint8_t *at = photo(SIZE, 5);
    struct blob_ref ref = store_photo(o, 1);
    assert_int_equal(node_store_blob_open(o->store, &ref.hash, &reader), OK);
    assert_int_equal(node_store_blob_read(reader, &piece), OK);
    assert_int_equal(node_store_blob_begin(o->store, SIZE, &writer, &o->problem), OK);
    node_store_lock(o->store);
    assert_int_equal(node_store_blob_read(reader, &piece), ERR_LOCKED);
    assert_int_equal(node_store_blob_add(writer, bytes_of(at, SIZE)), ERR_LOCKED);
    assert_int_equal(node_store_blob_begin(o->store, SIZE, &other, &o->problem), ERR_LOCKED);
    assert_int_equal(node_store_blob_here(o->store, &ref.hash, &here), ERR_LOCKED);
    node_store_blob_done(&reader);
    node_store_blob_close(&writer);
    assert_int_equal(node_store_blob_open(o->store, &ref.hash, &reader), ERR_LOCKED);
    office_restart(o);
    office_unlock(o);
    assert_int_equal(fetch_ref(o, &ref), OK);
    free(at);
}

static void too_large_and_empty_are_refused_with_the_figures(void **state)
{
    struct office *o = *state;
    struct blob_writer *writer = NULL;
    assert_int_equal(
        node_store_blob_begin(o->store, (uint64_t)BLOB_BYTES_USUAL + 1, &writer, &o->problem),
        ERR_BLOB_LARGE);
    assert_non_null(strstr(o->problem.detail, "at most 4.0 MiB"));
    assert_non_null(strstr(o->problem.detail, "4.1 MiB;"));
    assert_int_equal(node_store_blob_begin(o->store, 0, &writer, &o->problem), ERR_BLOB_EMPTY);
    assert_int_equal(files(o, NULL), 0);
}

/* ---- what names them */

static void a_record_may_name_bytes_that_are_not_here_and_is_warned(void **state)
{
    struct office *o = *state;
    struct blob_ref ref = store_photo(o, 1), other = ref;
    const char *const names[] = { "kec", "foto" };
    struct warnings warnings = { .count = 0 };
    with_photos(o);
    other.hash.at[0] ^= 1;
    for (int gone = 0; gone < 2; gone++) {
        struct entry_field fields[] = {
            { .name = bytes_text(names[0]), .text = bytes_text("36.04.29") },
            { .name = bytes_text(names[1]), .text = bytes_text(typed(gone ? &other : &ref)) },
        };
        struct entry_change change = { .op = OP_CREATE,
                                       .collection = bytes_text("keluarga"),
                                       .fields = fields,
                                       .field_count = 2 };
        const struct entry_request request = {
            .wall_ms = OFFICE_WALL_MS, .lane = LANE_OF_POLICY, .changes = &change, .change_count = 1
        };
        struct hash leaf;
        uint64_t seq;
        unsigned failed;
        warnings.count = 0;
        assert_int_equal(
            node_entry_submit(o->entry, &request, &leaf, &seq, &failed, &o->problem, &warnings),
            OK);
        assert_int_equal(warnings.count, gone);
    }
    assert_int_equal(warnings.list[0].code, ERR_BLOB_GONE);
    assert_string_equal(warnings.list[0].thing, "foto");
}

static void keep_draft(struct office *o, const struct blob_ref *ref, uint64_t *ret_number)
{
    struct draft *draft = node_draft_new(1);
    assert_non_null(draft);
    assert_int_equal(node_store_draft_next(o->store, ret_number), OK);
    draft->number = *ret_number;
    draft->wall_ms = OFFICE_WALL_MS;
    draft->changes[0].op = OP_CREATE;
    assert_int_equal(node_draft_copy(draft, bytes_text("keluarga"), &draft->changes[0].collection),
                     OK);
    assert_int_equal(node_draft_set(draft, 0, bytes_text("foto"), bytes_text(typed(ref))), OK);
    assert_int_equal(node_store_draft_put(o->store, draft, NULL, bytes_of(NULL, 0)), OK);
    node_draft_close(&draft);
}

static void what_nothing_names_goes_after_a_day_and_the_rest_stays(void **state)
{
    struct office *o = *state;
    uint64_t number = 0;
    with_photos(o);
    struct blob_ref named = store_photo(o, 1), drafted = store_photo(o, 2);
    struct blob_ref loose = store_photo(o, 3), fed = store_photo(o, 4);
    (void)office_put(o, "keluarga", FIELDS("kec", "36.04.29", "foto", typed(&named)));
    keep_draft(o, &drafted, &number);
    uint8_t space[256];
    struct writer value = writer_of(space, sizeof space);
    writer_map(&value, 1);
    writer_text(&value, "foto");
    writer_array(&value, 1);
    writer_array(&value, 3);
    writer_bin(&value, bytes_hash(&fed.hash));
    writer_uint(&value, fed.size);
    writer_text(&value, fed.type);
    struct id id = crypto_random_id();
    struct feed_item item = office_record(&id, "keluarga", "29-0099", FIELDS("kec", "36.04.29"));
    item.fields = writer_bytes(&value);
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);

    assert_int_equal(node_store_blob_sweep(o->store, OFFICE_WALL_MS + DAY_MS - 1), OK);
    assert_int_equal(files(o, NULL), 4); /* it may be in a form that is being filled in */
    const uint64_t later = (uint64_t)time(NULL) * 1000 + 10 * DAY_MS; /* the files' own time */
    node_store_lock(o->store);
    assert_int_equal(node_store_blob_sweep(o->store, later), OK);
    assert_int_equal(files(o, NULL), 4); /* what names them cannot be read */
    office_unlock(o);
    assert_int_equal(node_store_blob_sweep(o->store, later + 1), OK);
    assert_int_equal(files(o, NULL), 3);
    assert_false(is_here(o, &loose));
    assert_true(is_here(o, &named) && is_here(o, &drafted) && is_here(o, &fed));

    assert_int_equal(node_store_draft_discard(o->store, number), OK);
    assert_int_equal(node_store_blob_sweep(o->store, later + DAY_MS), OK);
    assert_int_equal(files(o, NULL), 2);
    assert_int_equal(fetch_ref(o, &named), OK);
    assert_int_equal(fetch_ref(o, &fed), OK);
}

static void a_file_without_a_row_goes_once_it_is_old(void **state)
{
    struct office *o = *state;
    char lost[160];
    (void)store_photo(o, 1);
    snprintf(lost, sizeof lost, "%s/blobs/ab", o->directory);
    (void)mkdir(lost, 0700);
    snprintf(lost, sizeof lost, "%s/blobs/ab/0123456789abcdef0123456789abcd", o->directory);
    int fd = open(lost, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    const uint64_t now = (uint64_t)time(NULL) * 1000;
    assert_int_equal(node_store_blob_sweep(o->store, now), OK);
    assert_int_equal(access(lost, F_OK), 0);
    assert_int_equal(node_store_blob_sweep(o->store, now + 2 * DAY_MS), OK);
    assert_int_equal(access(lost, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_OFFICE(the_same_bytes_come_back_at_every_length),
        cmocka_unit_test(the_first_bytes_say_the_media_type),
        WITH_OFFICE(pieces_of_a_file_do_not_change_places),
        WITH_OFFICE(the_disk_holds_no_run_of_the_bytes),
        WITH_OFFICE(the_same_bytes_are_kept_once),
        WITH_OFFICE(a_file_that_was_cut_or_changed_is_never_served_as_whole),
        WITH_OFFICE(one_file_in_the_place_of_another_is_damage),
        WITH_OFFICE(what_was_not_ended_is_gone_after_a_cut),
        WITH_OFFICE(a_locked_node_takes_and_gives_nothing),
        WITH_OFFICE(too_large_and_empty_are_refused_with_the_figures),
        WITH_OFFICE(a_record_may_name_bytes_that_are_not_here_and_is_warned),
        WITH_OFFICE(what_nothing_names_goes_after_a_day_and_the_rest_stays),
        WITH_OFFICE(a_file_without_a_row_goes_once_it_is_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
