/* The rules part of the policy: collections, fields, code lists, areas, roles, settings. Data,
 * signed and versioned; C knows field types, authority, dates and limits, and no name of the
 * domain.
 *
 * A rules document is one canonical msgpack map (grammar in PROTOCOL.md). `policy_decode` checks it
 * whole and gives an immutable, look-up-ready form that keeps its own copy of the bytes. */
#pragma once

#include "proto/codec.h"
#include "proto/expr.h"

/* X(NAME, "name in the source and on the wire") */
#define FIELD_TYPES(X)                                                                             \
    X(FIELD_TEXT, "text")                                                                          \
    X(FIELD_INTEGER, "integer")                                                                    \
    X(FIELD_MONEY, "money")                                                                        \
    X(FIELD_DECIMAL, "decimal")                                                                    \
    X(FIELD_DATE, "date")                                                                          \
    X(FIELD_TIME, "time")                                                                          \
    X(FIELD_BOOL, "bool")                                                                          \
    X(FIELD_ENUM, "enum")                                                                          \
    X(FIELD_NIK, "nik")                                                                            \
    X(FIELD_KK, "kk")                                                                              \
    X(FIELD_AREA, "area")                                                                          \
    X(FIELD_REFERENCE, "reference")                                                                \
    X(FIELD_BLOB, "blob")                                                                          \
    X(FIELD_LIST, "list")                                                                          \
    X(FIELD_MAP, "map")                                                                            \
    X(FIELD_SIGNATURE, "signature")

enum field_type {
#define X(name, text) name,
    FIELD_TYPES(X)
#undef X
        FIELD_TYPE_COUNT
};

const char *field_type_name(enum field_type type);

/* UU 27/2022 art. 4: not personal, personal, specific, restricted. */
enum sensitivity { SENSITIVITY_U, SENSITIVITY_P, SENSITIVITY_S, SENSITIVITY_R };

/* Authorities are single capital letters; a set is a bit mask, bit 0 = 'A'. */
typedef uint32_t authority_set;
#define AUTHORITY(letter) ((authority_set)1 << ((letter) - 'A'))

struct policy_code {
    const char *code;
    const char *label;
    bool restricted; /* a value that makes the field R */
};

/* One dated version of a code list: in force from `from` until the next version's `from`. */
struct policy_code_version {
    char from[11];                   /* ISO date */
    const struct policy_code *codes; /* sorted by code, bytewise */
    size_t code_count;
};

struct policy_code_list {
    const char *name;
    const struct policy_code_version *versions; /* oldest first, at least one */
    size_t version_count;
};

struct policy_field {
    const char *name;
    const char *label; /* Indonesian; the name when the source gives none */
    enum field_type type;
    enum field_type element; /* of a list; enum, text, nik, kk, reference, blob or map */
    bool required;
    bool computed; /* the whole authority set is computed: never asked of an author */
    bool lookup;   /* keyed-hash column at nodes, index at the hub */
    bool summary;  /* shown in lists */
    enum sensitivity sensitivity;
    authority_set authority;
    uint32_t length_max;                  /* text: characters; list, map: items */
    int64_t min, max;                     /* integer, money */
    const struct policy_code_list *codes; /* enum, or list of enum */
    const char *const *targets;           /* reference: collection names, target_count >= 1 */
    size_t target_count;
    int child_of;                /* area: index of the field whose code must be a prefix; -1 */
    unsigned area_level;         /* area: number of parts that its code must have; 0 = any */
    const char *const *map_keys; /* map, list of map: the keys there are; none = any */
    size_t map_key_count;
    int nik_date;               /* nik: index of the date field that it is compared with; -1 */
    int nik_sex;                /* nik: index of the enum field that it is compared with; -1 */
    const char *nik_plus_40;    /* with nik_sex: the code whose bearers add 40 to the day */
    struct bytes default_value; /* canonical msgpack; {NULL,0} = none */
    const char *until;          /* retired from this ISO date on; NULL */
    bool append_only;           /* list: an update keeps the items that stand, in front */
    const struct expr *compute; /* the hub works it out in the entry that merges; NULL */
    const uint16_t *covers;     /* signature: indexes of the fields that are signed */
    size_t cover_count;
    const char *const *signers; /* signature: roles whose holders may sign */
    size_t signer_count;
};

/* A field found by its name. */
struct policy_field_name {
    struct bytes name;
    const struct policy_field *field;
};

/* What must hold of a record. RULE_WRITE: whenever it is written; RULE_EDGE: where an edge names
 * it; RULE_WARN: else the author is told, and nothing is refused; RULE_KEEP: whenever it is written
 * or deleted. */
