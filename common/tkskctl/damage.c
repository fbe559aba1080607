#include "common/tkskctl/damage.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/tkskctl/say.h"

#define WHOLE_DIGITS 16
#define SHORTER_DIGITS_MIN 13
/* By chance one number in ten ends in 0. So many of them are no chance. */
#define ALL_ENDING_0_MIN 4
#define HALF_ENDING_0_MIN 8
#define SHORTER_MIN 4
/* Day numbers of spreadsheets: 1900-01-01 is 1 (or 2). */
#define DAY_NUMBER_MIN 1
#define DAY_NUMBER_MAX 109573 /* 2199-12-31 */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_from(struct bytes text, size_t at)
{
    size_t count = 0;
    while (at + count < text.len && is_digit(text.at[at + count]))
        count++;
    return count;
}

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && strchr(" \t\n", text.at[0]) && text.at[0])
        text = bytes_of(text.at + 1, text.len - 1);
    while (text.len > 0 && strchr(" \t\n", text.at[text.len - 1]) && text.at[text.len - 1])
        text.len--;
    return text;
}

void damage_count(struct damage *damage, const struct csv_row *row)
{
    damage->rows++;
    for (size_t i = 0; i < row->count; i++) {
        enum protection protection;
        struct bytes cell =
            trim(damage_unprotect(bytes_of(row->cells[i], row->lens[i]), &protection));
        struct damage_column *column = &damage->columns[i];
        if (cell.len < SHORTER_DIGITS_MIN || cell.len > WHOLE_DIGITS ||
            digits_from(cell, 0) != cell.len)
            continue;
        column->whole += cell.len == WHOLE_DIGITS;
        column->whole_ending_0 += cell.len == WHOLE_DIGITS && cell.at[cell.len - 1] == '0';
        column->shorter += cell.len < WHOLE_DIGITS;
    }
}

/* "3.60429E+15", "3,60429E+15", "3E+15" */
static bool is_exponent(struct bytes cell)
{
    size_t at = digits_from(cell, 0);
    if (at == 0)
        return false;
    if (at < cell.len && (cell.at[at] == '.' || cell.at[at] == ',')) {
        size_t more = digits_from(cell, at + 1);
        at += more > 0 ? more + 1 : 0;
    }
    if (at + 2 >= cell.len || (cell.at[at] != 'E' && cell.at[at] != 'e') || cell.at[at + 1] != '+')
        return false;
    size_t digits = digits_from(cell, at + 2);
    return digits > 0 && digits <= 3 && at + 2 + digits == cell.len;
}

/* "#REF!", "#N/A", "#####", "Err:502" */
static bool is_formula_error(struct bytes cell)
{
    static const char *const names[] = { "#REF!",   "#N/A",  "#VALUE!", "#NAME?",
                                         "#DIV/0!", "#NUM!", "#NULL!",  "#SPILL!" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (cell.len == strlen(names[i]) &&
            strncasecmp((const char *)cell.at, names[i], cell.len) == 0)
            return true;
    }
    if (cell.len > 4 && memcmp(cell.at, "Err:", 4) == 0)
        return digits_from(cell, 4) == cell.len - 4;
    size_t hashes = 0;
    while (hashes < cell.len && cell.at[hashes] == '#')
        hashes++;
    return hashes >= 3 && hashes == cell.len;
}

/* "43831", "43831.25": days since the end of 1899. */
static bool is_day_number(struct bytes cell)
{
    size_t digits = digits_from(cell, 0);
    long days = 0;
    if (digits == 0 || digits > 6)
        return false;
    for (size_t i = 0; i < digits; i++)
        days = days * 10 + (cell.at[i] - '0');
    bool fraction = digits < cell.len && (cell.at[digits] == '.' || cell.at[digits] == ',') &&
                    digits_from(cell, digits + 1) == cell.len - digits - 1;
    /* Four digits may be a year. */
    return (digits == cell.len || fraction) && (digits >= 5 || fraction) &&
           days >= DAY_NUMBER_MIN && days <= DAY_NUMBER_MAX;
}

/* "27/3/90", "27-03-90", "27.03.90" */
static bool is_short_year(struct bytes cell)
{
    size_t day = digits_from(cell, 0);
    if (day < 1 || day > 2 || day == cell.len || !strchr("/-.", cell.at[day]))
        return false;
    size_t month = digits_from(cell, day + 1);
    size_t at = day + 1 + month;
    if (month < 1 || month > 2 || at >= cell.len || cell.at[at] != cell.at[day])
        return false;
    return digits_from(cell, at + 1) == 2 && at + 3 == cell.len;
}

