/* How things stand at an office: what has come, what waits, until when and how long it will take.
 */
#include <sys/statvfs.h>

#include "common/log.h"
#include "node/node_admin_inside.h"

#define SETTING_NONE INT64_MIN

/* ---- what was seen */

void node_admin_look(struct node_admin *admin, const struct public_key *key, enum node_look look)
{
    struct public_key acting;
    uint64_t wall_ms;
    if (key == NULL && !node_store_operator_key(admin->parts.store, &acting))
        return;
    (void)node_driver_time(admin->parts.driver, loop_now_ms(), loop_wall_ms(), &wall_ms, NULL);
    enum err err = node_store_look(admin->parts.store, key != NULL ? key : &acting, look, wall_ms);
    if (err != OK) /* `status` tells of more news than there are: nothing else comes of it */
        log_warning("what was seen could not be kept code=%s", err_name(err));
}

static enum err status_news(struct node_admin *admin, bool open, json_t *done)
{
    struct public_key key;
    struct node_news news;
    bool own = open && node_store_operator_key(admin->parts.store, &key);
    enum err err = node_store_news(admin->parts.store, own ? &key : NULL, &news);
    if (err == ERR_NOT_FOUND) {
        node_json_set(done, "news", NULL);
        return OK;
    }
    if (err != OK)
        return err;
    json_t *object = json_object();
    const struct {
        const char *name;
        uint64_t value;
    } list[] = {
        { "arrived", news.arrived },         { "answers", news.answers },
        { "accepted", news.accepted },       { "superseded", news.superseded },
        { "rejected", news.rejected },       { "held", news.held },
        { "quarantined", news.quarantined }, { "parked", news.parked },
    };
    node_json_set(object, "since", node_json_time(news.since_ms));
    for (size_t i = 0; i < COUNT_OF(list); i++)
        node_json_set(object, list[i].name, node_json_uint(list[i].value));
    node_json_set(done, "news", object);
    return OK;
}

/* Answers from the district that wait for a look add to *waits. */
static enum err status_answers(struct node_admin *admin, bool open, json_t *done, uint64_t *waits)
{
    struct public_key key;
    uint64_t replies = 0;
    bool own = open && node_store_operator_key(admin->parts.store, &key);
    enum err err = node_answer_status(admin, own ? &key : NULL, done, &replies);
    if (err == OK)
        *waits += replies;
    return err;
}

/* ---- time */

static int64_t setting(const struct node_admin *admin, const char *name, int64_t otherwise)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    return policy != NULL ? policy_setting(policy, name, otherwise) : otherwise;
}

json_t *node_json_zone(const struct node_admin *admin)
{
    int64_t minutes = setting(admin, "utc_offset_minutes", SETTING_NONE);
    return minutes >= -24 * 60 && minutes <= 24 * 60 ? json_integer(minutes) : NULL;
}

uint64_t node_admin_claim_ms(const struct node_admin *admin)
{
    return node_driver_claim_ms(admin->parts.driver, loop_now_ms(), loop_wall_ms());
}

static void status_cutoff(const struct node_admin *admin, enum clock_source source,
                          uint64_t wall_ms, json_t *done)
{
    const struct node_cutoff cutoff = {
        .day = setting(admin, "cutoff_day", 0),
        .hour = setting(admin, "cutoff_hour", 0),
        .minute = setting(admin, "cutoff_minute", 0),
        .utc_offset_minutes = setting(admin, "utc_offset_minutes", 0),
    };
    bool valid = node_cutoff_valid(&cutoff);
    bool dated = valid && source != CLOCK_NOBODY && wall_ms < CLOCK_MS_MAX;
    uint64_t next_ms = dated ? node_cutoff_next(&cutoff, wall_ms) : 0;
    node_json_set(done, "cutoff", dated ? node_json_time(next_ms) : NULL);
    node_json_set(done, "cutoff_left_s", dated ? node_json_uint((next_ms - wall_ms) / 1000) : NULL);
    /* What is known when nobody knows what day it is. */
    node_json_set(done, "cutoff_day", valid ? json_integer(cutoff.day) : NULL);
    node_json_set(done, "cutoff_hour", valid ? json_integer(cutoff.hour) : NULL);
    node_json_set(done, "cutoff_minute", valid ? json_integer(cutoff.minute) : NULL);
}

static uint64_t status_time(const struct node_admin *admin, json_t *done)
{
    static const char *const names[] = {
        [CLOCK_HUB] = "hub", [CLOCK_OWN] = "own", [CLOCK_NOBODY] = "wrong"
    };
    uint64_t wall_ms;
    int64_t off_ms;
    enum clock_source source =
        node_driver_time(admin->parts.driver, loop_now_ms(), loop_wall_ms(), &wall_ms, &off_ms);
    bool wrong = off_ms > CLOCK_WRONG_MS || off_ms < -CLOCK_WRONG_MS;
    node_json_set(done, "now", node_json_time(wall_ms));
    node_json_set(done, "clock", json_string(wrong ? "wrong" : names[source]));
    node_json_set(done, "clock_off_s", source == CLOCK_HUB ? json_integer(off_ms / 1000) : NULL);
    node_json_set(done, "utc_offset_minutes", node_json_zone(admin));
    status_cutoff(admin, source, wall_ms, done);
    return wall_ms;
}

