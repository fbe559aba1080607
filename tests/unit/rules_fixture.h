/* A small policy with a workflow, rules, computed fields and letters that count for some records,
 * and one record at hand; shared by the tests of what the policy says of a change. */
#pragma once

#include "proto/endorse.h"
#include "proto/rules.h"
#include "tests/unit/policy_fixture.h"

#define WORK_HEAD                                                                                  \
    "authority D { label = 'Dinas' }\n"                                                            \
    "authority H { label = 'dihitung' computed = true }\n"                                         \
    "authority K { label = 'KORTEKS' only = 'program in list(\"bansos\")' }\n"                     \
    "authority T { label = 'TKSK' }\n"                                                             \
    "role kabid { label = 'Kabid' authority = {D} }\n"                                             \
    "role korteks { label = 'KORTEKS' authority = {K} }\n"                                         \
    "role tksk { label = 'TKSK' authority = {T} }\n"                                               \
    "settings { idle_lock_minutes = 15 }\n"                                                        \
    "areas { file = 'a.csv' within = '36.04' }\n"                                                  \
    "table kuorum { version '2018-01-01' { basis = 'Perbup' row desa { value = 2 } } }\n"          \
    "code_list bansos { version '2018-01-01' { code pkh { } } }\n"                                 \
    "code_list program { version '2010-01-01' { code pkh { } code raskin { } }\n"                  \
    "    version '2018-01-01' { code pkh { } code kube { } } }\n"                                  \
    "code_list status { version '2018-01-01' { code draf { label = 'Draf' } code diajukan { }\n"   \
    "    code ditandatangani { } code diterima { label = 'Diterima' } code sah { }\n"              \
    "    code batal { } } }\n"

#define WORK_FIELDS                                                                                \
    "field kec { type = area level = 3 required = true authority = {T, D, K} sensitivity = U }\n"  \
    "field tgl { type = date authority = {T} sensitivity = U }\n"                                  \
    "field program { type = enum codes = program authority = {T, K} sensitivity = U }\n"           \
    "field nominal { type = money authority = {K, T} sensitivity = U }\n"                          \
    "field isi { type = text authority = {T} sensitivity = U }\n"                                  \
    "field rapat { type = reference targets = {rapat} authority = {T} sensitivity = U }\n"         \
    "field tahu { type = bool authority = {T} sensitivity = U }\n"                                 \
    "field ttd { type = signature covers = {isi, program} signers = {tksk} authority = {T} "       \
    "sensitivity = U }\n"                                                                          \
    "field log { type = list element = text append_only = true authority = {D, T} "                \
    "sensitivity = U }\n"                                                                          \
    "field hadir { type = integer authority = {T} sensitivity = U }\n"                             \
    "field kuorum { type = bool authority = {H} compute = 'hadir >= table(\"kuorum\", \"desa\")' " \
    "sensitivity = U }\n"                                                                          \
    "field ganda { type = integer authority = {H} compute = 'hadir * 2' sensitivity = U }\n"       \
    "field status { type = enum codes = status default = draf authority = {T, D, H} "              \
    "sensitivity = U }\n"

#define WORK_FLOW                                                                                  \
    "workflow status {\n"                                                                          \
    "    edge mulai { to = draf authority = {T} }\n"                                               \
    "    edge ajukan { from = {draf} to = diajukan authority = {T} requires = {isi} }\n"           \
    "    edge teken { from = {diajukan} to = ditandatangani authority = {T} "                      \
    "requires = {tahu, ttd} }\n"                                                                   \
    "    edge terima { from = {ditandatangani} to = diterima authority = {H} "                     \
    "rules = {tanpa_ttd, dicabut, wilayah, perlu_rapat} }\n"                                       \
    "    edge sahkan { from = {diajukan} to = sah authority = {T} rules = {kuorum_perlu} }\n"      \
    "    edge batalkan { from = {draf, diajukan} to = batal authority = {D, T} }\n"                \
    "    frozen sah { open = {status, log} }\n"                                                    \
    "    frozen diterima { open = {status} }\n"                                                    \
    "}\n"