static enum err find_in_number(const struct damage_column *column, struct bytes cell,
                               struct problem *problem)
{
    char detail[64];
    if (digits_from(cell, 0) != cell.len)
        return OK;
    if (cell.len == WHOLE_DIGITS && cell.at[cell.len - 1] == '0') {
        bool all = column->whole >= ALL_ENDING_0_MIN && column->whole_ending_0 == column->whole;
        bool half = column->whole_ending_0 >= HALF_ENDING_0_MIN &&
                    2 * column->whole_ending_0 >= column->whole;
        if (all || half)
            return problem_set(problem, ERR_SPREADSHEET, NULL,
                               tr("the last digits became 0 all down the column",
                                  "angka terakhir menjadi 0 di seluruh kolom"));
    }
    if (cell.len >= SHORTER_DIGITS_MIN && cell.len < WHOLE_DIGITS &&
        column->shorter >= SHORTER_MIN && column->shorter > column->whole) {
        (void)snprintf(detail, sizeof(detail),
                       tr("%zu digits instead of 16, as most of the column",
                          "%zu angka, bukan 16, seperti kebanyakan kolom ini"),
                       cell.len);
        return problem_set(problem, ERR_ZEROS, NULL, detail);
    }
    return OK;
}

enum err damage_find(const struct damage_column *column, const char *type, struct bytes cell,
                     struct problem *problem)
{
    char detail[16];
    bool number = strcmp(type, "nik") == 0 || strcmp(type, "kk") == 0;
    bool date = strcmp(type, "date") == 0 || strcmp(type, "time") == 0;
    cell = trim(cell);
    if (is_formula_error(cell)) {
        (void)snprintf(detail, sizeof(detail), "%.*s", cell.len < 12 ? (int)cell.len : 12,
                       (const char *)cell.at);
        return problem_set(problem, ERR_FORMULA, NULL, detail);
    }
    if (is_exponent(cell) && strcmp(type, "enum") != 0) {
        const uint8_t *mark = memchr(cell.at, 'E', cell.len);
        mark = mark ? mark : memchr(cell.at, 'e', cell.len);
        (void)snprintf(detail, sizeof(detail), "%.*s", (int)(cell.at + cell.len - mark),
                       (const char *)mark);
        return problem_set(problem, ERR_SPREADSHEET, NULL, detail);
    }
    if (date && is_day_number(cell))
        return problem_set(problem, ERR_DATE_NUMBER, NULL, NULL);
    if (date && is_short_year(cell))
        return problem_set(problem, ERR_YEAR, NULL, NULL);
    return number ? find_in_number(column, cell, problem) : OK;
}

/* --- the apostrophe ------------------------------------------------------------------------- */

static bool begins_formula(struct bytes text)
{
    static const char starts[] = { '=', '+', '-', '@', '\t' };
    return text.len > 0 && memchr(starts, text.at[0], sizeof(starts)) != NULL;
}

static bool only_digits(struct bytes text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.at[i]) && text.at[i] != ' ')
            return false;
        digits += is_digit(text.at[i]);
    }
    return digits > 0;
}

/* What an apostrophe may have been put in front of. */
static bool is_protected(struct bytes rest)
{
    return begins_formula(rest) || only_digits(rest) || is_formula_error(rest) ||
           is_exponent(rest) || (rest.len > 0 && rest.at[0] == '\'');
}

struct bytes damage_unprotect(struct bytes cell, enum protection *ret_protection)
{
    *ret_protection = PROTECTION_NONE;
    if (cell.len > 1 && cell.at[0] == '\'') {
        struct bytes rest = bytes_of(cell.at + 1, cell.len - 1);
        if (!is_protected(rest))
            return cell;
        *ret_protection = only_digits(rest) ? PROTECTION_DIGITS : PROTECTION_TEXT;
        return rest;
    }
    if (cell.len > 3 && cell.at[0] == '=' && cell.at[1] == '"' && cell.at[cell.len - 1] == '"') {
        struct bytes inside = bytes_of(cell.at + 2, cell.len - 3);
        if (only_digits(inside)) {
            *ret_protection = PROTECTION_DIGITS;
            return inside;
        }
    }
    return cell;
}

bool damage_needs_protection(struct bytes text)
{
    if (begins_formula(text) || is_formula_error(text) || is_exponent(text))
        return true;
    return text.len > 1 && text.at[0] == '\'' && is_protected(bytes_of(text.at + 1, text.len - 1));
}
