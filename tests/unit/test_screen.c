/* What people see: times, numbers, widths, colours, and that every text exists in both languages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <glob.h>
#include <locale.h>

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/screen.h"

/* --- numbers and times ----------------------------------------------------------------------- */

static void numbers_are_grouped_as_the_language_does(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        const char *en, *id;
    } samples[] = { { 0, "0", "0" },
                    { 999, "999", "999" },
                    { 3672, "3,672", "3.672" },
                    { -1234567, "-1,234,567", "-1.234.567" },
                    { INT64_MIN, "-9,223,372,036,854,775,808", "-9.223.372.036.854.775.808" } };
    char text[SAY_NUMBER_MAX], size[SAY_SIZE_MAX];
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        say_lang(LANG_EN);
        say_number(samples[i].number, text);
        assert_string_equal(text, samples[i].en);
        say_lang(LANG_ID);
        say_number(samples[i].number, text);
        assert_string_equal(text, samples[i].id);
    }
    say_size(1234567, size);
    assert_string_equal(size, "1,2 MB");
    say_lang(LANG_EN);
}

static void time_is(const char *at, const char *en, const char *id)
{
    char text[SAY_TIME_MAX];
    say_lang(LANG_EN);
    say_time(at, text);
    assert_string_equal(text, en);
    say_lang(LANG_ID);
    say_time(at, text);
    assert_string_equal(text, id);
    say_lang(LANG_EN);
}

static void times_stand_in_the_offices_zone_and_near_ones_by_their_day(void **state)
{
    (void)state;
    say_zone(420);
    say_now("2026-10-17T02:12:00Z"); /* 09.12 there */
    time_is("2026-10-17T01:12:30.123Z", "08:12", "08.12");
    time_is("2026-10-16T17:00:00Z", "00:00", "00.00"); /* today there, yesterday in UTC */
    time_is("2026-10-16T16:59:59Z", "yesterday 23:59", "kemarin 23.59");
    time_is("2026-10-18T09:00:00Z", "tomorrow 16:00", "besok 16.00");
    time_is("2026-08-01T09:00:00Z", "1 Aug 16:00", "1 Agu 16.00");
    time_is("2025-12-31T17:00:00Z", "1 Jan 00:00", "1 Jan 00.00");
    time_is("1970-01-01T00:00:00Z", "1 Jan 1970 07:00", "1 Jan 1970 07.00");
    time_is("what?", "what?", "what?");
    time_is(NULL, "-", "-");
    say_now(NULL);
}

static void ago_and_span_claim_no_more_than_is_known(void **state)
{
    (void)state;
    char text[SAY_TIME_MAX];
    static const struct {
        const char *at, *id;
    } agos[] = { { "2026-10-17T02:11:30Z", "baru saja" },
                 { "2026-10-17T02:07:00Z", "5 menit lalu" },
                 { "2026-10-16T23:00:00Z", "3 jam lalu" },
                 { "2026-10-16T02:00:00Z", "kemarin 09.00" },
                 { "2026-10-17T05:00:00Z", "12.00" } }; /* of a clock that is ahead */
    static const struct {
        uint64_t s;
        const char *en, *id;
    } spans[] = { { 0, "less than 1 minute", "kurang dari 1 menit" },
                  { 59, "less than 1 minute", "kurang dari 1 menit" },
                  { 60, "± 1 minute", "± 1 menit" },
                  { 430, "± 7 minutes", "± 7 menit" },
                  { 2340, "± 40 minutes", "± 40 menit" },
                  { 3590, "± 60 minutes", "± 60 menit" },
                  { 5400, "± 90 minutes", "± 90 menit" },
                  { 5 * 3600 + 100, "± 5 hours", "± 5 jam" },
                  { 86400, "more than a day", "lebih dari sehari" },
                  { UINT64_MAX / 2, "more than a day", "lebih dari sehari" } };
    say_zone(420);
    say_now("2026-10-17T02:12:00Z");
    say_lang(LANG_ID);
    for (size_t i = 0; i < COUNT_OF(agos); i++) {
        say_ago(agos[i].at, text);
        assert_string_equal(text, agos[i].id);
    }
    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        say_lang(LANG_ID);
        say_span(spans[i].s, text);
        assert_string_equal(text, spans[i].id);
        say_lang(LANG_EN);
        say_span(spans[i].s, text);
        assert_string_equal(text, spans[i].en);
    }
    say_now(NULL);
}

