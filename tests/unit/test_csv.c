#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "common/tkskctl/damage.h"

struct fixture {
    struct csv_file file;
    struct csv csv;
    struct csv_row row;
};

/* Opens and scans, as an import does before it takes the first row. */
static enum err open_bytes(struct fixture *fixture, struct bytes content, bool windows,
                           struct problem *problem)
{
    csv_file_of(content, &fixture->file);
    fixture->file.windows_1252 = windows;
    assert_int_equal(csv_row_open(&fixture->row), OK);
    enum err err = csv_open(&fixture->file, "f.csv", &fixture->csv, problem);
    if (err == OK)
        err = csv_scan(fixture->csv, "f.csv", &fixture->row, NULL, NULL, problem);
    return err;
}

static void open_text(struct fixture *fixture, const char *text)
{
    struct problem problem;
    assert_int_equal(open_bytes(fixture, bytes_text(text), false, &problem), OK);
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
    struct fixture f;
    struct problem problem;
    assert_int_equal(open_bytes(&f, bytes_text(text), false, &problem), code);
    assert_string_equal(problem.thing, place);
    assert_true(problem.detail[0] != '\0');
    csv_row_close(&f.row);
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
    /* The line where it began, not where the row or the file ends. */
    refused("a,b\n\"satu\ndua\",\"tiga\n4,5\n", ERR_CSV, "f.csv, line 3");
    refused("a,b\n1,\"dua\n3,\"empat\"\n", ERR_CSV, "f.csv, line 2");
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
    refused("a,b\n\"Ani\nJos\xe9\",2\n", ERR_TEXT, "f.csv, line 3");
    struct fixture f;
    struct problem problem;
    assert_int_equal(open_bytes(&f, bytes_of("a,b\n\0,1\n", 8), false, &problem), ERR_TEXT);
    csv_row_close(&f.row);
}

