#include "hub/hub_session.h"

#include "common/must.h"

#define BIT(state) (1u << (state))

/* HELLO judges anew in any state; only HELLO leads out of AWAY. */
static const unsigned successors[SESSION_STATES] = {
    [SESSION_AWAY] =
        BIT(SESSION_ACTIVE) | BIT(SESSION_REOPEN) | BIT(SESSION_QUARANTINED) | BIT(SESSION_WAITING),
    [SESSION_ACTIVE] = BIT(SESSION_AWAY) | BIT(SESSION_ACTIVE) | BIT(SESSION_REOPEN) |
                       BIT(SESSION_QUARANTINED) | BIT(SESSION_WAITING),
    [SESSION_REOPEN] = BIT(SESSION_AWAY) | BIT(SESSION_ACTIVE) | BIT(SESSION_REOPEN) |
                       BIT(SESSION_QUARANTINED) | BIT(SESSION_WAITING),
    [SESSION_QUARANTINED] = BIT(SESSION_AWAY) | BIT(SESSION_ACTIVE) | BIT(SESSION_REOPEN) |
                            BIT(SESSION_QUARANTINED) | BIT(SESSION_WAITING),
    /* Without proof of what it claims only this node waits; its next HELLO, or one of another store
     * in its name, may claim less. A hub that really waits sends every node away when it merges
     * again. */
    [SESSION_WAITING] = BIT(SESSION_AWAY) | BIT(SESSION_ACTIVE) | BIT(SESSION_REOPEN) |
                        BIT(SESSION_QUARANTINED) | BIT(SESSION_WAITING),
};

const char *session_state_name(enum session_state state)
{
    static const char *const names[SESSION_STATES] = {
        [SESSION_AWAY] = "away",       [SESSION_ACTIVE] = "linked",
        [SESSION_REOPEN] = "reopen",   [SESSION_QUARANTINED] = "quarantined",
        [SESSION_WAITING] = "waiting",
    };
    must(state < SESSION_STATES);
    return names[state];
}

static void move(struct hub_session *session, enum session_state to)
{
    must((successors[session->state] & BIT(to)) != 0);
    session->state = to;
}

static void flow_close(struct session_flow *flow)
{
    *flow = (struct session_flow){ .deadline_ms = UINT64_MAX,
                                   .slice_bytes = FRAME_DATA_BYTES_MIN,
                                   .retry_ms = SESSION_RETRY_MS_MIN };
}

void hub_session_init(struct hub_session *session, uint32_t seed)
{
    *session = (struct hub_session){ .state = SESSION_AWAY,
                                     .jitter = seed | 1u,
                                     .quota_bytes = SESSION_QUOTA_BYTES_MAX };
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        flow_close(&session->flows[i]);
}

void hub_session_away(struct hub_session *session)
{
    if (session->state != SESSION_AWAY)
        move(session, SESSION_AWAY);
    session->welcome.due = false;
    session->refuse.due = false;
    session->busy_ms = 0;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        session->progress[i].due = false;
        session->acks[i] = (struct session_ack){ .first = 0 };
    }
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        flow_close(&session->flows[i]);
}

void hub_session_heard(struct hub_session *session, uint64_t now_ms)
{
    session->heard_ms = now_ms;
}

void hub_session_refuse(struct hub_session *session, enum err code)
{
    must(code != OK);
    session->refuse = (struct session_refuse){ .due = true, .code = code };
}

void hub_session_refuse_lane(struct hub_session *session, enum err code, enum lane lane,
                             uint64_t seq)
{
    hub_session_refuse(session, code);
    session->refuse.has_lane = true;
    session->refuse.lane = lane;
    session->refuse.seq = seq;
}

/* ---- HELLO */

/* Whether this node has seen what the hub no longer has. A statement of an older epoch is compared
 * with nothing: its journal beyond the cut was given up by a signed decision. */
static bool proves_rollback(const struct hello *hello, const struct hello_facts *facts)
{
    if (hello->seen_epoch > facts->epoch)
        return true;
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        const struct cursor *cursor = &hello->cursors[i];
        if (cursor->epoch > facts->epoch ||
            (cursor->epoch == facts->epoch && cursor->number > 0 && !facts->proven[i]))
            return true;
    }
    if (hello->seen_epoch < facts->epoch)
        return false;
    if (hello->seen_number > facts->number)
        return true;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        if (hello->lanes[i].acked > facts->own.lanes[i].received)
            return true;
    }
    return false;
}

