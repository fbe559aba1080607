/* The district's screens: what needs a person first, then the figures; all offices. */
#include <stdlib.h>

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/screen.h"

#define ALARMS_SHOWN 8
#define SILENT_DOUBT_S 300

/* --- alarms --------------------------------------------------------------------------------- */

/* "3 hari" and the like. */
static void days_text(const json_t *alarm, char *ret, size_t cap)
{
    char number[SAY_NUMBER_MAX];
    say_number(number_of(alarm, "days"), number);
    (void)snprintf(ret, cap, tr("%s days", "%s hari"), number);
}

static void off_text(const json_t *alarm, char *ret, size_t cap)
{
    int64_t off_s = number_of(alarm, "off_s");
    char span[SAY_TIME_MAX];
    uint64_t size_s = (uint64_t)(off_s < 0 ? -off_s : off_s);
    if (size_s < 86400) {
        say_span(size_s, span);
    } else {
        char number[SAY_NUMBER_MAX];
        say_number((int64_t)(size_s / 86400), number);
        (void)snprintf(span, sizeof(span), tr("%s days", "%s hari"), number);
    }
    (void)snprintf(ret, cap,
                   off_s < 0 ? tr("%s behind", "terlambat %s") : tr("%s ahead", "terlalu cepat %s"),
                   span);
}

/* "36.04.29: the term of Siti ended on 2026-06-30; 14 entries wait for a renewal" */
static void term_text(const json_t *alarm, char *ret, size_t cap)
{
    const char *node = text_of(alarm, "node"), *name = text_of(alarm, "name");
    const char *until = text_of(alarm, "until");
    char part[96];
    days_text(alarm, part, sizeof(part));
    if (number_of(alarm, "days") >= 0) {
        (void)snprintf(
            ret, cap,
            tr("%s: the term of %s ends on %s, in %s", "%s: masa tugas %s berakhir %s, %s lagi"),
            node, name, until, part);
        return;
    }
    say_number(number_of(alarm, "entries"), part);
    (void)snprintf(ret, cap,
                   number_of(alarm, "entries") > 0
                       ? tr("%s: the term of %s ended on %s; what is entered waits for a renewal "
                            "(%s now)",
                            "%s: masa tugas %s sudah berakhir %s; isiannya menunggu SK (kini %s)")
                       : tr("%s: the term of %s ended on %s; what is entered waits for a "
                            "renewal%.0s",
                            "%s: masa tugas %s sudah berakhir %s; isiannya menunggu SK%.0s"),
                   node, name, until, part);
}

static void alarm_text(const json_t *alarm, char *ret, size_t cap)
{
    const char *kind = text_of(alarm, "kind"), *node = text_of(alarm, "node");
    char part[96];
    if (strcmp(kind, "rolled_back") == 0) {
        (void)snprintf(ret, cap,
                       tr("NOT MERGING: the database is older than what office %s has seen. "
                          "Nothing is lost; `tkskctl restore` goes on.",
                          "TIDAK MENERIMA: basis data lebih tua dari yang sudah dilihat kantor %s. "
                          "Tidak ada yang hilang; `tkskctl restore` melanjutkan."),
                       node);
    } else if (strcmp(kind, "twin") == 0) {
        (void)snprintf(ret, cap,
                       tr("%s: two machines speak for this office; its work is kept for review",
                          "%s: dua komputer memakai nama kantor ini; kirimannya ditahan untuk "
                          "diperiksa"),
                       node);
    } else if (strcmp(kind, "silent") == 0) {
        days_text(alarm, part, sizeof(part));
        (void)snprintf(ret, cap, tr("%s: nothing heard for %s", "%s: tidak terdengar %s"), node,
                       part);
    } else if (strcmp(kind, "lost") == 0) {
        say_number(number_of(alarm, "entries"), part);
        (void)snprintf(ret, cap,
                       tr("%s: the former machine had %s entries queued that never arrived",
                          "%s: komputer lama menyimpan %s kiriman yang tak pernah sampai"),
                       node, part);
    } else if (strcmp(kind, "clock") == 0) {
        off_text(alarm, part, sizeof(part));
        (void)snprintf(ret, cap, tr("%s: its clock is wrong, %s", "%s: jamnya salah, %s"), node,
                       part);
    } else if (strcmp(kind, "term_ending") == 0) {
        term_text(alarm, ret, cap);
    } else if (strcmp(kind, "unanswered") == 0) {
        const char *unit = maybe_text_of(alarm, "unit_label");
        say_number(number_of(alarm, "count"), part);
        (void)snprintf(ret, cap,
                       tr("%s, %s: %s without an answer for more than %s days (tkskctl unanswered)",
                          "%s, %s: %s belum dijawab lebih dari %s hari (tkskctl belum-dijawab)"),
                       text_of(alarm, "title"), unit ? unit : tr("no unit", "tanpa bidang"), part,
                       text_of(alarm, "days"));
    } else if (strcmp(kind, "backup") == 0) {
        days_text(alarm, part, sizeof(part));
        (void)snprintf(ret, cap, tr("the last backup is %s old", "cadangan terakhir berumur %s"),
                       part);
    } else if (strcmp(kind, "no_backup") == 0) {
        (void)snprintf(ret, cap, "%s", tr("there is no backup yet", "belum ada cadangan"));
    } else if (strcmp(kind, "disk") == 0) {
        char size[SAY_SIZE_MAX];
        say_size((uint64_t)number_of(alarm, "bytes"), size);
        (void)snprintf(ret, cap, tr("only %s of disk space left", "sisa ruang disk tinggal %s"),
                       size);
    } else {
        (void)snprintf(ret, cap, "%s%s%s", node, node[0] ? ": " : "", kind);
    }
}

