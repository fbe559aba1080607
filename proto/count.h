/* Records counted by the codes of one or two fields: "how many of each state in each village".
 *
 * Counted are codes, areas, yes and no, and the years of dates: what tells of nobody. Fields that
 * few may see are refused, and restricted codes count together, unnamed. */
#pragma once

#include "proto/policy.h"

#define COUNT_BY_MAX 2
#define COUNT_WHERE_MAX 8
#define COUNT_CELLS_MAX 20000
#define COUNT_CODE_BYTES 48

struct count_cell {
    char codes[COUNT_BY_MAX][COUNT_CODE_BYTES]; /* "" none, "?" restricted */
    uint64_t records;
};

struct count {
    const struct policy *policy;
    const struct policy_collection *collection;
    size_t by_count, where_count;
    const struct policy_field *by[COUNT_BY_MAX];
    struct count_where {
        const struct policy_field *field;
        const char *text; /* borrowed: a code, a label, an area around it, a year, yes or no */
    } where[COUNT_WHERE_MAX];
    uint64_t total; /* that matched */
    size_t cell_count, cell_cap;
    struct count_cell *cells; /* sorted by codes */
};

void count_open(const struct policy *policy, const struct policy_collection *collection,
                struct count *ret_count);
void count_close(struct count *count);
/* By name or label. ERR_FIELD; ERR_USAGE: more than two; ERR_VALUE: it is not counted by. */
NODISCARD enum err count_by(struct count *count, const char *name, struct problem *problem);
/* ERR_VALUE also when `text` is no code of the field. */
NODISCARD enum err count_where(struct count *count, const char *name, const char *text,
                               struct problem *problem);
/* One record: its values as text ("" none, "1" and "0" for a bool, an ISO date), in the order of
 * `by`, then of `where`. ERR_LIMIT: more different cells than COUNT_CELLS_MAX; ERR_MEMORY. */
NODISCARD enum err count_add(struct count *count, const struct bytes *values);
/* What a code of a cell says to people; "" for none. */
const char *count_label(const struct count *count, size_t by, const char *code);
