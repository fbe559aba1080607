/* Who signed a transaction, and whether they may: then, and now. */
#include "hub/hub_merge.h"

/* --- signatures ------------------------------------------------------------------------------ */

enum err hub_store_txn_verify(const struct hub_store *store, const struct txn *txn,
                              const struct hash *leaf)
{
    const struct trust *trust = &store->trust;
    const struct trust_operator *author = trust_operator(trust, txn->operator_number);
    if (!author)
        return ERR_KEY;
    enum err err = txn_verify(txn, trust->district, &author->key, leaf);
    for (unsigned i = 0; i < txn->countersignature_count && !err; i++) {
        const struct countersignature *one = &txn->countersignatures[i];
        const struct trust_operator *op = trust_operator(trust, one->operator_number);
        if (!op)
            err = ERR_KEY;
        else if (!countersignature_verify(one, leaf, &op->key))
            err = ERR_SIGNATURE;
    }
    return err;
}

/* --- assignments ----------------------------------------------------------------------------- */

static enum err ended_verdict(const struct ended *ended, const struct row_txn *row)
{
    switch (ended->reason) {
    case END_NONE:
        return OK;
    case END_SUCCESSION:
    case END_ENDED:
        /* The chain's own policy entry is the line, not a date. */
        return row->chain_trust < ended->trust_version && row->trust_version < ended->trust_version
                   ? OK
                   : ERR_AUTHOR_ENDED;
    case END_LEAKED:
        break;
    }
    for (unsigned i = 0; i < ended->cut_count; i++)
        if (ended->cuts[i].lane == row->lane &&
            id_equal(&ended->cuts[i].incarnation, &row->incarnation) &&
            row->seq <= ended->cuts[i].seq)
            return OK;
    return ERR_KEY_LEAKED;
}

/* The author's clock may be wrong by decades. What it cannot do is to have signed before a roster
 * that it names was: then that statement's day counts, and a dead clock battery costs nothing in a
 * term that had begun by then, nor opens one that had ended. `starts`: the day is this operator's
 * own. */
static enum err term_verdict(const struct merge *m, const struct trust_operator *op, bool starts)
{
    char date[DATE_TEXT_BYTES], seen[DATE_TEXT_BYTES];
    const char *day = date;
    date_of_ms(m->row.claimed_ms, date);
    date_of_ms(trust_signed_ms(&m->store->trust, m->row.trust_version), seen);
    if (strcmp(seen, date) > 0)
        day = seen;
    if (op->until[0] != '\0' && strcmp(day, op->until) > 0)
        return ERR_TERM_ENDED;
    return starts && op->from[0] != '\0' && strcmp(day, op->from) < 0 ? ERR_TERM_START : OK;
}

bool merge_signer_ended(const struct merge *m, const struct trust_operator *op)
{
    return ended_verdict(&op->ended, &m->row) != OK || term_verdict(m, op, false) != OK;
}

/* Why a person has to look first; OK when nobody has. */
static enum err quarantine_reason(const struct merge *m, const struct trust_operator *op)
{
    const struct trust_node *node = trust_node(&m->store->trust, bytes_text(m->row.node));
    if (m->row.twin)
        return ERR_TWIN;
    enum err reason = node ? ended_verdict(&node->ended, &m->row) : ERR_AUTHOR_ENDED;
    if (reason != ERR_KEY_LEAKED) {
        enum err of_operator = ended_verdict(&op->ended, &m->row);
        if (of_operator != OK)
            reason = of_operator;
    }
    return reason != OK ? reason : term_verdict(m, op, true);
}

/* A person has looked. */
static bool is_passed(const struct merge *m)
{
    return m->ruling == RULING_ACCEPT || m->ruling == RULING_PASSED;
}

/* --- countersignatures ----------------------------------------------------------------------- */

static bool asks(const struct policy_role *role)
{
    return role && role->countersigner_count > 0;
}

/* In force by the same rules as an author: there when it signed, and not ended before that. It
 * signed later than the author, at the latest where the chain stands; so the start of its term is
 * not compared with when the author did. */
