#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "common/log.h"
#include "node/node_admin_inside.h"

#define HEAD "tksk-unlock 1 "

/* What stands before the next `end`; `*rest` goes behind it. False: there is no `end`. */
static bool cut(struct bytes *rest, char end, struct bytes *ret_part)
{
    const uint8_t *at = rest->len > 0 ? memchr(rest->at, end, rest->len) : NULL;
    if (at == NULL)
        return false;
    size_t len = (size_t)(at - rest->at);
    *ret_part = bytes_of(rest->at, len);
    *rest = bytes_of(at + 1, rest->len - len - 1);
    return true;
}

/* A user's number, but not the one that stands for nobody. */
static bool uid_of(struct bytes text, uid_t *ret_uid)
{
    uint64_t uid = 0;
    if (text.len == 0 || text.len > 10)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        uid = uid * 10 + (uint64_t)(text.at[i] - '0');
    }
    *ret_uid = (uid_t)uid;
    return uid < UINT32_MAX;
}

static enum err take_line(struct node_admin *admin, struct bytes line, struct problem *problem)
{
    const struct bytes head = bytes_text(HEAD);
    struct node_session_open session = { .by_credential = true };
    struct bytes uid, derived;
    if (line.len < head.len || memcmp(line.at, head.at, head.len) != 0)
        return problem_setf(problem, ERR_MALFORMED, "line", "it does not begin with '%s'", HEAD);
    line = bytes_of(line.at + head.len, line.len - head.len);
    if (!cut(&line, ' ', &uid) || !uid_of(uid, &session.uid) || !cut(&line, ' ', &derived) ||
        line.len == 0 || line.len >= sizeof session.name || memchr(line.at, 0, line.len) != NULL)
        return problem_set(problem, ERR_MALFORMED, "line", "it is not made of UID, KEY and NAME");
    memcpy(session.name, line.at, line.len);
    return node_admin_unlock(admin, derived, &session, problem);
}

unsigned node_admin_take_credential(struct node_admin *admin, struct bytes text)
{
    struct bytes line;
    unsigned number = 0, taken = 0;
    if (!node_admin_takes_credentials(admin)) {
        log_warning("a credential is not taken: the policy says credential_unlock = 0");
        return 0;
    }
    while (cut(&text, '\n', &line)) {
        struct problem problem = { .code = OK };
        number++;
        enum err err = take_line(admin, line, &problem);
        if (err == OK)
            taken++;
        else /* whose it is stays out of the log */
            log_error("a credential does not unlock line=%u code=%s text=\"%s\"", number,
                      err_name(err), err == ERR_MALFORMED ? problem.detail : "");
    }
    if (text.len > 0)
        log_error("a credential does not unlock line=%u code=%s text=\"%s\"", number + 1,
                  err_name(ERR_MALFORMED), "it does not end");
    if (taken > 0)
        log_info("unlocked by credential operators=%u", taken);
    return taken;
}
