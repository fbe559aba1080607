/* Synthetic people with the defects that auditors counted in the national register. The same seed,
 * area and number give the same person, whatever else is asked for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DEFECT(code, name, is a row with it refused?) */
#define DEFECTS(X)                                                                                 \
    X(DEFECT_NONE, "none", false)                                                                  \
    X(DEFECT_NIK_BLANK, "nik_blank", false)                                                        \
    X(DEFECT_NIK_15, "nik_15", true)                                                               \
    X(DEFECT_NIK_17, "nik_17", true)                                                               \
    X(DEFECT_NIK_ZERO, "nik_zero", true)                                                           \
    X(DEFECT_NIK_LAST_0, "nik_last_0", false) /* digits lost, but nothing shows it */              \
    X(DEFECT_NIK_EXPONENT, "nik_exponent", true)                                                   \
    X(DEFECT_NIK_DATE, "nik_date", false) /* legal: a corrected birth date keeps its NIK */        \
    X(DEFECT_NIK_SEX, "nik_sex", false)                                                            \
    X(DEFECT_NIK_SHARED, "nik_shared", false)     /* two persons with one NIK */                   \
    X(DEFECT_PERSON_TWICE, "person_twice", false) /* one person with two NIK */                    \
    X(DEFECT_NAME_BLANK, "name_blank", true)                                                       \
    X(DEFECT_DATE_RANGE, "date_range", true) /* "27 s/d 40 Maret 2018", as once written */         \
    X(DEFECT_KK_BLANK, "kk_blank", false)                                                          \
    X(DEFECT_KK_15, "kk_15", true)                                                                 \
    X(DEFECT_KK_17, "kk_17", true)                                                                 \
    X(DEFECT_KK_ZERO, "kk_zero", true)                                                             \
    X(DEFECT_KK_EXPONENT, "kk_exponent", true)

enum defect {
#define X(code, name, refused) code,
    DEFECTS(X)
#undef X
        DEFECT_COUNT
};

const char *defect_name(enum defect defect);
bool defect_refused(enum defect defect);

/* EVERY: each kind in turn, half of all rows; for tests that want to meet them all. */
enum profile { PROFILE_CLEAN, PROFILE_REGISTER, PROFILE_EVERY };

struct area {
    char code[16];
    char name[64];
};

struct areas {
    struct area *list;
    size_t count;
};

#define NUMBER_TEXT_MAX 24

struct person {
    char area[16]; /* kecamatan */
    char village[16];
    char nik[NUMBER_TEXT_MAX];
    char name[128];
    bool woman;
    char birthplace[64];
    char birth[40]; /* as typed */
    int age;
    char mother[128];
    const char *disability; /* code or "" */
    enum defect defect;
};

struct family {
    char number[NUMBER_TEXT_MAX]; /* KK */
    char street[96];
    char rt[4], rw[4];
    size_t members;
    enum defect defect;
};

struct people {
    uint64_t seed;
    enum profile profile;
    char area[16];
    struct areas areas;
    uint64_t *used; /* NIK and KK numbers that were given out */
    size_t used_count, used_cap;
};

/* Reads `path` ("kode,nama"). false: it cannot be read, or `area` is no kecamatan with villages. */
bool people_open(struct people *ret_people, uint64_t seed, enum profile profile, const char *area,
                 const char *path);
void people_close(struct people *people);

/* To be called with rising numbers from 0: shared numbers look back. */
void people_person(struct people *people, uint64_t number, struct person *ret_person);
void people_family(struct people *people, uint64_t number, struct family *ret_family);
/* A number in [0, bound) that belongs to (stream, number) alone. */
uint64_t people_draw(const struct people *people, uint64_t stream, uint64_t number, uint64_t bound);
