#include "node/node_uplink.h"

#include <stdlib.h>

#include "common/log.h"
#include "proto/limits.h"

struct node_uplink {
    struct loop *loop;
    struct node_store *store;
    uplink_receive *receive;
    dealer_link *link;
    void *ctx;
    struct dealer *dealer;
    bool one_time;
    struct trust_hub hub; /* as last used */
    unsigned endpoint;    /* index in it */
};

enum err node_uplink_open(struct loop *loop, struct node_store *store, uplink_receive *receive,
                          dealer_link *link, void *ctx, struct node_uplink **ret_uplink)
{
    struct node_uplink *uplink = calloc(1, sizeof *uplink);
    if (uplink == NULL)
        return ERR_MEMORY;
    uplink->loop = loop;
    uplink->store = store;
    uplink->receive = receive;
    uplink->link = link;
    uplink->ctx = ctx;
    *ret_uplink = uplink;
    return OK;
}

void node_uplink_close(struct node_uplink **uplink)
{
    if (*uplink == NULL)
        return;
    dealer_close(&(*uplink)->dealer);
    free(*uplink);
    *uplink = NULL;
}

static bool same_hub(const struct trust_hub *a, const struct trust_hub *b)
{
    if (a->endpoint_count != b->endpoint_count ||
        memcmp(a->curve_key.at, b->curve_key.at, PUBLIC_KEY_BYTES) != 0)
        return false;
    for (unsigned i = 0; i < a->endpoint_count; i++) {
        if (strcmp(a->endpoints[i], b->endpoints[i]) != 0)
            return false;
    }
    return true;
}

void node_uplink_reconnect(struct node_uplink *uplink)
{
    struct node_identity identity;
    dealer_close(&uplink->dealer);
    if (node_store_identity(uplink->store, &identity) != OK)
        return; /* the driver meets the same failure and reports it */
    bool one_time = identity.enrolment == ENROLMENT_WAITING;
    const struct secret_key *key =
        one_time ? node_store_one_time_key(uplink->store) : node_store_curve_key(uplink->store);
    if ((!one_time && identity.enrolment != ENROLMENT_DONE) || key == NULL ||
        identity.hub.endpoint_count == 0)
        return;
    bool same = same_hub(&identity.hub, &uplink->hub) && one_time == uplink->one_time;
    uplink->endpoint = same ? (uplink->endpoint + 1) % identity.hub.endpoint_count : 0;
    uplink->hub = identity.hub;
    uplink->one_time = one_time;
    const char *endpoint = uplink->hub.endpoints[uplink->endpoint];
    enum err err = dealer_open(uplink->loop, endpoint, &uplink->hub.curve_key, key, FRAME_BYTES_MAX,
                               uplink->receive, uplink->ctx, &uplink->dealer);
    if (err == OK && uplink->link != NULL)
        err = dealer_on_link(uplink->dealer, uplink->link, uplink->ctx);
    if (err != OK)
        log_warning("cannot connect endpoint=%s code=%s", endpoint, err_name(err));
}

enum err node_uplink_send(struct node_uplink *uplink, struct bytes frame)
{
    return uplink->dealer == NULL ? ERR_BUSY : dealer_send(uplink->dealer, frame);
}

const char *node_uplink_endpoint(const struct node_uplink *uplink)
{
    return uplink->dealer == NULL ? "" : uplink->hub.endpoints[uplink->endpoint];
}