/* ---- figures */

struct counted {
    unsigned operators;
    json_t *waiting; /* names of who is not approved yet */
    uint64_t changes;
    uint64_t awaiting_term; /* of these, those that wait for an SK */
};

static void count_operator(void *ctx, const struct node_operator *op)
{
    struct counted *counted = ctx;
    counted->operators++;
    if (op->number == 0)
        json_array_append_new(counted->waiting, json_string(op->name));
}

static void count_change(void *ctx, const struct own_change *change)
{
    struct counted *counted = ctx;
    counted->awaiting_term +=
        change->disposition == DISPOSITION_QUARANTINED && node_waits_for_term(change->reason);
    counted->changes++;
}

static const char *standing_name(const struct node_link *link)
{
    switch (link->standing) {
    case STANDING_ACTIVE:
        return "active";
    case STANDING_REOPEN:
        return "reopen";
    case STANDING_QUARANTINED:
        return "quarantined";
    case STANDING_WAITING:
        return "waiting";
    }
    return "none";
}

static const char *next_command(const struct node_identity *identity, const struct counted *counted,
                                bool open, uint64_t attention, uint64_t to_sign)
{
    if (identity->enrolment == ENROLMENT_NONE || identity->enrolment == ENROLMENT_REFUSED)
        return "tkskctl enrol INVITE";
    if (identity->enrolment == ENROLMENT_WAITING)
        return "tkskctl enrol";
    if (counted->operators == 0)
        return "tkskctl operator add NAME";
    if (json_array_size(counted->waiting) == counted->operators)
        return "tkskctl operator words NAME";
    if (!open)
        return "tkskctl unlock";
    if (attention > 0)
        return "tkskctl attention";
    return to_sign > 0 ? "tkskctl countersign" : NULL;
}

static enum err status_lanes(struct node_store *store, json_t *done)
{
    json_t *lanes = json_array();
    enum err err = OK;
    for (unsigned i = 0; err == OK && i < LANE_COUNT; i++) {
        struct node_lane lane;
        err = node_store_lane(store, (enum lane)i, &lane);
        if (err == OK)
            json_array_append_new(
                lanes, json_pack("{s:s, s:I, s:I, s:I}", "lane", node_lane_name((enum lane)i),
                                 "highest", (json_int_t)lane.highest, "acked",
                                 (json_int_t)lane.acked, "keep_from", (json_int_t)lane.keep_from));
    }
    node_json_set(done, "lanes", lanes);
    return err;
}

/* *ret_waits: what an operator has to do something about, beside answers. */
static enum err status_figures(struct node_admin *admin, json_t *done, uint64_t *ret_waits)
{
    struct node_figures figures;
    uint64_t forecast_s = 0, rate = node_driver_rate(admin->parts.driver);
    enum err err = node_store_figures(admin->parts.store, &figures);
    if (err != OK)
        return err;
    const struct {
        const char *name;
        uint64_t value;
    } list[] = {
        { "queued", figures.queued },
        { "queued_bytes", figures.queued_bytes },
        { "queue_limit_bytes", figures.queue_limit_bytes },
        { "accepted", figures.accepted },
        { "superseded", figures.superseded },
        { "rejected", figures.rejected },
        { "held", figures.held },
        { "quarantined", figures.quarantined },
        { "parked", figures.parked },
        { "safe", figures.safe },
        { "records", figures.records },
        { "conflicts", figures.conflicts },
        { "drafts", figures.drafts },
    };
    for (size_t i = 0; i < COUNT_OF(list); i++)
        node_json_set(done, list[i].name, node_json_uint(list[i].value));
    bool known = node_driver_forecast(admin->parts.driver, figures.queued_bytes, &forecast_s);
    node_json_set(done, "rate_bytes_s", rate > 0 ? node_json_uint(rate) : NULL);
    node_json_set(done, "forecast_s", known ? node_json_uint(forecast_s) : NULL);
    uint64_t told = 0;
    err = node_store_held_told(admin->parts.store, &told);
    *ret_waits =
        figures.conflicts + figures.drafts - (told < figures.conflicts ? told : figures.conflicts);
    return err;
}

