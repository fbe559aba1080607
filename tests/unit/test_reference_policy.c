/* The reference policy against what was asked for (reference_domain.h): every collection, field,
 * code, state and way is there as it was said, or stands below with the reason why not. A reason
 * for something that is no difference any more fails too. */
#include "tests/unit/reference_domain.h"
#include "tests/unit/reference_fixture.h"

#define TODAY "2026-11-22"

/* `what`: "collection", "field", "type", "need", "sensitivity", "authority", "codes", "entering",
 * "way", or "more": it is there though nobody asked for it. */
static struct exception {
    const char *collection;
    const char *field;
    const char *what;
    const char *reason;
    bool used;
} exceptions[] = {
#define X(collection, field, what, reason) { collection, field, what, reason, false },
#include "tests/unit/reference_exceptions.h"
#undef X
};

static unsigned differences;

static void differs(const char *collection, const char *field, const char *what, const char *is,
                    const char *wanted)
{
    for (size_t i = 0; i < COUNT_OF(exceptions); i++) {
        struct exception *one = &exceptions[i];
        if (strcmp(one->collection, collection) == 0 && strcmp(one->field, field) == 0 &&
            strcmp(one->what, what) == 0) {
            one->used = true;
            return;
        }
    }
    differences++;
    print_error("%s.%s: %s: is \"%s\", wanted \"%s\"\n", collection, field, what, is, wanted);
}

static void no_difference(void)
{
    unsigned found = differences;
    differences = 0;
    assert_int_equal(found, 0);
}

/* --- words ----------------------------------------------------------------------------------- */

/* "a b c", taken apart. */
static bool next_word(const char **rest, char *ret, size_t cap)
{
    *rest += strspn(*rest, " ");
    size_t len = strcspn(*rest, " ");
    assert_true(len < cap);
    memcpy(ret, *rest, len);
    ret[len] = '\0';
    *rest += len;
    return len > 0;
}

static size_t word_count(const char *words)
{
    char word[64];
    size_t count = 0;
    while (next_word(&words, word, sizeof word))
        count++;
    return count;
}

static bool has_word(const char *words, const char *wanted)
{
    char word[64];
    while (next_word(&words, word, sizeof word))
        if (strcmp(word, wanted) == 0)
            return true;
    return false;
}

static authority_set letters(const char *text)
{
    authority_set set = 0;
    for (; *text != '\0'; text++)
        set |= AUTHORITY(*text);
    return set;
}

static const char *letters_text(authority_set set)
{
    static char text[27];
    size_t len = 0;
    for (int letter = 'A'; letter <= 'Z'; letter++)
        if ((set & AUTHORITY(letter)) != 0)
            text[len++] = (char)letter;
    text[len] = '\0';
    return text;
}

static const struct policy_code_list *list_of(const char *name)
{
    for (size_t i = 0; i < policy->code_list_count; i++)
        if (strcmp(policy->code_lists[i].name, name) == 0)
            return &policy->code_lists[i];
    return NULL;
}

static bool same_codes(const struct policy_code_list *list, const char *date, const char *words)
{
    const struct policy_code_version *version = policy_codes_at(list, date);
    if (version->code_count != word_count(words))
        return false;
    for (size_t i = 0; i < version->code_count; i++)
        if (!has_word(words, version->codes[i].code))
            return false;
    return true;
}

/* --- fields ---------------------------------------------------------------------------------- */

