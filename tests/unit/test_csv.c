#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/tkskctl/csv.h"

struct fixture {
    struct csv csv;
    struct csv_row row;
};

static void open_text(struct fixture *fixture, const char *text)
{
    struct problem problem;
    assert_int_equal(csv_open(bytes_text(text), "f.csv", &fixture->csv, &problem), OK);
    assert_int_equal(csv_row_open(&fixture->row), OK);
}

static void row_is(struct fixture *fixture, unsigned line, size_t count, ...)
{
    va_list cells;
    assert_true(csv_next(&fixture->csv, &fixture->row));
    assert_int_equal(fixture->row.line, line);
    assert_int_equal(fixture->row.count, count);
    va_start(cells, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(fixture->row.cells[i], va_arg(cells, const char *));
    va_end(cells);
}

static void ends(struct fixture *fixture)
{
    assert_false(csv_next(&fixture->csv, &fixture->row));
    csv_row_close(&fixture->row);
}

static void refused(const char *text, enum err code, const char *place)
{
    struct csv csv;
    struct problem problem;
    assert_int_equal(csv_open(bytes_text(text), "f.csv", &csv, &problem), code);
    assert_string_equal(problem.thing, place);
    assert_true(problem.detail[0] != '\0');
}

static void cells_come_as_they_were_written(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, "nik,nama\n1,Ani\n2,\"Budi, S.Sos\"\n3,\"kata \"\"orang\"\"\"\n4,\n");
    row_is(&f, 1, 2, "nik", "nama");
    row_is(&f, 2, 2, "1", "Ani");
    row_is(&f, 3, 2, "2", "Budi, S.Sos");
    row_is(&f, 4, 2, "3", "kata \"orang\"");
    row_is(&f, 5, 2, "4", "");
    ends(&f);
}

static void lines_count_through_newlines_in_cells(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, "a,b\r\n\"satu\r\ndua\",x\r\n\r\n,\r\nc,d");
    row_is(&f, 1, 2, "a", "b");
    row_is(&f, 2, 2, "satu\ndua", "x");
    row_is(&f, 6, 2, "c", "d");
    ends(&f);
}

static void byte_order_mark_and_lone_cr_are_fine(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, "\xef\xbb\xbf"
                  "a;b\r1;2\r");
    row_is(&f, 1, 2, "a", "b");
    row_is(&f, 2, 2, "1", "2");
    ends(&f);
}

static void separator_is_what_explains_most_rows(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, "alamat;nama\nJl. A, RT 1, RW 2;Budi\nJl. B, RT 3;Siti\nJl. C;Ani\n");
    assert_int_equal(f.csv.separator, ';');
    csv_row_close(&f.row);
    open_text(&f, "a\tb,c\n1\t2\n3\t4\n");
    assert_int_equal(f.csv.separator, '\t');
    csv_row_close(&f.row);
    open_text(&f, "a,b\n1;2,3\n");
    assert_int_equal(f.csv.separator, ',');
    csv_row_close(&f.row);
    open_text(&f, "Data warga, Kecamatan X, 2024\n\nnik;nama;jk\n1;A;L\n2;B;P\n");
    assert_int_equal(f.csv.separator, ';');
    csv_row_close(&f.row);
    open_text(&f, "sep=;\na,b;c\n");
    row_is(&f, 2, 2, "a,b", "c");
    ends(&f);
    open_text(&f, "nama\nAni\n");
    row_is(&f, 1, 1, "nama");
    row_is(&f, 2, 1, "Ani");
    ends(&f);
}

static void separators_inside_quotes_do_not_count(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, "\"a,1,2,3\";b\n\"c,1,2,3\";d\n");
    assert_int_equal(f.csv.separator, ';');
    row_is(&f, 1, 2, "a,1,2,3", "b");
    csv_row_close(&f.row);
}

static void quotes_that_do_not_close_are_refused_with_their_line(void **state)
{
    (void)state;
    refused("a,b\n1,2\n3,\"empat\n5,6\n", ERR_CSV, "f.csv, line 3");
    refused("a,b\n1,\"dua\"tiga\n", ERR_CSV, "f.csv, line 2");
}

