#include "common/tkskctl/policy_dated.h"

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/table.h"

static json_t *date_json(const char *date)
{
    return date && date[0] ? json_string(date) : json_null();
}

/* A version ends where it says, or where the next one begins. */
static json_t *version_json(const struct policy_table *table, size_t index)
{
    const struct policy_table_version *version = &table->versions[index];
    const char *next = index + 1 < table->version_count ? version[1].from : "";
    bool own = version->until[0] && (!next[0] || strcmp(version->until, next) < 0);
    json_t *rows = ctl_memory(json_array());
    for (size_t i = 0; i < version->row_count; i++)
        json_array_append_new(rows,
                              ctl_memory(json_pack("{s:s, s:I}", "key", version->rows[i].name,
                                                   "value", (json_int_t)version->rows[i].value)));
    json_t *one = ctl_memory(json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", table->name, "label",
                                       table->label, "from", version->from, "basis", version->basis,
                                       "rows", rows));
    json_object_set_new(one, "until", date_json(own ? version->until : next));
    return one;
}

void policy_dated(const struct policy *policy, const char date[11], json_t *done)
{
    json_t *now = ctl_memory(json_array()), *later = ctl_memory(json_array());
    json_t *areas = ctl_memory(json_array());
    for (size_t i = 0; i < policy->table_count; i++) {
        const struct policy_table *table = &policy->tables[i];
        const struct policy_table_version *in_force = policy_table_version(table, date);
        for (size_t v = 0; v < table->version_count; v++) {
            if (&table->versions[v] == in_force)
                json_array_append_new(now, version_json(table, v));
            else if (strcmp(table->versions[v].from, date) > 0)
                json_array_append_new(later, version_json(table, v));
        }
    }
    for (size_t i = 0; i < policy->area_count; i++) {
        const struct policy_area *area = &policy->areas[i];
        if (!area->from[0] && !area->until[0])
            continue;
        json_t *one =
            ctl_memory(json_pack("{s:s, s:s, s:b}", "area", area->code, "name", area->name,
                                 "in_force", (int)policy_area_at(area, date)));
        json_object_set_new(one, "from", date_json(area->from));
        json_object_set_new(one, "until", date_json(area->until));
        json_array_append_new(areas, one);
    }
    json_object_set_new(done, "tables", now);
    json_object_set_new(done, "tables_later", later);
    json_object_set_new(done, "areas_dated", areas);
}

#define TABLE_NAME_MAX 512 /* label and basis of a table */

/* --- for people ----------------------------------------------------------------------------- */

static void print_tables(const char *head, const json_t *versions)
{
    const char *titles[] = { tr("table: basis", "tabel: dasar"), tr("for", "untuk"),
                             tr("value", "nilai"), tr("from", "dari"), tr("until", "sampai") };
    struct table table;
    size_t index, at;
    json_t *version, *row;
    if (json_array_size(versions) == 0)
        return;
    (void)printf("\n%s\n", head);
    table_open(&table, COUNT_OF(titles), titles);
    table.right[2] = true;
    table.drops_empty = true;
    table.wraps = 0;
    table.whole[1] = true; /* a code cut short names nothing */
    json_array_foreach(versions, index, version) {
        json_array_foreach(json_object_get(version, "rows"), at, row) {
            char value[SAY_NUMBER_MAX], name[TABLE_NAME_MAX] = "";
            const char *basis = text_of(version, "basis");
            say_number(number_of(row, "value"), value);
            if (at == 0)
                (void)snprintf(name, sizeof(name), "%s%s%s", text_of(version, "label"),
                               basis[0] ? ": " : "", basis);
            table_add(&table,
                      (const char *const[]){ name, text_of(row, "key"), value,
                                             text_of(version, "from"), text_of(version, "until") });
        }
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

static void print_areas(const json_t *areas)
{
    const char *titles[] = { tr("area", "wilayah"), tr("name", "nama"), tr("from", "dari"),
                             tr("until", "sampai"), tr("state", "keadaan") };
    struct table table;
    size_t index;
    json_t *area;
    if (json_array_size(areas) == 0)
        return;
    (void)printf("\n%s\n", tr("Areas that begin or end", "Wilayah yang mulai atau berakhir"));
    table_open(&table, COUNT_OF(titles), titles);
    json_array_foreach(areas, index, area) {
        table_add(&table, (const char *const[]){ text_of(area, "area"), text_of(area, "name"),
                                                 text_of(area, "from"), text_of(area, "until"),
                                                 truth_of(area, "in_force")
                                                     ? tr("in force", "berlaku")
                                                     : tr("not in force", "tidak berlaku") });
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

void policy_dated_print(const json_t *done)
{
    print_tables(tr("In force", "Berlaku"), json_object_get(done, "tables"));
    print_tables(tr("Comes later", "Berlaku kemudian"), json_object_get(done, "tables_later"));
    print_areas(json_object_get(done, "areas_dated"));
}
