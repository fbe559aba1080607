/* people --seed N --count N --area 36.04.29 [--profile clean|register|every] [--areas FILE]
 *        --collection orang          CSV on standard output
 *        --out-dir DIR               orang.csv, keluarga-NNN.json (for `apply`), and what each
 * holds: orang.truth.csv, keluarga.truth.csv */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/gen/family.h"

#define FAMILIES_MAX 200

static void put_cell(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\n")) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            (void)fputc('"', out);
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

static void put_row(FILE *out, const char *const *cells)
{
    for (size_t i = 0; i < PERSON_COLUMNS; i++) {
        if (i > 0)
            (void)fputc(',', out);
        put_cell(out, cells[i]);
    }
    (void)fputc('\n', out);
}

/* `truth` may be NULL. */
static void write_people(struct people *people, uint64_t count, FILE *out, FILE *truth)
{
    put_row(out, person_columns);
    if (truth)
        (void)fputs("baris,cacat,putusan\n", truth);
    for (uint64_t i = 0; i < count; i++) {
        struct person person;
        const char *cells[PERSON_COLUMNS];
        people_person(people, i, &person);
        person_cells(&person, cells);
        put_row(out, cells);
        if (truth)
            (void)fprintf(truth, "%" PRIu64 ",%s,%s\n", i + 2, defect_name(person.defect),
                          defect_refused(person.defect) ? "ditolak" : "diterima");
    }
}

/* --- families ------------------------------------------------------------------------------- */

static FILE *open_in(const char *directory, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *out = fopen(path, "we");
    if (!out)
        perror(path);
    return out;
}

static bool write_families(struct people *people, uint64_t count, const char *directory)
{
    FILE *truth = open_in(directory, "keluarga.truth.csv");
    if (!truth)
        return false;
    (void)fputs("berkas,cacat,putusan\n", truth);
    for (uint64_t i = 0; i < count; i++) {
        struct family family;
        bool refused;
        char name[64];
        json_t *document = family_document(people, i, &family, &refused);
        (void)snprintf(name, sizeof(name), "keluarga-%03" PRIu64 ".json", i + 1);
        FILE *out = document ? open_in(directory, name) : NULL;
        if (!out || json_dumpf(document, out, JSON_INDENT(1)) != 0 || fclose(out) != 0) {
            (void)fclose(truth);
            return false;
        }
        json_decref(document);
        (void)fprintf(truth, "%s,%s,%s\n", name, defect_name(family.defect),
                      refused ? "ditolak" : "diterima");
    }
    return fclose(truth) == 0;
}

static bool write_directory(struct people *people, uint64_t count, const char *directory)
{
    uint64_t families = count / 25 + 1;
    (void)mkdir(directory, 0755);
    FILE *out = open_in(directory, "orang.csv");
    FILE *truth = out ? open_in(directory, "orang.truth.csv") : NULL;
    if (!truth)
        return false;
    write_people(people, count, out, truth);
    bool good = fclose(out) == 0;
    good = fclose(truth) == 0 && good;
    return good &&
           write_families(people, families < FAMILIES_MAX ? families : FAMILIES_MAX, directory);
}

/* --- command line --------------------------------------------------------------------------- */

static int usage(const char *what)
{
    (void)fprintf(stderr,
                  "people: %s\n"
                  "usage: people --seed N --count N --area CODE [--profile clean|register|every]\n"
                  "              [--areas FILE] --collection orang | --out-dir DIR\n",
                  what);
    return 2;
}

int main(int argc, char **argv)
{
    static const char *const profiles[] = { "clean", "register", "every" };
    const char *seed = "1", *count = NULL, *area = NULL, *profile = "register", *directory = NULL;
    const char *collection = NULL, *areas = "hub/policy/wilayah.csv";
    const struct {
        const char *name;
        const char **value;
    } options[] = { { "--seed", &seed },
                    { "--count", &count },
                    { "--area", &area },
                    { "--profile", &profile },
                    { "--areas", &areas },
                    { "--out-dir", &directory },
                    { "--collection", &collection } };
    for (int i = 1; i < argc; i += 2) {
        size_t o = 0;
        while (o < sizeof(options) / sizeof(options[0]) && strcmp(argv[i], options[o].name) != 0)
            o++;
        if (o == sizeof(options) / sizeof(options[0]) || i + 1 >= argc)
            return usage(argv[i]);
        *options[o].value = argv[i + 1];
    }
    size_t p = 0;
    while (p < 3 && strcmp(profile, profiles[p]) != 0)
        p++;
    if (!count || !area || p == 3 || !directory == !collection)
        return usage("options");
    if (collection && strcmp(collection, "orang") != 0)
        return usage("--collection orang; families come with --out-dir");
    struct people people;
    if (!people_open(&people, strtoull(seed, NULL, 10), (enum profile)p, area, areas)) {
        (void)fprintf(stderr, "people: %s has no villages of %s\n", areas, area);
        return 1;
    }
    bool good = true;
    if (directory)
        good = write_directory(&people, strtoull(count, NULL, 10), directory);
    else
        write_people(&people, strtoull(count, NULL, 10), stdout, NULL);
    people_close(&people);
    return good && fflush(stdout) == 0 ? 0 : 1;
}
