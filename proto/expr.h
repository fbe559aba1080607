/* The language of the conditions and computed values in the policy (PROTOCOL.md, §12
 * "Expressions"): one line over the fields of a record, compiled once, evaluated often.
 *
 * `nil` is a value that is not there; unknown is what this side cannot know, such as a record of
 * another office. No heap, no callbacks but those of `struct expr_env`, no recursion deeper than
 * EXPR_DEPTH_MAX. An expression that is wrong for its values gives nil, never a failure. */
#pragma once

#include "proto/codec.h"
#include "proto/limits.h"

struct policy;
struct policy_collection;
struct policy_field;
struct expr;

/* Memory comes from take(arena, size): zeroed, aligned for anything, or NULL (ERR_MEMORY); it is
 * one piece and keeps its own copy of the text. ERR_POLICY_MEANING: *ret_why says where and what
 * ("column 12: …"), cut at `cap`. */
NODISCARD enum err expr_compile(struct bytes text, void *(*take)(void *arena, size_t size),
                                void *arena, const struct expr **ret_expr, char *ret_why,
                                size_t cap);

/* As it was compiled. */
struct bytes expr_source(const struct expr *expr);

enum expr_name_kind {
    EXPR_PATH,      /* a field, or a field of what it refers to */
    EXPR_SIGNATURE, /* the field of signature(…) */
    EXPR_LIST,      /* in list("…") */
    EXPR_TABLE,     /* table("…", …) */
};

struct expr_name {
    enum expr_name_kind kind;
    struct bytes name; /* list, table, or the first name of the path */
    struct bytes path; /* PATH: the whole of it, without `old.`; else as `name` */
    bool old;          /* PATH: the value before the change */
    size_t column;     /* from 1, in characters */
};

/* The i-th name that the expression uses, in the order of its text; false: there are no more. */
bool expr_names(const struct expr *expr, size_t i, struct expr_name *ret_name);

/* What signature("…") tells of a field of type signature. */
enum signature_state {
    SIGNATURE_NONE,  /* "none": none, or not over what the record says now */
    SIGNATURE_OK,    /* "ok" */
    SIGNATURE_ENDED, /* "ended": the signer's term or key had ended */
    SIGNATURE_AREA,  /* "area": the signer is not of the record's area */
};

/* What an evaluation may ask. All of it borrowed; a NULL function makes unknown what it would
 * say. */
struct expr_env {
    const struct policy *policy;
    const char *event;   /* ISO date of the event: decides lists and tables; NULL or "": nil */
    const char *claimed; /* ISO date of the claimed time; NULL or "": nil */
    const struct policy_collection *collection; /* of the record */
    /* The value after the change, or before it (`old`; nil on a create): canonical msgpack that
     * stays while the evaluation lasts, {NULL,0} for nil. False: unknown. */
    bool (*field)(void *context, const struct policy_field *field, bool old, struct bytes *ret_raw);
    /* The field `name` of the record `id` that a field `reference` names, and the collection in
     * which that is, one of reference->targets; the bytes live until the next call only. A record
     * that surely exists nowhere has only nil. False: unknown. */
    bool (*follow)(void *context, const struct policy_field *reference, const struct id *id,
                   struct bytes name, const struct policy_collection **ret_collection,
                   struct bytes *ret_raw);
    enum signature_state (*signature)(void *context, const struct policy_field *field);
    void *context;
};

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

/* NO for nil and for whatever is no boolean. */
enum truth expr_truth(const struct expr *expr, const struct expr_env *env);

enum expr_kind {
    EXPR_NIL,
    EXPR_BOOL,
    EXPR_INT,
    EXPR_TEXT,
    EXPR_RAW, /* list, map, reference, blob, or text of more than EXPR_TEXT_BYTES_MAX */
    EXPR_UNKNOWN,
};

struct expr_result {
    enum expr_kind kind;
    bool b;
    int64_t i;
    char text[EXPR_TEXT_BYTES_MAX + 1]; /* NUL-terminated */
    struct bytes raw; /* RAW: canonical msgpack, as long as what the environment gave it from */
};

/* False: unknown (ret_result->kind says so too). */
bool expr_value(const struct expr *expr, const struct expr_env *env,
                struct expr_result *ret_result);

/* The value of a computed field; not for UNKNOWN. */
void expr_write(const struct expr_result *result, struct writer *writer);