static enum err countersigner_verdict(const struct merge *m, const struct trust_operator *op)
{
    const struct row_txn *row = &m->row;
    if (op->since > row->trust_version && op->since > row->chain_trust)
        return ERR_COUNTERSIGN;
    enum err reason = ended_verdict(&op->ended, row);
    return reason != OK ? reason : term_verdict(m, op, false);
}

/* OK: nobody needs to, or somebody may and did; m->countersigners says where. ERR_COUNTERSIGN:
 * nobody who may did; ERR_VERSION: rules that cannot be read. Else why a person has to look first.
 * The rules that the author's statement names are asked, and those of the position: work that
 * waited is countersigned under newer ones, and nobody gets around them by naming older ones. */
static enum err countersigned(struct merge *m, const struct trust_operator *author)
{
    const struct bytes name = bytes_text(author->role);
    const struct policy *at_position = m->row.chain_rules > m->row.rules_version
                                           ? hub_store_policy_at(m->store, m->row.chain_rules)
                                           : NULL;
    const struct policy_role *roles[2] = { policy_role(m->then, name),
                                           at_position ? policy_role(at_position, name) : NULL };
    enum err reason = ERR_COUNTERSIGN;
    m->countersigner_count = 0;
    if (m->row.chain_rules > m->row.rules_version && !at_position)
        return ERR_VERSION;
    m->needs_countersigner = asks(roles[0]) || asks(roles[1]);
    if (!m->needs_countersigner)
        return OK;
    for (unsigned i = 0; i < m->txn->countersignature_count; i++) {
        const struct trust_operator *op =
            trust_operator(&m->store->trust, m->txn->countersignatures[i].operator_number);
        bool may = op && ((roles[0] && policy_countersigns(roles[0], op->role)) ||
                          (roles[1] && policy_countersigns(roles[1], op->role)));
        enum err verdict = may ? countersigner_verdict(m, op) : ERR_COUNTERSIGN;
        if (verdict == OK || (is_passed(m) && verdict != ERR_COUNTERSIGN))
            m->countersigners[m->countersigner_count++] = bytes_text(op->area);
        else if (reason == ERR_COUNTERSIGN)
            reason = verdict;
    }
    return m->countersigner_count > 0 ? OK : reason;
}

bool merge_countersigned(const struct merge *m, struct bytes area)
{
    for (unsigned i = 0; i < m->countersigner_count; i++)
        if (area_within(area, m->countersigners[i]))
            return true;
    return !m->needs_countersigner;
}

/* --- the gate -------------------------------------------------------------------------------- */

enum disposition merge_gate(struct merge *m, enum err *ret_reason)
{
    const struct trust_operator *op = trust_operator(&m->store->trust, m->row.operator_number);
    const struct policy_role *role = NULL;
    enum err by_others = OK;
    *ret_reason = OK;
    m->then = hub_store_policy_at(m->store, m->row.rules_version);
    if (m->row.fault != OK)
        *ret_reason = m->row.fault;
    else if (!op || op->since > m->row.trust_version)
        *ret_reason = ERR_KEY;
    else if (!m->then)
        *ret_reason = ERR_VERSION;
    else
        by_others = countersigned(m, op);
    if (by_others == ERR_COUNTERSIGN || by_others == ERR_VERSION)
        *ret_reason = by_others;
    if (*ret_reason != OK)
        return DISPOSITION_REJECTED;

    *ret_reason = quarantine_reason(m, op);
    if (*ret_reason == OK)
        *ret_reason = by_others;
    if (m->ruling == RULING_REJECT) {
        if (*ret_reason == OK)
            *ret_reason = m->row.state == DISPOSITION_QUARANTINED ? m->row.reason : ERR_DENIED;
        return DISPOSITION_REJECTED;
    }
    if (*ret_reason != OK && !is_passed(m))
        return DISPOSITION_QUARANTINED;
    *ret_reason = OK;
    role = policy_role(m->then, bytes_text(op->role));
    m->author =
        (struct author){ .authority = role ? role->authority : 0, .area = bytes_text(op->area) };
    return DISPOSITION_ACCEPTED;
}
