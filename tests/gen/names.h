/* Words that synthetic people and places are made of. No real person's name is in here as a whole:
 * names are put together by chance from these parts. */
#pragma once

#include <stddef.h>

extern const char *const names_women[];
extern const char *const names_men[];
extern const char *const names_second[];
extern const char *const names_odd[]; /* apostrophes, slashes, U+2019, accents */
extern const char *const names_streets[];
extern const size_t names_women_count, names_men_count, names_second_count, names_odd_count,
    names_streets_count;
