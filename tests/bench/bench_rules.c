/* What the rules of a policy cost the merge: the same bundles merged at two hubs, under the
 * reference policy and under the same without its rules, workflows, computed fields, narrowed
 * letters and dates of events, in interleaved rounds of one run. Prints changes a second of both
 * and their ratio: of processor time, since a disk that waits says nothing about rules. */
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

#include "proto/rules.h"
#include "proto/value.h"
#include "tests/gen/family.h"
#include "tests/support/hub_pusher.h"

#define POLICY "hub/policy"
#define AREA "36.04.29"
#define ROUNDS 16
#define TXNS_PER_COMMIT 4 /* as many as a turn of the driver commonly takes */
#define CHANGES CHANGES_PER_TRANSACTION_MAX
#define MEMBERS (TXNS_PER_COMMIT * CHANGES)

enum { WITH, WITHOUT, HUBS };
static struct fixture hubs[HUBS];

/* --- the policy without ---------------------------------------------------------------------- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Behind a comment, a quoted text, a word, or one other character. */
static const char *token_end(const char *at)
{
    if (*at == '#')
        return at + strcspn(at, "\n");
    if (*at == '\'' || *at == '"') {
        const char *end = strchr(at + 1, *at);
        assert_non_null(end);
        return end + 1;
    }
    if (!is_word(*at))
        return at + 1;
    while (is_word(*at))
        at++;
    return at;
}

/* Behind the section that `at` stands in front of. */
static const char *section_end(const char *at)
{
    unsigned depth = 0;
    for (bool inside = false; !inside || depth > 0; at = token_end(at)) {
        assert_int_not_equal(*at, '\0');
        depth += *at == '{' ? 1 : 0;
        depth -= *at == '}' ? 1 : 0;
        inside = inside || depth > 0;
    }
    return at;
}

/* Behind the value of the option that `at` stands in front of; NULL: it is none. */
static const char *option_end(const char *at)
{
    at += strspn(at, " ");
    if (*at != '=')
        return NULL;
    at++;
    return token_end(at + strspn(at, " "));
}

static bool is_one_of(const char *at, const char *end, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == (size_t)(end - at) && memcmp(words[i], at, strlen(words[i])) == 0)
            return true;
    return false;
}

static void write_without(const char *source, FILE *out)
{
    static const char *const sections[] = { "rule", "workflow" };
    static const char *const options[] = { "compute", "only", "append_only", "date_field" };
    for (const char *at = source; *at;) {
        const char *end = token_end(at);
        const char *cut = NULL;
        if (is_one_of(at, end, sections, COUNT_OF(sections)) && *end == ' ')
            cut = section_end(end);
        else if (is_one_of(at, end, options, COUNT_OF(options)))
            cut = option_end(end);
        if (!cut)
            assert_int_equal(fwrite(at, 1, (size_t)(end - at), out), (size_t)(end - at));
        at = cut ? cut : end;
    }
}

static char *read_whole(const char *path)
{
    char *text = NULL;
    size_t cap = 0;
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    assert_true(getdelim(&text, &cap, '\0', in) > 0);
    (void)fclose(in);
    return text;
}

/* A copy of the reference policy with less in it, in a directory of its own. */
static void copy_policy(char *directory)
{
    char from[512], to[512];
    struct dirent *entry;
    assert_non_null(mkdtemp(directory));
    DIR *files = opendir(POLICY);
    assert_non_null(files);
    while ((entry = readdir(files))) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || (strcmp(dot, ".conf") != 0 && strcmp(dot, ".csv") != 0))
            continue;
        (void)snprintf(from, sizeof(from), POLICY "/%s", entry->d_name);
        (void)snprintf(to, sizeof(to), "%s/%s", directory, entry->d_name);
        char *text = read_whole(from);
        FILE *out = fopen(to, "we");
        assert_non_null(out);
        if (strcmp(dot, ".conf") == 0)
            write_without(text, out);
        else
            (void)fputs(text, out);
        assert_int_equal(fclose(out), 0);
        free(text);
    }
    (void)closedir(files);
}

/* Whether its policy asks anything of any author beyond the fields and their authority. */
static bool asks(const struct fixture *f)
{
    const struct policy *policy = hub_store_policy(f->store);
    const struct author author = { .authority = policy->narrow };
    for (size_t i = 0; i < policy->collection_count; i++)
        if (rules_asked(policy, &policy->collections[i], &author))
            return true;
    return false;
}

