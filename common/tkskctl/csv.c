#include "common/tkskctl/csv.h"

#include <stdlib.h>

#include "common/must.h"
#include "common/tkskctl/say.h"
#include "proto/codec.h"

#define SNIFF_ROWS 30

static const char separators[] = { ',', ';', '\t' };

static enum err at_line(struct problem *problem, enum err code, const char *name, unsigned line,
                        const char *detail)
{
    char thing[PROBLEM_THING_MAX];
    (void)snprintf(thing, sizeof(thing), tr("%.100s, line %u", "%.100s, baris %u"), name, line);
    return problem_set(problem, code, thing, detail);
}

static enum err check_utf8(struct bytes text, const char *name, struct problem *problem)
{
    unsigned line = 1;
    if (codec_utf8(text))
        return OK;
    for (size_t at = 0; at < text.len; line++) {
        const uint8_t *end = memchr(text.at + at, '\n', text.len - at);
        size_t len = end ? (size_t)(end - (text.at + at)) : text.len - at;
        if (!codec_utf8(bytes_of(text.at + at, len)))
            break;
        at += len + 1;
    }
    return at_line(problem, ERR_TEXT, name, line,
                   tr("this is not UTF-8; save the file as UTF-8, or say --encoding windows-1252",
                      "ini bukan UTF-8; simpan berkas sebagai UTF-8, atau pakai --encoding "
                      "windows-1252"));
}

static bool at_end(const struct csv *csv)
{
    return csv->at >= csv->text.len;
}

/* Takes one end of line (CRLF, LF or CR) when it stands here. */
static bool take_newline(struct csv *csv)
{
    if (at_end(csv))
        return false;
    uint8_t byte = csv->text.at[csv->at];
    if (byte != '\n' && byte != '\r')
        return false;
    csv->at++;
    if (byte == '\r' && !at_end(csv) && csv->text.at[csv->at] == '\n')
        csv->at++;
    csv->line++;
    return true;
}

enum flaw { FLAW_NONE, FLAW_OPEN_QUOTE, FLAW_AFTER_QUOTE, FLAW_COLUMNS, FLAW_BYTES };

/* The inside of a quoted cell; stands behind the closing quote afterwards. */
static enum flaw quoted(struct csv *csv, struct csv_row *row, size_t *used)
{
    csv->at++;
    while (!at_end(csv)) {
        char byte = (char)csv->text.at[csv->at];
        bool next_quote = csv->at + 1 < csv->text.len && csv->text.at[csv->at + 1] == '"';
        if (byte == '"' && !next_quote) {
            csv->at++;
            bool ends = at_end(csv) || csv->text.at[csv->at] == (uint8_t)csv->separator ||
                        csv->text.at[csv->at] == '\n' || csv->text.at[csv->at] == '\r';
            return ends ? FLAW_NONE : FLAW_AFTER_QUOTE;
        }
        if (*used + 2 > CSV_ROW_BYTES_MAX)
            return FLAW_BYTES;
        if (byte == '\n' || byte == '\r') {
            (void)take_newline(csv);
            row->space[(*used)++] = '\n';
            continue;
        }
        csv->at += byte == '"' ? 2 : 1;
        row->space[(*used)++] = byte;
    }
    return FLAW_OPEN_QUOTE;
}

static enum flaw unquoted(struct csv *csv, struct csv_row *row, size_t *used)
{
    while (!at_end(csv)) {
        char byte = (char)csv->text.at[csv->at];
        if (byte == csv->separator || byte == '\n' || byte == '\r')
            break;
        if (*used + 2 > CSV_ROW_BYTES_MAX)
            return FLAW_BYTES;
        row->space[(*used)++] = byte;
        csv->at++;
    }
    return FLAW_NONE;
}

/* One line of cells, also an empty one (count 1, len 0). */
static enum flaw read_row(struct csv *csv, struct csv_row *row)
{
    size_t used = 0;
    row->line = csv->line;
    row->count = 0;
    for (;;) {
        if (row->count == CSV_COLUMNS_MAX)
            return FLAW_COLUMNS;
        if (used + 1 > CSV_ROW_BYTES_MAX)
            return FLAW_BYTES;
        size_t start = used;
        bool quote = !at_end(csv) && csv->text.at[csv->at] == '"';
        enum flaw flaw = quote ? quoted(csv, row, &used) : unquoted(csv, row, &used);
        if (flaw != FLAW_NONE)
            return flaw;
        row->cells[row->count] = row->space + start;
        row->lens[row->count++] = used - start;
        row->space[used++] = '\0';
        if (!at_end(csv) && csv->text.at[csv->at] == (uint8_t)csv->separator) {
            csv->at++;
            continue;
        }
        (void)take_newline(csv);
        return FLAW_NONE;
    }
}

static bool row_is_blank(const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        if (strspn(row->cells[i], " \t") != row->lens[i])
            return false;
    }
    return true;
}

bool csv_next(struct csv *csv, struct csv_row *row)
{
    while (!at_end(csv)) {
        enum flaw flaw = read_row(csv, row);
        must(flaw == FLAW_NONE); /* csv_open has read it all */
        if (!row_is_blank(row))
            return true;
    }
    return false;
}

/* How well a separator explains the first rows: how many have the commonest width over one, then
 * that width. */
