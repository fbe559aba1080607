/* What waits, and why: attention, explain. */
#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_draft.h"

const char *node_enrolment_name(enum enrolment enrolment)
{
    switch (enrolment) {
    case ENROLMENT_NONE:
        return "none";
    case ENROLMENT_WAITING:
        return "waiting";
    case ENROLMENT_DONE:
        return "approved";
    case ENROLMENT_REFUSED:
        return "refused";
    }
    return "none";
}

const char *node_change_place(const struct node_admin *admin, const struct own_change *change)
{
    if (change->countersign == COUNTERSIGN_WAITS)
        return "to_countersign";
    if (change->countersign == COUNTERSIGN_REFUSED)
        return "refused";
    if (change->disposition != DISPOSITION_NONE)
        return "received";
    return node_driver_is_sent(admin->parts.driver, change->lane, change->seq) ? "sent" : "queued";
}

static const char *say(enum lang lang, const char *en, const char *id)
{
    return lang == LANG_ID ? id : en;
}

/* ---- attention */

struct waiting {
    enum lang lang;
    json_t *rows;
};

static void attention_change(void *ctx, const struct own_change *change)
{
    struct waiting *waiting = ctx;
    char reason[PROBLEM_DETAIL_MAX + 256];
    json_t *row = json_object();
    struct change decoded;
    bool known = change->raw.len > 0 && change_decode(change->raw, &decoded) == OK;
    node_reason_text(change->reason, change->field, waiting->lang, reason, sizeof reason);
    node_json_set(row, "kind", json_string(disposition_name(change->disposition)));
    node_json_set(row, "collection", known ? node_json_bytes(decoded.collection) : NULL);
    node_json_set(row, "id", node_json_uuid(&change->record));
    node_json_set(row, "leaf", node_json_hash(&change->leaf));
    node_json_set(row, "index", json_integer((json_int_t)change->index));
    node_json_set(row, "op", json_string(change_op_name(change->op)));
    node_json_set(row, "reason", change->reason.len > 0 ? node_json_bytes(change->reason) : NULL);
    node_json_set(row, "reason_text", reason[0] != '\0' ? json_string(reason) : NULL);
    node_json_set(row, "field", change->field.len > 0 ? node_json_bytes(change->field) : NULL);
    json_array_append_new(waiting->rows, row);
}

static void attention_conflict(void *ctx, const struct node_conflict *conflict)
{
    struct waiting *waiting = ctx;
    json_t *row = json_object();
    node_json_set(row, "kind", json_string("conflict"));
    node_json_set(row, "id", node_json_uuid(&conflict->record));
    node_json_set(row, "conflict", node_json_uuid(&conflict->conflict));
    node_json_set(row, "reason", NULL);
    node_json_set(row, "reason_text", NULL);
    node_json_set(row, "field", conflict->field.len > 0 ? node_json_bytes(conflict->field) : NULL);
    json_array_append_new(waiting->rows, row);
}

static const char *row_text(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text != NULL ? text : "";
}

/* A held change and the conflict that the feed tells of it are one thing to decide. */
static void drop_told(json_t *rows)
{
    for (size_t i = json_array_size(rows); i > 0; i--) {
        const json_t *held = json_array_get(rows, i - 1);
        bool told = false;
        if (strcmp(row_text(held, "kind"), "held") != 0)
            continue;
        for (size_t k = 0; k < json_array_size(rows); k++) {
            const json_t *row = json_array_get(rows, k);
            told = told || (strcmp(row_text(row, "kind"), "conflict") == 0 &&
                            strcmp(row_text(row, "id"), row_text(held, "id")) == 0);
        }
        if (told)
            (void)json_array_remove(rows, i - 1);
    }
}

static const char *attention_what(const char *kind, enum lang lang)
{
    static const struct {
        const char *kind, *en, *id;
    } texts[] = {
        { "rejected",
          "the district office did not take it; `tkskctl attention --done ID` once you know",
          "Dinas tidak menerima; `tkskctl perhatian --done ID` bila sudah dibaca" },
        { "held", "two values; a decision is being waited for",
          "isian berbeda; menunggu keputusan" },
        { "quarantined", "kept for review at the district office, not lost",
          "ditahan untuk diperiksa Dinas, tidak hilang" },
        { "term", "waits for an SK of the district office, not lost",
          "menunggu SK dari Dinas, tidak hilang" },
        { "conflict", "two values; decide with `tkskctl conflict resolve`",
          "isian berbeda; putuskan dengan `tkskctl conflict resolve`" },
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (strcmp(texts[i].kind, kind) == 0)
            return say(lang, texts[i].en, texts[i].id);
    }
    return "";
}

