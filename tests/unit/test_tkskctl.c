/* tkskctl against a scripted daemon: what it asks, what it prints, how it ends. */
#include "tests/unit/ctl_fixture.h"

#include "common/keyfile.h"
#include "common/tkskctl/table.h"

/* --- connection and exit codes -------------------------------------------------------------- */

static void absent_daemon_ends_with_3_and_says_that_records_are_safe(void **state)
{
    (void)state;
    stop_daemon();
    (void)unlink(socket_path);
    assert_int_equal(run(NULL, "status", NULL), EXIT_UNREACHABLE);
    says("err", "systemctl start tksk-node");
    says("err", "are safe");
    assert_null(strstr(file_text("err"), "sudo"));
    assert_int_equal(run(NULL, "--lang", "id", "nodes", NULL), EXIT_UNREACHABLE);
    says("err", "tksk-hub");
    says("err", "aman");
}

static void exit_codes_follow_the_refusal(void **state)
{
    (void)state;
    static const struct line script[] = { HELLO("tksk-node"),
                                          { "show", REFUSED("not_found") },
                                          { "lock", REFUSED("locked") },
                                          { "list", "nonsense\n" },
                                          { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, "show", "1", NULL), EXIT_REFUSED);
    says("err", "tkskctl: T: R\n  M\n");
    assert_int_equal(run(NULL, "lock", NULL), EXIT_LOCKED);
    assert_int_equal(run(NULL, "list", "x", NULL), EXIT_REFUSED);
    assert_int_equal(run(NULL, "show", NULL), EXIT_USAGE);
    assert_int_equal(run(NULL, "--json", "show", "1", NULL), EXIT_REFUSED);
    json_t *document = json_loads(file_text("out"), 0, NULL);
    assert_non_null(document);
    assert_int_equal(json_integer_value(json_object_get(document, "v")), 1);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(document, "error"), "code")),
        "not_found");
    json_decref(document);
    stop_daemon();
}

static void command_of_the_other_daemon_is_named(void **state)
{
    (void)state;
    static const struct line script[] = { HELLO("tksk-hub"), { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, "operator", "words", "Siti", NULL), EXIT_USAGE);
    says("err", "tksk-hub answers");
    stop_daemon();
}

static void records_at_the_hub_go_to_its_own_office(void **state)
{
    (void)state;
    static const struct line script[] = {
        { "hello", "{\"done\":{\"program\":\"tksk-hub\",\"version\":\"0\",\"district\":\"36.04\","
                   "\"node\":null,"
                   "\"office\":\"/nonexistent/office.sock\"}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "unlock", NULL), EXIT_UNREACHABLE);
    says("err", "/nonexistent/office.sock");
    stop_daemon();
}

static void broken_put_is_sent_again_with_the_same_request_id(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"), { "put", "" }, { "put", "" }, { "put", STORED }, { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "put", "warga", "nama=Siti", NULL), EXIT_DONE);
    json_t *first = request("put", 0), *last = request("put", 2);
    assert_non_null(last);
    assert_null(request("put", 3));
    assert_int_equal(strlen(arg_of(first, "request")), 36);
    assert_string_equal(arg_of(first, "request"), arg_of(last, "request"));
    assert_int_equal(arg_of(first, "request")[14], '7');
    json_decref(first);
    json_decref(last);
    says("out", "29-0417: stored here, not sent yet");
    says("out", "Note: NIK tidak lazim");
    stop_daemon();
}

static void language_travels_with_the_request(void **state)
{
    (void)state;
    static const struct line script[] = { HELLO("tksk-node"), { "put", STORED }, { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, "--lang", "id", "isi", "warga", "nama=Siti", NULL), EXIT_DONE);
    json_t *put = request("put", 0);
    assert_string_equal(json_string_value(json_object_get(put, "lang")), "id");
    json_decref(put);
    says("out", "tersimpan di netbook, belum terkirim");
    stop_daemon();
}

static void control_characters_of_records_do_not_reach_the_terminal(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "show", "{\"done\":{\"id\":\"i\",\"title\":\"W\\u001b[2J\",\"fields\":[{\"name\":\"n\","
                  "\"value\":\"a\\u001b]0;x\\u0007\\nb\"}],\"history\":[]}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "show", "1", NULL), EXIT_DONE);
    assert_null(strchr(file_text("out"), '\033'));
    says("out", "a?]0;x? b");
    stop_daemon();
}

/* --- reading -------------------------------------------------------------------------------- */

static void lists_page_until_the_limit(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "list",
          "{\"row\":{\"id\":\"i1\",\"short\":\"29-1\",\"state\":\"pending\",\"fields\":"
          "{\"nama\":\"Ani\"}}}\n{\"row\":{\"id\":\"i2\",\"short\":\"29-22\",\"state\":"
          "\"confirmed\",\"fields\":{\"nama\":\"Nyoman É\",\"jk\":\"P\"}}}\n{\"done\":{}}\n" },
        { "list", "{\"done\":{}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "cari", "warga", "nama=n", "--max", "2", NULL), EXIT_DONE);
    assert_string_equal(file_text("out"), "no     Nama      Jenis kelamin  state\n"
                                          "29-1   Ani                      not sent yet\n"
                                          "29-22  Nyoman É  P              arrived\n"
                                          "The first 2; more with --max N.\n");
    json_t *list = request("list", 0);
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(json_object_get(list, "args"), "find"), "nama")),
                        "n");
    json_decref(list);
    stop_daemon();
}

