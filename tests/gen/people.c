#include "tests/gen/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gen/names.h"

/* Ages are counted at this day, so that a seed means the same people for ever. */
#define TODAY_YEAR 2026

/* Shares in millionths. National register: BPK on DTKS 2020; of 97.38 million rows 10,922,479 bad
 * NIK, 16,373,682 bad KK, 86,465 doubles, 5,702 blank names. */
static const struct rates {
    uint64_t bad_nik, bad_kk, doubles, blank_names, date_range;
} rates[] = {
    [PROFILE_CLEAN] = { 10000, 20000, 200, 0, 0 },
    [PROFILE_REGISTER] = { 112000, 168000, 900, 59, 100 },
    [PROFILE_EVERY] = { 500000, 500000, 0, 0, 0 },
};

enum stream {
    STREAM_DEFECT,
    STREAM_KIND,
    STREAM_SEX,
    STREAM_AGE,
    STREAM_DAY,
    STREAM_PREFIX,
    STREAM_PLACE,
    STREAM_SERIAL,
    STREAM_FIRST,
    STREAM_SECOND,
    STREAM_ODD,
    STREAM_VILLAGE,
    STREAM_MOTHER,
    STREAM_FORM,
    STREAM_DISABILITY,
    STREAM_TWIN,
    STREAM_STREET,
    STREAM_RT,
    STREAM_KK_DEFECT,
    STREAM_KK_DAY,
    STREAM_MEMBERS
};

const char *defect_name(enum defect defect)
{
    static const char *const names[] = {
#define X(code, name, refused) [code] = name,
        DEFECTS(X)
#undef X
    };
    return names[defect];
}

bool defect_refused(enum defect defect)
{
    static const bool table[] = {
#define X(code, name, refused) [code] = refused,
        DEFECTS(X)
#undef X
    };
    return table[defect];
}

/* splitmix64 (Steele, Lea, Flood 2014) as a hash of its input. */
static uint64_t mix(uint64_t at)
{
    at += 0x9e3779b97f4a7c15U;
    at = (at ^ (at >> 30)) * 0xbf58476d1ce4e5b9U;
    at = (at ^ (at >> 27)) * 0x94d049bb133111ebU;
    return at ^ (at >> 31);
}

uint64_t people_draw(const struct people *people, uint64_t stream, uint64_t number, uint64_t bound)
{
    uint64_t area = 0;
    for (const char *at = people->area; *at; at++)
        area = area * 31 + (unsigned char)*at;
    return mix(mix(mix(people->seed) ^ area) ^ mix(stream << 40 ^ number)) % bound;
}

/* --- areas ---------------------------------------------------------------------------------- */

static bool read_areas(const char *path, struct areas *ret_areas)
{
    char line[256];
    size_t cap = 4096;
    FILE *in = fopen(path, "re");
    struct areas areas = { .list = in ? malloc(cap * sizeof(*areas.list)) : NULL };
    if (!areas.list) {
        if (in)
            (void)fclose(in);
        return false;
    }
    while (fgets(line, sizeof(line), in)) {
        char *comma = strchr(line, ',');
        line[strcspn(line, "\r\n")] = '\0';
        if (!comma || line[0] < '0' || line[0] > '9')
            continue;
        if (areas.count == cap) {
            struct area *list = realloc(areas.list, 2 * cap * sizeof(*list));
            if (!list)
                break;
            areas.list = list;
            cap *= 2;
        }
        *comma = '\0';
        char *name = comma + 1;
        size_t len = strlen(name);
        if (len > 1 && name[0] == '"' && name[len - 1] == '"') {
            name[len - 1] = '\0';
            name++;
        }
        struct area *area = &areas.list[areas.count++];
        (void)snprintf(area->code, sizeof(area->code), "%.15s", line);
        (void)snprintf(area->name, sizeof(area->name), "%.63s", name);
    }
    (void)fclose(in);
    *ret_areas = areas;
    return true;
}

static unsigned level(const char *code)
{
    unsigned parts = 1;
    for (; *code; code++)
        parts += *code == '.' ? 1 : 0;
    return parts;
}

static bool inside(const char *code, const char *area)
{
    size_t len = strlen(area);
    return strncmp(code, area, len) == 0 && code[len] == '.';
}