static void open_hubs(void)
{
    char directory[] = "/tmp/tksk-bench-policy-XXXXXX", command[64];
    struct fixture_policy policy = { POLICY, "tksk", "verifikator" };
    fixture_open_policy(&hubs[WITH], &policy);
    copy_policy(directory);
    policy.directory = directory;
    fixture_open_policy(&hubs[WITHOUT], &policy);
    (void)snprintf(command, sizeof(command), "rm -r '%s'", directory);
    assert_int_equal(system(command), 0);
    assert_true(asks(&hubs[WITH]));
    assert_false(asks(&hubs[WITHOUT]));
}

/* --- households ------------------------------------------------------------------------------ */

/* Of every record that was made, for what refers to it and to see that it stands. */
struct made {
    const char *collection;
    struct id id;
};
static struct made made[ROUNDS * TXNS_PER_COMMIT * CHANGES];
static size_t made_count;

static struct value value_of(const struct policy_field *field, json_t *typed, const struct id *ids,
                             struct writer *out)
{
    struct problem problem = { .code = OK };
    const char *text = json_string_value(typed);
    size_t at = out->buf.len;
    if (!typed)
        return V_RAW(field->name, field->default_value);
    if (text[0] == '$')
        return V_ID(field->name, &ids[strtoul(text + 1, NULL, 10) - 1]);
    enum err err = value_from_text(hub_store_policy(hubs[WITH].store), field, "2026-05-28",
                                   bytes_text(text), out, &problem);
    if (err)
        fail_msg("%s = %s: %s %s", field->name, text, problem.thing, problem.detail);
    return V_RAW(field->name, bytes_of(out->buf.at + at, out->buf.len - at));
}

/* What is typed, and the defaults of what is not, as an office makes a create of it. */
static void add_create(struct draft *d, json_t *change, const struct id *ids, const struct id *id)
{
    static uint8_t space[CHANGE_BYTES_MAX];
    struct value values[FIELDS_PER_CHANGE_MAX];
    size_t count = 0;
    struct writer out = writer_of(space, sizeof(space));
    json_t *fields = json_object_get(change, "fields");
    const struct policy_collection *c =
        policy_collection(hub_store_policy(d->f->store),
                          bytes_text(json_string_value(json_object_get(change, "collection"))));
    assert_non_null(c);
    for (size_t i = 0; i < c->field_count; i++) {
        json_t *typed = json_object_get(fields, c->fields[i].name);
        if (typed || c->fields[i].default_value.at)
            values[count++] = value_of(&c->fields[i], typed, ids, &out);
    }
    draft_create(d, c->name, id, values, count);
    assert_true(made_count < COUNT_OF(made));
    made[made_count++] = (struct made){ .collection = c->name, .id = *id };
}

static void add_household(struct draft *d, json_t *changes)
{
    struct id ids[16];
    assert_true(json_array_size(changes) <= COUNT_OF(ids));
    for (size_t i = 0; i < json_array_size(changes); i++)
        ids[i] = fixture_id(d->f);
    for (size_t i = 0; i < json_array_size(changes); i++) {
        d->same_group = i > 0;
        add_create(d, json_array_get(changes, i), ids, &ids[i]);
    }
}

/* As many whole households as one transaction takes. */
static struct draft *households(struct people *people, uint64_t *number)
{
    struct draft *d = draft_new(&hubs[WITH], NODE_A, OPERATOR_A);
    for (bool full = false; !full;) {
        struct family family;
        bool refused;
        json_t *document = family_document(people, *number, &family, &refused);
        json_t *changes = json_object_get(document, "changes");
        assert_non_null(changes);
        full = d->txn.change_count + json_array_size(changes) > CHANGES;
        if (!full && !refused)
            add_household(d, changes);
        if (!full)
            ++*number;
        json_decref(document);
    }
    return d;
}

/* --- rounds ---------------------------------------------------------------------------------- */

struct measure {
    double rate[HUBS][ROUNDS]; /* changes a second of processor time */
    double ratio[ROUNDS];
    unsigned rounds;
};

/* The hub that goes first changes every round. */
static void merge_round(struct pusher *pusher, struct draft **drafts, unsigned count,
                        struct measure *measure)
{
    struct pushed pushed = pusher_bundle(pusher, drafts, count);
    unsigned round = measure->rounds++;
    for (unsigned i = 0; i < HUBS; i++) {
        unsigned hub = (round + i) % HUBS;
        measure->rate[hub][round] =
            pushed.changes / pusher_merge(pusher, &hubs[hub], &pushed).cpu_s;
    }
    measure->ratio[round] = measure->rate[WITH][round] / measure->rate[WITHOUT][round];
    free(pushed.bytes);
}

static double say(const char *what, struct measure *m)
{
    double ratio = bench_median(m->ratio, m->rounds);
    printf("rules: %s: %.0f changes/s of the processor under the reference policy, "
           "%.0f without its rules; ratio %.2f median, %.2f to %.2f in %u rounds",
           what, bench_median(m->rate[WITH], m->rounds), bench_median(m->rate[WITHOUT], m->rounds),
           ratio, m->ratio[0], m->ratio[m->rounds - 1], m->rounds);
    return ratio;
}