static void status_answers_in_its_first_line(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "status",
          "{\"done\":{\"node\":\"36.04.29\",\"district\":\"36.04\",\"enrolment\":\"approved\","
          "\"linked\":false,\"queued\":3,\"accepted\":240,\"rejected\":5,\"attention\":2,"
          "\"next\":\"tkskctl attention\"}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "status", NULL), EXIT_DONE);
    const char *first = "Office 36.04.29: no link now; entering goes on.\n"
                        "3 records stored here, not sent yet; how long sending takes is not "
                        "known yet.\n"
                        "2 things wait for you (tkskctl attention).\n";
    assert_memory_equal(file_text("out"), first, strlen(first));
    says("out", "\nNext: tkskctl attention\n");
    assert_int_equal(run(NULL, "--lang=id", "status", NULL), EXIT_DONE);
    says("out", "3 catatan tersimpan di netbook, belum terkirim");
    says("out", "\nBerikutnya: tkskctl perhatian\n");
    stop_daemon();
}

static void several_matches_are_listed_and_nothing_is_done(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "show",
          "{\"row\":{\"id\":\"aaa1\",\"short\":\"29-1\",\"collection\":\"warga\"}}\n"
          "{\"row\":{\"id\":\"aaa2\",\"short\":\"29-9\",\"collection\":\"warga\"}}\n" REFUSED(
              "ambiguous") },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "show", "aaa", NULL), EXIT_REFUSED);
    says("err", "29-1");
    says("err", "aaa2");
    stop_daemon();
}

static void history_says_who_changed_what_and_where_only_at_an_office(void **state)
{
    (void)state;
    static const struct line hub[] = {
        HELLO("tksk-hub"),
        { "show", "{\"done\":{\"id\":\"i\",\"title\":\"W\",\"fields\":[],\"history\":[{\"op\":"
                  "\"update\",\"claimed\":\"2011-01-02T03:04:05Z\",\"node\":\"36.04.29\","
                  "\"operator\":7,\"operator_name\":\"Siti\",\"state\":\"received\","
                  "\"disposition\":\"accepted\",\"fields\":{\"nama\":\"Ani\",\"nik\":null}}]}}\n" },
        { NULL, NULL }
    };
    static const struct line node[] = {
        HELLO("tksk-node"),
        { "show",
          "{\"done\":{\"id\":\"i\",\"title\":\"W\",\"fields\":[],\"history\":[{\"op\":"
          "\"first\",\"own\":false,\"node\":\"36.04\",\"operator\":7,\"operator_name\":null,"
          "\"claimed\":null,\"state\":\"received\",\"disposition\":\"accepted\",\"fields\":"
          "[\"nama\"]}]}}\n" },
        { NULL, NULL }
    };
    start_daemon(hub);
    assert_int_equal(run(NULL, "show", "1", NULL), EXIT_DONE);
    says("out", "when              who            what     fields     outcome\n");
    says("out", "2 Jan 2011 03:04  36.04.29 Siti");
    says("out", "  36.04.29 Siti  changed  nama, nik  accepted\n");
    assert_null(strstr(file_text("out"), "Ani"));
    stop_daemon();
    start_daemon(node);
    assert_int_equal(run(NULL, "show", "1", NULL), EXIT_DONE);
    says("out", "where");
    says("out", "36.04 (7)  first seen here  nama");
    stop_daemon();
}