/* The nth area of a level inside `within` ("" = anywhere); NULL when there is none. */
static const struct area *pick_area(const struct people *people, const char *within,
                                    unsigned wanted, uint64_t draw)
{
    uint64_t count = 0;
    for (size_t i = 0; i < people->areas.count; i++) {
        const struct area *area = &people->areas.list[i];
        count += level(area->code) == wanted && (!within[0] || inside(area->code, within)) ? 1 : 0;
    }
    if (count == 0)
        return NULL;
    draw %= count;
    for (size_t i = 0; i < people->areas.count; i++) {
        const struct area *area = &people->areas.list[i];
        bool fits = level(area->code) == wanted && (!within[0] || inside(area->code, within));
        if (fits && draw-- == 0)
            return area;
    }
    return NULL;
}

bool people_open(struct people *ret_people, uint64_t seed, enum profile profile, const char *area,
                 const char *path)
{
    struct people people = { .seed = seed, .profile = profile };
    if (level(area) != 3 || strlen(area) >= sizeof(people.area) || !read_areas(path, &people.areas))
        return false;
    (void)snprintf(people.area, sizeof(people.area), "%s", area);
    if (!pick_area(&people, area, 4, 0)) {
        free(people.areas.list);
        return false;
    }
    *ret_people = people;
    return true;
}

void people_close(struct people *people)
{
    free(people->areas.list);
    free(people->used);
    *people = (struct people){ 0 };
}

/* --- numbers -------------------------------------------------------------------------------- */

/* Takes `number` unless it was given out before: an open table that doubles. */
static bool take_number(struct people *people, uint64_t number)
{
    if (people->used_count * 2 >= people->used_cap) {
        size_t cap = people->used_cap ? people->used_cap * 2 : 4096;
        struct people grown = { .used = calloc(cap, sizeof(uint64_t)), .used_cap = cap };
        if (!grown.used)
            abort();
        for (size_t i = 0; i < people->used_cap; i++) {
            if (people->used[i])
                (void)take_number(&grown, people->used[i]);
        }
        free(people->used);
        people->used = grown.used;
        people->used_cap = cap;
    }
    size_t at = (size_t)(mix(number) % people->used_cap);
    while (people->used[at] && people->used[at] != number)
        at = (at + 1) % people->used_cap;
    if (people->used[at] == number)
        return false;
    people->used[at] = number;
    people->used_count++;
    return true;
}

static void digits_of(const char *code, char ret[8])
{
    size_t len = 0;
    for (; *code && len < 6; code++) {
        if (*code != '.')
            ret[len++] = *code;
    }
    while (len < 6)
        ret[len++] = '0';
    ret[len] = '\0';
}

/* Where somebody was first registered: 90 % here, 7 % in the district, 2 % elsewhere, 1 % under a
 * code that the district no longer has. */
static void prefix(const struct people *people, uint64_t number, char ret[8])
{
    static const char *const obsolete[] = { "01", "02", "03", "04", "10", "21" };
    uint64_t share = people_draw(people, STREAM_PREFIX, number, 100);
    uint64_t draw = people_draw(people, STREAM_PLACE, number, 1U << 30);
    const struct area *area = NULL;
    char district[8];
    (void)snprintf(district, sizeof(district), "%.5s", people->area);
    if (share >= 90 && share < 97)
        area = pick_area(people, district, 3, draw);
    else if (share >= 97 && share < 99)
        area = pick_area(people, "", 3, draw);
    digits_of(area ? area->code : people->area, ret);
    if (share == 99)
        (void)memcpy(ret + 4, obsolete[draw % 6], 2);
}

/* prefix, ddmmyy, a serial from 0001 that is free. */
static void make_number(struct people *people, const char *place, unsigned day, unsigned month,
                        unsigned year, char ret[NUMBER_TEXT_MAX])
{
    char number[NUMBER_TEXT_MAX];
    for (unsigned serial = 1; serial < 10000; serial++) {
        (void)snprintf(number, sizeof(number), "%.6s%02u%02u%02u%04u", place, day % 100,
                       month % 100, year % 100, serial);
        if (take_number(people, strtoull(number, NULL, 10)))
            break;
    }
    (void)memcpy(ret, number, sizeof(number));
}