static size_t sniff_score(struct csv csv, struct csv_row *row)
{
    size_t widths[CSV_COLUMNS_MAX + 1] = { 0 };
    size_t best = 0;
    for (size_t i = 0; i < SNIFF_ROWS && !at_end(&csv); i++) {
        enum flaw flaw = read_row(&csv, row);
        if (flaw != FLAW_NONE && flaw != FLAW_COLUMNS)
            return 0;
        if (flaw == FLAW_COLUMNS || !row_is_blank(row))
            widths[row->count]++;
        if (flaw == FLAW_COLUMNS)
            break;
    }
    for (size_t width = 2; width <= CSV_COLUMNS_MAX; width++) {
        size_t score = widths[width] * (CSV_COLUMNS_MAX + 1) + (widths[width] > 0 ? width : 0);
        best = score > best ? score : best;
    }
    return best;
}

static void sniff(struct csv *csv, struct csv_row *row)
{
    size_t best = 0;
    csv->separator = ',';
    /* Excel's own hint. */
    if (csv->text.len > 5 && memcmp(csv->text.at, "sep=", 4) == 0 &&
        memchr(separators, csv->text.at[4], sizeof(separators))) {
        csv->separator = (char)csv->text.at[4];
        csv->at = 5;
        (void)take_newline(csv);
        return;
    }
    for (size_t i = 0; i < sizeof(separators); i++) {
        struct csv trial = *csv;
        trial.separator = separators[i];
        size_t score = sniff_score(trial, row);
        if (score > best) {
            best = score;
            csv->separator = separators[i];
        }
    }
}

/* Reads all of it once, so that a flaw at the end is known before the first row is used. */
static enum err check_rows(struct csv csv, const char *name, struct csv_row *row,
                           struct problem *problem)
{
    while (!at_end(&csv)) {
        unsigned line = csv.line;
        switch (read_row(&csv, row)) {
        case FLAW_NONE:
            break;
        case FLAW_OPEN_QUOTE:
            return at_line(problem, ERR_CSV, name, line,
                           tr("a quoted cell never ends", "sel berkutip tidak pernah ditutup"));
        case FLAW_AFTER_QUOTE:
            return at_line(
                problem, ERR_CSV, name, csv.line,
                tr("text stands behind a closing quote; a quote inside a cell is doubled",
                   "ada tulisan setelah kutip penutup; kutip di dalam sel ditulis dua "
                   "kali"));
        case FLAW_COLUMNS:
            return at_line(problem, ERR_LIMIT, name, line,
                           tr("more than 256 columns", "lebih dari 256 kolom"));
        case FLAW_BYTES:
            return at_line(problem, ERR_LIMIT, name, line,
                           tr("a row of more than 256 KiB; is a quote left open?",
                              "satu baris lebih dari 256 KiB; apakah ada kutip terbuka?"));
        }
    }
    return OK;
}

enum err csv_open(struct bytes content, const char *name, struct csv *ret_csv,
                  struct problem *problem)
{
    struct csv csv = { .text = content, .line = 1 };
    struct csv_row row;
    if (content.len >= 3 && memcmp(content.at, "\xef\xbb\xbf", 3) == 0)
        csv.text = bytes_of(content.at + 3, content.len - 3);
    enum err err = check_utf8(csv.text, name, problem);
    if (err == OK)
        err = csv_row_open(&row);
    if (err != OK)
        return err;
    sniff(&csv, &row);
    err = check_rows(csv, name, &row, problem);
    csv_row_close(&row);
    if (err == OK)
        *ret_csv = csv;
    return err;
}

enum err csv_row_open(struct csv_row *ret_row)
{
    char *space = malloc(CSV_ROW_BYTES_MAX);
    if (!space)
        return ERR_MEMORY;
    *ret_row = (struct csv_row){ .space = space };
    return OK;
}

void csv_row_close(struct csv_row *row)
{
    free(row->space);
    row->space = NULL;
}

/* 0x80..0x9f; 0: not a character of this encoding. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

enum err csv_from_windows_1252(struct bytes content, const char *name, char **ret_text,
                               size_t *ret_len, struct problem *problem)
{
    char *text = malloc(content.len * 3 + 1);
    unsigned line = 1;
    size_t len = 0;
    if (!text)
        return problem_set(problem, ERR_MEMORY, name, NULL);
    for (size_t i = 0; i < content.len; i++) {
        unsigned code = content.at[i];
        if (code >= 0x80 && code < 0xa0)
            code = windows_1252[code - 0x80];
        if (code == 0) {
            free(text);
            return at_line(problem, ERR_TEXT, name, line,
                           tr("a byte that windows-1252 does not have",
                              "bita yang tidak ada di windows-1252"));
        }
        line += code == '\n' ? 1 : 0;
        if (code < 0x80) {
            text[len++] = (char)code;
        } else if (code < 0x800) {
            text[len++] = (char)(0xc0 | code >> 6);
            text[len++] = (char)(0x80 | (code & 0x3f));
        } else {
            text[len++] = (char)(0xe0 | code >> 12);
            text[len++] = (char)(0x80 | (code >> 6 & 0x3f));
            text[len++] = (char)(0x80 | (code & 0x3f));
        }
    }
    text[len] = '\0';
    *ret_text = text;
    *ret_len = len;
    return OK;
}

void csv_put(FILE *out, const char *text, size_t len, char separator)
{
    bool quote = len > 0 && (text[0] == ' ' || text[len - 1] == ' ');
    for (size_t i = 0; i < len && !quote; i++)
        quote = text[i] == separator || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
    if (!quote) {
        (void)fwrite(text, 1, len, out);
        return;
    }
    (void)fputc('"', out);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            (void)fputc('"', out);
        (void)fputc(text[i], out);
    }
    (void)fputc('"', out);
}