static enum hello_verdict judge_new(const struct hello *hello, const struct hello_facts *facts)
{
    if (facts->reenrolled)
        return HELLO_OPEN;
    if (hello->has_previous && facts->any_active && id_equal(&hello->previous, &facts->active))
        return HELLO_OPEN;
    /* A successor of what was succeeded already, or of a quarantined twin. */
    if (hello->has_previous && facts->previous != INCARNATION_UNKNOWN)
        return HELLO_TWIN;
    /* First contact; or a predecessor that a restored hub may have lost. Else it is a second store.
     */
    bool first = !facts->any_active && !facts->known;
    return first || facts->epoch > 1 ? HELLO_OPEN : HELLO_TWIN;
}

enum hello_verdict hub_session_judge(const struct hub_session *session, const struct hello *hello,
                                     const struct hello_facts *facts)
{
    if (facts->halted)
        return HELLO_WELCOME;
    if (proves_rollback(hello, facts))
        return HELLO_ROLLED_BACK;
    switch (facts->own.state) {
    case INCARNATION_UNKNOWN:
        return judge_new(hello, facts);
    case INCARNATION_SUPERSEDED:
        return facts->fresh ? HELLO_TWIN : HELLO_SUPERSEDED;
    case INCARNATION_QUARANTINED:
        return HELLO_WELCOME;
    case INCARNATION_ACTIVE:
        break;
    }
    if (session->forked && id_equal(&session->incarnation, &hello->incarnation))
        return HELLO_REOPEN;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        if (!facts->head_fits[i] || hello->lanes[i].highest < facts->own.lanes[i].received)
            return HELLO_REOPEN;
    }
    return HELLO_WELCOME;
}

static enum session_state state_after(enum hello_verdict verdict, bool halted,
                                      enum incarnation_state own)
{
    if (halted)
        return SESSION_WAITING;
    switch (verdict) {
    case HELLO_WELCOME:
    case HELLO_OPEN:
        return own == INCARNATION_QUARANTINED ? SESSION_QUARANTINED : SESSION_ACTIVE;
    case HELLO_TWIN:
        return SESSION_QUARANTINED;
    case HELLO_REOPEN:
    case HELLO_SUPERSEDED:
        return SESSION_REOPEN;
    case HELLO_ROLLED_BACK:
        return SESSION_WAITING;
    }
    must_failed("a verdict", __FILE__, __LINE__);
}

static enum standing standing_of(enum session_state state)
{
    switch (state) {
    case SESSION_ACTIVE:
        return STANDING_ACTIVE;
    case SESSION_QUARANTINED:
        return STANDING_QUARANTINED;
    case SESSION_WAITING:
        return STANDING_WAITING;
    case SESSION_REOPEN:
        return STANDING_REOPEN;
    case SESSION_AWAY:
    case SESSION_STATES:
        break;
    }
    must_failed("a state with a standing", __FILE__, __LINE__);
}

/* The node's own cursor where it is proven, else from the start: the node goes back as well. */
static void flow_place(struct session_flow *flow, bool open, uint64_t number)
{
    if (!open) {
        flow_close(flow);
        return;
    }
    if (!flow->open || flow->number != number) {
        flow_close(flow);
        flow->number = number;
        flow->scanned = number;
        flow->moved = true;
    }
    flow->end = 0;
    flow->open = true;
    flow->sent = 0; /* a batch under way goes out again; CONFIRM says what is there already */
    flow->confirmed = 0;
    flow->deadline_ms = UINT64_MAX;
}

