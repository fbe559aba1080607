/* A small policy with a field of every type, compiled from text in a fresh directory; shared by the
 * tests of policy, values and validation. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crypto.h"
#include "proto/limits.h"
#include "proto/policy_text.h"
#include "proto/value.h"

#define DISTRICT "36.04"

#define HEAD                                                                                       \
    "authority D { label = 'Dinas' }\n"                                                            \
    "authority T { label = 'TKSK' }\n"                                                             \
    "authority H { label = 'dihitung' computed = true }\n"                                         \
    "role tksk { label = 'TKSK' authority = {T} }\n"                                               \
    "settings { idle_lock_minutes = 15 }\n"                                                        \
    "areas { file = 'a.csv' within = '36.04' }\n"

#define LISTS                                                                                      \
    "code_list jk { version '2020-01-01' { code L { label = 'Laki-laki' }\n"                       \
    "    code P { label = 'Perempuan' } } }\n"                                                     \
    "code_list warna { version '2010-01-01' { code merah { label = 'Merah' } code ungu { } }\n"    \
    "    version '2020-01-01' { code merah { label = 'Merah' } "                                   \
    "    code BIRU { label = 'Biru laut' }\n"                                                      \
    "        code hijau { restricted = true } } }\n"

#define REST " authority = {T} sensitivity = U }\n"

#define FIELDS                                                                                     \
    "field kec { type = area level = 3 required = true authority = {T, D} sensitivity = U }\n"     \
    "field desa { type = area level = 4 child_of = kec" REST                                       \
    "field tgl { type = date label = 'Tanggal'" REST                                               \
    "field teks { type = text length = 5 required = true label = 'Isi teks'" REST                  \
    "field angka { type = integer min = 1 max = 10" REST "field uang { type = money min = 0" REST  \
    "field lat { type = decimal min = -90 max = 90" REST "field jam { type = time" REST            \
    "field aktif { type = bool default = ya" REST "field jk { type = enum codes = jk" REST         \
    "field warna { type = enum codes = warna default = merah authority = {D} sensitivity = U }\n"  \
    "field warna2 { type = list element = enum codes = warna length = 2" REST                      \
    "field nik { type = nik lookup = true nik_date = lahir nik_sex = jk nik_plus_40 = P "          \
    "authority "                                                                                   \
    "= {T} sensitivity = P label = 'NIK' }\n"                                                      \
    "field lahir { type = date authority = {T} sensitivity = P }\n"                                \
    "field kk { type = kk" REST "field induk { type = reference targets = {benda}" REST            \
    "field foto { type = list element = blob" REST                                                 \
    "field rumah { type = map keys = {lantai, luas_m2, milik}" REST                                \
    "field catatan { type = list element = text" REST                                              \
    "field riwayat { type = list element = map" REST                                               \
    "field hasil { type = integer required = true authority = {H} sensitivity = U }\n"             \
    "field lama { type = integer until = '2021-01-01'" REST                                        \
    "field putusan { type = text authority = {D} sensitivity = U }\n"

#define COLLECTION                                                                                 \
    "collection benda { title = 'Benda' area_field = kec date_field = tgl\n" FIELDS "}\n"

#define AREAS                                                                                      \
    "kode,nama\n36,BANTEN\n36.04,KABUPATEN SERANG\n36.04.05,ANYAR\n36.04.05.2001,ANYAR\n"          \
    "36.04.05.2002,SUKAMAJU\n36.04.29,CIKEUSAL\n36.04.29.2001,SUKAMAJU\n74,SULAWESI TENGGARA\n"    \
    "74.01,KABUPATEN KOLAKA\n"

static inline void write_file(const char *directory, const char *name, const void *at, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(at, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static inline void remove_file(const char *directory, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    (void)unlink(path);
}

/* Compiles one or two files (`second` may be NULL) with the areas above. */
static inline enum err compile_bytes(struct bytes first, const char *second, uint64_t version,
                                     const struct hash *previous, struct buf *ret,
                                     struct problem *problem)
{
    static const struct hash zero;
    char directory[] = "/tmp/tksk-policy-XXXXXX";
    assert_non_null(mkdtemp(directory));
    write_file(directory, "10-a.conf", first.at, first.len);
    if (second != NULL)
        write_file(directory, "20-b.conf", second, strlen(second));
    write_file(directory, "a.csv", AREAS, strlen(AREAS));
    enum err err = policy_text_compile(directory, DISTRICT, version,
                                       previous == NULL ? &zero : previous, ret, problem);
    remove_file(directory, "10-a.conf");
    remove_file(directory, "20-b.conf");
    remove_file(directory, "a.csv");
    assert_int_equal(rmdir(directory), 0);
    return err;
}

static inline struct policy *policy_of(const char *text, uint64_t version,
                                       const struct hash *previous)
{
    static uint8_t space[RULES_BYTES_MAX];
    struct buf document = buf_of(space, sizeof space);
    struct policy *policy = NULL;
    struct problem problem = { .code = OK };
    enum err err = compile_bytes(bytes_text(text), NULL, version, previous, &document, &problem);
    if (err == OK)
        err = policy_decode(buf_bytes(&document), &policy, &problem);
    if (err != OK)
        print_error("%s: %s: %s\n", err_name(err), problem.thing, problem.detail);
    assert_int_equal(err, OK);
    return policy;
}

static inline struct policy *small_policy(void)
{
    return policy_of(HEAD LISTS COLLECTION, 1, NULL);
}

static inline const struct policy_field *field_of(const struct policy *policy, const char *name)
{
    const struct policy_field *field =
        policy_field(policy_collection(policy, bytes_text("benda")), bytes_text(name));
    assert_non_null(field);
    return field;
}

static inline int start_crypto(void **state)
{
    (void)state;
    return crypto_start() == OK ? 0 : -1;
}