/* Answers without personal data are for everyone; numbers and collections for whoever unlocked. */
void node_cmd_attention(struct node_admin *admin, struct admin_call *call)
{
    struct node_store *store = admin->parts.store;
    struct waiting waiting = { .lang = admin_call_lang(call), .rows = json_array() };
    bool open = node_admin_open_for(admin, call);
    size_t index;
    json_t *row;
    enum err err = node_store_changes(store, NULL, true, attention_change, &waiting);
    if (err == OK && open)
        err = node_store_conflicts(store, attention_conflict, &waiting);
    drop_told(waiting.rows);
    size_t answers = json_array_size(waiting.rows);
    if (err == OK)
        err = node_draft_rows(admin, waiting.lang, open, waiting.rows);
    if (err == OK && open)
        err = node_countersign_rows(admin, waiting.lang, waiting.rows);
    if (err == OK)
        err = node_answer_rows(admin, waiting.lang, open, waiting.rows);
    if (err == OK && open)
        err = node_announce_rows(admin, waiting.lang, waiting.rows);
    if (err == OK && open)
        err = node_rules_row(admin, waiting.lang, waiting.rows);
    if (err == OK)
        node_term_rows(admin, waiting.lang, waiting.rows);
    json_array_foreach(waiting.rows, index, row) {
        const struct record_view *view;
        struct id record;
        if (index >= answers) {
            admin_row(call, json_incref(row));
            continue;
        }
        bool known = open && uuid_from_text(node_arg_text(row, "id"), &record) &&
                     node_store_view(store, &record, &view) == OK;
        node_json_set(row, "short", known ? node_json_bytes(view->short_text) : NULL);
        if (known)
            node_json_set(row, "collection", node_json_bytes(view->collection));
        else if (!open || json_object_get(row, "collection") == NULL)
            node_json_set(row, "collection", NULL);
        node_reason_row(admin, node_arg_text(row, "collection"), known ? &record : NULL,
                        waiting.lang, row);
        bool term = strcmp(row_text(row, "kind"), "quarantined") == 0 &&
                    node_waits_for_term(bytes_text(row_text(row, "reason")));
        node_json_set(
            row, "what",
            json_string(attention_what(term ? "term" : row_text(row, "kind"), waiting.lang)));
        if (open)
            node_countersign_refusal_row(admin, waiting.lang, row);
        admin_row(call, json_incref(row));
    }
    json_decref(waiting.rows);
    if (err == OK && open)
        node_admin_look(admin, NULL, LOOK_READ);
    if (err != OK)
        node_admin_refuse(call, err, "attention", NULL);
    else
        admin_done(call, NULL);
}

/* ---- explain */

struct explaining {
    struct node_admin *admin;
    enum lang lang;
    bool any_waits;
    uint64_t ahead_bytes; /* until the last of those that wait has left */
    json_t *steps;
};

static const char *op_text(enum change_op op, enum lang lang)
{
    switch (op) {
    case OP_CREATE:
        return say(lang, "entered", "diisi");
    case OP_UPDATE:
        return say(lang, "changed", "diubah");
    case OP_DELETE:
        return say(lang, "deleted", "dihapus");
    case OP_RESOLVE:
        return say(lang, "decided", "diputuskan");
    }
    return "";
}

static const char *outcome_text(const struct own_change *change, enum lang lang)
{
    if (change->disposition == DISPOSITION_QUARANTINED && node_waits_for_term(change->reason))
        return say(lang, "waits for an SK, not lost", "menunggu SK, tidak hilang");
    switch (change->disposition) {
    case DISPOSITION_NONE:
        break;
    case DISPOSITION_ACCEPTED:
        return say(lang, "accepted", "diterima");
    case DISPOSITION_SUPERSEDED:
        return say(lang, "valid, but a later value stands",
                   "sah, tetapi sudah ada nilai lebih baru");
    case DISPOSITION_REJECTED:
        return say(lang, "rejected", "ditolak");
    case DISPOSITION_HELD:
        return say(lang, "waits for a decision: two values", "menunggu keputusan: isian berbeda");
    case DISPOSITION_QUARANTINED:
        return say(lang, "kept for review, not lost", "ditahan untuk diperiksa, tidak hilang");
    case DISPOSITION_PARKED:
        return say(lang, "waits for another entry", "menunggu isian lain");
    }
    return "";
}

