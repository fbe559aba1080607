/* Entering and importing with tkskctl, against a scripted daemon. */
#include "tests/unit/ctl_fixture.h"

/* --- entering ------------------------------------------------------------------------------- */

static void lines_answer_the_form_field_by_field(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"), COLLECTIONS, { "put", STORED }, { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run("\nSiti Aminah\n2\n", "isi", "warga", NULL), EXIT_DONE);
    json_t *put = request("put", 0);
    json_t *fields = json_object_get(json_object_get(put, "args"), "fields");
    assert_int_equal(json_object_size(fields), 2);
    assert_string_equal(json_string_value(json_object_get(fields, "nama")), "Siti Aminah");
    assert_string_equal(json_string_value(json_object_get(fields, "jk")), "P");
    json_decref(put);
    assert_int_equal(run("# a note\nJenis Kelamin=perempuan\nnama=x=y\n", "isi", "Warga", NULL),
                     EXIT_DONE);
    put = request("put", 1);
    fields = json_object_get(json_object_get(put, "args"), "fields");
    assert_string_equal(json_string_value(json_object_get(fields, "nama")), "x=y");
    assert_string_equal(json_string_value(json_object_get(fields, "jk")), "perempuan");
    json_decref(put);
    assert_int_equal(run("a\nb\nL\ntoo much\n", "isi", "warga", NULL), EXIT_USAGE);
    assert_int_equal(run("1\nSiti\nX\n", "isi", "warga", NULL), EXIT_REFUSED);
    assert_int_equal(run("", "isi", "warga", NULL), EXIT_USAGE);
    assert_int_equal(run("", "isi", "nosuch", NULL), EXIT_REFUSED);
    says("err", "warga");
    stop_daemon();
}

static void changes_of_a_file_pass_through_unchanged(void **state)
{
    (void)state;
    static const struct line script[] = { HELLO("tksk-node"), { "apply", STORED }, { NULL, NULL } };
    start_daemon(script);
    write_file("two.json",
               "[{\"op\":\"create\",\"collection\":\"warga\",\"fields\":{\"nama\":\"A\"}},"
               "{\"op\":\"update\",\"id\":\"$1\",\"fields\":{\"jk\":\"L\"}}]");
    assert_int_equal(run(NULL, "apply", "two.json", NULL), EXIT_DONE);
    json_t *apply = request("apply", 0);
    json_t *changes = json_object_get(json_object_get(apply, "args"), "changes");
    assert_int_equal(json_array_size(changes), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(changes, 1), "id")), "$1");
    json_decref(apply);
    write_file("bad.json", "[\n{\"op\": }]");
    assert_int_equal(run(NULL, "apply", "bad.json", NULL), EXIT_REFUSED);
    says("err", "bad.json, line 2");
    write_file("none.json", "{\"changes\":[]}");
    assert_int_equal(run(NULL, "apply", "none.json", NULL), EXIT_REFUSED);
    assert_int_equal(run(NULL, "apply", "absent.json", NULL), EXIT_REFUSED);
    stop_daemon();
}

/* --- drafts --------------------------------------------------------------------------------- */

static void what_is_refused_is_kept_only_when_asked(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "put", "{\"done\":{\"draft\":\"D-3\",\"thing\":\"warga.nik\",\"code\":\"nik\","
                 "\"rule\":\"16 digits\",\"remedy\":\"copy it\"}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "isi", "warga", "nik=1", "--draf", NULL), EXIT_DONE);
    says("out", "D-3: kept as a draft, not sent");
    says("out", "warga.nik: 16 digits");
    says("out", "tkskctl draft send D-3");
    json_t *put = request("put", 0);
    assert_true(json_is_true(json_object_get(json_object_get(put, "args"), "draft")));
    json_decref(put);
    assert_int_equal(run(NULL, "isi", "warga", "nik=1", NULL), EXIT_DONE);
    put = request("put", 1);
    assert_null(json_object_get(json_object_get(put, "args"), "draft"));
    json_decref(put);
    stop_daemon();
}