#define WORK_RULES                                                                                 \
    "rule tanpa_ttd { label = 'Belum ditandatangani' remedy = 'tanda tangani' field = ttd "        \
    "check = 'signature(ttd) != \"none\"' on = edge }\n"                                           \
    "rule dicabut { label = 'Kunci dicabut' check = 'signature(ttd) != \"ended\"' on = edge }\n"   \
    "rule wilayah { label = 'Wilayah lain' check = 'signature(ttd) != \"area\"' on = edge }\n"     \
    "rule perlu_rapat { label = 'Perlu rapat' when = 'program = \"kube\"' "                        \
    "check = 'rapat.status = \"sah\"' on = edge }\n"                                               \
    "rule kuorum_perlu { label = 'Kuorum kurang' check = 'kuorum = true' on = edge }\n"            \
    "rule nominal_batas { label = 'Nominal terlalu besar' remedy = 'kurangi' field = nominal "     \
    "when = 'has(nominal)' check = 'nominal <= 1000' }\n"                                          \
    "rule hadir_aneh { label = 'Hadir banyak sekali' remedy = 'periksa' field = hadir "            \
    "when = 'has(hadir)' check = 'hadir < 100' on = warn }\n"                                      \
    "rule tetap { label = 'Rapatnya sudah sah' when = 'has(rapat)' "                               \
    "check = 'rapat.status != \"batal\"' on = keep }\n"

#define WORK_MEETING                                                                               \
    "collection rapat { title = 'Rapat' area_field = kec\n"                                        \
    "field kec { type = area level = 3 required = true authority = {T} sensitivity = U }\n"        \
    "field status { type = enum codes = status authority = {T} sensitivity = U } }\n"

#define WORK_COLLECTION                                                                            \
    "collection usul { title = 'Usul' area_field = kec date_field = tgl\n" WORK_FIELDS WORK_FLOW   \
        WORK_RULES "}\n"
#define WORK_SOURCE WORK_HEAD WORK_COLLECTION WORK_MEETING

#define CLAIMED_MS UINT64_C(1780000000000) /* in May 2026 */

/* --- one record, one change --------------------------------------------------------------------
 */

static struct policy *policy;

struct slot {
    bool set;
    size_t len;
    uint8_t raw[256];
};

static struct case_of {
    struct slot stands[32], gives[32]; /* by the field's place */
    enum change_op op;
    authority_set letters;
    bool decides, knows_meeting;
    const char *meeting; /* its status; NULL: nil */
    enum signature_state signature;
    struct problem problem;
    struct warnings warnings;
} at;

static inline const struct policy_collection *usul(void)
{
    return policy_collection(policy, bytes_text("usul"));
}

static inline size_t place_of(const char *name)
{
    const struct policy_field *field = policy_field(usul(), bytes_text(name));
    assert_non_null(field);
    return (size_t)(field - usul()->fields);
}

static inline void put_text(struct slot *slots, const char *name, const char *text)
{
    struct slot *slot = &slots[place_of(name)];
    struct writer out = writer_of(slot->raw, sizeof slot->raw);
    if (text == NULL)
        writer_nil(&out);
    else
        writer_text(&out, text);
    slot->set = true;
    slot->len = out.buf.len;
}

static inline void put_int(struct slot *slots, const char *name, int64_t number)
{
    struct slot *slot = &slots[place_of(name)];
    struct writer out = writer_of(slot->raw, sizeof slot->raw);
    writer_int(&out, number);
    slot->set = true;
    slot->len = out.buf.len;
}

static inline void put_bool(struct slot *slots, const char *name, bool value)
{
    struct slot *slot = &slots[place_of(name)];
    slot->raw[0] = value ? 0xc3 : 0xc2;
    slot->set = true;
    slot->len = 1;
}

static inline void put_list(struct slot *slots, const char *name, const char *first,
                            const char *second)
{
    struct slot *slot = &slots[place_of(name)];
    struct writer out = writer_of(slot->raw, sizeof slot->raw);
    writer_array(&out, second == NULL ? 1 : 2);
    writer_text(&out, first);
    if (second != NULL)
        writer_text(&out, second);
    slot->set = true;
    slot->len = out.buf.len;
}

static inline void put_ref(struct slot *slots, const char *name)
{
    struct slot *slot = &slots[place_of(name)];
    static const struct id id = { .at = { 7 } };
    struct writer out = writer_of(slot->raw, sizeof slot->raw);
    writer_bin(&out, bytes_id(&id));
    slot->set = true;
    slot->len = out.buf.len;
}

static inline bool stands(void *context, const struct policy_field *field, struct bytes *ret_raw)
{
    (void)context;
    const struct slot *slot = &at.stands[field - usul()->fields];
    *ret_raw = slot->set ? bytes_of(slot->raw, slot->len) : bytes_of(NULL, 0);
    return true;
}