static void query_prints_cells_under_their_columns(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-hub"),
        { "query", "{\"row\":{\"columns\":[\"desa\",\"n\"]}}\n{\"row\":{\"cells\":[\"Anyar\",7]}}\n"
                   "{\"row\":{\"cells\":[null,123]}}\n{\"done\":{}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "query", "SELECT 1", NULL), EXIT_DONE);
    assert_string_equal(file_text("out"), "desa     n\nAnyar    7\n       123\n");
    assert_int_equal(run(NULL, "--json", "query", "SELECT 1", NULL), EXIT_DONE);
    json_t *document = json_loads(file_text("out"), 0, NULL);
    assert_int_equal(json_array_size(json_object_get(document, "rows")), 2);
    assert_int_equal(json_array_size(json_object_get(document, "columns")), 2);
    json_decref(document);
    stop_daemon();
}

static void snapshot_appears_whole_or_not_at_all(void **state)
{
    (void)state;
    static const struct line good[] = {
        HELLO("tksk-hub"),
        { "snapshot", "{\"row\":{\"data\":\"aGFsbG8g\"}}\n{\"row\":{\"data\":\"ZHVuaWE=\"}}\n"
                      "{\"done\":{\"bytes\":11}}\n" },
        { NULL, NULL }
    };
    static const struct line bad[] = { HELLO("tksk-hub"),
                                       { "snapshot",
                                         "{\"row\":{\"data\":\"aGFsbG8g\"}}\n" REFUSED("store") },
                                       { NULL, NULL } };
    struct stat info;
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/copy.db", directory);
    start_daemon(bad);
    assert_int_equal(run(NULL, "snapshot", "copy.db", NULL), EXIT_REFUSED);
    assert_int_not_equal(stat(path, &info), 0);
    stop_daemon();
    start_daemon(good);
    assert_int_equal(run(NULL, "snapshot", "copy.db", NULL), EXIT_DONE);
    assert_string_equal(file_text("copy.db"), "hallo dunia");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    stop_daemon();
}

/* --- keys ----------------------------------------------------------------------------------- */

static void operator_key_is_made_here_and_the_passphrase_stays(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "operator_add",
          "{\"done\":{\"words\":\"baku remo sati luna dabo kera\",\"key\":\"00\"}}\n" },
        { NULL, NULL }
    };
    struct keyfile file;
    struct buf derived;
    uint8_t bytes[64];
    struct secret_key *key = NULL, *secret = NULL;
    struct public_key public_key;
    start_daemon(script);
    assert_int_equal(run("rahasia dapur kami\n", "--passphrase-file", "-", "operator", "add",
                         "Siti Aminah", NULL),
                     EXIT_DONE);
    says("out", "baku remo sati luna dabo kera");
    assert_null(strstr(file_text("requests"), "rahasia"));
    json_t *add = request("operator_add", 0);
    assert_string_equal(arg_of(add, "name"), "Siti Aminah");
    assert_int_equal(keyfile_parse(bytes_text(arg_of(add, "keyfile")), &file), OK);
    derived = buf_of(bytes, sizeof(bytes));
    assert_int_equal(crypto_unbase64(bytes_text(arg_of(add, "derived")), &derived), OK);
    assert_int_equal(derived.len, SECRET_KEY_BYTES);
    key = secret_key_from(derived.at);
    assert_int_equal(keyfile_open_derived(&file, key, &secret), OK);
    crypto_sign_public(secret, &public_key);
    assert_memory_equal(public_key.at, file.public_key.at, PUBLIC_KEY_BYTES);
    secret_key_close(&key);
    secret_key_close(&secret);
    json_decref(add);
    assert_int_equal(run("short\n", "--passphrase-file", "-", "operator", "add", "Siti", NULL),
                     EXIT_USAGE);
    stop_daemon();
}