static void workbooks_are_known_by_their_first_bytes(void **state)
{
    (void)state;
    refused("PK\003\004xl/workbook.xml", ERR_WORKBOOK, "f.csv");
    refused("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ERR_WORKBOOK, "f.csv");
    refused("\xff\xfe"
            "a",
            ERR_WORKBOOK, "f.csv");
    refused("\r\n <TABLE border=1>", ERR_WORKBOOK, "f.csv");
}

static void windows_1252_is_read_when_it_is_said(void **state)
{
    (void)state;
    struct fixture f;
    struct problem problem;
    assert_int_equal(open_bytes(&f, bytes_text("nama;x\nJos\xe9 \x93x\x94;\x80\n"), true, &problem),
                     OK);
    row_is(&f, 1, 2, "nama", "x");
    row_is(&f, 2, 2, "José “x”", "€");
    ends(&f);
    assert_int_equal(open_bytes(&f, bytes_text("a\n\x81"), true, &problem), ERR_TEXT);
    assert_string_equal(problem.thing, "f.csv, line 2");
    csv_row_close(&f.row);
    assert_int_equal(open_bytes(&f,
                                bytes_text("\xef\xbb\xbf"
                                           "a\n"),
                                true, &problem),
                     ERR_TEXT);
    csv_row_close(&f.row);
}

/* A file many times the window, with rows across its edges. */
static void files_are_read_through_a_window(void **state)
{
    (void)state;
    char path[] = "/tmp/tksk-csv-XXXXXX";
    struct fixture f = { .csv = { .at = 0 } };
    struct problem problem;
    struct hash whole, again;
    const unsigned rows = 20000;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *out = fdopen(fd, "w");
    (void)fputs("nomor;nama\r\n", out);
    for (unsigned i = 0; i < rows; i++)
        (void)fprintf(out, "%u;\"Warga \"\"%u\"\"\r\nbaris dua\"\r\n", i, i * 7);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(csv_file_open(path, &f.file, &problem), OK);
    assert_true(f.file.len > (uint64_t)4 * CSV_WINDOW_BYTES);
    assert_int_equal(csv_row_open(&f.row), OK);
    assert_int_equal(csv_open(&f.file, path, &f.csv, &problem), OK);
    assert_int_equal(csv_scan(f.csv, path, &f.row, NULL, NULL, &problem), OK);
    assert_int_equal(csv_file_hash(&f.file, "import-file", "x", &whole), OK);
    row_is(&f, 1, 2, "nomor", "nama");
    for (unsigned i = 0; i < rows; i++) {
        char number[16], name[64];
        (void)snprintf(number, sizeof number, "%u", i);
        (void)snprintf(name, sizeof name, "Warga \"%u\"\nbaris dua", i * 7);
        row_is(&f, 2 + 2 * i, 2, number, name);
    }
    assert_false(csv_next(&f.csv, &f.row));
    assert_int_equal(csv_file_hash(&f.file, "import-file", "x", &again), OK);
    assert_memory_equal(&whole, &again, sizeof whole);
    assert_int_equal(csv_file_hash(&f.file, "import-file", "y", &again), OK);
    assert_memory_not_equal(&whole, &again, sizeof whole);
    assert_int_equal(csv_check(&f.file, path, &problem), OK);
    assert_int_equal(truncate(path, 1000), 0); /* somebody saves it meanwhile */
    assert_int_equal(csv_check(&f.file, path, &problem), ERR_FILE_CHANGED);
    csv_row_close(&f.row);
    csv_file_close(&f.file);
    (void)unlink(path);
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

/* --- damage ----------------------------------------------------------------------------------- */

static enum err damage_in(const char *type, const char *cell)
{
    struct damage_column column = { .whole = 10 };
    struct problem problem;
    return damage_find(&column, type, bytes_text(cell), &problem);
}

static void damage_is_known_by_the_type_of_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *type, *cell;
        enum err err;
    } cases[] = {
        { "nik", "3.60429E+15", ERR_SPREADSHEET },
        { "kk", "3,60429E+15", ERR_SPREADSHEET },
        { "text", "8.12346E+11", ERR_SPREADSHEET },
        { "text", "Blok 3E+15", OK },
        { "text", "3E15", OK },
        { "date", "43831", ERR_DATE_NUMBER },
        { "date", " 43831.25 ", ERR_DATE_NUMBER },
        { "time", "43831,5", ERR_DATE_NUMBER },
        { "date", "2020", OK }, /* the field says what is wrong with a year */
        { "integer", "43831", OK },
        { "text", "43831", OK },
        { "date", "27/3/90", ERR_YEAR },
        { "date", "27-03-90", ERR_YEAR },
        { "date", "27/3/1990", OK },
        { "date", "1990-03-27", OK },
        { "text", "#REF!", ERR_FORMULA },
        { "enum", "#n/a", ERR_FORMULA },
        { "area", "Err:502", ERR_FORMULA },
        { "nik", "########", ERR_FORMULA },
        { "text", "# 12", OK },
        { "nik", "3604294107800010", OK }, /* one in ten ends so */
        { "nik", "360429410780001", OK },  /* the field says 15 */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (damage_in(cases[i].type, cases[i].cell) != cases[i].err)
            fail_msg("%s in a field of type %s", cases[i].cell, cases[i].type);
    }
}

static void count_cells(struct damage *damage, const char *pattern, unsigned count)
{
    char text[64];
    for (unsigned i = 0; i < count; i++) {
        const char *mark = strchr(pattern, '%');
        (void)snprintf(text, sizeof text, "%.*s%u%s", (int)(mark - pattern), pattern, i % 10,
                       mark + 1);
        struct csv_row row = { .count = 1, .cells = { text }, .lens = { strlen(text) } };
        damage_count(damage, &row);
    }
}