/* What forms and spreadsheets make of a 16-digit number. */
static void damage(char number[NUMBER_TEXT_MAX], enum defect defect)
{
    char exponent[NUMBER_TEXT_MAX];
    switch (defect) {
    case DEFECT_NIK_BLANK:
    case DEFECT_KK_BLANK:
        number[0] = '\0';
        break;
    case DEFECT_NIK_15:
    case DEFECT_KK_15:
        number[15] = '\0';
        break;
    case DEFECT_NIK_17:
    case DEFECT_KK_17:
        (void)memcpy(number + 16, "0", 2);
        break;
    case DEFECT_NIK_ZERO:
    case DEFECT_KK_ZERO:
        (void)memset(number, '0', 16);
        break;
    case DEFECT_NIK_LAST_0:
        number[15] = '0';
        break;
    case DEFECT_NIK_EXPONENT:
    case DEFECT_KK_EXPONENT:
        (void)snprintf(exponent, sizeof(exponent), "%c.%.5sE+15", number[0], number + 1);
        (void)memcpy(number, exponent, sizeof(exponent));
        break;
    case DEFECT_NONE:
    case DEFECT_NIK_DATE:
    case DEFECT_NIK_SEX:
    case DEFECT_NIK_SHARED:
    case DEFECT_PERSON_TWICE:
    case DEFECT_NAME_BLANK:
    case DEFECT_DATE_RANGE:
    case DEFECT_COUNT:
        break;
    }
}

/* --- people --------------------------------------------------------------------------------- */

static enum defect person_defect(const struct people *people, uint64_t number)
{
    const struct rates *rate = &rates[people->profile];
    uint64_t draw = people_draw(people, STREAM_DEFECT, number, 1000000);
    uint64_t kind = people_draw(people, STREAM_KIND, number, 8);
    if (people->profile == PROFILE_EVERY)
        return number % 2 ? (enum defect)(DEFECT_NIK_BLANK + number / 2 % 12) : DEFECT_NONE;
    if (draw < rate->bad_nik)
        return (enum defect)(DEFECT_NIK_BLANK + kind);
    draw -= rate->bad_nik;
    if (draw < rate->doubles)
        return number == 0 ? DEFECT_NONE : kind % 2 ? DEFECT_NIK_SHARED : DEFECT_PERSON_TWICE;
    draw -= rate->doubles;
    if (draw < rate->blank_names)
        return DEFECT_NAME_BLANK;
    draw -= rate->blank_names;
    return draw < rate->date_range ? DEFECT_DATE_RANGE : DEFECT_NONE;
}

static void person_name(const struct people *people, uint64_t number, uint64_t stream, bool woman,
                        char *ret, size_t cap)
{
    uint64_t first = people_draw(people, stream, number, 1U << 30);
    uint64_t second = people_draw(people, stream, ~number, 1U << 30);
    const char *given =
        woman ? names_women[first % names_women_count] : names_men[first % names_men_count];
    if (people_draw(people, STREAM_ODD, number ^ stream << 32, 100) == 0)
        (void)snprintf(ret, cap, "%s", names_odd[first % names_odd_count]);
    else if (second % 5 == 0)
        (void)snprintf(ret, cap, "%s", given);
    else
        (void)snprintf(ret, cap, "%s %s", given, names_second[second / 5 % names_second_count]);
}

/* Dates as people type them: mostly ISO, some with slashes or dashes. */
static void person_birth(const struct people *people, uint64_t number, unsigned year,
                         unsigned month, unsigned day, char *ret, size_t cap)
{
    uint64_t form = people_draw(people, STREAM_FORM, number, 100);
    if (form < 85)
        (void)snprintf(ret, cap, "%04u-%02u-%02u", year, month, day);
    else
        (void)snprintf(ret, cap, form < 95 ? "%02u/%02u/%04u" : "%02u-%02u-%04u", day, month, year);
}

