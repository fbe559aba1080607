/* What the hub has for an office, as pieces of a carry file. */
#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_carry_inside.h"

enum carry_step { STEP_ANSWER, STEP_CONTROL, STEP_ACKS, STEP_RECORDS, STEP_END };

struct hub_carry {
    struct hub_driver *driver;
    struct peer_slot *slot;
    size_t piece_bytes_max;
    enum carry_step step;
    uint64_t epoch, end; /* of the journal when it began */
    uint64_t numbers[FEED_STREAMS];
    uint64_t answers_ms;
    size_t hello_len; /* 0: there is none */
    uint8_t hello[FRAME_BYTES_MAX];
    uint8_t piece[CARRY_PIECE_BYTES_MAX];
};

/* Judges the HELLO as if it had just been said, without noting anything. */
static enum err look(struct hub_carry *carry, struct bytes frame, bool forked, uint64_t now_ms,
                     struct problem *problem)
{
    struct hub_driver *driver = carry->driver;
    const struct trust_node *node = NULL;
    enum hello_verdict verdict;
    enum hello_note note;
    struct hello hello;
    enum err err = carry_hello(driver, frame, &hello, &node, problem);
    if (err != OK)
        return err;
    if (strcmp(node->name, carry->slot->node) != 0)
        return problem_set(problem, ERR_CARRY_PLACE, node->name, "another office was named");
    err = carry_settle(driver, node->name, &hello, &note);
    if (err != OK)
        return err;
    hello.wants_records = true; /* sealed: who opens the file may unlock first */
    carry->slot->session.incarnation = hello.incarnation;
    carry->slot->session.forked = forked;
    err =
        driver_hello_judge(driver, carry->slot, node, false, HELLO_LOOK, &hello, now_ms, &verdict);
    if (err != OK)
        return err;
    must(frame.len <= sizeof carry->hello);
    memcpy(carry->hello, frame.at, frame.len);
    carry->hello_len = frame.len;
    carry->answers_ms = hello.wall_ms;
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        carry->numbers[i] = carry->slot->session.flows[i].number;
    return OK;
}

/* Whether the office has said something later than this HELLO. */
static enum err outdated(struct hub_driver *driver, struct bytes frame, bool *ret_outdated,
                         struct problem *problem)
{
    const struct trust_node *node = NULL;
    enum hello_note note;
    struct hello hello;
    struct hub_incarnation own;
    enum err err = carry_hello(driver, frame, &hello, &node, problem);
    if (err == OK)
        err = carry_settle(driver, node->name, &hello, &note);
    if (err == OK)
        err = hub_store_incarnation(driver->store, node->name, &hello.incarnation, &own);
    if (err == OK)
        *ret_outdated = note == HELLO_OLD || own.state == INCARNATION_SUPERSEDED;
    return err;
}

static enum err open_for(struct hub_carry *carry, const char *name, struct bytes hello, bool forked,
                         uint64_t now_ms, struct problem *problem)
{
    struct hub_driver *driver = carry->driver;
    const struct trust_node *node = trust_node(driver_trust(driver), bytes_text(name));
    if (node == NULL)
        return problem_set(problem, ERR_NOT_FOUND, name, "no such office");
    if (node->ended.reason != END_NONE)
        return problem_set(problem, ERR_DENIED, name, "the right of this machine has ended");
    enum err err = carry_slot(node, &carry->slot);
    if (err != OK)
        return err;
    const struct cursor journal = hub_store_journal(driver->store);
    carry->epoch = journal.epoch;
    carry->end = journal.number;
    bool old = false;
    err = hello.len > 0 ? outdated(driver, hello, &old, problem) : OK;
    if (err != OK)
        return err;
    if (hello.len > 0 && (forked || !old))
        return look(carry, hello, forked, now_ms, problem);
    uint8_t space[FRAME_BYTES_MAX];
    struct buf stored = buf_of(space, sizeof space);
    err = hub_store_hello_get(driver->store, name, &stored);
    if (err == OK)
        err = look(carry, buf_bytes(&stored), false, now_ms, problem);
    /* Of a device that was replaced since: its successor has everything before it. */
    return err == ERR_NOT_FOUND || err == ERR_SIGNATURE ? OK : err;
}

enum err hub_carry_open(struct hub_driver *driver, const char *node, struct bytes hello,
                        bool forked, size_t piece_bytes_max, uint64_t now_ms, uint64_t wall_ms,
                        struct hub_carry **ret_carry, struct problem *problem)
{
    if (piece_bytes_max < CARRY_PIECE_BYTES_MIN || hello.len > FRAME_BYTES_MAX)
        return problem_set(problem, ERR_LIMIT, node, NULL);
    struct hub_carry *carry = calloc(1, sizeof *carry);
    if (carry == NULL)
        return ERR_MEMORY;
    carry->driver = driver;
    carry->piece_bytes_max =
        piece_bytes_max < CARRY_PIECE_BYTES_MAX ? piece_bytes_max : CARRY_PIECE_BYTES_MAX;
    driver->wall_ms = wall_ms;
    enum err err = hub_driver_flush(driver, now_ms);
    if (err == OK)
        err = open_for(carry, node, hello, forked, now_ms, problem);
    if (err != OK) {
        hub_carry_close(&carry);
        return err;
    }
    problem->code = OK;
    *ret_carry = carry;
    return OK;
}