static void a_column_that_ends_in_0_has_lost_its_last_digits(void **state)
{
    (void)state;
    struct damage *damage = calloc(1, sizeof *damage);
    struct problem problem;
    struct bytes cell = bytes_text("3604294107800010");
    assert_non_null(damage);
    count_cells(damage, "36042941078000%0", 3);
    assert_int_equal(damage_find(&damage->columns[0], "nik", cell, &problem), OK);
    count_cells(damage, "36042941078000%0", 1);
    assert_int_equal(damage_find(&damage->columns[0], "nik", cell, &problem), ERR_SPREADSHEET);
    assert_int_equal(damage_find(&damage->columns[0], "text", cell, &problem), OK);
    assert_int_equal(
        damage_find(&damage->columns[0], "nik", bytes_text("3604294107800011"), &problem), OK);
    /* Among others that do not, chance again, until they are half. */
    count_cells(damage, "360429410780001%", 10);
    assert_int_equal(damage_find(&damage->columns[0], "nik", cell, &problem), OK);
    count_cells(damage, "36042941078000%0", 20);
    assert_int_equal(damage_find(&damage->columns[0], "nik", cell, &problem), ERR_SPREADSHEET);
    free(damage);
}

static void a_column_of_too_short_numbers_has_lost_zeros(void **state)
{
    (void)state;
    struct damage *damage = calloc(1, sizeof *damage);
    struct problem problem;
    struct bytes cell = bytes_text("604294107800010");
    assert_non_null(damage);
    count_cells(damage, "60429410780001%", 4);
    assert_int_equal(damage_find(&damage->columns[0], "kk", cell, &problem), ERR_ZEROS);
    count_cells(damage, "360429410780001%", 9);
    assert_int_equal(damage_find(&damage->columns[0], "kk", cell, &problem), OK);
    free(damage);
}

static void apostrophes_that_protect_go_and_come_back(void **state)
{
    (void)state;
    static const struct {
        const char *cell, *text;
        enum protection protection;
    } cells[] = {
        { "'3604294107800017", "3604294107800017", PROTECTION_DIGITS },
        { "'0812 3456", "0812 3456", PROTECTION_DIGITS },
        { "=\"3604294107800017\"", "3604294107800017", PROTECTION_DIGITS },
        { "'+62812", "+62812", PROTECTION_TEXT },
        { "'=1+1", "=1+1", PROTECTION_TEXT },
        { "'#N/A", "#N/A", PROTECTION_TEXT },
        { "'Aisyah", "'Aisyah", PROTECTION_NONE },
        { "'", "'", PROTECTION_NONE },
        { "=A1", "=A1", PROTECTION_NONE },
    };
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        enum protection protection;
        struct bytes text = damage_unprotect(bytes_text(cells[i].cell), &protection);
        assert_true(bytes_is(text, cells[i].text));
        assert_int_equal(protection, cells[i].protection);
    }
    static const char *const texts[] = { "=1+1", "+62812", "-x",     "@x",       "\tx",
                                         "'=1",  "''",     "'12",    "''12",     "'Aisyah",
                                         "Ani",  "12",     "#REF!",  "1.5E+10",  "'",
                                         "'\t'", "-6.1",   "=\"1\"", "'#VALUE!", "" };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char cell[64];
        enum protection protection;
        bool guard = damage_needs_protection(bytes_text(texts[i]));
        (void)snprintf(cell, sizeof cell, "%s%s", guard ? "'" : "", texts[i]);
        if (!bytes_is(damage_unprotect(bytes_text(cell), &protection), texts[i]))
            fail_msg("%s does not come back", texts[i]);
        assert_true(guard || !texts[i][0] || !strchr("=+-@\t", texts[i][0]));
    }
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
        cmocka_unit_test(workbooks_are_known_by_their_first_bytes),
        cmocka_unit_test(windows_1252_is_read_when_it_is_said),
        cmocka_unit_test(files_are_read_through_a_window),
        cmocka_unit_test(too_wide_and_too_long_rows_are_refused),
        cmocka_unit_test(empty_files_have_no_rows),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(damage_is_known_by_the_type_of_the_field),
        cmocka_unit_test(a_column_that_ends_in_0_has_lost_its_last_digits),
        cmocka_unit_test(a_column_of_too_short_numbers_has_lost_zeros),
        cmocka_unit_test(apostrophes_that_protect_go_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
