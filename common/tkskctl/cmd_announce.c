/* What the district told its offices: who has read it, and where it was passed on. */
#include <inttypes.h>

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/table.h"

#define MISSING_SHOWN 400 /* bytes of names of areas, in a cell */

/* --- the list ------------------------------------------------------------------------------- */

static const char *reading(const json_t *row)
{
    if (truth_of(row, "read"))
        return maybe_text_of(row, "read_on") ? text_of(row, "read_on") : tr("read", "dibaca");
    if (!truth_of(row, "asked"))
        return "";
    return truth_of(row, "must_read") ? tr("must be read", "wajib dibaca")
                                      : tr("not read", "belum dibaca");
}

static void print_announcements(const json_t *rows)
{
    const char *titles[] = { tr("no", "no"), tr("in force from", "berlaku dari"),
                             tr("announcement", "pengumuman"), tr("read", "dibaca") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    table.wraps = 2;
    json_array_foreach(rows, index, row) {
        const char *number = maybe_text_of(row, "short");
        table_add(&table, (const char *const[]){ number ? number : text_of(row, "id"),
                                                 text_of(row, "since"), text_of(row, "title"),
                                                 reading(row) });
        if (truth_of(row, "asked") && truth_of(row, "must_read") && !truth_of(row, "read"))
            table_paint(&table, 3, PAINT_BAD);
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

enum exit_code cmd_announcements(struct ctl *ctl)
{
    bool unread = args_option(&ctl->args, "--unread") != NULL;
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "announcements",
                                  ctl_memory(json_pack("{s:b}", "unread", (int)unread)), &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, answer.rows);
    else if (json_array_size(answer.rows) > 0)
        print_announcements(answer.rows);
    else
        (void)puts(unread
                       ? tr("All announcements have been read.", "Semua pengumuman sudah dibaca.")
                       : tr("There are no announcements.", "Belum ada pengumuman."));
    answer_close(&answer);
    return code;
}

/* --- coverage ------------------------------------------------------------------------------- */

static json_t *rows_of(const json_t *rows, const char *kind)
{
    json_t *list = ctl_memory(json_array());
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
        if (strcmp(text_of(row, "kind"), kind) == 0)
            json_array_append(list, row);
    return list;
}

/* Areas gathered by what they lie in: {area, name, areas, covered, missing: [{area, name}],
 * reached: [{area, name, count, on}]}. */
static json_t *groups_of(const json_t *areas)
{
    json_t *groups = ctl_memory(json_array()), *group = NULL, *row;
    size_t index;
    json_array_foreach(areas, index, row) { /* they come in the order of their codes */
        int64_t count = number_of(row, "covered");
        if (!group || strcmp(text_of(group, "area"), text_of(row, "within")) != 0) {
            group = ctl_memory(json_pack(
                "{s:s, s:s, s:i, s:i, s:[], s:[]}", "area", text_of(row, "within"), "name",
                text_of(row, "within_name"), "areas", 0, "covered", 0, "missing", "reached"));
            json_array_append_new(groups, group);
        }
        json_object_set_new(group, "areas", json_integer(number_of(group, "areas") + 1));
        json_object_set_new(group, "covered",
                            json_integer(number_of(group, "covered") + (count > 0)));
        json_t *one = ctl_memory(
            json_pack("{s:s, s:s}", "area", text_of(row, "area"), "name", text_of(row, "name")));
        if (count > 0) {
            json_object_set_new(one, "count", json_integer(count));
            json_object_set(one, "on", json_object_get(row, "on"));
        }
        json_array_append_new(json_object_get(group, count > 0 ? "reached" : "missing"), one);
    }
    return groups;
}

static int64_t sum_of(const json_t *rows, const char *key)
{
    int64_t sum = 0;
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
        sum += number_of(row, key);
    return sum;
}

static int64_t read_of(const json_t *offices)
{
    int64_t count = 0;
    size_t index;
    json_t *row;
    json_array_foreach(offices, index, row)
        count += truth_of(row, "read");
    return count;
}

/* Those that have not read it stand first. */
static void print_offices(const json_t *offices)
{
    const char *titles[] = { tr("office", "kantor"), tr("name", "nama"), tr("read", "dibaca") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    for (int read = 0; read <= 1; read++) {
        json_array_foreach(offices, index, row) {
            const char *on = maybe_text_of(row, "read_on");
            if ((int)truth_of(row, "read") != read)
                continue;
            table_add(&table, (const char *const[]){ text_of(row, "node"), text_of(row, "name"),
                                                     !read ? tr("not yet", "belum")
                                                     : on  ? on
                                                           : tr("read", "dibaca") });
            table_paint(&table, 2, read ? PAINT_GOOD : PAINT_WAIT);
        }
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

/* "Cikande, Gembor, +7" */
static void names_of(const json_t *areas, char *ret, size_t cap)
{
    size_t index;
    json_t *area;
    ret[0] = '\0';
    json_array_foreach(areas, index, area) {
        size_t used = strlen(ret);
        const char *name = text_of(area, "name");
        if (used + strlen(name) + 24 > cap) {
            (void)snprintf(ret + used, cap - used, ", +%zu", json_array_size(areas) - index);
            return;
        }
        (void)snprintf(ret + used, cap - used, "%s%s", index > 0 ? ", " : "", name);
    }
}

static void print_groups(const json_t *groups)
{
    const char *titles[] = { tr("area", "wilayah"), tr("name", "nama"), tr("areas", "desa"),
                             tr("reached", "sudah"), tr("missing", "belum") };
    struct table table;
    size_t index;
    json_t *group;
    table_open(&table, COUNT_OF(titles), titles);
    table.right[2] = table.right[3] = true;
    table.wraps = 4;
    json_array_foreach(groups, index, group) {
        char missing[MISSING_SHOWN];
        names_of(json_object_get(group, "missing"), missing, sizeof(missing));
        table_add(&table, (const char *const[]){ text_of(group, "area"), text_of(group, "name"),
                                                 text_of(group, "areas"), text_of(group, "covered"),
                                                 missing });
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

static void print_coverage(const json_t *done, const json_t *offices, const json_t *groups)
{
    const char *number = maybe_text_of(done, "short");
    (void)printf("%s: ", number ? number : text_of(done, "id"));
    text_print(stdout, text_of(done, "title"));
    (void)fputc('\n', stdout);
    if (json_array_size(offices) > 0) {
        (void)printf(
            tr("\nRead by %" PRId64 " of %zu offices\n", "\nDibaca %" PRId64 " dari %zu kantor\n"),
            read_of(offices), json_array_size(offices));
        print_offices(offices);
    }
    if (json_array_size(groups) > 0) {
        (void)printf(tr("\nPassed on in %" PRId64 " of %" PRId64 " villages\n",
                        "\nDisampaikan di %" PRId64 " dari %" PRId64 " desa/kelurahan\n"),
                     sum_of(groups, "covered"), sum_of(groups, "areas"));
        print_groups(groups);
    }
}

enum exit_code cmd_coverage(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code =
        ctl_ask(ctl, "coverage", ctl_memory(json_pack("{s:s}", "id", ctl->args.words[0])), &answer);
    if (code != EXIT_DONE)
        return code;
    json_t *offices = rows_of(answer.rows, "office");
    json_t *areas = rows_of(answer.rows, "area");
    json_t *groups = groups_of(areas);
    if (ctl->args.json) {
        json_t *done = ctl_memory(json_copy(answer.done));
        json_object_set_new(done, "offices", json_integer((json_int_t)json_array_size(offices)));
        json_object_set_new(done, "read", json_integer(read_of(offices)));
        json_object_set_new(done, "areas", json_integer(sum_of(groups, "areas")));
        json_object_set_new(done, "covered", json_integer(sum_of(groups, "covered")));
        json_object_set(done, "within", groups);
        code = ctl_document(ctl, done, offices);
        json_decref(done);
    } else {
        print_coverage(answer.done, offices, groups);
    }
    json_decref(groups);
    json_decref(areas);
    json_decref(offices);
    answer_close(&answer);
    return code;
}
