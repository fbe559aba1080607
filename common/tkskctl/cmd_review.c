/* Work that the hub keeps until a person decides: the list, what exactly would be merged, and the
 * decision. */
#include <inttypes.h>
#include <stdlib.h>

#include "common/tkskctl/ask.h"
#include "common/tkskctl/roster.h"
#include "common/tkskctl/table.h"

#define RELEASE_LEAVES_MAX 400 /* of one statement */
#define LEAF_TEXT_SHOWN 12

static_assert(RELEASE_LEAVES_MAX * (HASH_BYTES + 2) + 2048 <= TRUST_STATEMENT_BYTES_MAX,
              "a batch of decisions fits a statement");

/* --- the list -------------------------------------------------------------------------------- */

/* "Siti (36.04.29, 3)" */
static void author_text(const json_t *row, char *ret, size_t cap)
{
    const char *name = maybe_text_of(row, "operator_name");
    (void)snprintf(ret, cap, "%s%s%s, %s%s", name ? name : "", name ? " (" : "",
                   text_of(row, "node"), text_of(row, "operator"), name ? ")" : "");
}

/* "Siti Aminah, 3604••••••••0017 +2": what lists show of its first change, and how many follow. */
static void summary_text(const json_t *row, char *ret, size_t cap)
{
    json_t *summary = json_object_get(row, "summary"), *value;
    const char *name;
    ret[0] = '\0';
    json_object_foreach(summary, name, value) {
        size_t used = strlen(ret);
        (void)snprintf(ret + used, cap - used, "%s%s", used ? ", " : "", json_string_value(value));
    }
    int64_t more = number_of(row, "changes") - 1;
    size_t used = strlen(ret);
    if (more > 0)
        (void)snprintf(ret + used, cap - used, "%s+%" PRId64, used ? " " : "", more);
}

static void why_text(const json_t *row, char *ret, size_t cap)
{
    const char *why = maybe_text_of(row, "reason_text"), *doubt = maybe_text_of(row, "doubt");
    const char *waits = say_waits_for(maybe_text_of(row, "reason"));
    if (!why)
        why = text_of(row, "reason");
    (void)snprintf(ret, cap, "%s%s%s%s%s", waits ? waits : "", waits ? ": " : "", why,
                   doubt ? "; " : "", doubt ? doubt : "");
}