static void print_alarms(FILE *out, const json_t *done, size_t width)
{
    const json_t *alarms = json_object_get(done, "alarms");
    size_t index, count = json_array_size(alarms);
    json_t *alarm;
    json_array_foreach(alarms, index, alarm) {
        char text[512];
        if (index == ALARMS_SHOWN)
            break;
        alarm_text(alarm, text, sizeof(text));
        screen_line(out, strcmp(text_of(alarm, "level"), "bad") == 0 ? PAINT_BAD : PAINT_WAIT,
                    width, "! %s", text);
    }
    if (count > ALARMS_SHOWN)
        screen_line(out, PAINT_WAIT, width,
                    tr("! and %zu more (tkskctl nodes)", "! dan %zu lagi (tkskctl nodes)"),
                    count - ALARMS_SHOWN);
}

/* --- status --------------------------------------------------------------------------------- */

/* "13, at 5 of 6 offices" */
static void label_version(struct table *table, const char *label, const json_t *done,
                          const char *version_key, const char *have_key)
{
    char version[SAY_NUMBER_MAX], have[SAY_NUMBER_MAX], nodes[SAY_NUMBER_MAX], text[128];
    say_number(number_of(done, version_key), version);
    say_number(number_of(done, have_key), have);
    say_number(number_of(done, "nodes"), nodes);
    (void)snprintf(text, sizeof(text),
                   tr("%s, at %s of %s offices", "%s, ada di %s dari %s kantor"), version, have,
                   nodes);
    table_label(table, label, text);
    if (number_of(done, have_key) < number_of(done, "nodes"))
        table_paint(table, 1, PAINT_WAIT);
}

static void label_backup(struct table *table, const json_t *done)
{
    const char *label = tr("last backup", "cadangan terakhir");
    char time_text[SAY_TIME_MAX];
    if (!maybe_text_of(done, "last_backup")) {
        table_label(table, label, tr("none", "belum ada"));
        table_paint(table, 1, PAINT_WAIT);
        return;
    }
    say_ago(text_of(done, "last_backup"), time_text);
    table_label(table, label, time_text);
}

static void hub_line(FILE *out, const json_t *done, size_t width)
{
    char linked[SAY_NUMBER_MAX], nodes[SAY_NUMBER_MAX], records[SAY_NUMBER_MAX];
    char backlog[SAY_NUMBER_MAX], decide[256] = "";
    const struct {
        const char *key, *one, *text;
    } waits[] = {
        { "waiting_enrolment", tr("enrolment", "pendaftaran"), tr("enrolments", "pendaftaran") },
        { "conflicts", tr("conflict", "isian berbeda"), tr("conflicts", "isian berbeda") },
        { "quarantined", tr("for review", "ditahan, diperiksa"),
          tr("for review", "ditahan, diperiksa") },
    };
    say_number(number_of(done, "nodes_linked"), linked);
    say_number(number_of(done, "nodes"), nodes);
    say_number(number_of(done, "records"), records);
    say_number(number_of(done, "backlog"), backlog);
    screen_line(out, PAINT_NONE, width,
                tr("%s of %s offices linked; %s records; %s entries still at the offices.",
                   "%s dari %s kantor tersambung; %s catatan; %s kiriman masih di kantor."),
                linked, nodes, records, backlog);
    for (size_t i = 0; i < COUNT_OF(waits); i++) {
        char number[SAY_NUMBER_MAX];
        size_t used = strlen(decide);
        if (number_of(done, waits[i].key) == 0)
            continue;
        say_number(number_of(done, waits[i].key), number);
        (void)snprintf(decide + used, sizeof(decide) - used, "%s%s %s", used ? ", " : "", number,
                       number_of(done, waits[i].key) == 1 ? waits[i].one : waits[i].text);
    }
    if (decide[0])
        screen_line(out, PAINT_WAIT, width, tr("To decide: %s.", "Perlu keputusan: %s."), decide);
}

