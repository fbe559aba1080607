/* Identity, keys, the lock, the queue, crash and full disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/node_store_inside.h"
#include "tests/support/node_fixture.h"

#define NAME "Maimunah binti Sarkawi"
#define NIK "3604294107800017"

static struct id put_person(struct office *o)
{
    return office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", NAME, "nik", NIK));
}

/* ---- identity and enrolment */

static void enrolment_survives_a_restart(void **state)
{
    struct office *o = *state;
    struct node_identity before, after;
    assert_int_equal(node_store_identity(o->store, &before), OK);
    office_restart(o);
    assert_int_equal(node_store_identity(o->store, &after), OK);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(after.enrolment, ENROLMENT_DONE);
    assert_string_equal(after.node, OFFICE_NODE);
    assert_false(after.has_previous);
    struct public_key key;
    crypto_sign_public(node_store_device_key(o->store), &key);
    assert_memory_equal(&key, &after.device_public, sizeof key);
    crypto_box_public(node_store_curve_key(o->store), &key);
    assert_memory_equal(&key, &after.curve_public, sizeof key);
    assert_null(node_store_one_time_key(o->store));
}

static void an_enrolled_node_refuses_an_invite(void **state)
{
    struct office *o = *state;
    struct node_identity identity = { .district = OFFICE_DISTRICT, .node = OFFICE_NODE };
    struct secret_key *one_time = secret_key_new();
    assert_int_equal(node_store_enrol(o->store, &identity, one_time), ERR_STATE);
    secret_key_close(&one_time);
}

static void a_waiting_node_takes_another_invite_and_keeps_its_keys(void **state)
{
    (void)state;
    struct node_store *store = NULL;
    char path[] = "/tmp/tksk-invite-XXXXXX.db";
    int fd = mkstemps(path, 3);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(crypto_start(), OK);
    assert_int_equal(node_store_open(path, NULL, &store, NULL), OK);
    struct node_identity identity = { .district = OFFICE_DISTRICT, .node = OFFICE_NODE }, first,
                         then;
    struct secret_key *one_time = secret_key_new();
    assert_int_equal(node_store_enrol(store, &identity, one_time), OK);
    assert_int_equal(node_store_identity(store, &first), OK);
    assert_int_equal(first.enrolment, ENROLMENT_WAITING);
    assert_memory_equal(secret_key_bytes(node_store_one_time_key(store)),
                        secret_key_bytes(one_time), SECRET_KEY_BYTES);
    identity.invite = crypto_random_id();
    assert_int_equal(node_store_enrol(store, &identity, one_time), OK);
    assert_int_equal(node_store_identity(store, &then), OK);
    assert_memory_equal(&then.device_public, &first.device_public, sizeof first.device_public);
    assert_true(id_equal(&then.invite, &identity.invite));
    /* The wrong file was taken along: another office's, as long as nobody has a key here. */
    snprintf(identity.node, sizeof identity.node, "36.04.05");
    assert_int_equal(node_store_enrol(store, &identity, one_time), OK);
    assert_int_equal(node_store_identity(store, &then), OK);
    assert_string_equal(then.node, "36.04.05");
    struct hash genesis, head;
    chain_genesis(then.district, then.node, &then.incarnation, LANE_NORMAL, &genesis);
    assert_int_equal(node_store_head(store, LANE_NORMAL, 0, &head), OK);
    assert_true(hash_equal(&head, &genesis));
    secret_key_close(&one_time);
    node_store_close(&store);
    unlink(path);
}

static void a_second_opener_is_refused(void **state)
{
    struct office *o = *state;
    struct node_store *second = NULL;
    struct problem problem = { .code = OK };
    assert_int_equal(node_store_open(o->path, NULL, &second, &problem), ERR_BUSY);
    assert_null(second);
    assert_int_equal(problem.code, ERR_BUSY);
}