enum rule_on { RULE_WRITE, RULE_EDGE, RULE_WARN, RULE_KEEP, RULE_ON_COUNT };

struct policy_rule {
    const char *name;
    const char *label;  /* what is wrong, for people */
    const char *remedy; /* what to do; NULL: nothing is said */
    int field;          /* the field to ask again; -1 */
    enum rule_on on;
    const struct expr *when;  /* only then; NULL: always */
    const struct expr *check; /* holds */
};

/* A way from states to a state. None to come from: records begin there. */
struct policy_edge {
    const char *name;
    const char *to;
    const char *const *from;
    size_t from_count;
    authority_set authority;
    const uint16_t *required; /* indexes of fields that are not empty on entering */
    size_t required_count;
    const struct policy_rule *const *rules; /* hold on entering */
    size_t rule_count;
};

/* In this state nothing but the fields `open` changes, and the record is not deleted. */
struct policy_frozen {
    const char *state;
    const uint16_t *open;
    size_t open_count;
};

struct policy_workflow {
    int field; /* the enum field that holds the state */
    const struct policy_edge *edges;
    size_t edge_count;
    const struct policy_frozen *frozen;
    size_t frozen_count;
};

/* A submission that is owed an answer: open while its state is one of `open` and `field` is empty.
 */
struct policy_answer {
    int field;
    int state;
    int unit; /* the field that says who answers; -1 */
    int64_t days;
    /* Keys of the answer's map, each NULL when it has none: when and by whom (filled in at entry),
     * what was decided, and until when it is to be done. */
    const char *time_key, *by_key, *decision_key, *target_key;
    const char *const *open;
    size_t open_count;
};

/* Who gets the records beside the office of their area: nobody, every office, or the offices of the
 * areas in a field (empty: every office). */
enum audience { AUDIENCE_AREA, AUDIENCE_ALL, AUDIENCE_FIELD };

/* Records of another collection that refer to one of this: "collection.field". */
struct policy_link {
    const char *collection; /* NULL: none */
    const char *field;
};

struct policy_collection {
    const char *name;
    const char *title;
    const struct policy_field *fields; /* in the order of the source: the order of forms and CSV */
    size_t field_count;
    const struct policy_field_name *names; /* of `fields`, by policy_name_compare */
    int area_field; /* index of the field that says where the record belongs; always there */
    int date_field; /* index of the field whose date decides dated rules; -1: the claimed time */
    int lane;       /* how urgent its entries are: enum lane; LANE_NORMAL when not given */
    const char *until;
    const struct policy_workflow *workflows;
    size_t workflow_count;
    const struct policy_rule *rules; /* in the order of the source */
    size_t rule_count;
    const struct policy_answer *answer; /* NULL: none is owed */
    enum audience audience;
    int audience_field;
    struct policy_link read_by;    /* who has read it: one such record an office */
    struct policy_link covered_by; /* where it was passed on */
    int must_read; /* bool field: where it is true, every office has to read the record; -1 */
    bool forum;    /* messages to every office: `forum` writes and lists them */
    int message;   /* forum: its required text */
    int reply;     /* forum: reference to the message that is answered; -1 */
};

struct policy_area {
    const char *code;
    const char *name;
    const char *from;  /* ISO date from which it is in force; "": always was */
    const char *until; /* from this date on it is not; "": it is */
};

struct policy_setting {
    const char *name;
    int64_t value;
};

/* One dated version of a table: in force from `from`, before `until` ("": until the next). */
struct policy_table_version {
    const char *from;
    const char *until;
    const char *basis;                 /* the decree it rests on */
    const struct policy_setting *rows; /* sorted by name */
    size_t row_count;
};

/* Numbers by code and date: amounts, limits. */
struct policy_table {
    const char *name;
    const char *label;
    const struct policy_table_version *versions; /* oldest first */
    size_t version_count;
};

struct policy_authority {
    char letter;
    bool computed; /* nobody's: the hub works such fields out */
    const char *label;
    const struct expr *only; /* counts for records where this holds; NULL: for all */
};

/* What an author of a role with countersigners signs also needs the signature of an operator who
 * holds one of those roles. */
struct policy_role {
    const char *name;
    const char *label;
    authority_set authority;
    const char *const *countersigners; /* names of roles, sorted; none = needs nobody */
    size_t countersigner_count;
    bool full;   /* may see what is masked, with a reason */
    bool single; /* one holder in force an area; another only as acting */
};