/* --- widths ---------------------------------------------------------------------------------- */

static char *printed(const struct table *table, size_t width)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    table_print(table, out, width);
    (void)fclose(out);
    return text;
}

static void no_line_is_wider_than(const char *text, size_t width)
{
    char *copy = strdup(text), *rest = copy;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (text_width(line) > width)
            fail_msg("%zu columns instead of %zu: %s", text_width(line), width, line);
        if (line[0] != '\0' && line[strlen(line) - 1] == ' ')
            fail_msg("blanks at the end: '%s'", line);
    }
    free(copy);
}

static void people_table(struct table *table, int wraps)
{
    table_open(table, 5, (const char *const[]){ "no", "nama", "jumlah", "keadaan", "sebab" });
    table->right[2] = true;
    table->wraps = wraps;
    table_add(table, (const char *const[]){ "29-0417", "Raden Ajeng Siti Nurhaliza Ma’arif 日本",
                                            "3.672", "menunggu keputusan: isian berbeda",
                                            "NIK harus tepat 16 angka dan tidak semuanya nol; "
                                            "salin lagi dari KTP atau KK" });
    table_add(table, (const char *const[]){ "29-0418", "Ani", "7", "diterima", "" });
}

static void tables_fit_every_width(void **state)
{
    (void)state;
    for (int wraps = -1; wraps <= 4; wraps += 5) {
        struct table table;
        people_table(&table, wraps);
        for (size_t width = 20; width < 220; width++) {
            char *text = printed(&table, width);
            no_line_is_wider_than(text, width);
            /* The number of the record and the amount are what a person looks for. */
            if (width >= 60) {
                assert_non_null(strstr(text, "29-0417"));
                assert_non_null(strstr(text, "3.672"));
                assert_non_null(strstr(text, "Ani"));
            }
            free(text);
        }
        table_close(&table);
    }
}

static void reasons_take_more_lines_and_lose_no_word(void **state)
{
    (void)state;
    static const char *const words[] = { "NIK", "harus", "tepat", "semuanya", "nol;", "KTP", "KK" };
    struct table table;
    people_table(&table, 4);
    char *text = printed(&table, 80);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        assert_non_null(strstr(text, words[i]));
    free(text);
    table_close(&table);
    FILE *out = open_memstream(&text, &(size_t){ 0 });
    text_wrap(out, "satu dua tiga empat lima enam tujuh", 2, 22);
    (void)fclose(out);
    assert_string_equal(text, "satu dua tiga empat\n  lima enam tujuh\n");
    free(text);
}

static void colours_stand_only_where_they_are_wanted(void **state)
{
    (void)state;
    struct table table;
    table_open(&table, 2, NULL);
    table_add(&table, (const char *const[]){ "ditolak\033[2J", "5" });
    table_paint(&table, 1, PAINT_BAD);
    char *plain = printed(&table, 0);
    assert_string_equal(plain, "ditolak?[2J  5\n");
    paint_set(1);
    char *coloured = printed(&table, 0);
    assert_string_equal(coloured, "ditolak?[2J  \033[1;31m5\033[0m\n");
    /* This program's output is no terminal, whatever the environment says. */
    (void)setenv("TERM", "xterm", 1);
    paint_choose();
    assert_string_equal(paint_begin(PAINT_BAD), "");
    free(plain);
    free(coloured);
    table_close(&table);
}

/* --- every text in both languages ------------------------------------------------------------ */

/* The texts of one literal, or of several side by side, from `at` on: its characters into `ret`.
 * Behind it, or NULL when no literal stands there. */
