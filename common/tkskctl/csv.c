#include "common/tkskctl/csv.h"

#include <stdlib.h>
#include <strings.h>

#include "common/crypto.h"
#include "common/tkskctl/csv_inside.h"
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

/* --- bytes ---------------------------------------------------------------------------------- */

static inline int byte_at(const struct csv *csv, uint64_t at)
{
    const struct csv_file *file = csv->file;
    if (at - file->window_at < file->window_len)
        return file->window[at - file->window_at];
    return csv_file_byte(csv->file, at);
}

static bool at_end(const struct csv *csv)
{
    return byte_at(csv, csv->at) < 0;
}

/* Takes one end of line (CRLF, LF or CR) when it stands here. */
static bool take_newline(struct csv *csv)
{
    int byte = byte_at(csv, csv->at);
    if (byte != '\n' && byte != '\r')
        return false;
    csv->at++;
    if (byte == '\r' && byte_at(csv, csv->at) == '\n')
        csv->at++;
    csv->line++;
    return true;
}

/* --- rows ----------------------------------------------------------------------------------- */

enum flaw {
    FLAW_NONE,
    FLAW_OPEN_QUOTE,
    FLAW_AFTER_QUOTE,
    FLAW_COLUMNS,
    FLAW_BYTES,
    FLAW_ENCODING /* a byte that windows-1252 does not have */
};

/* A row under way. */
struct reading {
    struct csv *csv;
    struct csv_row *row;
    size_t used;
    unsigned quote_line; /* where the last quoted cell began */
};

static enum flaw keep(struct reading *reading, int byte)
{
    char utf8[3];
    size_t len = 1;
    utf8[0] = (char)byte;
    if (byte >= 0x80 && reading->csv->file->windows_1252) {
        len = csv_1252_to_utf8((uint8_t)byte, utf8);
        if (len == 0)
            return FLAW_ENCODING;
    }
    if (reading->used + len + 1 > CSV_ROW_BYTES_MAX)
        return FLAW_BYTES;
    for (size_t i = 0; i < len; i++)
        reading->row->space[reading->used++] = utf8[i];
    return FLAW_NONE;
}

/* The inside of a quoted cell; stands behind the closing quote afterwards. */
static enum flaw quoted(struct reading *reading)
{
    struct csv *csv = reading->csv;
    enum flaw flaw = FLAW_NONE;
    int byte;
    reading->quote_line = csv->line;
    csv->at++;
    while (flaw == FLAW_NONE && (byte = byte_at(csv, csv->at)) >= 0) {
        if (byte == '\n' || byte == '\r') {
            (void)take_newline(csv);
            flaw = keep(reading, '\n');
            continue;
        }
        csv->at++;
        if (byte == '"') {
            int next = byte_at(csv, csv->at);
            if (next != '"')
                return next < 0 || next == csv->separator || next == '\n' || next == '\r'
                           ? FLAW_NONE
                           : FLAW_AFTER_QUOTE;
            csv->at++;
        }
        flaw = keep(reading, byte);
    }
    /* An open quote swallows the rest, as much of it as a row may have. */
    return flaw == FLAW_NONE || flaw == FLAW_BYTES ? FLAW_OPEN_QUOTE : flaw;
}

static enum flaw unquoted(struct reading *reading)
{
    struct csv *csv = reading->csv;
    enum flaw flaw = FLAW_NONE;
    int byte;
    while (flaw == FLAW_NONE && (byte = byte_at(csv, csv->at)) >= 0) {
        if (byte == csv->separator || byte == '\n' || byte == '\r')
            break;
        flaw = keep(reading, byte);
        csv->at++;
    }
    return flaw;
}

