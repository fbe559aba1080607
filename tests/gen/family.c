#include "tests/gen/family.h"

#include <stdio.h>
#include <string.h>

#define FAMILY_STREAM 1000000000U /* family members are people beyond the rows of the CSV */

const char *const person_columns[PERSON_COLUMNS] = {
    "kode_kec",  "kode_desa",        "nik",        "nama", "jk", "tempat_lahir",
    "tgl_lahir", "nama_ibu_kandung", "disabilitas"
};

void person_cells(const struct person *person, const char *ret[PERSON_COLUMNS])
{
    ret[0] = person->area;
    ret[1] = person->village;
    ret[2] = person->nik;
    ret[3] = person->name;
    ret[4] = person->woman ? "P" : "L";
    ret[5] = person->birthplace;
    ret[6] = person->birth;
    ret[7] = person->mother;
    ret[8] = person->disability;
}

static json_t *create(const char *collection, json_t *fields)
{
    return json_pack("{s:s, s:s, s:i, s:o}", "op", "create", "collection", collection, "group", 0,
                     "fields", fields);
}

static json_t *person_change(const struct person *person, bool head)
{
    const char *cells[PERSON_COLUMNS];
    json_t *fields = json_object();
    person_cells(person, cells);
    for (size_t i = 0; i < PERSON_COLUMNS; i++) {
        if (cells[i][0])
            json_object_set_new(fields, person_columns[i], json_string(cells[i]));
    }
    json_object_set_new(fields, "keluarga", json_string("$1"));
    json_object_set_new(fields, "hubungan_kk", json_string(head ? "kepala" : "famili"));
    return create("orang", fields);
}

static json_t *need_change(const struct people *people, const struct person *person, size_t change)
{
    char reference[16];
    (void)snprintf(reference, sizeof(reference), "$%zu", change);
    const char *kind = person->age >= 60 ? "LUT" : person->age < 5 ? "ABT" : "FM";
    if (person->disability[0])
        kind = "PD";
    return create("ppks",
                  json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "kode_kec", people->area,
                            "kode_desa", person->village, "subjek", reference, "jenis", kind,
                            "tgl_pendataan", "2026-02-10", "sumber", "desa", "kebutuhan",
                            person->age < 5 ? "pengasuhan" : "pangan|kesehatan"));
}

json_t *family_document(struct people *people, uint64_t number, struct family *ret_family,
                        bool *ret_refused)
{
    struct family family;
    struct person person, head;
    json_t *changes = json_array();
    people_family(people, number, &family);
    *ret_refused = defect_refused(family.defect);
    json_t *fields = json_pack("{s:s, s:s, s:s, s:s, s:s}", "kode_kec", people->area, "kepala",
                               "$2", "alamat", family.street, "rt", family.rt, "rw", family.rw);
    if (family.number[0])
        json_object_set_new(fields, "no_kk", json_string(family.number));
    json_array_append_new(changes, create("keluarga", fields));
    for (size_t i = 0; i < family.members; i++) {
        people_person(people, FAMILY_STREAM + number * 16 + i, &person);
        if (i == 0)
            head = person;
        /* One household lives in one village. */
        (void)snprintf(person.village, sizeof(person.village), "%s", head.village);
        *ret_refused = *ret_refused || defect_refused(person.defect);
        json_array_append_new(changes, person_change(&person, i == 0));
        if (i == 0)
            json_object_set_new(fields, "kode_desa", json_string(person.village));
    }
    if (people_draw(people, 99, number, 3) == 0)
        json_array_append_new(changes, need_change(people, &person, family.members + 1));
    *ret_family = family;
    return json_pack("{s:o}", "changes", changes);
}