static inline bool follow(void *context, const struct policy_field *reference, const struct id *id,
                          struct bytes name, const struct policy_collection **ret_collection,
                          struct bytes *ret_raw)
{
    static uint8_t space[64];
    struct writer out = writer_of(space, sizeof space);
    (void)context;
    (void)reference;
    (void)id;
    *ret_collection = policy_collection(policy, bytes_text("rapat"));
    *ret_raw = bytes_of(NULL, 0);
    if (at.meeting != NULL && bytes_is(name, "status")) {
        writer_text(&out, at.meeting);
        *ret_raw = writer_bytes(&out);
    }
    return at.knows_meeting;
}

static inline enum signature_state signature(void *context, const struct policy_field *field,
                                             const struct expr_env *env)
{
    struct bytes raw;
    (void)context;
    return env->field(env->context, field, false, &raw) && raw.len > 0 ? at.signature
                                                                       : SIGNATURE_NONE;
}

static inline int compare_fields(const void *a, const void *b)
{
    const struct policy_field *const *left = a, *const *right = b;
    return codec_compare(bytes_text((*left)->name), bytes_text((*right)->name));
}

static inline struct bytes fields_given(uint8_t *space, size_t cap)
{
    const struct policy_field *list[32];
    size_t count = 0;
    for (size_t i = 0; i < usul()->field_count; i++)
        if (at.gives[i].set)
            list[count++] = &usul()->fields[i];
    if (count > 1)
        qsort(list, count, sizeof list[0], compare_fields);
    struct writer out = writer_of(space, cap);
    writer_map(&out, count);
    for (size_t i = 0; i < count; i++) {
        const struct slot *slot = &at.gives[list[i] - usul()->fields];
        writer_text(&out, list[i]->name);
        writer_raw(&out, bytes_of(slot->raw, slot->len));
    }
    assert_int_equal(out.err, OK);
    return writer_bytes(&out);
}

static inline struct rules_input input_of(struct author *author)
{
    *author = (struct author){ .authority = at.letters, .area = bytes_text("36.04") };
    return (struct rules_input){ .policy = policy,
                                 .author = author,
                                 .claimed_ms = CLAIMED_MS,
                                 .decides = at.decides,
                                 .stands = stands,
                                 .follow = follow,
                                 .signature = signature };
}

static inline enum err ask(enum err (*what)(const struct rules_input *in))
{
    uint8_t space[4096];
    struct author author;
    struct rules_input in = input_of(&author);
    const struct change change = { .op = at.op,
                                   .collection = bytes_text("usul"),
                                   .fields = fields_given(space, sizeof space) };
    in.change = &change;
    at.problem = (struct problem){ .code = OK };
    at.warnings.count = 0;
    return what(&in);
}

static inline enum err ask_check(const struct rules_input *in)
{
    return rules_check(in, &at.problem, &at.warnings);
}

static inline enum err ask_authority(const struct rules_input *in)
{
    return rules_authority(in, &at.problem);
}

static inline enum err check(void)
{
    return ask(ask_check);
}

/* An update of a record in `state`, by these letters, at the hub. */
static inline void begin(const char *state, authority_set letters)
{
    at = (struct case_of){ .op = OP_UPDATE,
                           .letters = letters,
                           .decides = true,
                           .knows_meeting = true,
                           .signature = SIGNATURE_OK };
    put_text(at.stands, "kec", "36.04.05");
    if (state != NULL)
        put_text(at.stands, "status", state);
}

static inline void refused(enum err code, const char *thing)
{
    enum err err = check();
    if (err != code || strcmp(at.problem.thing, thing) != 0)
        fail_msg("%s %s (%s), wanted %s %s", err_name(err), at.problem.thing, at.problem.detail,
                 err_name(code), thing);
}

static inline void passes(void)
{
    enum err err = check();
    if (err != OK)
        fail_msg("%s %s: %s", err_name(err), at.problem.thing, at.problem.detail);
}

#define T AUTHORITY('T')
#define D AUTHORITY('D')
#define K AUTHORITY('K')

static inline int open_policy(void **state)
{
    if (start_crypto(state) != 0)
        return -1;
    policy = policy_of(WORK_SOURCE, 1, NULL);
    return 0;
}

static inline int close_policy(void **state)
{
    (void)state;
    policy_close(&policy);
    return 0;
}