struct policy {
    const char *district;
    uint64_t version;
    struct hash previous; /* hash of the preceding rules document; zero for version 1 */
    struct hash hash;     /* crypto_hash("rules", document) */
    bool has_dictionary;
    struct hash dictionary; /* crypto_hash("dictionary", bytes) of the compression dictionary */
    struct bytes document;
    const struct policy_collection *collections; /* in the order of the source */
    size_t collection_count;
    const struct policy_code_list *code_lists; /* sorted by name */
    size_t code_list_count;
    const struct policy_area *areas; /* sorted by code */
    size_t area_count;
    const struct policy_authority *authorities; /* sorted by letter */
    size_t authority_count;
    authority_set computed;          /* the letters that are computed */
    authority_set narrow;            /* the letters that count for some records only */
    const struct policy_role *roles; /* sorted by name */
    size_t role_count;
    const struct policy_setting *settings; /* sorted by name */
    size_t setting_count;
    const struct policy_table *tables; /* sorted by name */
    size_t table_count;
    void *arena; /* owned by the policy */
};

/* ERR_MALFORMED with a problem whose thing is the place ("collection orang field nik"), as a policy
 * source would write it; ERR_VERSION: a format of a newer program; ERR_LIMIT; ERR_MEMORY. */
NODISCARD enum err policy_decode(struct bytes document, struct policy **ret_policy,
                                 struct problem *problem);
void policy_close(struct policy **policy);

/* Shorter names first, then bytewise: the order of policy_collection.names. */
int policy_name_compare(struct bytes a, struct bytes b);

/* NULL when there is none. */
const struct policy_collection *policy_collection(const struct policy *policy, struct bytes name);
/* By name or by title, letters of either case. */
const struct policy_collection *policy_collection_loose(const struct policy *policy,
                                                        struct bytes name);
/* Their names, for people: "orang, keluarga"; cut at `cap`. */
void policy_collection_names(const struct policy *policy, char *ret, size_t cap);
const struct policy_field *policy_field(const struct policy_collection *collection,
                                        struct bytes name);
/* By name or by label, letters of either case. */
const struct policy_field *policy_field_loose(const struct policy_collection *collection,
                                              struct bytes name);
const struct policy_area *policy_area(const struct policy *policy, struct bytes code);
/* In force on that ISO date. */
bool policy_area_at(const struct policy_area *area, const char date[11]);
const struct policy_table *policy_table(const struct policy *policy, struct bytes name);
/* The version in force on that ISO date; NULL: none. */
const struct policy_table_version *policy_table_version(const struct policy_table *table,
                                                        const char date[11]);
/* The number of `key` on that ISO date; false: there is none. */
bool policy_table_at(const struct policy *policy, struct bytes table, struct bytes key,
                     const char date[11], int64_t *ret);
const struct policy_rule *policy_rule(const struct policy_collection *collection,
                                      struct bytes name);
/* What it wants and what to do about it, in the words of the policy; cut at `cap`. */
void policy_rule_text(const struct policy_rule *rule, char *ret, size_t cap);
const struct policy_role *policy_role(const struct policy *policy, struct bytes name);
/* A holder of the role `countersigner` may countersign what `role` wrote. */
bool policy_countersigns(const struct policy_role *role, const char *countersigner);
/* The version of a list in force at an ISO date (the oldest for dates before it). */
const struct policy_code_version *policy_codes_at(const struct policy_code_list *list,
                                                  const char date[11]);
const struct policy_code *policy_code(const struct policy_code_version *version, struct bytes code);
/* Integer setting of the document ("idle_lock_minutes"), or `otherwise`. */
int64_t policy_setting(const struct policy *policy, const char *name, int64_t otherwise);

/* Who may write, for people: "D (Dinas Sosial), T (TKSK kecamatan)"; cut at `cap`. */
void policy_authority_text(const struct policy *policy, authority_set set, char *ret, size_t cap);

/* `code` equals `area` or lies inside it ("36.04.29.2001" in "36.04.29"). */
bool area_within(struct bytes code, struct bytes area);
/* Parts of an area code: digits in 1 to AREA_LEVELS_MAX parts, joined by points. 0: not a code. */
unsigned area_level(struct bytes code);

/* What may follow: same district, version + 1, previous = hash, only adds or loosens: no
 * collection, field, role, authority letter or area gone, no field retyped or newly required, no
 * code gone from a version of a list, new versions of a list after the last one, no range or length
 * cut, no reference target gone. Authority, defaults, labels, `until` and settings may change.
 * ERR_POLICY_FOLLOW. */
NODISCARD enum err policy_may_follow(const struct policy *before, const struct policy *after,
                                     struct problem *problem);