void hub_session_hello(struct hub_session *session, const struct hello *hello,
                       enum hello_verdict verdict, const struct hello_facts *facts,
                       const struct hub_incarnation *own, uint64_t now_ms)
{
    enum session_state next = state_after(verdict, facts->halted, own->state);
    session->welcome = (struct session_welcome){ .due = true,
                                                 .standing = standing_of(next),
                                                 .incarnation = hello->incarnation,
                                                 .nonce = hello->nonce };
    memcpy(session->welcome.proven, facts->proven, sizeof session->welcome.proven);
    if (verdict == HELLO_SUPERSEDED && !facts->halted)
        return;

    if (!id_equal(&session->incarnation, &hello->incarnation)) {
        session->forked = false;
        for (unsigned i = 0; i < FEED_STREAMS; i++)
            flow_close(&session->flows[i]); /* what is its own, and left out, is another now */
    }
    if (session->state != next || session->since_ms == 0)
        session->since_ms = now_ms;
    move(session, next);
    session->incarnation = hello->incarnation;
    session->previous = hello->has_previous ? hello->previous : (struct id){ .at = { 0 } };
    session->refuse.due = false;
    session->busy_ms = 0;
    bool takes = next == SESSION_ACTIVE || next == SESSION_QUARANTINED;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        uint64_t received = own->lanes[i].received;
        session->received[i] = received;
        session->unread[i] = hello->lanes[i].unread;
        session->acks[i] = (struct session_ack){ .first = 0 };
        if (takes && hello->lanes[i].acked < received)
            session->acks[i] =
                (struct session_ack){ .first = hello->lanes[i].acked + 1, .last = received };
    }
    /* Policy and decisions flow to every node that the hub can prove itself to. */
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        flow_place(&session->flows[i], takes && (i == FEED_CONTROL || hello->wants_records),
                   facts->proven[i] ? hello->cursors[i].number : 0);
}

/* ---- PUSH */

static void progress_due(struct hub_session *session, enum lane lane, uint64_t first,
                         uint64_t offset)
{
    session->progress[lane] =
        (struct session_progress){ .due = true, .first = first, .offset = offset };
}

static void ack_again(struct hub_session *session, enum lane lane, uint64_t first, uint64_t last)
{
    must(first > 0 && first <= last && last <= session->received[lane]);
    struct session_ack *due = &session->acks[lane];
    if (due->first == 0 || first < due->first)
        due->first = first;
    if (last > due->last)
        due->last = last;
}

bool hub_session_gap(struct hub_session *session, enum lane lane, uint64_t first)
{
    must(lane < LANE_COUNT);
    if (first > 0 && first <= session->received[lane] + 1)
        return false;
    hub_session_refuse_lane(session, ERR_GAP, lane, session->received[lane] + 1);
    return true;
}

/* Whether the node may push at all now; else the refusal is due. */
static bool may_push(struct hub_session *session)
{
    switch (session->state) {
    case SESSION_ACTIVE:
    case SESSION_QUARANTINED:
        return true;
    case SESSION_WAITING:
        hub_session_refuse(session, ERR_WAITING);
        return false;
    case SESSION_REOPEN:
    case SESSION_AWAY:
        hub_session_refuse(session, ERR_STATE); /* say HELLO */
        return false;
    case SESSION_STATES:
        break;
    }
    must_failed("a state", __FILE__, __LINE__);
}

enum push_verdict hub_session_push(struct hub_session *session, const struct push *push,
                                   uint64_t now_ms, bool *ret_assembled)
{
    *ret_assembled = false;
    if (!may_push(session))
        return PUSH_REFUSED;
    if (push->total > BUNDLE_BYTES_MAX || push->data.len == 0 ||
        push->data.len > FRAME_DATA_BYTES_MAX || push->offset > push->total ||
        push->data.len > push->total - push->offset) {
        hub_session_refuse(session, ERR_LIMIT);
        return PUSH_REFUSED;
    }
    if (hub_session_gap(session, push->lane, push->first))
        return PUSH_REFUSED;
    /* A repeat: the ACK was lost. It is answered before the rest of the slices is asked for. */
    if (push->offset == 0 && push->first <= session->received[push->lane])
        ack_again(session, push->lane, push->first, session->received[push->lane]);
    if (push->data.len == push->total)
        return PUSH_WHOLE;
    if (!push->has_tag) {
        hub_session_refuse(session, ERR_MALFORMED);
        return PUSH_REFUSED;
    }

    struct session_assembly *assembly = &session->assemblies[push->lane];
    bool same = assembly->any && assembly->first == push->first && assembly->total == push->total &&
                memcmp(assembly->tag, push->tag, BUNDLE_TAG_BYTES) == 0;
    if (!same && push->offset > 0) {
        progress_due(session, push->lane, push->first, 0);
        return PUSH_ANSWERED;
    }
    if (!same) {
        *assembly =
            (struct session_assembly){ .any = true, .first = push->first, .total = push->total };
        memcpy(assembly->tag, push->tag, BUNDLE_TAG_BYTES);
    }
    assembly->heard_ms = now_ms;
    bool fits =
        push->offset <= assembly->offset && push->offset + push->data.len > assembly->offset;
    if (fits)
        assembly->offset = push->offset + push->data.len;
    must(assembly->offset <= assembly->total);
    progress_due(session, push->lane, push->first, assembly->offset);
    *ret_assembled = fits && assembly->offset == assembly->total;
    if (*ret_assembled)
        session->progress[push->lane].due = false; /* the ACK says it */
    return !fits ? PUSH_ANSWERED : same ? PUSH_COPY : PUSH_START;
}