static void hub_figures(FILE *out, const json_t *done, size_t width)
{
    struct table table;
    table_open(&table, 2, NULL);
    table_label(&table, tr("district", "kabupaten/kota"), maybe_text_of(done, "district"));
    screen_number(&table, say_state("accepted"), done, "accepted");
    screen_some(&table, say_state("superseded"), done, "superseded", PAINT_NONE);
    screen_some(&table, say_state("rejected"), done, "rejected", PAINT_NONE);
    screen_some(&table, say_state("held"), done, "held", PAINT_WAIT);
    screen_some(&table, say_state("quarantined"), done, "quarantined", PAINT_WAIT);
    screen_some(&table, tr("of these, waiting for an SK", "di antaranya menunggu SK"), done,
                "awaiting_term", PAINT_WAIT);
    screen_some(&table, say_state("parked"), done, "parked", PAINT_NONE);
    screen_some(&table, say_state("unreadable"), done, "unreadable", PAINT_WAIT);
    screen_number(&table, tr("journal", "jurnal"), done, "journal");
    screen_number(&table, tr("epoch", "zaman"), done, "epoch");
    label_version(&table, tr("roster version", "versi daftar petugas"), done, "trust_version",
                  "nodes_trust");
    label_version(&table, tr("policy version", "versi kebijakan"), done, "rules_version",
                  "nodes_rules");
    label_backup(&table, done);
    screen_size(&table, tr("free disk space", "sisa ruang disk"), done, "disk_free_bytes");
    (void)fputc('\n', out);
    table_print(&table, out, width);
    table_close(&table);
}

void screen_hub(FILE *out, const json_t *done, size_t width)
{
    say_now(maybe_text_of(done, "now"));
    if (number_of(done, "trust_version") == 0) {
        screen_line(out, PAINT_WAIT, width, "%s",
                    tr("This district is not founded yet.", "Kabupaten ini belum didirikan."));
    } else {
        bool halted = json_is_false(json_object_get(done, "merging"));
        if (halted)
            print_alarms(out, done, width);
        hub_line(out, done, width);
        if (!halted)
            print_alarms(out, done, width);
        hub_figures(out, done, width);
    }
    (void)fputc('\n', out);
    screen_next(out, done, width);
}

/* --- offices -------------------------------------------------------------------------------- */

static enum paint state_paint(const char *state)
{
    if (strcmp(state, "linked") == 0)
        return PAINT_GOOD;
    if (strcmp(state, "quarantined") == 0)
        return PAINT_BAD;
    return strcmp(state, "ended") == 0 ? PAINT_DIM : PAINT_WAIT;
}

static void office_row(struct table *table, const json_t *row)
{
    const json_t *operators = json_object_get(row, "operators");
    const char *state = text_of(row, "state");
    char heard[SAY_TIME_MAX], received[SAY_NUMBER_MAX], queued[SAY_NUMBER_MAX];
    char versions[48], people[SAY_NUMBER_MAX];
    bool known = number_of(row, "trust_version") > 0;
    say_ago(maybe_text_of(row, "heard"), heard);
    say_number(number_of(row, "received"), received);
    say_number(number_of(row, "queued"), queued);
    say_number(json_is_array(operators) ? (int64_t)json_array_size(operators)
                                        : json_integer_value(operators),
               people);
    (void)snprintf(versions, sizeof(versions), "%s/%s", text_of(row, "trust_version"),
                   text_of(row, "rules_version"));
    table_add(table, (const char *const[]){ text_of(row, "node"), say_state_short(state), heard,
                                            received, queued, known ? versions : "-", people });
    table_paint(table, 1, state_paint(state));
    /* A link that died in silence still counts as one: nothing heard for so long is a doubt. */
    if (number_of(row, "silent_s") > SILENT_DOUBT_S && strcmp(state, "ended") != 0)
        table_paint(table, 2, PAINT_WAIT);
    if (number_of(row, "queued") > 0)
        table_paint(table, 4, PAINT_WAIT);
    if (known && json_is_false(json_object_get(row, "policy_newest")))
        table_paint(table, 5, PAINT_WAIT);
}

void screen_offices(FILE *out, const json_t *rows, size_t width)
{
    const char *titles[] = { tr("office", "kantor"),   tr("state", "keadaan"),
                             tr("heard", "terdengar"), tr("entries", "kiriman"),
                             tr("queued", "antrean"),  tr("roster/policy", "daftar/aturan"),
                             tr("people", "petugas") };
    struct table table;
    size_t index;
    json_t *row;
    if (json_array_size(rows) == 0) {
        screen_line(out, PAINT_NONE, width, "%s",
                    tr("No office yet; invite one with `tkskctl node invite NODE`.",
                       "Belum ada kantor; undang dengan `tkskctl node invite KANTOR`."));
        return;
    }
    table_open(&table, COUNT_OF(titles), titles);
    for (size_t i = 3; i < COUNT_OF(titles); i++)
        table.right[i] = true;
    json_array_foreach(rows, index, row)
        office_row(&table, row);
    table_print(&table, out, width);
    table_close(&table);
}