static void make_person(struct people *people, uint64_t number, enum defect defect,
                        struct person *ret)
{
    static const char *const disabilities[] = { "fisik", "intelektual", "mental", "sensorik",
                                                "ganda" };
    struct person person = { .defect = defect, .disability = "" };
    char place[8];
    /* The sum of two draws makes few very old and few very young. */
    unsigned age = (unsigned)(people_draw(people, STREAM_AGE, number, 46) +
                              people_draw(people, STREAM_AGE, ~number, 46));
    unsigned year = TODAY_YEAR - 1 - age;
    unsigned month = 1 + (unsigned)people_draw(people, STREAM_DAY, number, 12);
    unsigned day = 1 + (unsigned)people_draw(people, STREAM_DAY, ~number, 28);
    const struct area *village =
        pick_area(people, people->area, 4, people_draw(people, STREAM_VILLAGE, number, 1U << 30));
    const struct area *birthplace =
        pick_area(people, "", 3, people_draw(people, STREAM_VILLAGE, ~number, 1U << 30));
    person.woman = people_draw(people, STREAM_SEX, number, 2) == 0;
    person.age = (int)age;
    (void)snprintf(person.area, sizeof(person.area), "%s", people->area);
    (void)snprintf(person.village, sizeof(person.village), "%s", village->code);
    (void)snprintf(person.birthplace, sizeof(person.birthplace), "%.60s", birthplace->name);
    person_name(people, number, STREAM_FIRST, person.woman, person.name, sizeof(person.name));
    person_name(people, number, STREAM_MOTHER, true, person.mother, sizeof(person.mother));
    person_birth(people, number, year, month, day, person.birth, sizeof(person.birth));
    prefix(people, number, place);
    bool coded_woman = person.woman != (defect == DEFECT_NIK_SEX);
    unsigned coded_year = defect == DEFECT_NIK_DATE ? year + 1 : year;
    make_number(people, place, day + (coded_woman ? 40 : 0), month, coded_year, person.nik);
    if (people_draw(people, STREAM_DISABILITY, number, 50) == 0)
        person.disability = disabilities[people_draw(people, STREAM_DISABILITY, ~number, 5)];
    *ret = person;
}

void people_person(struct people *people, uint64_t number, struct person *ret_person)
{
    enum defect defect = person_defect(people, number);
    struct person person;
    bool double_of = defect == DEFECT_NIK_SHARED || defect == DEFECT_PERSON_TWICE;
    make_person(people, number, defect, &person);
    if (double_of && number > 0) {
        /* Another one before: made again, with numbers of its own that nobody else gets. */
        struct person other;
        uint64_t twin = people_draw(people, STREAM_TWIN, number, number);
        struct people fresh = *people;
        fresh.used = NULL;
        fresh.used_cap = fresh.used_count = 0;
        make_person(&fresh, twin, person_defect(people, twin), &other);
        free(fresh.used);
        char own_nik[NUMBER_TEXT_MAX];
        (void)memcpy(own_nik, person.nik, sizeof(own_nik));
        if (defect == DEFECT_NIK_SHARED) {
            (void)memcpy(person.nik, other.nik, sizeof(own_nik));
        } else {
            person = other;
            person.defect = defect;
            (void)memcpy(person.nik, own_nik, sizeof(own_nik));
        }
    }
    damage(person.nik, defect);
    if (defect == DEFECT_NAME_BLANK)
        person.name[0] = '\0';
    if (defect == DEFECT_DATE_RANGE)
        (void)snprintf(person.birth, sizeof(person.birth), "27 s/d 40 Maret 2018");
    *ret_person = person;
}

void people_family(struct people *people, uint64_t number, struct family *ret_family)
{
    struct family family = { .defect = DEFECT_NONE };
    char place[8];
    uint64_t draw = people_draw(people, STREAM_KK_DEFECT, number, 1000000);
    unsigned day = 1 + (unsigned)people_draw(people, STREAM_KK_DAY, number, 28);
    unsigned year = 5 + (unsigned)people_draw(people, STREAM_KK_DAY, ~number, 20);
    if (people->profile == PROFILE_EVERY && number % 2)
        family.defect = (enum defect)(DEFECT_KK_BLANK + number / 2 % 5);
    else if (people->profile != PROFILE_EVERY && draw < rates[people->profile].bad_kk)
        family.defect = (enum defect)(DEFECT_KK_BLANK + draw % 5);
    family.members = 1 + (size_t)people_draw(people, STREAM_MEMBERS, number, 6);
    prefix(people, number ^ 1U << 20, place);
    make_number(people, place, day, 1 + day % 12, year, family.number);
    damage(family.number, family.defect);
    (void)snprintf(family.street, sizeof(family.street), "%s No. %u",
                   names_streets[people_draw(people, STREAM_STREET, number, names_streets_count)],
                   1 + (unsigned)people_draw(people, STREAM_STREET, ~number, 120));
    (void)snprintf(family.rt, sizeof(family.rt), "%03u",
                   1 + (unsigned)people_draw(people, STREAM_RT, number, 9));
    (void)snprintf(family.rw, sizeof(family.rw), "%03u",
                   1 + (unsigned)people_draw(people, STREAM_RT, ~number, 6));
    *ret_family = family;
}