static void a_file_of_a_newer_program_is_refused(void **state)
{
    struct office *o = *state;
    struct node_store *store = NULL;
    struct problem problem = { .code = OK };
    node_entry_close(&o->entry);
    node_store_close(&o->store);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(o->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(node_store_open(o->path, NULL, &store, &problem), ERR_VERSION);
    assert_null(store);
    assert_int_equal(sqlite3_open(o->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    office_restart(o);
}

/* ---- operators and the lock */

struct seen_operators {
    unsigned count;
    struct public_key key;
    uint32_t number;
    bool request_decodes;
    char keyfile[16];
};

static void see_operator(void *ctx, const struct node_operator *op)
{
    struct seen_operators *seen = ctx;
    struct message message;
    seen->count++;
    seen->key = op->key;
    seen->number = op->number;
    seen->request_decodes =
        message_decode(op->request, &message) == OK && message.type == MESSAGE_OPERATOR;
    snprintf(seen->keyfile, sizeof seen->keyfile, "%.*s", (int)op->keyfile.len,
             (const char *)op->keyfile.at);
}

static void operators_are_listed_while_locked(void **state)
{
    struct office *o = *state;
    struct seen_operators seen = { 0 };
    office_restart(o);
    assert_int_equal(node_store_operators(o->store, see_operator, &seen), OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.number, 1);
    assert_true(seen.request_decodes);
    assert_string_equal(seen.keyfile, "keyfile");
    assert_memory_equal(&seen.key, &o->operator_key, sizeof seen.key);
}

static enum err add_second(struct office *o, const char *name, const struct secret_key *seed)
{
    struct message request = { .type = MESSAGE_OPERATOR };
    uint8_t space[512];
    struct writer out = writer_of(space, sizeof space);
    crypto_sign_public(seed, &request.operator_request.key);
    request.operator_request.district = bytes_text(OFFICE_DISTRICT);
    request.operator_request.node = bytes_text(OFFICE_NODE);
    request.operator_request.name = bytes_text(name);
    request.operator_request.role = bytes_text("tksk");
    operator_request_encode(&request.operator_request, &out);
    request.operator_request.request = writer_bytes(&out);
    struct node_operator op = { .role = "tksk", .keyfile = bytes_text("k2") };
    snprintf(op.name, sizeof op.name, "%s", name);
    return node_store_operator_add(o->store, &op, &request, seed);
}

static void a_second_operator_needs_an_unlocked_node_and_reads_the_same_cache(void **state)
{
    struct office *o = *state;
    struct id person = put_person(o);
    struct secret_key *seed = secret_key_new();
    node_store_lock(o->store);
    assert_int_equal(add_second(o, "budi", seed), ERR_LOCKED);
    office_unlock(o);
    assert_int_equal(add_second(o, "siti", seed), ERR_STATE);        /* same name */
    assert_int_equal(add_second(o, "budi", o->operator), ERR_STATE); /* same key */
    assert_int_equal(add_second(o, "budi", seed), OK);
    office_restart(o);
    assert_int_equal(node_store_unlock(o->store, seed), OK);
    assert_string_equal(office_value(office_view(o, &person), "nama"), NAME);
}

static void an_unknown_key_does_not_unlock(void **state)
{
    struct office *o = *state;
    node_store_lock(o->store);
    assert_int_equal(node_store_unlock(o->store, secret_key_new()), ERR_KEY);
    assert_false(node_store_unlocked(o->store));
    assert_null(node_store_seal_key(o->store));
    office_unlock(o);
    assert_int_equal(node_store_unlock(o->store, secret_key_new()), ERR_KEY);
    assert_true(node_store_unlocked(o->store)); /* as before */
}

/* The clear copy of the cache key must not open anything once an operator has a wrapped one. */
static void no_cache_key_stands_in_clear_once_there_is_an_operator(void **state)
{
    struct office *o = *state;
    office_unlock(o);
    uint8_t key[SECRET_KEY_BYTES];
    memcpy(key, secret_key_bytes(o->store->cache), sizeof key);
    assert_int_equal(node_store_idle(o->store), OK);
    assert_false(office_disk_holds(o, bytes_of(key, sizeof key)));
    memcpy(key, secret_key_bytes(o->store->seal), sizeof key);
    assert_false(office_disk_holds(o, bytes_of(key, sizeof key)));
    memcpy(key, secret_key_bytes(o->store->device), sizeof key); /* the search does find things */
    assert_true(office_disk_holds(o, bytes_of(key, sizeof key)));
}

static void a_stolen_disk_shows_no_personal_data(void **state)
{
    struct office *o = *state;
    struct id person = put_person(o);
    office_edit(o, &person, FIELDS("alamat", "Kampung Rambutan RT 07"));
    assert_int_equal(
        office_ack(o, LANE_NORMAL, 1, office_lane(o, LANE_NORMAL).highest, 1, bytes_of(NULL, 0)),
        OK);
    assert_int_equal(office_feed_one(o, FEED_RECORDS,
                                     office_record(&person, "orang", "29-0001",
                                                   FIELDS("nama", "Maimunah S. Dewi"))),
                     OK);
    for (int closed = 0; closed < 2; closed++) {
        assert_false(office_disk_holds(o, bytes_text("Maimunah")));
        assert_false(office_disk_holds(o, bytes_text(NIK)));
        assert_false(office_disk_holds(o, bytes_text("Rambutan")));
        assert_false(office_disk_holds(o, bytes_text("orang\xa4nama")));
        assert_true(office_disk_holds(o, bytes_text("29-0001")));
        office_restart(o);
    }
}

/* ---- the queue */

static void a_save_is_durable_when_it_returns(void **state)
{
    struct office *o = *state;
    struct id person;
    int ends[2];
    uint64_t before = office_lane(o, LANE_NORMAL).highest;
    assert_int_equal(pipe(ends), 0);
    node_entry_close(&o->entry);
    node_store_close(&o->store);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* The child takes the store, saves and is gone in the next instruction, as in a power cut.
         */
        if (node_store_open(o->path, NULL, &o->store, NULL) != OK ||
            node_entry_open(o->store, &o->entry) != OK ||
            node_store_unlock(o->store, secret_key_from(secret_key_bytes(o->operator))) != OK)
            _exit(1);
        struct hash leaf;
        uint64_t seq;
        enum err err =
            office_try(o, OP_CREATE, "orang", &person, FIELDS("kec", "36.04.29", "nama", NAME),
                       LANE_NORMAL, &leaf, &seq);
        if (err != OK || write(ends[1], &person, sizeof person) != sizeof person)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(read(ends[0], &person, sizeof person), sizeof person);
    close(ends[0]);
    close(ends[1]);
    office_restart(o);
    office_unlock(o);
    assert_int_equal(office_lane(o, LANE_NORMAL).highest, before + 1);
    assert_string_equal(office_value(office_view(o, &person), "nama"), NAME);
    assert_int_equal(node_store_next_number(o->store), 2);
}

/* A VFS on top of the real one that counts how often the write-ahead log is synced. */
static unsigned log_syncs;
static sqlite3_io_methods counting_methods;
static int (*real_sync)(sqlite3_file *, int);
static sqlite3_file *log_file;

static int counting_sync(sqlite3_file *file, int flags)
{
    log_syncs += file == log_file;
    return real_sync(file, flags);
}

static void a_save_costs_one_sync(void **state)
{
    struct office *o = *state;
    (void)put_person(o);
    assert_int_equal(
        sqlite3_file_control(o->store->db.handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log_file),
        SQLITE_OK);
    counting_methods = *log_file->pMethods;
    real_sync = counting_methods.xSync;
    counting_methods.xSync = counting_sync;
    log_file->pMethods = &counting_methods;
    for (unsigned i = 1; i <= 3; i++) {
        log_syncs = 0;
        (void)put_person(o);
        assert_int_equal(log_syncs, 1);
    }
}

static struct queue_entry sample_entry(struct office *o, struct hash *leaf, struct writer *change,
                                       struct queue_change *row)
{
    struct change one = { .op = OP_CREATE,
                          .collection = bytes_text("orang"),
                          .record = crypto_random_id(),
                          .number = 7,
                          .fields = bytes_of("\x80", 1) };
    (void)o;
    crypto_random(leaf, sizeof *leaf);
    change_encode(&one, change);
    *row = (struct queue_change){ .record = one.record, .raw = writer_bytes(change) };
    return (struct queue_entry){ .lane = LANE_BULK,
                                 .item = bytes_text("item"),
                                 .leaf = *leaf,
                                 .key_number = 1,
                                 .key_sealed = bytes_text("key"),
                                 .txn = bytes_text("transaction"),
                                 .changes = row,
                                 .change_count = 1,
                                 .request = crypto_random_id(),
                                 .answer = bytes_text("{\"id\":7}"),
                                 .next_number = 8 };
}

static void a_request_is_stored_once_and_its_answer_kept(void **state)
{
    struct office *o = *state;
    uint8_t space[256];
    struct writer change = writer_of(space, sizeof space);
    struct queue_change row;
    struct hash leaf;
    uint64_t seq;
    struct bytes answer;
    struct queue_entry entry = sample_entry(o, &leaf, &change, &row);
    assert_int_equal(node_store_answer(o->store, &entry.request, &answer), ERR_NOT_FOUND);
    assert_int_equal(node_store_append(o->store, &entry, &seq), OK);
    uint64_t before = office_lane(o, LANE_BULK).highest;
    assert_int_equal(node_store_append(o->store, &entry, &seq), ERR_STATE);
    const struct id request = entry.request;
    entry.request = crypto_random_id(); /* another request, the same leaf */
    assert_int_equal(node_store_append(o->store, &entry, &seq), ERR_STATE);
    assert_int_equal(office_lane(o, LANE_BULK).highest, before);
    assert_int_equal(node_store_answer(o->store, &entry.request, &answer), ERR_NOT_FOUND);
    office_restart(o);
    assert_int_equal(node_store_answer(o->store, &request, &answer), ERR_LOCKED);
    office_unlock(o);
    assert_int_equal(node_store_answer(o->store, &request, &answer), OK);
    assert_true(bytes_is(answer, "{\"id\":7}"));
}

static void nothing_is_appended_while_locked(void **state)
{
    struct office *o = *state;
    uint8_t space[256];
    struct writer change = writer_of(space, sizeof space);
    struct queue_change row;
    struct hash leaf;
    uint64_t seq, before = office_lane(o, LANE_BULK).highest;
    const struct queue_entry entry = sample_entry(o, &leaf, &change, &row);
    node_store_lock(o->store);
    assert_int_equal(node_store_append(o->store, &entry, &seq), ERR_LOCKED);
    assert_int_equal(office_lane(o, LANE_BULK).highest, before);
}

static void a_full_queue_refuses_and_says_so(void **state)
{
    struct office *o = *state;
    (void)put_person(o);
    struct node_figures now = office_figures(o);
    assert_int_equal(now.queued, 1);
    assert_true(now.queued_bytes > 100);
    node_store_queue_limit(o->store, now.queued_bytes + 50);
    assert_int_equal(office_figures(o).queue_limit_bytes, now.queued_bytes + 50);
    struct id record;
    struct hash leaf;
    uint64_t seq;
    assert_int_equal(office_try(o, OP_CREATE, "orang", &record,
                                FIELDS("kec", "36.04.29", "nama", NAME), LANE_NORMAL, &leaf, &seq),
                     ERR_LIMIT);
    assert_string_equal(o->problem.thing, "queue");
    assert_true(id_is_zero(&record));
    assert_int_equal(office_figures(o).queued, 1);
    /* What the hub acknowledges makes room again. */
    assert_int_equal(
        office_ack(o, LANE_NORMAL, 1, office_lane(o, LANE_NORMAL).highest, 1, bytes_of(NULL, 0)),
        OK);
    for (enum lane lane = LANE_URGENT; lane < LANE_COUNT; lane++)
        assert_int_equal(office_ack(o, lane, 1, office_lane(o, lane).highest, 1, bytes_of(NULL, 0)),
                         OK);
    assert_int_equal(office_figures(o).queued, 0);
    assert_int_equal(office_figures(o).queued_bytes, 0);
    (void)put_person(o);
}

static void exec(struct office *o, const char *sql)
{
    assert_int_equal(sqlite3_exec(o->store->db.handle, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void a_full_disk_refuses_and_the_daemon_lives_on(void **state)
{
    struct office *o = *state;
    struct id first = put_person(o);
    struct node_lane before, after;
    assert_int_equal(node_store_lane(o->store, LANE_NORMAL, &before), OK);
    exec(o, "PRAGMA max_page_count = 1"); /* SQLite takes the present size: no page more */
    enum err err = OK;
    unsigned saved = 0;
    for (; err == OK && saved < 100; saved++) { /* free pages inside the file are used up first */
        struct id record;
        struct hash leaf;
        uint64_t seq;
        assert_int_equal(node_store_lane(o->store, LANE_NORMAL, &before), OK);
        err = office_try(o, OP_CREATE, "orang", &record, FIELDS("kec", "36.04.29", "nama", NAME),
                         LANE_NORMAL, &leaf, &seq);
    }
    assert_int_equal(err, ERR_FULL);
    assert_string_equal(o->problem.thing, "disk");
    assert_int_equal(node_store_lane(o->store, LANE_NORMAL, &after), OK);
    assert_memory_equal(&before, &after, sizeof before);
    assert_string_equal(office_value(office_view(o, &first), "nama"), NAME);
    uint32_t number = node_store_next_number(o->store);
    assert_int_equal(number, saved + 1);
    exec(o, "PRAGMA max_page_count = 1000000");
    (void)put_person(o);
    assert_int_equal(office_lane(o, LANE_NORMAL).highest, after.highest + 1);
    office_restart(o);
    assert_int_equal(office_lane(o, LANE_NORMAL).highest, after.highest + 1);
    assert_int_equal(node_store_next_number(o->store), number + 1);
}

/* The same from below: the kernel refuses to let the log grow. */
static void a_write_that_the_kernel_refuses_is_a_full_disk(void **state)
{
    struct office *o = *state;
    struct rlimit before, tight;
    struct id record;
    struct hash leaf;
    uint64_t seq;
    assert_int_equal(node_store_idle(o->store), OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = before;
    tight.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum err err = office_try(o, OP_CREATE, "orang", &record,
                              FIELDS("kec", "36.04.29", "nama", NAME), LANE_NORMAL, &leaf, &seq);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err, ERR_FULL);
    (void)put_person(o);
    assert_int_equal(office_figures(o).queued, 1);
}

static void import_progress_is_kept_with_and_without_rows(void **state)
{
    struct office *o = *state;
    struct hash file;
    struct import_file found = { .line = 99 };
    crypto_random(&file, sizeof file);
    assert_int_equal(node_store_import(o->store, &file, &found), OK);
    assert_int_equal(found.line, 0);
    const struct id request = crypto_random_id();
    struct bytes answer;
    struct import_progress progress = { .file = file, .line = 12 };
    assert_int_equal(node_store_import_put(o->store, &progress, &request, bytes_text("refused")),
                     OK);
    assert_int_equal(node_store_answer(o->store, &request, &answer), OK);
    assert_true(bytes_is(answer, "refused"));
    uint8_t space[256];
    struct writer change = writer_of(space, sizeof space);
    struct queue_change row;
    struct hash leaf;
    uint64_t seq;
    struct queue_entry entry = sample_entry(o, &leaf, &change, &row);
    progress.line = 268;
    entry.import = &progress;
    assert_int_equal(node_store_append(o->store, &entry, &seq), OK);
    office_restart(o);
    assert_int_equal(node_store_import(o->store, &file, &found), ERR_LOCKED);
    office_unlock(o);
    assert_int_equal(node_store_import(o->store, &file, &found), OK);
    assert_int_equal(found.line, 268);
}

#define WITH_BARE(test) cmocka_unit_test_setup_teardown(test, office_set_up_bare, office_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_OFFICE(enrolment_survives_a_restart),
        WITH_OFFICE(an_enrolled_node_refuses_an_invite),
        cmocka_unit_test(a_waiting_node_takes_another_invite_and_keeps_its_keys),
        WITH_OFFICE(a_second_opener_is_refused),
        WITH_BARE(a_file_of_a_newer_program_is_refused),
        WITH_OFFICE(operators_are_listed_while_locked),
        WITH_OFFICE(a_second_operator_needs_an_unlocked_node_and_reads_the_same_cache),
        WITH_OFFICE(an_unknown_key_does_not_unlock),
        WITH_BARE(no_cache_key_stands_in_clear_once_there_is_an_operator),
        WITH_OFFICE(a_stolen_disk_shows_no_personal_data),
        WITH_OFFICE(a_save_is_durable_when_it_returns),
        WITH_OFFICE(a_save_costs_one_sync),
        WITH_OFFICE(a_request_is_stored_once_and_its_answer_kept),
        WITH_OFFICE(nothing_is_appended_while_locked),
        WITH_OFFICE(a_full_queue_refuses_and_says_so),
        WITH_OFFICE(a_full_disk_refuses_and_the_daemon_lives_on),
        WITH_OFFICE(a_write_that_the_kernel_refuses_is_a_full_disk),
        WITH_OFFICE(import_progress_is_kept_with_and_without_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