static void type_text(const struct policy_field *field, enum field_type type, char *ret, size_t cap)
{
    static const char *const names[FIELD_TYPE_COUNT] = {
        [FIELD_MONEY] = "idr",     [FIELD_INTEGER] = "int", [FIELD_DECIMAL] = "float",
        [FIELD_DATE] = "date",     [FIELD_TIME] = "ts",     [FIELD_BOOL] = "bool",
        [FIELD_ENUM] = "enum",     [FIELD_NIK] = "nik",     [FIELD_KK] = "kk",
        [FIELD_AREA] = "wil",      [FIELD_BLOB] = "blob",   [FIELD_MAP] = "map",
        [FIELD_SIGNATURE] = "sig",
    };
    if (type == FIELD_LIST) {
        char element[100];
        type_text(field, field->element, element, sizeof element);
        (void)snprintf(ret, cap, "[%s]", element);
    } else if (type == FIELD_TEXT) {
        (void)snprintf(ret, cap, "str(%u)", field->length_max);
    } else if (type == FIELD_REFERENCE) {
        size_t len = (size_t)snprintf(ret, cap, "ref(");
        for (size_t i = 0; i < field->target_count; i++)
            len +=
                (size_t)snprintf(ret + len, cap - len, "%s%s", i > 0 ? "," : "", field->targets[i]);
        (void)snprintf(ret + len, cap - len, ")");
    } else {
        (void)snprintf(ret, cap, "%s", names[type]);
    }
}

static bool type_fits(const struct policy_field *field, const char *wanted)
{
    char text[120];
    type_text(field, field->type, text, sizeof text);
    if (strcmp(wanted, "") == 0 || strcmp(wanted, text) == 0)
        return true;
    if (strcmp(wanted, "str") == 0)
        return field->type == FIELD_TEXT;
    if (strcmp(wanted, "ref") == 0)
        return field->type == FIELD_REFERENCE;
    if (strcmp(wanted, "num") == 0)
        return field->type == FIELD_INTEGER || field->type == FIELD_MONEY ||
               field->type == FIELD_DECIMAL;
    return strcmp(wanted, "1..10") == 0 && field->type == FIELD_INTEGER && field->min == 1 &&
           field->max == 10;
}

static bool sensitivity_fits(const struct policy_field *field, const char *wanted)
{
    return wanted[0] == '\0' || strchr(wanted, "UPSR"[field->sensitivity]) != NULL;
}

static void compare_field(const char *name, const struct domain_field *wanted,
                          const struct policy_field *field)
{
    char text[120];
    type_text(field, field->type, text, sizeof text);
    if (!type_fits(field, wanted->type))
        differs(name, wanted->field, "type", text, wanted->type);
    /* What has a default is never asked for. */
    bool asked = strcmp(wanted->need, "!") == 0;
    if (asked ? !field->required : field->required && field->default_value.at == NULL)
        differs(name, wanted->field, "need", field->required ? "!" : "", wanted->need);
    if (!sensitivity_fits(field, wanted->sensitivity))
        differs(name, wanted->field, "sensitivity",
                (const char[]){ "UPSR"[field->sensitivity], '\0' }, wanted->sensitivity);
    if (wanted->authority[0] != '\0' && field->authority != letters(wanted->authority))
        differs(name, wanted->field, "authority", letters_text(field->authority),
                wanted->authority);
    if (wanted->codes[0] != '\0' &&
        (field->codes == NULL || !same_codes(field->codes, TODAY, wanted->codes)))
        differs(name, wanted->field, "codes", field->codes == NULL ? "" : field->codes->name,
                wanted->codes);
}

static void compare_row(const struct policy_collection *collection, const char *name,
                        const struct domain_field *wanted)
{
    const struct policy_field *field = policy_field(collection, bytes_text(wanted->field));
    if (field == NULL)
        differs(name, wanted->field, "field", "not there", wanted->type);
    else
        compare_field(name, wanted, field);
}

static bool takes_common(const struct policy_collection *collection)
{
    return policy_field(collection, bytes_text("kode_kec")) != NULL;
}

static void each_field_is_there_as_it_was_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(domain_fields); i++) {
        const struct domain_field *wanted = &domain_fields[i];
        bool common = strcmp(wanted->collection, "*") == 0;
        const struct policy_collection *collection =
            policy_collection(policy, bytes_text(wanted->collection));
        if (!common && collection == NULL)
            differs(wanted->collection, "", "collection", "not there", wanted->field);
        else if (!common)
            compare_row(collection, wanted->collection, wanted);
        for (size_t k = 0; common && k < policy->collection_count; k++)
            if (takes_common(&policy->collections[k]))
                compare_row(&policy->collections[k], "*", wanted);
    }
    no_difference();
}