static void print_rows(const json_t *rows)
{
    const char *titles[] = { tr("leaf", "leaf"),   tr("no", "no"),          tr("kind", "jenis"),
                             tr("what", "isinya"), tr("author", "penulis"), tr("since", "sejak"),
                             tr("why", "sebab") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    table.wraps = (int)COUNT_OF(titles) - 1;
    table.drops_empty = true;
    json_array_foreach(rows, index, row) {
        char leaf[LEAF_TEXT_SHOWN + 1], author[192], what[256], why[700], since[SAY_TIME_MAX];
        const char *title = maybe_text_of(row, "title");
        (void)snprintf(leaf, sizeof(leaf), "%.*s", LEAF_TEXT_SHOWN, text_of(row, "leaf"));
        author_text(row, author, sizeof(author));
        summary_text(row, what, sizeof(what));
        why_text(row, why, sizeof(why));
        say_ago(maybe_text_of(row, "since"), since);
        table_add(&table, (const char *const[]){ leaf, text_of(row, "short"),
                                                 title ? title : text_of(row, "collection"), what,
                                                 author, since, why });
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

enum exit_code cmd_review_list(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "review", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, answer.rows);
    } else if (json_array_size(answer.rows) == 0) {
        (void)puts(tr("Nothing waits for review.", "Tidak ada yang ditahan."));
    } else {
        print_rows(answer.rows);
        text_wrap(stdout,
                  tr("See one whole with `tkskctl review show LEAF`; take or refuse with `tkskctl "
                     "review accept LEAF…`, `tkskctl review refuse LEAF…`. What waits for a "
                     "renewal goes on by itself with `tkskctl operator renew`.",
                     "Lihat selengkapnya dengan `tkskctl review show LEAF`; terima atau tolak "
                     "dengan `tkskctl review accept LEAF…`, `tkskctl review refuse LEAF…`. Yang "
                     "menunggu SK dilepas sendiri oleh `tkskctl operator renew`."),
                  2, terminal_width(stdout));
    }
    answer_close(&answer);
    return code;
}

/* --- which is meant -------------------------------------------------------------------------- */

struct release {
    bool accept;
    size_t count, cap, first, part; /* all of them; those of the statement being written */
    struct hash *leaves;
};

static enum err add_leaf(struct release *release, const json_t *row)
{
    struct hash leaf;
    if (!hex_of(row, "leaf", leaf.at, HASH_BYTES))
        return ERR_MALFORMED;
    for (size_t i = 0; i < release->count; i++) {
        if (hash_equal(&release->leaves[i], &leaf))
            return OK;
    }
    if (release->count == release->cap) {
        release->cap = release->cap ? 2 * release->cap : 64;
        release->leaves =
            ctl_memory(realloc(release->leaves, release->cap * sizeof(*release->leaves)));
    }
    release->leaves[release->count++] = leaf;
    return OK;
}

/* A word names work by the beginning of its leaf, by a short number, or "all". Several changes of
 * one transaction are one leaf. */
static enum exit_code find_leaves(struct ctl *ctl, const json_t *rows, const char *word,
                                  struct release *release)
{
    size_t index, found = 0;
    json_t *row;
    const char *first = NULL;
    bool all = strcmp(word, "all") == 0 || strcmp(word, "semua") == 0;
    json_array_foreach(rows, index, row) {
        const char *leaf = text_of(row, "leaf");
        bool hit = all || strcmp(text_of(row, "short"), word) == 0 ||
                   (strlen(word) >= 6 && strncmp(leaf, word, strlen(word)) == 0);
        if (!hit)
            continue;
        if (!all && first && strcmp(first, leaf) != 0)
            return ctl_problemf(ctl, ERR_AMBIGUOUS, word, "%s", "leaf");
        first = leaf;
        found++;
        enum err err = add_leaf(release, row);
        if (err != OK)
            return ctl_problemf(ctl, err, word, "%s", "leaf");
    }
    if (found == 0)
        return ctl_problemf(ctl, ERR_NOT_FOUND, word, "%s",
                            tr("`tkskctl review list` shows what waits",
                               "`tkskctl review list` menampilkan yang ditahan"));
    return EXIT_DONE;
}

/* Everything of one author, who is named by number. */
static enum exit_code find_author(struct ctl *ctl, const json_t *rows, const char *number,
                                  struct release *release)
{
    size_t index;
    json_t *row;
    enum err err = OK;
    json_array_foreach(rows, index, row) {
        if (strcmp(text_of(row, "operator"), number) == 0 && err == OK)
            err = add_leaf(release, row);
    }
    if (err != OK)
        return ctl_problemf(ctl, err, "--author", "%s", "leaf");
    return release->count > 0
               ? EXIT_DONE
               : ctl_problemf(ctl, ERR_NOT_FOUND, "--author", "%s: %s", number,
                              tr("nothing of this number waits", "tidak ada yang ditahan"));
}

/* --- one, whole ------------------------------------------------------------------------------ */

static void print_change(const json_t *change)
{
    const char *title = maybe_text_of(change, "title");
    struct table table;
    size_t index;
    json_t *field;
    (void)fputc('\n', stdout);
    text_print(stdout, title ? title : text_of(change, "collection"));
    (void)printf(" %s: %s\n", text_of(change, "short"), say_state(maybe_text_of(change, "op")));
    table_open(&table, 3, NULL);
    table.wraps = 1;
    table.drops_empty = true;
    json_array_foreach(json_object_get(change, "fields"), index, field) {
        char now[256] = "";
        const char *label = maybe_text_of(field, "label"), *value = maybe_text_of(field, "value");
        if (!value)
            value = truth_of(field, "empties") ? tr("(emptied)", "(dikosongkan)")
                                               : tr("(restricted)", "(terbatas)");
        if (maybe_text_of(field, "now"))
            (void)snprintf(now, sizeof(now), tr("now: %s", "sekarang: %s"), text_of(field, "now"));
        table_add(&table,
                  (const char *const[]){ label ? label : text_of(field, "name"), value, now });
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

static void print_whole(const json_t *done)
{
    struct table table;
    char author[192], why[700], claimed[SAY_TIME_MAX], since[SAY_TIME_MAX];
    size_t index;
    json_t *change;
    author_text(done, author, sizeof(author));
    why_text(done, why, sizeof(why));
    say_time(maybe_text_of(done, "claimed"), claimed);
    say_time(maybe_text_of(done, "since"), since);
    table_open(&table, 2, NULL);
    table_label(&table, tr("leaf", "leaf"), maybe_text_of(done, "leaf"));
    table_label(&table, tr("author", "penulis"), author);
    table_label(&table, tr("entered", "diisi"), claimed);
    table_label(&table, tr("kept since", "ditahan sejak"), since);
    table_label(&table, tr("why", "sebab"), why);
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
    json_array_foreach(json_object_get(done, "changes"), index, change)
        print_change(change);
}

enum exit_code cmd_review_show(struct ctl *ctl)
{
    struct answer answer, whole;
    struct release release = { .accept = false };
    char leaf[2 * HASH_BYTES + 1] = "";
    enum exit_code code = ctl_ask(ctl, "review", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    code = find_leaves(ctl, answer.rows, ctl->args.words[0], &release);
    answer_close(&answer);
    if (code == EXIT_DONE && release.count > 1)
        code = ctl_problemf(ctl, ERR_AMBIGUOUS, ctl->args.words[0], "%s", "leaf");
    if (code == EXIT_DONE)
        crypto_hex(bytes_hash(&release.leaves[0]), leaf);
    free(release.leaves);
    if (code == EXIT_DONE)
        code = ctl_ask(ctl, "review_show", ctl_memory(json_pack("{s:s}", "leaf", leaf)), &whole);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, whole.done, NULL);
    else
        print_whole(whole.done);
    answer_close(&whole);
    return code;
}

/* --- the decision ---------------------------------------------------------------------------- */

static enum exit_code write_release(struct ctl *ctl, void *ctx,
                                    const struct trust_position *position, struct writer *out)
{
    const struct release *release = ctx;
    (void)ctl;
    (void)position;
    writer_array(out, 1);
    trust_op_release(out, release->accept, release->leaves + release->first, release->part);
    return EXIT_DONE;
}

static enum exit_code sign_release(struct ctl *ctl, struct release *release, uint64_t *ret_version)
{
    struct secret_key *key = NULL;
    enum exit_code code = EXIT_DONE;
    for (release->first = 0; release->first < release->count && code == EXIT_DONE;
         release->first += release->part) {
        size_t left = release->count - release->first;
        release->part = left < RELEASE_LEAVES_MAX ? left : RELEASE_LEAVES_MAX;
        code = trust_sign_publish_with(ctl, &key, write_release, release, ret_version);
    }
    secret_key_close(&key);
    return code;
}

static bool ask_release(struct ctl *ctl, const struct release *release, const char *number)
{
    char question[160];
    (void)snprintf(
        question, sizeof(question),
        release->accept
            ? tr("Take all %zu entries of number %.12s?", "Terima semua %zu kiriman nomor %.12s?")
            : tr("Refuse all %zu entries of number %.12s?", "Tolak semua %zu kiriman nomor %.12s?"),
        release->count, number);
    return ask_yes(ctl, question);
}

static enum exit_code review(struct ctl *ctl, bool accept)
{
    const char *author = args_option(&ctl->args, "--author");
    struct release release = { .accept = accept };
    struct answer answer;
    uint64_t version = 0;
    if ((ctl->args.count > 0) == (author != NULL))
        return ctl_problemf(
            ctl, ERR_USAGE, ctl->args.command->name, "%s",
            tr("say LEAF…, or --author NUMBER", "sebut LEAF…, atau --author NOMOR"));
    enum exit_code code = ctl_ask(ctl, "review", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    if (author)
        code = find_author(ctl, answer.rows, author, &release);
    for (size_t i = 0; i < ctl->args.count && code == EXIT_DONE; i++)
        code = find_leaves(ctl, answer.rows, ctl->args.words[i], &release);
    answer_close(&answer);
    if (code == EXIT_DONE && author && !ask_release(ctl, &release, author))
        code = EXIT_REFUSED;
    if (code == EXIT_DONE)
        code = sign_release(ctl, &release, &version);
    free(release.leaves);
    return say_published(ctl, code, version,
                         accept ? tr("Taken.", "Diterima.") : tr("Refused.", "Ditolak."));
}

enum exit_code cmd_review_accept(struct ctl *ctl)
{
    return review(ctl, true);
}

enum exit_code cmd_review_refuse(struct ctl *ctl)
{
    return review(ctl, false);
}