static void check_made(void)
{
    for (size_t i = 0; i < made_count; i++)
        for (unsigned k = 0; k < HUBS; k++)
            if (fixture_rev(&hubs[k], made[i].collection, &made[i].id) == 0)
                fail_msg("hub %u refused the %s %zu", k, made[i].collection, i);
}

static double measure_creates(struct pusher *office)
{
    static struct people people;
    static struct measure measure;
    uint64_t number = 0;
    assert_true(people_open(&people, 1, PROFILE_CLEAN, AREA, POLICY "/wilayah.csv"));
    for (unsigned r = 0; r < ROUNDS; r++) {
        struct draft *drafts[TXNS_PER_COMMIT];
        for (unsigned t = 0; t < TXNS_PER_COMMIT; t++)
            drafts[t] = households(&people, &number);
        merge_round(office, drafts, TXNS_PER_COMMIT, &measure);
    }
    people_close(&people);
    check_made();
    double ratio = say("households, creates", &measure);
    printf("; at least 0.80 wanted\n");
    return ratio;
}

/* --- states ---------------------------------------------------------------------------------- */

static const struct id *made_in(const char *collection, size_t *from)
{
    while (strcmp(made[*from].collection, collection) != 0)
        ++*from;
    assert_true(*from < made_count);
    return &made[(*from)++].id;
}

/* The district brings in who takes part in a programme; not measured. */
static void make_members(struct pusher *district, struct id *ids)
{
    static struct measure unheard;
    struct draft *drafts[TXNS_PER_COMMIT];
    size_t family = 0, person = 0;
    unheard.rounds = 0;
    for (unsigned i = 0; i < MEMBERS; i++) {
        if (i % CHANGES == 0)
            drafts[i / CHANGES] = draft_new(&hubs[WITH], NODE_D, OPERATOR_D);
        ids[i] = fixture_id(&hubs[WITH]);
        draft_create(
            drafts[i / CHANGES], "kpm", &ids[i],
            VALUES(V_TEXT("kode_kec", AREA), V_ID("keluarga", made_in("keluarga", &family)),
                   V_ID("pengurus", made_in("orang", &person)), V_TEXT("program", "sembako"),
                   V_TEXT("status_kepesertaan", "calon"), V_TEXT("status_rekening", "belum"),
                   V_TEXT("dasar_pemrosesan", "tugas_publik"), V_TEXT("status_rekaman", "aktif")));
    }
    merge_round(district, drafts, TXNS_PER_COMMIT, &unheard);
}

static void measure_moves(struct pusher *office, struct pusher *district)
{
    static const char *const states[] = { "registrasi_bank", "dibuka", "kartu_dicetak",
                                          "kartu_diterima",  "aktif",  "dorman" };
    static struct measure measure;
    static struct id ids[MEMBERS];
    const char *state = NULL;
    make_members(district, ids);
    for (unsigned r = 0; r < ROUNDS; r++) {
        struct draft *drafts[TXNS_PER_COMMIT];
        state = states[r < COUNT_OF(states) ? r : 4 + r % 2];
        for (unsigned i = 0; i < MEMBERS; i++) {
            if (i % CHANGES == 0)
                drafts[i / CHANGES] = draft_new(&hubs[WITH], NODE_A, OPERATOR_A);
            uint64_t rev = fixture_rev(&hubs[WITH], "kpm", &ids[i]);
            draft_update(drafts[i / CHANGES], "kpm", &ids[i], base_rev(rev),
                         VALUES(V_TEXT("status_rekening", state)));
        }
        merge_round(office, drafts, TXNS_PER_COMMIT, &measure);
    }
    for (unsigned i = 0; i < MEMBERS * HUBS; i++)
        assert_string_equal(fixture_text(&hubs[i % HUBS], "kpm", &ids[i / HUBS], "status_rekening"),
                            state);
    (void)say("moves of a state, updates", &measure);
    printf("\n");
}

static void the_merge_keeps_most_of_its_speed_under_rules(void **state)
{
    (void)state;
    struct pusher office, district;
    open_hubs();
    pusher_open(&office, &hubs[WITH], NODE_A);
    pusher_open(&district, &hubs[WITH], NODE_D);
    double ratio = measure_creates(&office);
    measure_moves(&office, &district);
    pusher_close(&office);
    pusher_close(&district);
    for (unsigned i = 0; i < HUBS; i++)
        fixture_close(&hubs[i]);
    assert_true(ratio >= 0.8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_merge_keeps_most_of_its_speed_under_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL); /* it says what failed */
}