static void a_quote_inside_a_bare_cell_is_kept(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, "a,b\nDesa \"Maju\",6' 2\"\n");
    row_is(&f, 1, 2, "a", "b");
    row_is(&f, 2, 2, "Desa \"Maju\"", "6' 2\"");
    ends(&f);
}

static void what_is_not_utf8_is_refused_with_its_line(void **state)
{
    (void)state;
    refused("a,b\nAni,1\nJos\xe9,2\n", ERR_TEXT, "f.csv, line 3");
    refused("\xff\xfe"
            "a",
            ERR_TEXT, "f.csv, line 1");
    struct csv csv;
    struct problem problem;
    assert_int_equal(csv_open(bytes_of("a,b\n\0,1\n", 8), "f.csv", &csv, &problem), ERR_TEXT);
}

static void windows_1252_is_read_when_it_is_said(void **state)
{
    (void)state;
    struct problem problem;
    char *text;
    size_t len;
    assert_int_equal(csv_from_windows_1252(bytes_text("Jos\xe9 \x93x\x94 \x80\n"), "f.csv", &text,
                                           &len, &problem),
                     OK);
    assert_string_equal(text, "José “x” €\n");
    assert_int_equal(len, strlen(text));
    free(text);
    assert_int_equal(csv_from_windows_1252(bytes_text("a\n\x81"), "f.csv", &text, &len, &problem),
                     ERR_TEXT);
    assert_string_equal(problem.thing, "f.csv, line 2");
}

static void too_wide_and_too_long_rows_are_refused(void **state)
{
    (void)state;
    char *text = malloc(CSV_ROW_BYTES_MAX + 64);
    assert_non_null(text);
    (void)memset(text, ';', 300);
    text[300] = '\0';
    refused(text, ERR_LIMIT, "f.csv, line 1");
    (void)memset(text, 'x', CSV_ROW_BYTES_MAX + 10);
    (void)memcpy(text, "a\nb\n", 4);
    text[CSV_ROW_BYTES_MAX + 10] = '\0';
    refused(text, ERR_LIMIT, "f.csv, line 3");
    free(text);
}

static void empty_files_have_no_rows(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, "");
    ends(&f);
    open_text(&f, "\n\r\n ,\n\t\n");
    ends(&f);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    static const char *const cells[] = { "biasa",        "",           "a,b",    "x;y",
                                         "kata \"ini\"", "dua\nbaris", " tepi ", "=1+1" };
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        if (i > 0)
            (void)fputc(',', out);
        csv_put(out, cells[i], strlen(cells[i]), ',');
    }
    (void)fputs("\n1,2,3,4,5,6,7,8\n", out);
    (void)fclose(out);
    struct fixture f;
    open_text(&f, text);
    assert_int_equal(f.csv.separator, ',');
    assert_true(csv_next(&f.csv, &f.row));
    assert_int_equal(f.row.count, COUNT_OF(cells));
    for (size_t i = 0; i < COUNT_OF(cells); i++)
        assert_string_equal(f.row.cells[i], cells[i]);
    csv_row_close(&f.row);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_come_as_they_were_written),
        cmocka_unit_test(lines_count_through_newlines_in_cells),
        cmocka_unit_test(byte_order_mark_and_lone_cr_are_fine),
        cmocka_unit_test(separator_is_what_explains_most_rows),
        cmocka_unit_test(separators_inside_quotes_do_not_count),
        cmocka_unit_test(quotes_that_do_not_close_are_refused_with_their_line),
        cmocka_unit_test(a_quote_inside_a_bare_cell_is_kept),
        cmocka_unit_test(what_is_not_utf8_is_refused_with_its_line),
        cmocka_unit_test(windows_1252_is_read_when_it_is_said),
        cmocka_unit_test(too_wide_and_too_long_rows_are_refused),
        cmocka_unit_test(empty_files_have_no_rows),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