static bool was_asked(const char *collection, const char *field)
{
    for (size_t i = 0; i < COUNT_OF(domain_fields); i++) {
        const struct domain_field *one = &domain_fields[i];
        if ((strcmp(one->collection, collection) == 0 || strcmp(one->collection, "*") == 0) &&
            (field == NULL || strcmp(one->field, field) == 0) &&
            (field != NULL || strcmp(one->collection, collection) == 0))
            return true;
    }
    return false;
}

static void nothing_is_there_that_nobody_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < policy->collection_count; i++) {
        const struct policy_collection *one = &policy->collections[i];
        if (!was_asked(one->name, NULL)) {
            differs(one->name, "", "more", "there", "");
            continue;
        }
        if (!takes_common(one))
            differs(one->name, "*", "field", "not there", "the common fields");
        for (size_t k = 0; k < one->field_count; k++)
            if (!was_asked(one->name, one->fields[k].name))
                differs(one->name, one->fields[k].name, "more", "there", "");
    }
    no_difference();
}

static void every_list_of_codes_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(domain_lists); i++) {
        const struct policy_code_list *list = list_of(domain_lists[i].list);
        if (list == NULL || !same_codes(list, TODAY, domain_lists[i].codes))
            differs(domain_lists[i].list, "", "codes", "others", domain_lists[i].codes);
    }
    const struct policy_code_list *kinds = list_of("kode_ppks");
    assert_non_null(kinds);
    assert_true(same_codes(kinds, "2011-12-31", domain_older_kinds));
    const struct policy_code_version *now = policy_codes_at(kinds, TODAY);
    assert_int_equal(now->code_count, 26);
    for (size_t i = 0; i < now->code_count; i++)
        if (now->codes[i].restricted != has_word(domain_restricted, now->codes[i].code))
            differs("kode_ppks", now->codes[i].code, "sensitivity",
                    now->codes[i].restricted ? "R" : "", "the other");
    assert_int_equal(policy_codes_at(list_of("kode_psks"), TODAY)->code_count, 12);
    no_difference();
}

/* --- states ---------------------------------------------------------------------------------- */

static const struct policy_workflow *workflow_of(const char *collection, const char *field)
{
    const struct policy_collection *one = policy_collection(policy, bytes_text(collection));
    for (size_t i = 0; one != NULL && i < one->workflow_count; i++)
        if (strcmp(one->fields[one->workflows[i].field].name, field) == 0)
            return &one->workflows[i];
    return NULL;
}

static bool edge_is(const struct policy_edge *edge, const char *from, const char *to)
{
    if (strcmp(edge->to, to) != 0)
        return false;
    for (size_t i = 0; i < edge->from_count; i++)
        if (strcmp(edge->from[i], from) == 0)
            return true;
    return edge->from_count == 0 && from[0] == '\0';
}

/* Who may go that way; 0: nobody. */
static authority_set who_may(const struct policy_workflow *workflow, const char *from,
                             const char *to)
{
    authority_set set = 0;
    for (size_t i = 0; i < workflow->edge_count; i++)
        if (edge_is(&workflow->edges[i], from, to))
            set |= workflow->edges[i].authority;
    return set;
}

static void way_name(const char *field, const char *from, const char *to, char *ret, size_t cap)
{
    (void)snprintf(ret, cap, "%s %s>%s", field, from, to);
}

static void ways_are_as_they_were_said(const struct domain_move *move, const char *from)
{
    char name[120];
    const struct policy_workflow *workflow = workflow_of(move->collection, move->field);
    authority_set may = workflow == NULL ? 0 : who_may(workflow, from, move->to);
    way_name(move->field, from, move->to, name, sizeof name);
    if (may != letters(move->letters))
        differs(move->collection, name, "way", letters_text(may), move->letters);
}