static void explain_change(void *ctx, const struct own_change *change)
{
    struct explaining *explaining = ctx;
    enum lang lang = explaining->lang;
    char leaf[2 * HASH_BYTES + 1], reason[PROBLEM_DETAIL_MAX + 256];
    struct change decoded;
    bool known = change->raw.len > 0 && change_decode(change->raw, &decoded) == OK;
    crypto_hex(bytes_hash(&change->leaf), leaf);
    node_reason_about(explaining->admin, change->reason, change->field,
                      known ? decoded.collection : bytes_of(NULL, 0), NULL, lang, reason,
                      sizeof reason);
    json_t *step;
    if (change->countersign == COUNTERSIGN_WAITS) {
        step = json_sprintf("%.12s %s: %s", leaf, op_text(change->op, lang),
                            say(lang, "stored here, waits for a countersignature",
                                "tersimpan di netbook, menunggu tanda tangan"));
    } else if (change->countersign == COUNTERSIGN_REFUSED) {
        step = json_sprintf("%.12s %s: %s", leaf, op_text(change->op, lang), reason);
    } else if (change->disposition == DISPOSITION_NONE) {
        bool sent = strcmp(node_change_place(explaining->admin, change), "sent") == 0;
        uint64_t bytes = 0;
        if (node_store_ahead(explaining->admin->parts.store, change->lane, change->seq, &bytes) ==
                OK &&
            bytes > explaining->ahead_bytes)
            explaining->ahead_bytes = bytes;
        explaining->any_waits = true;
        step = json_sprintf(
            "%.12s %s: %s (%s %llu)", leaf, op_text(change->op, lang),
            sent ? say(lang, "on its way, not acknowledged yet", "sedang dikirim, belum dijawab")
                 : say(lang, "stored here, not sent yet", "tersimpan di netbook, belum terkirim"),
            node_lane_name(change->lane), (unsigned long long)change->seq);
    } else {
        step = json_sprintf(
            "%.12s %s: %s, %s%s%s%s", leaf, op_text(change->op, lang),
            say(lang, "arrived at the district office", "sudah sampai di Dinas"),
            outcome_text(change, lang), reason[0] != '\0' ? ": " : "", reason,
            change->safe ? say(lang, "; in a backup there", "; sudah dicadangkan di sana") : "");
    }
    json_array_append_new(explaining->steps, step != NULL ? step : json_null());
}

/* What everything that has not left waits for. */
static json_t *explain_wait(struct node_admin *admin, enum lang lang)
{
    struct node_identity identity;
    struct node_link link;
    char refusal[PROBLEM_DETAIL_MAX + 256];
    node_driver_link(admin->parts.driver, &link);
    if (node_store_identity(admin->parts.store, &identity) == OK &&
        identity.enrolment != ENROLMENT_DONE)
        return json_string(say(lang, "It waits for the approval of this office.",
                               "Menunggu persetujuan kantor ini."));
    if (link.refusal.code != OK) {
        problem_rule(&link.refusal, lang, refusal, sizeof refusal);
        return json_sprintf("%s %s", say(lang, "The hub said:", "Jawaban Dinas:"), refusal);
    }
    if (link.standing == STANDING_WAITING)
        return json_string(say(lang, "It waits for the hub, which merges nothing at present.",
                               "Menunggu Dinas, yang sedang tidak menggabungkan data."));
    if (!link.linked)
        return json_string(say(lang, "It waits for a link to the hub; it goes by itself.",
                               "Menunggu sambungan ke Dinas; nanti terkirim sendiri."));
    return json_string(
        say(lang, "It waits for its turn; the link is there.", "Menunggu giliran; sambungan ada."));
}

/* When it will have gone; null when that is not known, or nothing waits. */
static void explain_forecast(const struct explaining *explaining, json_t *done)
{
    struct node_driver *driver = explaining->admin->parts.driver;
    struct node_link link;
    uint64_t forecast_s = 0;
    bool known =
        explaining->any_waits && node_driver_forecast(driver, explaining->ahead_bytes, &forecast_s);
    node_driver_link(driver, &link);
    node_json_set(done, "linked", json_boolean(link.linked));
    node_json_set(done, "forecast_s", known ? node_json_uint(forecast_s) : NULL);
}

static json_t *explain_first(const struct record_view *view, enum lang lang)
{
    if (view->pending)
        return json_sprintf(
            "%.*s: %s", (int)view->short_text.len, view->short_text.at,
            say(lang, "own changes are on their way", "ada perubahan yang sedang jalan"));
    return json_sprintf("%.*s: %s", (int)view->short_text.len, view->short_text.at,
                        say(lang, "as the district office has it", "sama dengan yang di Dinas"));
}

void node_cmd_explain(struct node_admin *admin, struct admin_call *call)
{
    struct node_store *store = admin->parts.store;
    struct explaining explaining = { .admin = admin, .lang = admin_call_lang(call) };
    const struct record_view *view;
    struct bytes text;
    struct id record;
    if (!node_arg_needed(call, "id", &text) || !node_arg_record(admin, call, text, &record))
        return;
    explaining.steps = json_array();
    enum err err = node_store_view(store, &record, &view);
    if (err == OK)
        json_array_append_new(explaining.steps, explain_first(view, explaining.lang));
    if (err == OK || err == ERR_NOT_FOUND)
        err = node_store_changes(store, &record, false, explain_change, &explaining);
    if (err != OK) {
        json_decref(explaining.steps);
        node_admin_refuse(call, err, "record", NULL);
        return;
    }
    if (explaining.any_waits)
        json_array_append_new(explaining.steps, explain_wait(admin, explaining.lang));
    json_t *answered = node_answer_step(admin, &record, explaining.lang);
    if (answered != NULL)
        json_array_append_new(explaining.steps, answered);
    json_t *done = json_object();
    node_json_set(done, "id", node_json_uuid(&record));
    node_json_set(done, "steps", explaining.steps);
    explain_forecast(&explaining, done);
    admin_done(call, done);
}