static const char *literal(const char *at, char *ret, size_t cap)
{
    size_t len = 0;
    bool any = false;
    for (;;) {
        at += strspn(at, " \t\n");
        if (*at != '"')
            break;
        any = true;
        for (at++; *at && *at != '"'; at++) {
            if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
                at++;
            else if (*at == '\\' && at[1])
                ret[len++] = *at++;
            ret[len++] = *at;
            assert_true(len + 2 < cap);
        }
        at++;
    }
    ret[len] = '\0';
    return any ? at : NULL;
}

/* "%s %PRIu64": what a format takes, in its order. `PRId64` and the like end a literal, so what
 * stands there counts by its position only. */
static void formats(const char *text, char *ret, size_t cap)
{
    size_t len = 0;
    for (; *text; text++) {
        if (*text != '%')
            continue;
        text += 1 + strspn(text + 1, "0123456789.-+ #lhzj*");
        if (*text == '%' || *text == '\0')
            continue;
        ret[len++] = *text;
        assert_true(len + 1 < cap);
    }
    ret[len] = '\0';
}

static unsigned check_pairs(const char *path, const char *source)
{
    static char en[4096], id[4096], takes_en[64], takes_id[64];
    unsigned count = 0;
    for (const char *at = source; (at = strstr(at, "tr(")) != NULL;) {
        bool word = at > source && (at[-1] == '_' || (at[-1] >= 'a' && at[-1] <= 'z'));
        at += 3;
        const char *next = word ? NULL : literal(at, en, sizeof(en));
        if (!next || *next != ',')
            continue; /* a variable, or a macro in the middle */
        next = literal(next + 1, id, sizeof(id));
        if (!next || *next != ')')
            continue;
        if (en[0] == '\0' || id[0] == '\0')
            fail_msg("%s: no text for \"%s%s\"", path, en, id);
        formats(en, takes_en, sizeof(takes_en));
        formats(id, takes_id, sizeof(takes_id));
        if (strcmp(takes_en, takes_id) != 0)
            fail_msg("%s: \"%s\" takes other arguments than \"%s\"", path, en, id);
        if (strlen(en) > 24 && strcmp(en, id) == 0)
            fail_msg("%s: not translated: \"%s\"", path, en);
        if (strstr(en, "sudo") || strstr(id, "sudo"))
            fail_msg("%s: \"%s\" says sudo", path, en);
        count++;
    }
    return count;
}

