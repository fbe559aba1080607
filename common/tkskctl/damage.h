/* What spreadsheets do to a table before it comes here, recognised by the type of the field: digits
 * beyond the fifteenth made 0, "3.60429E+15", dates as day numbers, zeros in front dropped, errors
 * in the place of values. Found here because only here the whole column is seen. And the apostrophe
 * by which people and exports keep a spreadsheet from touching a cell. */
#pragma once

#include "common/tkskctl/csv.h"

/* Of one column: its cells that are nothing but digits. */
struct damage_column {
    uint64_t whole; /* with 16 digits */
    uint64_t whole_ending_0;
    uint64_t shorter; /* with 13 to 15 */
};
/* For each column of the file, titles and all. */
struct damage {
    struct damage_column columns[CSV_COLUMNS_MAX];
    uint64_t rows;
};
void damage_count(struct damage *damage, const struct csv_row *row);

/* Is this cell of a field of `type` (name of a field type) spoilt? ERR_SPREADSHEET, ERR_ZEROS,
 * ERR_DATE_NUMBER, ERR_YEAR, ERR_FORMULA; details never hold the value. */
NODISCARD enum err damage_find(const struct damage_column *column, const char *type,
                               struct bytes cell, struct problem *problem);

/* The cell without what keeps spreadsheets away: a leading apostrophe before digits or before what
 * would begin a formula, and ="0812". What was protected is not looked at for damage. */
enum protection { PROTECTION_NONE, PROTECTION_DIGITS /* as people type it */, PROTECTION_TEXT };
struct bytes damage_unprotect(struct bytes cell, enum protection *ret_protection);
/* The inverse, for exports: must an apostrophe go in front? So that text is not run as a formula;
 * whatever it answers, damage_unprotect gives the text back. */
bool damage_needs_protection(struct bytes text);