static enum err status_cursors(struct node_store *store, json_t *done)
{
    struct cursor control, records;
    uint64_t epoch = 0, number = 0;
    enum err err = node_store_cursor(store, FEED_CONTROL, &control);
    if (err == OK)
        err = node_store_cursor(store, FEED_RECORDS, &records);
    if (err == OK)
        err = node_store_seen(store, &epoch, &number);
    if (err != OK)
        return err;
    node_json_set(done, "cursor_control", node_json_uint(control.number));
    node_json_set(done, "cursor_records", node_json_uint(records.number));
    node_json_set(done, "epoch", node_json_uint(epoch));
    return OK;
}

static void status_link(struct node_admin *admin, enum lang lang, uint64_t wall_ms, json_t *done)
{
    struct node_link link;
    char refusal[PROBLEM_DETAIL_MAX + 256] = "";
    node_driver_link(admin->parts.driver, &link);
    uint64_t now_ms = loop_now_ms();
    uint64_t since_ms = now_ms > link.since_ms ? now_ms - link.since_ms : 0;
    node_json_set(done, "linked", json_boolean(link.linked));
    node_json_set(done, "linked_since",
                  link.linked && wall_ms > since_ms ? node_json_time(wall_ms - since_ms) : NULL);
    node_json_set(done, "standing", json_string(standing_name(&link)));
    node_json_set(done, "in_flight", node_json_uint(link.in_flight));
    if (link.refusal.code != OK)
        problem_rule(&link.refusal, lang, refusal, sizeof refusal);
    node_json_set(done, "last_refusal", refusal[0] != '\0' ? json_string(refusal) : NULL);
}

static void status_rest(struct node_admin *admin, json_t *done)
{
    struct statvfs disk;
    const struct policy_mark mark = node_store_policy_mark(admin->parts.store);
    node_json_set(done, "trust_version", node_json_uint(mark.trust_version));
    node_json_set(done, "rules_version", node_json_uint(mark.rules_version));
    node_json_set(done, "disk_free_bytes",
                  statvfs(admin->parts.state, &disk) == 0
                      ? node_json_uint((uint64_t)disk.f_bavail * disk.f_frsize)
                      : NULL);
}

/* What only an office has. */
static enum err status_office(struct node_admin *admin, bool open, struct counted *counted,
                              uint64_t *ret_waits, json_t *done)
{
    struct node_store *store = admin->parts.store;
    enum err err = node_store_operators(store, count_operator, counted);
    if (err == OK)
        err = node_store_changes(store, NULL, true, count_change, counted);
    if (err == OK)
        err = status_figures(admin, done, ret_waits);
    if (err == OK)
        err = status_lanes(store, done);
    if (err == OK)
        err = status_cursors(store, done);
    if (err == OK)
        err = node_status_load(store, done);
    if (err == OK)
        err = status_news(admin, open, done);
    if (err == OK)
        err = status_answers(admin, open, done, ret_waits);
    return err;
}

void node_cmd_status(struct node_admin *admin, struct admin_call *call)
{
    struct node_identity identity;
    struct counted counted = { .waiting = json_array() };
    uint64_t waits = 0, to_sign = 0, unread = 0;
    bool rules_unseen = false;
    bool open = node_admin_open_for(admin, call);
    json_t *done = json_object();
    enum err err = node_store_identity(admin->parts.store, &identity);
    bool named = err == OK && identity.enrolment != ENROLMENT_NONE;
    if (err == OK) {
        node_json_set(done, "node", named ? json_string(identity.node) : NULL);
        node_json_set(done, "district", named ? json_string(identity.district) : NULL);
        node_json_set(done, "enrolment", json_string(node_enrolment_name(identity.enrolment)));
    }
    if (named)
        err = status_office(admin, open, &counted, &waits, done);
    if (named && err == OK)
        err = node_countersign_status(admin, done, &to_sign);
    if (named && err == OK)
        err = node_announce_status(admin, open, done, &unread);
    if (named && err == OK && open)
        err = node_rules_unseen(admin, &rules_unseen);
    if (err != OK) {
        json_decref(counted.waiting);
        json_decref(done);
        node_admin_refuse(call, err, "status", NULL);
        return;
    }
    uint64_t attention = counted.changes + waits + unread + rules_unseen;
    node_json_set(done, "locked", json_boolean(!open));
    node_json_set(done, "operators", json_integer((json_int_t)counted.operators));
    node_json_set(done, "attention", node_json_uint(attention));
    node_json_set(done, "awaiting_term", node_json_uint(counted.awaiting_term));
    node_json_set(done, "terms", node_terms_json(admin));
    node_json_set(done, "operators_waiting", counted.waiting);
    /* Several have unlocked, and nobody said who asks: then what waits is for one of them. */
    if (open && admin->name[0] == '\0')
        to_sign = (uint64_t)json_integer_value(json_object_get(done, "to_countersign"));
    status_link(admin, admin_call_lang(call), status_time(admin, done), done);
    status_rest(admin, done);
    const char *next = next_command(&identity, &counted, open, attention, to_sign);
    node_json_set(done, "next", next != NULL ? json_string(next) : NULL);
    admin_done(call, done);
}