void hub_session_push_busy(struct hub_session *session, enum lane lane)
{
    hub_session_assembly_drop(session, lane);
    hub_session_refuse(session, ERR_BUSY);
}

void hub_session_assembly_drop(struct hub_session *session, enum lane lane)
{
    session->assemblies[lane] = (struct session_assembly){ .any = false };
    session->progress[lane].due = false;
}

/* Bytes of bundles that a node may have opened and merged: a burst, then so many a second. */
static bool quota_take(struct hub_session *session, size_t bytes, uint64_t now_ms)
{
    uint64_t passed_ms = session->quota_ms < now_ms ? now_ms - session->quota_ms : 0;
    if (passed_ms > 60000)
        passed_ms = 60000;
    session->quota_ms = now_ms;
    session->quota_bytes += passed_ms * SESSION_QUOTA_BYTES_PER_S / 1000;
    if (session->quota_bytes > SESSION_QUOTA_BYTES_MAX)
        session->quota_bytes = SESSION_QUOTA_BYTES_MAX;
    if (bytes > session->quota_bytes)
        return false;
    session->quota_bytes -= bytes;
    return true;
}

enum bundle_verdict hub_session_bundle(struct hub_session *session,
                                       const struct bundle_facts *facts, uint64_t now_ms)
{
    must(session->state == SESSION_ACTIVE || session->state == SESSION_QUARANTINED);
    must(facts->first > 0 && facts->first <= session->received[facts->lane] + 1);
    must(facts->count > 0);
    if (!facts->head_fits) {
        if (facts->head_former)
            return BUNDLE_LATE;
        /* Before the first entry there is nothing to fork from: the bytes are damaged. */
        bool fork = facts->first > 1;
        session->forked = session->forked || fork;
        hub_session_refuse_lane(session, fork ? ERR_FORK : ERR_SIGNATURE, facts->lane,
                                facts->first);
        return BUNDLE_REFUSED;
    }
    if (!facts->verified) {
        hub_session_refuse_lane(session, ERR_SIGNATURE, facts->lane, facts->first);
        return BUNDLE_REFUSED;
    }
    if (!facts->same_leaves) {
        session->forked = true;
        hub_session_refuse_lane(session, ERR_FORK, facts->lane, facts->first);
        return BUNDLE_REFUSED;
    }
    uint64_t received = session->received[facts->lane];
    uint64_t last = facts->first + facts->count - 1;
    if (facts->first <= received)
        ack_again(session, facts->lane, facts->first, last < received ? last : received);
    if (last <= received)
        return BUNDLE_AGAIN;
    if (!quota_take(session, facts->bytes, now_ms)) {
        hub_session_refuse_lane(session, ERR_QUOTA, facts->lane, received + 1);
        return BUNDLE_REFUSED;
    }
    return BUNDLE_MERGE;
}

void hub_session_merged(struct hub_session *session, enum lane lane, uint64_t seq)
{
    must(seq == session->received[lane] + 1);
    session->received[lane] = seq;
    ack_again(session, lane, seq, seq);
}

/* ---- what comes in a file */

bool hub_session_whole(struct hub_session *session, enum lane lane, uint64_t first)
{
    return may_push(session) && !hub_session_gap(session, lane, first);
}

void hub_session_received(struct hub_session *session, const struct id *incarnation, enum lane lane,
                          uint64_t received)
{
    must(lane < LANE_COUNT);
    uint64_t before = session->received[lane];
    if (!id_equal(&session->incarnation, incarnation) || received <= before)
        return;
    session->received[lane] = received;
    if (session->state == SESSION_ACTIVE || session->state == SESSION_QUARANTINED)
        ack_again(session, lane, before + 1, received);
}
