/* What needs a person at the district, worst first. Limits are settings of the policy. */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "common/log.h"
#include "hub/hub_admin_inside.h"
#include "proto/value_form.h"

#define DAY_MS UINT64_C(86400000)
#define SILENT_DAYS 3
#define BACKUP_DAYS 7
#define CLOCK_OFF_S (10 * 60)
#define DISK_FREE_MIN (UINT64_C(1024) * 1024 * 1024)

static json_t *alarm_new(json_t *alarms, const char *kind, const char *level, const char *node)
{
    json_t *alarm = json_pack("{s:s, s:s}", "kind", kind, "level", level);
    hub_json_set(alarm, "node", node != NULL ? json_string(node) : NULL);
    (void)json_array_append_new(alarms, alarm);
    return alarm;
}

static bool is_ended(const json_t *row)
{
    const char *state = json_string_value(json_object_get(row, "state"));
    return state == NULL || strcmp(state, "ended") == 0;
}

static void alarm_twins(json_t *alarms, const json_t *nodes)
{
    size_t index;
    json_t *row;
    json_array_foreach(nodes, index, row) {
        const char *state = json_string_value(json_object_get(row, "state"));
        if (state != NULL && strcmp(state, "quarantined") == 0)
            (void)alarm_new(alarms, "twin", "bad", json_string_value(json_object_get(row, "node")));
    }
}

/* An office that never came is not silent: it may not have begun. */
static void alarm_silent(const struct hub_daemon *daemon, json_t *alarms, const json_t *nodes)
{
    int64_t days = hub_setting(daemon, "alarm_silent_days", SILENT_DAYS);
    size_t index;
    json_t *row;
    json_array_foreach(nodes, index, row) {
        const json_t *silent = json_object_get(row, "silent_s");
        if (is_ended(row) || !json_is_integer(silent) ||
            json_integer_value(silent) < days * (int64_t)(DAY_MS / 1000))
            continue;
        json_t *alarm =
            alarm_new(alarms, "silent", "wait", json_string_value(json_object_get(row, "node")));
        hub_json_set(alarm, "days",
                     json_integer(json_integer_value(silent) / (json_int_t)(DAY_MS / 1000)));
    }
}

/* Until what a former machine had queued has come by hand, somebody has to look for it. */
static void alarm_lost(json_t *alarms, const json_t *nodes)
{
    size_t index;
    json_t *row;
    json_array_foreach(nodes, index, row) {
        json_int_t lost = json_integer_value(json_object_get(row, "lost"));
        if (lost > 0)
            hub_json_set(
                alarm_new(alarms, "lost", "wait", json_string_value(json_object_get(row, "node"))),
                "entries", json_integer(lost));
    }
}

static void alarm_clocks(json_t *alarms, const json_t *nodes)
{
    size_t index;
    json_t *row;
    json_array_foreach(nodes, index, row) {
        const json_t *off = json_object_get(row, "clock_off_s");
        json_int_t off_s = json_integer_value(off);
        if (is_ended(row) || !json_is_integer(off) ||
            (off_s <= CLOCK_OFF_S && off_s >= -CLOCK_OFF_S))
            continue;
        json_t *alarm =
            alarm_new(alarms, "clock", "wait", json_string_value(json_object_get(row, "node")));
        hub_json_set(alarm, "off_s", json_integer(off_s));
    }
}

static void alarm_terms(const struct hub_daemon *daemon, json_t *alarms)
{
    const struct trust *trust = hub_store_trust(daemon->store);
    int64_t limit = hub_term_days(daemon);
    char today[11], number[16];
    json_t *waits = NULL;
    if (hub_terms_waiting(daemon->store, &waits) != OK)
        log_warning("what waits for a renewal cannot be counted");
    date_of_ms(loop_wall_ms(), today);
    for (size_t i = 0; i < trust->operator_count; i++) {
        const struct trust_operator *op = &trust->operators[i];
        int64_t days = 0;
        if (op->ended.reason != END_NONE || !date_days_until(today, op->until, &days) ||
            days > limit)
            continue;
        json_t *alarm = alarm_new(alarms, "term_ending", days < 0 ? "bad" : "wait", op->node);
        hub_json_set(alarm, "name", json_string(op->name));
        hub_json_set(alarm, "number", hub_json_uint(op->number));
        hub_json_set(alarm, "until", json_string(op->until));
        hub_json_set(alarm, "days", json_integer(days));
        (void)snprintf(number, sizeof number, "%u", (unsigned)op->number);
        hub_json_set(alarm, "entries",
                     hub_json_uint((uint64_t)json_integer_value(json_object_get(waits, number))));
    }
    json_decref(waits);
}

static void alarm_backup(const struct hub_daemon *daemon, json_t *alarms, uint64_t backup_ms)
{
    int64_t limit = hub_setting(daemon, "alarm_backup_days", BACKUP_DAYS);
    uint64_t now_ms = loop_wall_ms();
    if (backup_ms == 0) {
        (void)alarm_new(alarms, "no_backup", "wait", NULL);
        return;
    }
    uint64_t days = now_ms > backup_ms ? (now_ms - backup_ms) / DAY_MS : 0;
    if (days < (uint64_t)(limit > 0 ? limit : 0) || days == 0)
        return;
    hub_json_set(alarm_new(alarms, "backup", "wait", NULL), "days", hub_json_uint(days));
}

static void alarm_disk(const struct hub_daemon *daemon, json_t *alarms)
{
    struct statvfs disk;
    if (statvfs(daemon->config->state, &disk) != 0)
        return;
    uint64_t bytes = (uint64_t)disk.f_bavail * (uint64_t)disk.f_frsize;
    if (bytes < DISK_FREE_MIN)
        hub_json_set(alarm_new(alarms, "disk", "bad", NULL), "bytes", hub_json_uint(bytes));
}

json_t *hub_alarms(const struct hub_daemon *daemon, const json_t *nodes, uint64_t backup_ms)
{
    json_t *alarms = json_array();
    const struct hub_halt *halt = hub_driver_halt(daemon->driver);
    if (halt->on)
        (void)alarm_new(alarms, "rolled_back", "bad", halt->node);
    alarm_disk(daemon, alarms);
    alarm_twins(alarms, nodes);
    alarm_terms(daemon, alarms);
    alarm_silent(daemon, alarms, nodes);
    alarm_lost(alarms, nodes);
    alarm_clocks(alarms, nodes);
    alarm_backup(daemon, alarms, backup_ms);
    hub_alarms_unanswered(daemon, alarms);
    return alarms;
}