static bool way_was_said(const char *collection, const char *field, const char *from,
                         const char *to)
{
    for (size_t i = 0; i < COUNT_OF(domain_moves); i++) {
        const struct domain_move *move = &domain_moves[i];
        if (strcmp(move->collection, collection) == 0 && strcmp(move->field, field) == 0 &&
            strcmp(move->to, to) == 0 &&
            (from[0] == '\0' ? move->from[0] == '\0' : has_word(move->from, from)))
            return true;
    }
    return false;
}

static void no_way_is_open_that_was_not_said(const char *collection, const char *field)
{
    char name[120];
    const struct policy_workflow *workflow = workflow_of(collection, field);
    for (size_t i = 0; workflow != NULL && i < workflow->edge_count; i++) {
        const struct policy_edge *edge = &workflow->edges[i];
        for (size_t k = 0; k == 0 || k < edge->from_count; k++) {
            const char *from = edge->from_count == 0 ? "" : edge->from[k];
            if (way_was_said(collection, field, from, edge->to))
                continue;
            way_name(field, from, edge->to, name, sizeof name);
            differs(collection, name, "way", letters_text(edge->authority), "none");
        }
    }
}

static void every_way_between_states_is_the_one_that_was_said(void **state)
{
    (void)state;
    char from[64];
    for (size_t i = 0; i < COUNT_OF(domain_moves); i++) {
        const struct domain_move *move = &domain_moves[i];
        const char *rest = move->from;
        if (rest[0] == '\0')
            ways_are_as_they_were_said(move, "");
        while (next_word(&rest, from, sizeof from))
            ways_are_as_they_were_said(move, from);
        no_way_is_open_that_was_not_said(move->collection, move->field);
    }
    no_difference();
}

/* Every state can be reached, and every state field of these collections has its ways. */
static void every_state_of_a_workflow_can_be_reached(void **state)
{
    (void)state;
    static const char *const moved[] = { "usulan",    "kpm",     "penyaluran", "ppks",
                                         "kejadian",  "kasus",   "musyawarah", "pengaduan",
                                         "tali_asih", "laporan", "verifikasi" };
    for (size_t i = 0; i < COUNT_OF(moved); i++) {
        const struct policy_collection *one = policy_collection(policy, bytes_text(moved[i]));
        assert_true(one->workflow_count > 0);
        for (size_t w = 0; w < one->workflow_count; w++) {
            const struct policy_field *field = &one->fields[one->workflows[w].field];
            const struct policy_code_version *codes = policy_codes_at(field->codes, TODAY);
            for (size_t c = 0; c < codes->code_count; c++) {
                bool reached = false;
                for (size_t e = 0; e < one->workflows[w].edge_count; e++)
                    reached |= strcmp(one->workflows[w].edges[e].to, codes->codes[c].code) == 0;
                if (!reached)
                    differs(moved[i], codes->codes[c].code, "way", "none", "one into it");
            }
        }
    }
    no_difference();
}

/* --- what is needed on entering -------------------------------------------------------------- */

static bool edge_asks(const struct policy_collection *collection, const struct policy_edge *edge,
                      const struct policy_field *field)
{
    for (size_t i = 0; i < edge->required_count; i++)
        if (&collection->fields[edge->required[i]] == field)
            return true;
    for (size_t i = 0; i < edge->rule_count; i++)
        if (edge->rules[i]->field >= 0 && &collection->fields[edge->rules[i]->field] == field)
            return true;
    return false;
}

static bool is_asked(const struct policy_collection *collection, const struct domain_need *need)
{
    const struct policy_field *field = policy_field(collection, bytes_text(need->field));
    const struct policy_workflow *workflow = workflow_of(collection->name, need->state_field);
    size_t ways = 0, asking = 0;
    for (size_t i = 0; i < collection->rule_count; i++) {
        const struct policy_rule *rule = &collection->rules[i];
        if ((rule->on == RULE_WRITE || rule->on == RULE_KEEP) && rule->field >= 0 &&
            &collection->fields[rule->field] == field)
            return true;
    }
    for (size_t i = 0; workflow != NULL && i < workflow->edge_count; i++)
        if (strcmp(workflow->edges[i].to, need->state) == 0) {
            ways++;
            asking += edge_asks(collection, &workflow->edges[i], field);
        }
    return ways > 0 && asking == ways;
}