static void a_refused_draft_says_all_that_is_wrong(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "draft_send",
          "{\"error\":{\"code\":\"required\",\"thing\":\"warga.nama\","
          "\"rule\":\"must not be empty\",\"remedy\":\"fill it in\",\"draft\":\"D-3\","
          "\"kept\":true,\"changes\":1,\"problems\":["
          "{\"change\":1,\"field\":\"nama\",\"label\":\"Nama\",\"code\":\"required\","
          "\"rule\":\"-\",\"remedy\":\"-\"},"
          "{\"change\":1,\"field\":\"nik\",\"label\":\"NIK\",\"code\":\"nik\","
          "\"rule\":\"16 digits\",\"remedy\":\"copy it\"}]}}\n" },
        { "draft_discard", "{\"done\":{\"draft\":\"D-3\"}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "draft", "send", "D-3", "nik=1", "--drop", "jk", NULL),
                     EXIT_REFUSED);
    says("err", "Still empty: Nama");
    says("err", "NIK: 16 digits; copy it");
    says("err", "D-3 stays, with these values");
    json_t *sent = request("draft_send", 0);
    json_t *fields = json_object_get(json_object_get(sent, "args"), "fields");
    assert_string_equal(json_string_value(json_object_get(fields, "nik")), "1");
    assert_true(json_is_null(json_object_get(fields, "jk")));
    json_decref(sent);
    assert_int_equal(run(NULL, "draft", "discard", "D-3", NULL), EXIT_REFUSED);
    assert_int_equal(run(NULL, "draft", "discard", "D-3", "--yes", NULL), EXIT_DONE);
    stop_daemon();
}

/* --- import --------------------------------------------------------------------------------- */

#define BEGUN(line)                                                                                \
    "{\"done\":{\"line\":" line                                                                    \
    ",\"columns\":[{\"name\":\"NIK\",\"field\":\"nik\"},{\"name\":\"Nama\",\"field\":\"nama\"}]}}\n"

static void rejected_rows_come_back_with_their_reason(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "import_begin", BEGUN("0") },
        { "import_rows", "{\"row\":{\"line\":4,\"code\":\"nik\",\"rule\":\"16, not 15\",\"remedy\":"
                         "\"copy it again\",\"field\":\"nik\"}}\n"
                         "{\"done\":{\"accepted\":1,\"rejected\":1,\"line\":5}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    write_file("w.csv", "Daftar warga;;\nNIK;Nama\n1;\"Budi; Jr\"\n2;Ani\n3;Cici;x\n");
    assert_int_equal(run(NULL, "import", "warga", "w.csv", NULL), EXIT_REFUSED);
    assert_string_equal(
        file_text("w.rejected.csv"),
        "NIK;Nama;baris;kolom;aturan;alasan\n"
        "2;Ani;4;NIK;nik;\"16, not 15; copy it again\"\n"
        "3;Cici;5;;cells;\"the row has another number of cells than the header: 3, 2; "
        "mend the row: a cell may lack its quotes\";x\n");
    json_t *rows = request("import_rows", 0);
    json_t *sent = json_object_get(json_object_get(rows, "args"), "rows");
    assert_int_equal(json_array_size(sent), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(sent, 0), "line")), 3);
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(json_array_get(sent, 0), "fields"), "nama")),
                        "Budi; Jr");
    json_decref(rows);
    says("out", "1 rows stored here");
    says("out", "2 rejected");
    stop_daemon();
}

static void mended_rejects_are_imported_without_the_extra_columns(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "import_begin", BEGUN("0") },
        { "import_rows", "{\"done\":{\"accepted\":1,\"rejected\":0,\"line\":2}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    write_file("m.csv", "NIK,Nama,baris,kolom,aturan,alasan\n2,Ani,4,NIK,nik,16\n");
    write_file("m.rejected.csv", "old");
    assert_int_equal(run(NULL, "--json", "import", "warga", "m.csv", NULL), EXIT_DONE);
    json_t *begin = request("import_begin", 0);
    assert_int_equal(json_array_size(json_object_get(json_object_get(begin, "args"), "columns")),
                     2);
    json_decref(begin);
    assert_string_equal(file_text("m.rejected.csv"), ""); /* a fresh start leaves no old one */
    json_t *document = json_loads(file_text("out"), 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(document, "accepted")), 1);
    json_decref(document);
    stop_daemon();
}