/* One line of cells, also an empty one (count 1, len 0). */
static enum flaw read_row(struct csv *csv, struct csv_row *row, unsigned *ret_quote_line)
{
    struct reading reading = { .csv = csv, .row = row };
    enum flaw flaw = FLAW_NONE;
    row->line = csv->line;
    row->count = 0;
    while (flaw == FLAW_NONE) {
        if (row->count == CSV_COLUMNS_MAX)
            return FLAW_COLUMNS;
        if (reading.used + 1 > CSV_ROW_BYTES_MAX)
            return FLAW_BYTES;
        size_t start = reading.used;
        flaw = byte_at(csv, csv->at) == '"' ? quoted(&reading) : unquoted(&reading);
        *ret_quote_line = reading.quote_line;
        if (flaw != FLAW_NONE)
            break;
        row->cells[row->count] = row->space + start;
        row->lens[row->count++] = reading.used - start;
        row->space[reading.used++] = '\0';
        if (byte_at(csv, csv->at) != csv->separator) {
            (void)take_newline(csv);
            break;
        }
        csv->at++;
    }
    return flaw;
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
    unsigned quote_line;
    while (!at_end(csv)) {
        if (read_row(csv, row, &quote_line) != FLAW_NONE) {
            csv->file->failed = true; /* csv_scan has read it all: it has changed since */
            return false;
        }
        if (!row_is_blank(row))
            return true;
    }
    return false;
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
    if (row->space)
        crypto_wipe(row->space, CSV_ROW_BYTES_MAX);
    free(row->space);
    row->space = NULL;
}

/* --- what it is ----------------------------------------------------------------------------- */

/* Files that people hand over in the place of a CSV file, by how they begin. */
static const struct {
    const char *magic;
    size_t len;
    const char *what;
} others[] = {
    { "PK\003\004", 4, "Excel .xlsx / LibreOffice .ods" },
    { "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, "Excel .xls" },
    { "\xff\xfe", 2, "Unicode Text (UTF-16)" },
    { "\xfe\xff", 2, "Unicode Text (UTF-16)" },
    { "%PDF", 4, "PDF" },
    { "{\\rtf", 5, "RTF" },
};
/* Programs of offices write such "Excel" files. */
static const char *const pages[] = { "<html", "<table", "<!doctype", "<?xml", "<meta" };

static const char *other_kind(const struct csv *csv)
{
    char head[16] = "";
    size_t len = 0;
    for (; len < sizeof(head) - 1; len++) {
        int byte = byte_at(csv, csv->at + len);
        if (byte < 0)
            break;
        head[len] = (char)byte;
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (len >= others[i].len && memcmp(head, others[i].magic, others[i].len) == 0)
            return others[i].what;
    }
    const char *text = head + strspn(head, " \t\r\n");
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (strncasecmp(text, pages[i], strlen(pages[i])) == 0)
            return "HTML/XML";
    }
    return NULL;
}

/* How well a separator explains the first rows: how many have the commonest width over one, then
 * that width. */
static size_t sniff_score(struct csv csv, struct csv_row *row)
{
    size_t widths[CSV_COLUMNS_MAX + 1] = { 0 };
    size_t best = 0;
    unsigned quote_line;
    bool odd = false; /* text behind a quote: likely another separator */
    for (size_t i = 0; i < SNIFF_ROWS && !at_end(&csv); i++) {
        enum flaw flaw = read_row(&csv, row, &quote_line);
        odd = odd || flaw == FLAW_AFTER_QUOTE;
        if (flaw != FLAW_NONE && flaw != FLAW_COLUMNS)
            break;
        if (flaw == FLAW_COLUMNS || !row_is_blank(row))
            widths[row->count]++;
        if (flaw == FLAW_COLUMNS)
            break;
    }
    for (size_t width = 2; width <= CSV_COLUMNS_MAX; width++) {
        size_t score = widths[width] * (CSV_COLUMNS_MAX + 1) + (widths[width] > 0 ? width : 0);
        best = score > best ? score : best;
    }
    return odd ? best / 2 : best;
}

