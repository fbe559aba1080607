/* Settings of the policy in force that several commands go by. */
#include "hub/hub_admin_inside.h"

#define TERM_DAYS 60

json_t *hub_json_zone(const struct hub_daemon *daemon)
{
    int64_t minutes = hub_setting(daemon, "utc_offset_minutes", INT64_MIN);
    return minutes >= -24 * 60 && minutes <= 24 * 60 ? json_integer(minutes) : NULL;
}

int64_t hub_setting(const struct hub_daemon *daemon, const char *name, int64_t otherwise)
{
    const struct policy *policy = daemon->store != NULL ? hub_store_policy(daemon->store) : NULL;
    return policy != NULL ? policy_setting(policy, name, otherwise) : otherwise;
}

int64_t hub_term_days(const struct hub_daemon *daemon)
{
    return hub_setting(daemon, "alarm_term_days", TERM_DAYS);
}