void hub_carry_close(struct hub_carry **carry)
{
    if (*carry == NULL)
        return;
    free((*carry)->slot);
    free(*carry);
    *carry = NULL;
}

uint64_t hub_carry_answers_ms(const struct hub_carry *carry)
{
    return carry->answers_ms;
}

/* ---- pieces; each is empty when its step has no more */

static enum err answer_piece(struct hub_carry *carry, struct writer *out)
{
    uint8_t space[FRAME_BYTES_MAX];
    struct writer welcome = writer_of(space, sizeof space);
    carry->step = STEP_CONTROL;
    if (carry->hello_len == 0)
        return OK;
    enum err err = driver_welcome_write(carry->driver, carry->slot, &welcome);
    if (err != OK)
        return err;
    carry_answer_encode(bytes_of(carry->hello, carry->hello_len), writer_bytes(&welcome), out);
    return out->err;
}

/* An office that is told to open a new incarnation, or to wait, gets that answer only. */
static bool takes(const struct hub_carry *carry)
{
    enum session_state state = carry->slot->session.state;
    return carry->hello_len == 0 || state == SESSION_ACTIVE || state == SESSION_QUARANTINED;
}

static enum err feed_piece(struct hub_carry *carry, enum feed_stream stream, enum carry_step next,
                           struct writer *out, struct carry_place *where, struct problem *problem)
{
    const struct trust_node *node =
        trust_node(driver_trust(carry->driver), bytes_text(carry->slot->node));
    uint64_t from = carry->numbers[stream], to = 0;
    size_t count = 0;
    must(node != NULL);
    if (!takes(carry) || from >= carry->end) {
        carry->step = next;
        return OK;
    }
    enum err err = driver_feed_batch(carry->driver, carry->slot, node, stream, from,
                                     carry->piece_bytes_max - 16, &to, &count);
    if (err == ERR_LIMIT)
        return problem_setf(problem, ERR_LIMIT, "--part-size",
                            "entry %llu of the journal needs a part of %zu KiB at least",
                            (unsigned long long)from + 1,
                            (count + 16 + CARRY_REST_BYTES + 1023) / 1024);
    if (err != OK)
        return err;
    if (count == 0) {
        carry->step = next;
        return OK;
    }
    carry->numbers[stream] = to;
    *where = (struct carry_place){ .kind = CARRY_FEED, .place = stream, .first = from };
    carry_feed_encode(buf_bytes(&carry->driver->batch), out);
    return out->err;
}

static enum err ack_piece(struct hub_carry *carry, struct writer *out, struct carry_place *where)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct session_ack *due = &carry->slot->session.acks[i];
        if (!takes(carry) || due->first == 0)
            continue;
        const struct session_action action = {
            .kind = SESSION_SEND_ACK, .lane = (enum lane)i, .first = due->first, .last = due->last
        };
        uint64_t last = 0;
        enum err err = driver_ack_write(carry->driver, carry->slot, &action, out, &last);
        if (err != OK)
            return err;
        *where = (struct carry_place){ .kind = CARRY_ACK, .place = i, .first = due->first };
        due->first = last + 1;
        if (due->first > due->last)
            due->first = due->last = 0;
        return OK;
    }
    carry->step = STEP_RECORDS;
    return OK;
}

enum err hub_carry_next(struct hub_carry *carry, uint64_t now_ms, struct bytes *ret_piece,
                        struct carry_place *ret_where, struct problem *problem)
{
    struct writer out = writer_of(carry->piece, sizeof carry->piece);
    enum err err = hub_driver_flush(carry->driver, now_ms);
    if (err == OK && hub_store_journal(carry->driver->store).epoch != carry->epoch)
        err = problem_set(problem, ERR_STATE, carry->slot->node, "a new epoch began meanwhile");
    if (err == OK && trust_node(driver_trust(carry->driver), bytes_text(carry->slot->node)) == NULL)
        err = ERR_NOT_FOUND;
    while (err == OK && out.buf.len == 0) {
        *ret_where = (struct carry_place){ .kind = CARRY_ANSWER };
        switch (carry->step) {
        case STEP_ANSWER:
            err = answer_piece(carry, &out);
            break;
        case STEP_CONTROL:
            err = feed_piece(carry, FEED_CONTROL, STEP_ACKS, &out, ret_where, problem);
            break;
        case STEP_ACKS:
            err = ack_piece(carry, &out, ret_where);
            break;
        case STEP_RECORDS:
            err = feed_piece(carry, FEED_RECORDS, STEP_END, &out, ret_where, problem);
            break;
        case STEP_END:
            return ERR_NOT_FOUND;
        }
    }
    if (err == OK)
        *ret_piece = writer_bytes(&out);
    return err;
}