static void sniff(struct csv *csv, struct csv_row *row)
{
    static const char hint[] = "sep="; /* Excel's own */
    size_t best = 0, same = 0;
    csv->separator = ',';
    while (same < 4 && byte_at(csv, csv->at + same) == hint[same])
        same++;
    int hinted = byte_at(csv, csv->at + 4);
    if (same == 4 && hinted > 0 && memchr(separators, hinted, sizeof(separators))) {
        csv->separator = (char)hinted;
        csv->at += 5;
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

enum err csv_open(struct csv_file *file, const char *name, struct csv *ret_csv,
                  struct problem *problem)
{
    struct csv csv = { .file = file, .line = 1 };
    struct csv_row row;
    const char *other = other_kind(&csv);
    if (other)
        return problem_set(problem, ERR_WORKBOOK, name, other);
    csv.has_mark = byte_at(&csv, 0) == 0xef && byte_at(&csv, 1) == 0xbb && byte_at(&csv, 2) == 0xbf;
    if (csv.has_mark && file->windows_1252)
        return at_line(problem, ERR_TEXT, name, 1,
                       tr("it begins with the mark of UTF-8; leave --encoding out",
                          "berkas ini bertanda UTF-8; jangan pakai --encoding"));
    csv.at = csv.has_mark ? 3 : 0;
    enum err err = csv_row_open(&row);
    if (err != OK)
        return problem_set(problem, err, name, NULL);
    sniff(&csv, &row);
    csv_row_close(&row);
    *ret_csv = csv;
    return OK;
}

/* --- all of it ------------------------------------------------------------------------------ */

static enum err not_text(struct problem *problem, const char *name, unsigned line)
{
    return at_line(problem, ERR_TEXT, name, line,
                   tr("this is not UTF-8; save it as \"CSV UTF-8\", or say --encoding windows-1252",
                      "ini bukan UTF-8; simpan sebagai \"CSV UTF-8\", atau pakai --encoding "
                      "windows-1252"));
}

/* The line of the first cell that is not UTF-8; 0: all are. */
static unsigned bad_line(const struct csv_row *row)
{
    unsigned line = row->line;
    for (size_t i = 0; i < row->count; i++) {
        const char *at = row->cells[i], *end = at + row->lens[i];
        bool good = codec_utf8(bytes_of(at, row->lens[i]));
        while (at < end) {
            const char *stop = memchr(at, '\n', (size_t)(end - at));
            size_t len = (size_t)((stop ? stop : end) - at);
            if (!good && !codec_utf8(bytes_of(at, len)))
                return line;
            line += stop ? 1 : 0;
            at += len + 1;
        }
    }
    return 0;
}

static enum err say_flaw(enum flaw flaw, const char *name, unsigned line, unsigned quote_line,
                         unsigned end_line, struct problem *problem)
{
    char detail[PROBLEM_DETAIL_MAX];
    switch (flaw) {
    case FLAW_NONE:
        break;
    case FLAW_OPEN_QUOTE:
        return at_line(problem, ERR_CSV, name, quote_line,
                       tr("a quoted cell begins here and never ends",
                          "sel berkutip mulai di sini dan tidak pernah ditutup"));
    case FLAW_AFTER_QUOTE:
        (void)snprintf(detail, sizeof(detail),
                       tr("a quoted cell begins here, and text stands behind its closing quote "
                          "in line %u; a quote inside a cell is doubled",
                          "sel berkutip mulai di sini, dan ada tulisan setelah kutip penutupnya "
                          "di baris %u; kutip di dalam sel ditulis dua kali"),
                       end_line);
        return at_line(problem, ERR_CSV, name, quote_line, detail);
    case FLAW_COLUMNS:
        return at_line(problem, ERR_LIMIT, name, line,
                       tr("more than 256 columns", "lebih dari 256 kolom"));
    case FLAW_BYTES:
        return at_line(problem, ERR_LIMIT, name, line,
                       tr("a row of more than 256 KiB", "satu baris lebih dari 256 KiB"));
    case FLAW_ENCODING:
        return at_line(
            problem, ERR_TEXT, name, end_line,
            tr("a byte that windows-1252 does not have", "bita yang tidak ada di windows-1252"));
    }
    return OK;
}

enum err csv_scan(struct csv csv, const char *name, struct csv_row *row, csv_each *each, void *ctx,
                  struct problem *problem)
{
    while (!at_end(&csv)) {
        unsigned line = csv.line, quote_line = 0;
        enum flaw flaw = read_row(&csv, row, &quote_line);
        if (flaw != FLAW_NONE)
            return say_flaw(flaw, name, line, quote_line, csv.line, problem);
        unsigned bad = bad_line(row);
        if (bad > 0)
            return not_text(problem, name, bad);
        if (each && !row_is_blank(row))
            each(ctx, row);
    }
    return csv_check(csv.file, name, problem);
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