static void what_a_state_needs_is_asked_for_on_entering_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(domain_needs); i++) {
        const struct domain_need *need = &domain_needs[i];
        bool common = strcmp(need->collection, "*") == 0;
        for (size_t k = 0; k < policy->collection_count; k++) {
            const struct policy_collection *one = &policy->collections[k];
            if ((common ? takes_common(one) : strcmp(one->name, need->collection) == 0) &&
                !is_asked(one, need))
                differs(need->collection, need->field, "entering", "not asked", need->state);
        }
    }
    no_difference();
}

static void a_proposal_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const reasons[] = { "tolak_tanpa_ttd", "tolak_kunci_dicabut",
                                           "tolak_wilayah", "tolak_skema", "tolak_musyawarah" };
    const struct policy_workflow *workflow = workflow_of("usulan", "status");
    size_t hubs = 0;
    for (size_t i = 0; i < workflow->edge_count; i++) {
        const struct policy_edge *edge = &workflow->edges[i];
        if (strcmp(edge->to, "diterima") != 0)
            continue;
        hubs++;
        assert_int_equal(edge->authority, AUTHORITY('H'));
        for (size_t k = 0; k < COUNT_OF(reasons); k++) {
            bool found = false;
            for (size_t r = 0; r < edge->rule_count; r++)
                found |= strcmp(edge->rules[r]->name, reasons[k]) == 0 &&
                         edge->rules[r]->remedy != NULL && edge->rules[r]->field >= 0;
            if (!found)
                differs("usulan", reasons[k], "entering", "not asked", "diterima");
        }
    }
    assert_int_equal(hubs, 1);
    const struct policy_collection *usulan = policy_collection(policy, bytes_text("usulan"));
    const struct policy_field *signature = policy_field(usulan, bytes_text("ttd_tksk"));
    assert_int_equal(signature->signer_count, 1);
    assert_string_equal(signature->signers[0], "tksk");
    /* The date too: limits and lists go by it. */
    static const char *const covered[] = { "jenis", "penerima", "isi", "kode_kec", "tgl_usulan" };
    for (size_t i = 0; i < COUNT_OF(covered); i++) {
        bool found = false;
        for (size_t k = 0; k < signature->cover_count; k++)
            found |= strcmp(usulan->fields[signature->covers[k]].name, covered[i]) == 0;
        assert_true(found);
    }
    no_difference();
}

/* --- the rest -------------------------------------------------------------------------------- */

static bool frozen(const char *collection, const char *field, const char *in)
{
    const struct policy_workflow *workflow = workflow_of(collection, field);
    for (size_t i = 0; workflow != NULL && i < workflow->frozen_count; i++)
        if (strcmp(workflow->frozen[i].state, in) == 0)
            return true;
    return false;
}

static void what_is_settled_stays(void **state)
{
    (void)state;
    assert_true(frozen("musyawarah", "status", "sah"));
    assert_true(frozen("verifikasi", "koordinator_cek", "belum"));
    assert_true(frozen("verifikasi", "koordinator_cek", "sesuai"));
    assert_true(frozen("usulan", "status", "diterima"));
    assert_false(frozen("usulan", "status", "dikembalikan"));
    const struct policy_collection *results =
        policy_collection(policy, bytes_text("musyawarah_hasil"));
    const struct policy_collection *work = policy_collection(policy, bytes_text("kegiatan"));
    assert_int_equal(policy_rule(results, bytes_text("musyawarah_sah"))->on, RULE_KEEP);
    assert_int_equal(policy_rule(work, bytes_text("tujuh_hari"))->on, RULE_KEEP);
    static const char *const answered[] = { "usulan", "kejadian", "kasus", "pengaduan",
                                            "tali_asih" };
    for (size_t i = 0; i < COUNT_OF(answered); i++) {
        const struct policy_collection *one = policy_collection(policy, bytes_text(answered[i]));
        assert_non_null(one->answer);
        assert_true(one->fields[one->answer->field].append_only);
    }
    assert_int_equal(policy_collection(policy, bytes_text("kejadian"))->lane, 0); /* urgent */
}