static void several_operators_are_listed_never_guessed(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "unlock_params", "{\"row\":{\"name\":\"Ani\",\"keyfile\":\"x\"}}\n{\"row\":{\"name\":"
                           "\"Budi\",\"keyfile\":\"x\"}}\n{\"done\":{}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run("rahasia dapur\n", "--passphrase-file", "-", "unlock", NULL),
                     EXIT_REFUSED);
    says("err", "Ani, Budi");
    stop_daemon();
}

static void words_are_typed_again_while_tries_are_left(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-hub"),
        { "enrolment_check",
          "{\"error\":{\"code\":\"words\",\"thing\":\"36.04.29\",\"rule\":\"other "
          "words\",\"remedy\":\"again\",\"tries_left\":2}}\n" },
        { "enrolment_check",
          "{\"error\":{\"code\":\"denied\",\"thing\":\"36.04.29\",\"rule\":\"over\","
          "\"remedy\":\"\",\"tries_left\":0}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run("Satu, dua  TIGA\nempat\nlima\n", "node", "approve", "36.04.29", NULL),
                     EXIT_REFUSED);
    json_t *first = request("enrolment_check", 0), *second = request("enrolment_check", 1);
    assert_string_equal(arg_of(first, "words"), "satu dua tiga");
    assert_string_equal(arg_of(second, "words"), "empat");
    assert_null(request("enrolment_check", 2));
    json_decref(first);
    json_decref(second);
    stop_daemon();
}

/* --- tables --------------------------------------------------------------------------------- */

static void columns_align_by_what_is_seen(void **state)
{
    (void)state;
    assert_int_equal(text_width("É“x”"), 4);
    assert_int_equal(text_width("日本"), 4);
    assert_int_equal(text_width("e\u0301"), 1);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct table table;
    table_open(&table, 2, (const char *const[]){ "desa", "n" });
    table.right[1] = true;
    table_add(&table, (const char *const[]){ "Ma’arif日", "7" });
    table_add(&table, (const char *const[]){ "x", "1234" });
    table_print(&table, out, 0);
    table_print(&table, out, 12);
    (void)fclose(out);
    table_close(&table);
    assert_string_equal(text, "desa          n\n"
                              "Ma’arif日     7\n"
                              "x          1234\n"
                              "desa       n\n"
                              "Ma’ar…     7\n"
                              "x       1234\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_daemon_ends_with_3_and_says_that_records_are_safe),
        cmocka_unit_test(exit_codes_follow_the_refusal),
        cmocka_unit_test(command_of_the_other_daemon_is_named),
        cmocka_unit_test(records_at_the_hub_go_to_its_own_office),
        cmocka_unit_test(broken_put_is_sent_again_with_the_same_request_id),
        cmocka_unit_test(language_travels_with_the_request),
        cmocka_unit_test(control_characters_of_records_do_not_reach_the_terminal),
        cmocka_unit_test(lists_page_until_the_limit),
        cmocka_unit_test(status_answers_in_its_first_line),
        cmocka_unit_test(several_matches_are_listed_and_nothing_is_done),
        cmocka_unit_test(history_says_who_changed_what_and_where_only_at_an_office),
        cmocka_unit_test(query_prints_cells_under_their_columns),
        cmocka_unit_test(snapshot_appears_whole_or_not_at_all),
        cmocka_unit_test(operator_key_is_made_here_and_the_passphrase_stays),
        cmocka_unit_test(several_operators_are_listed_never_guessed),
        cmocka_unit_test(words_are_typed_again_while_tries_are_left),
        cmocka_unit_test(columns_align_by_what_is_seen),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