static void every_text_of_tkskctl_stands_in_both_languages(void **state)
{
    (void)state;
    static char source[256 * 1024];
    unsigned count = 0;
    glob_t files;
    assert_int_equal(glob("common/tkskctl/*.c", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        FILE *in = fopen(files.gl_pathv[i], "re");
        assert_non_null(in);
        size_t len = fread(source, 1, sizeof(source) - 1, in);
        (void)fclose(in);
        source[len] = '\0';
        count += check_pairs(files.gl_pathv[i], source);
    }
    globfree(&files);
    assert_true(count > 150);
}

/* What a format prints, for the look-up in the table of details: every "%…" is one character. */
static void example_of(const char *format, char *ret, size_t cap)
{
    size_t len = 0;
    for (; *format; format++) {
        assert_true(len + 1 < cap);
        ret[len++] = *format == '%' ? '7' : *format;
        if (*format == '%')
            format += 1 + strspn(format + 1, "0123456789.-+ #lhzj*");
    }
    ret[len] = '\0';
}

/* Literals of three words and more inside of one call, up to its closing parenthesis. */
static unsigned check_details(const char *path, const char *at)
{
    static char text[4096], example[4096], said[4096];
    unsigned count = 0;
    for (int depth = 1; *at && depth > 0;) {
        const char *next = *at == '"' ? literal(at, text, sizeof(text)) : NULL;
        depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
        at = next ? next : at + 1;
        const char *space = next ? strchr(text, ' ') : NULL;
        if (!space || !strchr(space + 1, ' ') || text[0] < 'a' || text[0] > 'z')
            continue;
        example_of(text, example, sizeof(example));
        if (err_detail(example, LANG_ID, said, sizeof(said)) == example)
            fail_msg("%s: \"%s\" has no Indonesian text: add it to common/details.def", path, text);
        count++;
    }
    return count;
}

static void every_refusal_of_an_office_has_an_indonesian_text(void **state)
{
    (void)state;
    static const char *const calls[] = { "problem_set(", "problem_setf(", "node_admin_refuse(",
                                         "refuse_change(", "refuse_field(" };
    static char source[256 * 1024];
    unsigned count = 0;
    glob_t files;
    assert_int_equal(glob("node/node_[acdei]*.c", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        FILE *in = fopen(files.gl_pathv[i], "re");
        assert_non_null(in);
        source[fread(source, 1, sizeof(source) - 1, in)] = '\0';
        (void)fclose(in);
        for (size_t c = 0; c < COUNT_OF(calls); c++)
            for (const char *at = source; (at = strstr(at, calls[c])) != NULL;)
                count += check_details(files.gl_pathv[i], at += strlen(calls[c]));
    }
    globfree(&files);
    assert_true(count > 40);
    /* The parts of a detail that are data stay as they are. */
    char said[PROBLEM_DETAIL_MAX];
    assert_string_equal(
        err_detail("this machine is office 36.04.29 already", LANG_ID, said, sizeof(said)),
        "komputer ini sudah menjadi kantor 36.04.29");
    assert_string_equal(
        err_detail("at most 3, each up to 64 KiB, together 1 MiB", LANG_ID, said, sizeof(said)),
        "paling banyak 3, masing-masing sampai 64 KiB, bersama-sama 1 MiB");
    assert_string_equal(err_detail("anything else", LANG_ID, said, sizeof(said)), "anything else");
    assert_string_equal(err_detail("no such record here", LANG_EN, said, sizeof(said)),
                        "no such record here");
}

static void every_state_has_a_word_in_both_languages(void **state)
{
    (void)state;
    static const char *const names[] = {
        "queued", "sent",     "received", "safe",   "accepted",
        "held",   "rejected", "parked",   "linked", "quarantined"
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        say_lang(LANG_ID);
        assert_string_not_equal(say_state(names[i]), names[i]);
        assert_true(text_width(say_state_short(names[i])) <= 24);
        say_lang(LANG_EN);
        assert_true(text_width(say_state_short(names[i])) <= 24);
    }
    say_lang(LANG_ID);
    assert_string_equal(say_state("queued"), "tersimpan di netbook, belum terkirim");
    assert_string_equal(say_state("received"), "sudah sampai di Dinas");
    assert_string_equal(say_state("safe"), "sudah dicadangkan Dinas");
    assert_string_equal(say_state("held"), "menunggu keputusan: isian berbeda");
    assert_string_equal(say_state("quarantined"), "ditahan untuk diperiksa, tidak hilang");
    assert_string_equal(say_state("something new"), "something new");
    say_lang(LANG_EN);
}

/* --- screens --------------------------------------------------------------------------------- */

static char *node_screen(const char *json, size_t width)
{
    char *text = NULL;
    size_t len = 0;
    json_t *done = json_loads(json, 0, NULL);
    assert_non_null(done);
    FILE *out = open_memstream(&text, &len);
    screen_node(out, done, width);
    (void)fclose(out);
    json_decref(done);
    return text;
}

#define MORNING                                                                                    \
    "{\"node\":\"36.04.29\",\"district\":\"36.04\",\"enrolment\":\"approved\",\"linked\":true,"    \
    "\"linked_since\":\"2026-10-17T01:12:00Z\",\"standing\":\"active\",\"now\":"                   \
    "\"2026-10-17T02:12:00Z\",\"queued\":88,\"queued_bytes\":17600,\"accepted\":3672,"             \
    "\"news\":{\"since\":\"2026-10-16T09:02:00Z\",\"arrived\":245,\"answers\":246,\"rejected\":2," \
    "\"held\":0,\"quarantined\":0},\"cutoff\":\"2026-10-18T09:00:00Z\",\"cutoff_left_s\":110880,"

static void morning_line_says_what_came_and_by_when_the_rest_must_go(void **state)
{
    (void)state;
    say_zone(420);
    say_lang(LANG_ID);
    char *text = node_screen(MORNING "\"forecast_s\":2400,\"clock\":\"hub\"}", 80);
    assert_non_null(strstr(text, "Kantor 36.04.29: tersambung sejak 08.12.\n"));
    assert_non_null(strstr(text, "Sejak kemarin 16.02: 245 catatan sudah sampai di Dinas, 246 "
                                 "jawaban datang (2\n  ditolak).\n"));
    assert_non_null(
        strstr(text, "Batas besok 16.00; sisa 88 catatan, ± 40 menit dengan sinyal ini.\n"));
    assert_non_null(strstr(text, "3.672"));
    no_line_is_wider_than(text, 80);
    free(text);
    text = node_screen(MORNING "\"forecast_s\":null,\"clock\":\"hub\"}", 80);
    assert_non_null(strstr(text, "sisa 88 catatan; lama pengiriman belum diketahui.\n"));
    free(text);
    /* It will be too late. */
    text = node_screen(MORNING "\"forecast_s\":120000,\"clock\":\"hub\"}", 0);
    assert_non_null(strstr(text, "tidak sempat"));
    free(text);
    text = node_screen(MORNING "\"forecast_s\":60,\"clock\":\"wrong\",\"clock_off_s\":-99999}", 0);
    assert_non_null(strstr(text, "Jam netbook salah: menurut Dinas sekarang 09.12."));
    free(text);
    /* Nobody knows what day it is. */
    text = node_screen("{\"node\":\"36.04.29\",\"enrolment\":\"approved\",\"queued\":2,\"clock\":"
                       "\"wrong\",\"cutoff\":null,\"cutoff_day\":17,\"cutoff_hour\":16}",
                       0);
    assert_non_null(strstr(text, "Batas: tanggal 17 setiap bulan, pukul 16.00.\n"));
    assert_non_null(strstr(text, "Jam netbook salah, dan tanpa sambungan waktu tidak diketahui."));
    free(text);
    say_now(NULL);
    say_lang(LANG_EN);
}

#define DISTRICT                                                                                   \
    "{\"journal\":4711,\"trust_version\":13,\"rules_version\":2,"                                  \
    "\"district\":\"36.04\",\"nodes\":29,"                                                         \
    "\"nodes_linked\":27,\"nodes_trust\":28,\"nodes_rules\":29,\"records\":12345,\"backlog\":88,"  \
    "\"now\":\"2026-10-17T02:12:00Z\",\"last_backup\":\"2026-10-16T09:00:00Z\",\"conflicts\":1,"   \
    "\"merging\":false,\"alarms\":[{\"kind\":\"rolled_back\",\"level\":\"bad\","                   \
    "\"node\":\"36.04.29\"},"                                                                      \
    "{\"kind\":\"twin\",\"level\":\"bad\",\"node\":\"36.04.05\"},"                                 \
    "{\"kind\":\"term_ending\",\"level\":\"wait\",\"node\":\"36.04.08\",\"name\":\"Siti "          \
    "Nurhaliza Binti Abdurrahman Wahid\",\"until\":\"2026-12-01\",\"days\":45},"                   \
    "{\"kind\":\"term_ending\",\"level\":\"bad\",\"node\":\"36.04.08\",\"name\":\"Ani\","          \
    "\"until\":\"2026-10-01\",\"days\":-16},"                                                      \
    "{\"kind\":\"silent\",\"level\":\"wait\",\"node\":\"36.04.12\",\"days\":4},"                   \
    "{\"kind\":\"clock\",\"level\":\"wait\",\"node\":\"36.04.22\",\"off_s\":-1800000000},"         \
    "{\"kind\":\"backup\",\"level\":\"wait\",\"days\":9},"                                         \
    "{\"kind\":\"disk\",\"level\":\"bad\",\"bytes\":500000000},"                                   \
    "{\"kind\":\"news_of_tomorrow\",\"level\":\"bad\"}]}"

static void district_names_what_needs_a_person(void **state)
{
    (void)state;
    static const char *const phrases[] = {
        "27 dari 29 kantor tersambung; 12.345 catatan; 88 kiriman masih di kantor.",
        "Perlu keputusan: 1 isian berbeda.",
        "TIDAK MENERIMA: basis data lebih tua dari yang sudah dilihat kantor 36.04.29.",
        "36.04.05: dua komputer memakai nama kantor ini",
        "berakhir 2026-12-01, 45 hari lagi",
        "masa tugas Ani sudah berakhir 2026-10-01; isiannya menunggu SK\n",
        "36.04.12: tidak terdengar 4 hari",
        "36.04.22: jamnya salah, terlambat 20.833 hari",
        "cadangan terakhir berumur 9 hari",
        "sisa ruang disk tinggal 500,0 MB",
        "dan 1 lagi (tkskctl nodes)",
        "13, ada di 28 dari 29 kantor",
        "17 jam lalu",
    };
    say_zone(420);
    for (size_t width = 0; width <= 200; width += 40) {
        char *text = NULL;
        json_t *done = json_loads(DISTRICT, 0, NULL);
        assert_non_null(done);
        FILE *out = open_memstream(&text, &(size_t){ 0 });
        say_lang(LANG_ID);
        screen_hub(out, done, width);
        (void)fclose(out);
        json_decref(done);
        if (width > 0)
            no_line_is_wider_than(text, width);
        assert_memory_equal(text, "! TIDAK MENERIMA", 16); /* before everything else */
        for (size_t i = 0; width == 0 && i < COUNT_OF(phrases); i++) {
            if (!strstr(text, phrases[i]))
                fail_msg("\"%s\" does not stand in\n%s", phrases[i], text);
        }
        free(text);
    }
    say_now(NULL);
    say_lang(LANG_EN);
}

static void screens_fit_narrow_terminals(void **state)
{
    (void)state;
    for (int lang = LANG_EN; lang <= LANG_ID; lang++) {
        say_lang((enum lang)lang);
        for (size_t width = 30; width <= 200; width += 10) {
            char *text = node_screen(
                MORNING "\"forecast_s\":2400,\"clock\":\"wrong\",\"clock_off_s\":null,\"locked\":"
                        "true,\"attention\":12,\"rejected\":2,\"superseded\":1,\"held\":3,"
                        "\"quarantined\":4,\"last_refusal\":\"office 36.04.29 must wait until the "
                        "district office has restored\",\"next\":\"tkskctl unlock\"}",
                width);
            no_line_is_wider_than(text, width);
            free(text);
        }
    }
    say_now(NULL);
    say_lang(LANG_EN);
}

static int locale(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_grouped_as_the_language_does),
        cmocka_unit_test(times_stand_in_the_offices_zone_and_near_ones_by_their_day),
        cmocka_unit_test(ago_and_span_claim_no_more_than_is_known),
        cmocka_unit_test(tables_fit_every_width),
        cmocka_unit_test(reasons_take_more_lines_and_lose_no_word),
        cmocka_unit_test(colours_stand_only_where_they_are_wanted),
        cmocka_unit_test(every_text_of_tkskctl_stands_in_both_languages),
        cmocka_unit_test(every_refusal_of_an_office_has_an_indonesian_text),
        cmocka_unit_test(every_state_has_a_word_in_both_languages),
        cmocka_unit_test(morning_line_says_what_came_and_by_when_the_rest_must_go),
        cmocka_unit_test(district_names_what_needs_a_person),
        cmocka_unit_test(screens_fit_narrow_terminals),
    };
    return cmocka_run_group_tests(tests, locale, NULL);
}