static int64_t number(const char *table, const char *key, const char *date)
{
    int64_t found = -1;
    return policy_table_at(policy, bytes_text(table), bytes_text(key), date, &found) ? found : -1;
}

static void limits_and_amounts_go_by_the_day(void **state)
{
    (void)state;
    assert_int_equal(number("desil_maks", "sembako", "2025-06-15"), 5);
    assert_int_equal(number("desil_maks", "sembako", TODAY), 4);
    assert_int_equal(number("desil_maks", "pkh", "2025-06-15"), 4);
    assert_int_equal(number("desil_maks", "pbi_jkn", TODAY), 5);
    assert_int_equal(number("desil_maks", "sembako", "2025-05-31"), -1);
    assert_int_equal(number("tali_asih", "apbn", "2015-01-01"), 250000);
    assert_int_equal(number("tali_asih", "apbn", TODAY), 700000);
    assert_int_equal(number("penerima_min", "rtlh", TODAY), 5);
    assert_int_equal(number("penerima_maks", "rtlh", TODAY), 15);
    assert_int_equal(number("penerima_maks", "kube", TODAY), 10);
    assert_int_equal(number("biaya_maks", "rtlh", TODAY), 15000000);
    assert_int_equal(number("biaya_maks", "kube", TODAY), 20000000);
    assert_int_equal(number("besaran_bulanan", "sembako", TODAY), 200000);
    assert_int_equal(number("besaran_pkh", "korban_ham_berat", TODAY), 10800000);
}

static void who_is_who_is_as_it_was_said(void **state)
{
    (void)state;
    static const struct {
        const char *role;
        const char *letters;
        bool full, single;
    } roles[] = {
        { "tksk", "TV", true, true },     { "operator_kec", "TV", false, false },
        { "korteks", "K", false, false }, { "verifikator", "DM", true, false },
        { "kabid", "DM", true, false },   { "kadis", "DM", true, false },
        { "admin_ti", "", false, false }, { "pembaca_provinsi", "", false, false },
    };
    assert_int_equal(policy->role_count, COUNT_OF(roles));
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        const struct policy_role *role = policy_role(policy, bytes_text(roles[i].role));
        assert_non_null(role);
        assert_int_equal(role->authority, letters(roles[i].letters));
        assert_int_equal(role->full, roles[i].full);
        assert_int_equal(role->single, roles[i].single);
    }
    assert_true(policy_countersigns(policy_role(policy, bytes_text("operator_kec")), "tksk"));
    for (size_t i = 0; i < policy->authority_count; i++)
        assert_int_equal(policy->authorities[i].only != NULL, policy->authorities[i].letter == 'K');
}

static void no_exception_stands_without_its_difference(void **state)
{
    (void)state;
    unsigned unused = 0;
    for (size_t i = 0; i < COUNT_OF(exceptions); i++) {
        if (!exceptions[i].used) {
            print_error("%s.%s: %s is no difference any more\n", exceptions[i].collection,
                        exceptions[i].field, exceptions[i].what);
            unused++;
        }
        assert_true(strlen(exceptions[i].reason) > 10);
    }
    assert_int_equal(unused, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_is_there_as_it_was_said),
        cmocka_unit_test(nothing_is_there_that_nobody_asked_for),
        cmocka_unit_test(every_list_of_codes_is_whole),
        cmocka_unit_test(every_way_between_states_is_the_one_that_was_said),
        cmocka_unit_test(every_state_of_a_workflow_can_be_reached),
        cmocka_unit_test(what_a_state_needs_is_asked_for_on_entering_it),
        cmocka_unit_test(a_proposal_is_refused_by_name),
        cmocka_unit_test(what_is_settled_stays),
        cmocka_unit_test(limits_and_amounts_go_by_the_day),
        cmocka_unit_test(who_is_who_is_as_it_was_said),
        cmocka_unit_test(no_exception_stands_without_its_difference),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