static void unknown_columns_refuse_the_file_unless_ignored(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "import_begin", "{\"done\":{\"line\":0,\"columns\":[{\"name\":\"NIK\",\"field\":\"nik\"},"
                          "{\"name\":\"Zodiak\",\"field\":null}]}}\n" },
        { "import_rows", "{\"done\":{\"accepted\":1,\"rejected\":0,\"line\":2}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    write_file("z.csv", "NIK,Zodiak\n1,Leo\n");
    assert_int_equal(run(NULL, "import", "warga", "z.csv", NULL), EXIT_REFUSED);
    says("err", "Zodiak");
    assert_null(request("import_rows", 0));
    assert_int_equal(run(NULL, "import", "--ignore", "warga", "z.csv", NULL), EXIT_DONE);
    json_t *rows = request("import_rows", 0);
    json_t *row = json_array_get(json_object_get(json_object_get(rows, "args"), "rows"), 0);
    assert_int_equal(json_object_size(json_object_get(row, "fields")), 1);
    json_decref(rows);
    stop_daemon();
}

static void interrupted_import_repeats_its_last_batch_and_goes_on(void **state)
{
    (void)state;
    static const struct line whole[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "import_begin", BEGUN("0") },
        { "import_rows", "{\"row\":{\"line\":3,\"code\":\"nik\",\"rule\":\"a\",\"remedy\":\"b\","
                         "\"field\":\"nik\"}}\n{\"done\":{\"accepted\":255}}\n" },
        { "import_rows", "{\"row\":{\"line\":300,\"code\":\"nik\",\"rule\":\"a\",\"remedy\":\"b\","
                         "\"field\":\"nik\"}}\n{\"done\":{\"accepted\":255}}\n" },
        { "import_rows", "{\"done\":{\"accepted\":88}}\n" },
        { NULL, NULL }
    };
    /* Lines 2..257 and 258..513 are in; it was stopped before 514. */
    static const struct line resumed[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "import_begin", BEGUN("513") },
        { "import_rows", "{\"row\":{\"line\":300,\"code\":\"nik\",\"rule\":\"a\",\"remedy\":\"b\","
                         "\"field\":\"nik\"}}\n{\"done\":{\"accepted\":255}}\n" },
        { "import_rows", "{\"done\":{\"accepted\":88}}\n" },
        { NULL, NULL }
    };
    char text[32 * 1024] = "NIK,Nama\n";
    for (int i = 0; i < 600; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, "%d,Warga %d\n", i, i);
    }
    write_file("long.csv", text);
    start_daemon(whole);
    assert_int_equal(run(NULL, "import", "warga", "long.csv", NULL), EXIT_REFUSED);
    json_t *second = request("import_rows", 1);
    char wanted[512];
    (void)snprintf(wanted, sizeof(wanted), "%s", file_text("long.rejected.csv"));
    stop_daemon();
    /* What a kill before the second batch's rejects were written leaves. */
    write_file("long.rejected.csv",
               "NIK,Nama,baris,kolom,aturan,alasan\n1,Warga 1,3,NIK,nik,a; b\n");
    start_daemon(resumed);
    assert_int_equal(run(NULL, "import", "warga", "long.csv", NULL), EXIT_REFUSED);
    json_t *again = request("import_rows", 0), *third = request("import_rows", 1);
    assert_non_null(third);
    assert_null(request("import_rows", 2));
    assert_string_equal(arg_of(again, "request"), arg_of(second, "request"));
    assert_string_not_equal(arg_of(again, "request"), arg_of(third, "request"));
    assert_string_equal(file_text("long.rejected.csv"), wanted);
    says("out", "Went on after line 513");
    says("out", "88 rows stored here");
    json_decref(second);
    json_decref(again);
    json_decref(third);
    stop_daemon();
}

static void template_is_the_header_of_what_a_person_fills_in(void **state)
{
    (void)state;
    static const struct line script[] = { HELLO("tksk-node"), COLLECTIONS, { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, "import", "--template", "warga", NULL), EXIT_DONE);
    assert_string_equal(file_text("out"), "nik,nama,jk\n");
    assert_int_equal(run(NULL, "import", "warga", NULL), EXIT_USAGE);
    stop_daemon();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_answer_the_form_field_by_field),
        cmocka_unit_test(changes_of_a_file_pass_through_unchanged),
        cmocka_unit_test(what_is_refused_is_kept_only_when_asked),
        cmocka_unit_test(a_refused_draft_says_all_that_is_wrong),
        cmocka_unit_test(rejected_rows_come_back_with_their_reason),
        cmocka_unit_test(mended_rejects_are_imported_without_the_extra_columns),
        cmocka_unit_test(unknown_columns_refuse_the_file_unless_ignored),
        cmocka_unit_test(interrupted_import_repeats_its_last_batch_and_goes_on),
        cmocka_unit_test(template_is_the_header_of_what_a_person_fills_in),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
