#include "proto/trust_ops.h"

#include <stdlib.h>

#include "common/must.h"

/* The state under change. `old` holds list entries as they were, in the order they were changed. */
struct old_entry {
    bool is_node;
    size_t index;
    union {
        struct trust_node node;
        struct trust_operator op;
    } was;
};

struct draft {
    struct trust *trust;
    uint64_t version;
    const char *why;
    size_t old_count, old_cap;
    struct old_entry *old;
};

static enum err refuse(struct draft *draft, enum err code, const char *why)
{
    draft->why = why;
    return code;
}

/* --- forms ------------------------------------------------------------------------ */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Names that stand in commands, logs and addresses: "36.04.29", "dinas-1". */
static bool is_code(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (!is_alnum(c) && (i == 0 || (c != '.' && c != '-' && c != '_')))
            return false;
    }
    return text.len > 0;
}

/* Text for people. */
static bool is_plain(struct bytes text)
{
    return codec_plain(text, "");
}

static bool is_endpoint(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] <= 0x20 || text.at[i] >= 0x7f)
            return false;
    }
    return text.len > strlen("tcp://") && memcmp(text.at, "tcp://", strlen("tcp://")) == 0;
}

bool trust_date_fits(struct bytes text)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (text.len != DATE_TEXT_BYTES - 1)
        return false;
    unsigned part[3] = { 0 };
    unsigned at = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 4 || i == 7) {
            if (text.at[i] != '-')
                return false;
            at++;
        } else if (is_digit(text.at[i])) {
            part[at] = part[at] * 10 + text.at[i] - '0';
        } else {
            return false;
        }
    }
    unsigned year = part[0], month = part[1], day = part[2];
    if (year < 1900 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= days[month - 1] + (unsigned)(leap && month == 2);
}

/* Copies a string that `fits` into `ret`, which is NUL-terminated after it. */
static void read_text(struct reader *in, bool (*fits)(struct bytes), char *ret, size_t cap)
{
    struct bytes text = reader_str(in);
    if (in->err)
        return;
    if (text.len >= cap || !fits(text)) {
        reader_refuse(in);
        return;
    }
    if (text.len)
        memcpy(ret, text.at, text.len);
    ret[text.len] = '\0';
}

static void read_key(struct reader *in, struct public_key *ret_key)
{
    reader_fixed(in, ret_key->at, PUBLIC_KEY_BYTES);
}

static bool key_equal(const struct public_key *a, const struct public_key *b)
{
    return memcmp(a->at, b->at, PUBLIC_KEY_BYTES) == 0;
}

static void read_signers(struct reader *in, struct signer_list *ret_list)
{
    struct signer_list list = { .threshold = (unsigned)reader_uint_max(in, SIGNERS_MAX) };
    size_t count = reader_array(in);
    if (count > SIGNERS_MAX || list.threshold == 0 || list.threshold > count)
        reader_refuse(in);
    for (size_t i = 0; i < count && !in->err; i++) {
        reader_array_of(in, 2);
        read_key(in, &list.list[i].key);
        read_text(in, is_plain, list.list[i].name, sizeof(list.list[i].name));
        for (size_t k = 0; k < i; k++) {
            if (key_equal(&list.list[k].key, &list.list[i].key))
                reader_refuse(in);
        }
        list.count++;
    }
    *ret_list = list;
}

static void read_hub(struct reader *in, struct trust_hub *ret_hub)
{
    struct trust_hub hub = { 0 };
    read_key(in, &hub.sign_key);
    read_key(in, &hub.seal_key);
    hub.seal_number = reader_uint(in);
    read_key(in, &hub.curve_key);
    size_t count = reader_array(in);
    if (count > ENDPOINTS_MAX || hub.seal_number == 0)
        reader_refuse(in);
    for (size_t i = 0; i < count && !in->err; i++) {
        read_text(in, is_endpoint, hub.endpoints[i], sizeof(hub.endpoints[i]));
        hub.endpoint_count++;
    }
    *ret_hub = hub;
}

static void read_ended(struct reader *in, uint64_t version, struct ended *ret_ended)
{
    struct ended ended = { .trust_version = version };
    ended.reason = (enum end_reason)reader_uint_max(in, END_LEAKED);
    size_t count = reader_array(in);
    if (count > CUTS_MAX || ended.reason == END_NONE)
        reader_refuse(in);
    for (size_t i = 0; i < count && !in->err; i++) {
        struct cut *cut = &ended.cuts[i];
        reader_array_of(in, 3);
        reader_fixed(in, cut->incarnation.at, ID_BYTES);
        cut->lane = lane_decode(in);
        cut->seq = reader_uint(in);
        for (size_t k = 0; k < i; k++) {
            if (id_equal(&ended.cuts[k].incarnation, &cut->incarnation) &&
                ended.cuts[k].lane == cut->lane)
                reader_refuse(in);
        }
        ended.cut_count++;
    }
    *ret_ended = ended;
}

/* --- changing lists --------------------------------------------------------------- */

/* Room for one more entry, doubled when it is out. */
static enum err grow(void **list, size_t count, size_t *cap, size_t entry_bytes)
{
    if (count < *cap)
        return OK;
    size_t wanted = *cap ? 2 * *cap : 16;
    void *more = realloc(*list, wanted * entry_bytes);
    if (!more)
        return ERR_MEMORY;
    *list = more;
    *cap = wanted;
    return OK;
}

/* Index of a node by name; node_count when there is none. */
static size_t node_index(const struct trust *trust, const char *name)
{
    size_t i = 0;
    while (i < trust->node_count && strcmp(trust->nodes[i].name, name) != 0)
        i++;
    return i;
}

/* The entry for writing, remembered as it was. */
static struct trust_node *change_node(struct draft *draft, size_t index)
{
    must(draft->old_count < draft->old_cap && index < draft->trust->node_count);
    struct old_entry *old = &draft->old[draft->old_count++];
    *old = (struct old_entry){ .is_node = true, .index = index };
    old->was.node = draft->trust->nodes[index];
    return &draft->trust->nodes[index];
}

static struct trust_operator *change_operator(struct draft *draft, uint32_t number)
{
    must(draft->old_count < draft->old_cap && number >= 1 &&
         number <= draft->trust->operator_count);
    struct old_entry *old = &draft->old[draft->old_count++];
    *old = (struct old_entry){ .is_node = false, .index = number - 1 };
    old->was.op = draft->trust->operators[number - 1];
    return &draft->trust->operators[number - 1];
}

/* --- one function an op ----------------------------------------------------------- */

static enum err apply_root(struct draft *draft, struct reader *in)
{
    struct signer_list list;
    read_signers(in, &list);
    if (!in->err)
        draft->trust->root = list;
    return in->err;
}

static enum err apply_signers(struct draft *draft, struct reader *in)
{
    struct signer_list list;
    read_signers(in, &list);
    if (!in->err)
        draft->trust->signers = list;
    return in->err;
}

/* A sealing key and its number change together; numbers only rise: a number names one key. */
static enum err apply_hub(struct draft *draft, struct reader *in)
{
    struct trust_hub hub;
    const struct trust_hub *now = &draft->trust->hub;
    read_hub(in, &hub);
    if (in->err)
        return in->err;
    bool same_key = key_equal(&hub.seal_key, &now->seal_key);
    if (same_key ? hub.seal_number != now->seal_number : hub.seal_number <= now->seal_number)
        return refuse(draft, ERR_DENIED,
                      "a new sealing key needs a higher number, an old one its own");
    draft->trust->hub = hub;
    return OK;
}

/* A key names one node, whether or not that one is still in force. */
static bool node_keys_free(const struct trust *trust, const struct trust_node *node)
{
    for (size_t i = 0; i < trust->node_count; i++) {
        const struct trust_node *other = &trust->nodes[i];
        if (strcmp(other->name, node->name) != 0 &&
            (key_equal(&other->device_key, &node->device_key) ||
             key_equal(&other->curve_key, &node->curve_key) ||
             key_equal(&other->seal_key, &node->seal_key)))
            return false;
    }
    return true;
}

static enum err apply_node(struct draft *draft, struct reader *in)
{
    struct trust *trust = draft->trust;
    struct trust_node node = { .since = draft->version };
    read_text(in, is_code, node.name, sizeof(node.name));
    read_text(in, is_code, node.area, sizeof(node.area));
    read_key(in, &node.device_key);
    read_key(in, &node.curve_key);
    read_key(in, &node.seal_key);
    if (in->err)
        return in->err;
    if (!node_keys_free(trust, &node))
        return refuse(draft, ERR_DENIED, "another node has one of these keys");

    size_t index = node_index(trust, node.name);
    if (index < trust->node_count) {
        /* Re-enrolment: it stays the same node, with new keys. */
        struct trust_node *at = change_node(draft, index);
        node.since = at->since;
        *at = node;
        return OK;
    }
    if (trust->node_count == NODES_MAX)
        return refuse(draft, ERR_LIMIT, "too many nodes");
    void *list = trust->nodes;
    enum err err = grow(&list, trust->node_count, &trust->node_cap, sizeof(node));
    trust->nodes = list;
    if (err)
        return refuse(draft, err, "");
    trust->nodes[trust->node_count++] = node;
    return OK;
}

/* Ends once; only a leak that comes to light later overrides another reason. */
static bool may_end(const struct ended *now, const struct ended *wanted)
{
    return now->reason == END_NONE || (now->reason != END_LEAKED && wanted->reason == END_LEAKED);
}

static enum err apply_node_end(struct draft *draft, struct reader *in)
{
    char name[NODE_TEXT_MAX + 1] = "";
    struct ended ended;
    read_text(in, is_code, name, sizeof(name));
    read_ended(in, draft->version, &ended);
    if (in->err)
        return in->err;
    size_t index = node_index(draft->trust, name);
    if (index == draft->trust->node_count)
        return refuse(draft, ERR_DENIED, "it ends a node that is not enrolled");
    if (!may_end(&draft->trust->nodes[index].ended, &ended))
        return refuse(draft, ERR_DENIED, "it ends a node that has ended");
    change_node(draft, index)->ended = ended;
    return OK;
}

static enum err apply_operator(struct draft *draft, struct reader *in)
{
    struct trust *trust = draft->trust;
    struct trust_operator op = { .since = draft->version };
    op.number = (uint32_t)reader_uint_max(in, OPERATORS_MAX);
    read_key(in, &op.key);
    read_text(in, is_code, op.node, sizeof(op.node));
    read_text(in, is_plain, op.name, sizeof(op.name));
    read_text(in, is_code, op.role, sizeof(op.role));
    read_text(in, is_code, op.area, sizeof(op.area));
    read_text(in, is_plain, op.sk, sizeof(op.sk));
    read_text(in, trust_date_fits, op.from, sizeof(op.from));
    read_text(in, trust_date_fits, op.until, sizeof(op.until));
    if (strcmp(op.from, op.until) > 0)
        reader_refuse(in);
    if (in->err)
        return in->err;
    if (op.number != trust->operator_count + 1)
        return refuse(draft, ERR_DENIED, "the operator's number is not the next one");
    if (node_index(trust, op.node) == trust->node_count)
        return refuse(draft, ERR_DENIED, "the operator's node is not enrolled");
    if (trust_operator_by_key(trust, &op.key))
        return refuse(draft, ERR_DENIED, "another operator has this key");

    void *list = trust->operators;
    enum err err = grow(&list, trust->operator_count, &trust->operator_cap, sizeof(op));
    trust->operators = list;
    if (err)
        return refuse(draft, err, "");
    trust->operators[trust->operator_count++] = op;
    return OK;
}

static enum err apply_operator_until(struct draft *draft, struct reader *in)
{
    struct trust_operator wanted = { 0 };
    wanted.number = (uint32_t)reader_uint_max(in, OPERATORS_MAX);
    read_text(in, is_plain, wanted.sk, sizeof(wanted.sk));
    read_text(in, trust_date_fits, wanted.until, sizeof(wanted.until));
    if (in->err)
        return in->err;
    const struct trust_operator *now = trust_operator(draft->trust, wanted.number);
    if (!now || now->ended.reason != END_NONE)
        return refuse(draft, ERR_DENIED, "it renews an operator who is not in force");
    if (strcmp(now->from, wanted.until) > 0)
        return refuse(draft, ERR_DENIED, "the term would end before it began");
    struct trust_operator *op = change_operator(draft, wanted.number);
    memcpy(op->sk, wanted.sk, sizeof(op->sk));
    memcpy(op->until, wanted.until, sizeof(op->until));
    return OK;
}

static enum err apply_operator_end(struct draft *draft, struct reader *in)
{
    struct ended ended;
    uint32_t number = (uint32_t)reader_uint_max(in, OPERATORS_MAX);
    read_ended(in, draft->version, &ended);
    if (in->err)
        return in->err;
    const struct trust_operator *now = trust_operator(draft->trust, number);
    if (!now)
        return refuse(draft, ERR_DENIED, "it ends an operator who is not on the list");
    if (!may_end(&now->ended, &ended))
        return refuse(draft, ERR_DENIED, "it ends an operator who has ended");
    change_operator(draft, number)->ended = ended;
    return OK;
}

/* Release, and the take of an incarnation, change what the hub does and no state here. */
static enum err apply_release(struct draft *draft, struct reader *in)
{
    (void)draft;
    (void)reader_bool(in);
    size_t count = reader_array(in);
    if (count == 0)
        reader_refuse(in);
    for (size_t i = 0; i < count && !in->err; i++) {
        struct hash leaf;
        reader_fixed(in, leaf.at, HASH_BYTES);
    }
    return in->err;
}

static enum err apply_epoch(struct draft *draft, struct reader *in)
{
    struct hash hash;
    uint64_t epoch = reader_uint(in);
    (void)reader_uint(in);
    reader_fixed(in, hash.at, HASH_BYTES);
    if (in->err)
        return in->err;
    if (epoch != draft->trust->epoch + 1)
        return refuse(draft, ERR_DENIED, "the epoch is not the next one");
    draft->trust->epoch = epoch;
    return OK;
}

static enum err apply_incarnation(struct draft *draft, struct reader *in)
{
    char name[NODE_TEXT_MAX + 1] = "";
    struct id incarnation;
    read_text(in, is_code, name, sizeof(name));
    reader_fixed(in, incarnation.at, ID_BYTES);
    (void)reader_bool(in);
    if (in->err)
        return in->err;
    if (node_index(draft->trust, name) == draft->trust->node_count)
        return refuse(draft, ERR_DENIED, "it decides about a node that is not enrolled");
    return OK;
}

static const struct {
    enum err (*apply)(struct draft *draft, struct reader *in);
    size_t items; /* of the op's array, the code included */
} ops_table[] = {
    [TRUST_ROOT] = { apply_root, 3 },
    [TRUST_SIGNERS] = { apply_signers, 3 },
    [TRUST_HUB] = { apply_hub, 6 },
    [TRUST_NODE] = { apply_node, 6 },
    [TRUST_NODE_END] = { apply_node_end, 4 },
    [TRUST_OPERATOR] = { apply_operator, 10 },
    [TRUST_OPERATOR_UNTIL] = { apply_operator_until, 4 },
    [TRUST_OPERATOR_END] = { apply_operator_end, 4 },
    [TRUST_RELEASE] = { apply_release, 3 },
    [TRUST_EPOCH] = { apply_epoch, 4 },
    [TRUST_INCARNATION] = { apply_incarnation, 4 },
};

/* Head and code of the next op. A code that is not in the table comes from a newer program. */
static enum err op_open(struct reader *in, uint64_t *ret_code, const char **ret_why)
{
    size_t count = reader_array(in);
    uint64_t code = reader_uint(in);
    if (!in->err && code >= COUNT_OF(ops_table)) {
        *ret_why = "it holds a kind of decision that this program does not know";
        return ERR_VERSION;
    }
    if (in->err || count != ops_table[code].items) {
        *ret_why = "an item of it does not have the right form";
        return ERR_MALFORMED;
    }
    *ret_code = code;
    return OK;
}

/* --- whole statements ------------------------------------------------------------- */

static enum err survey_op(const struct trust *trust, uint64_t code, struct reader *in,
                          struct trust_survey *survey)
{
    struct signer_list list;
    struct trust_hub hub;
    if (code == TRUST_ROOT) {
        read_signers(in, &survey->root);
        if (survey->has_root)
            reader_refuse(in);
        survey->has_root = survey->needs_root = true;
    } else if (code == TRUST_SIGNERS) {
        read_signers(in, &list);
        if (survey->has_signers)
            reader_refuse(in);
        survey->has_signers = survey->needs_root = true;
    } else if (code == TRUST_HUB) {
        read_hub(in, &hub);
        if (survey->has_hub)
            reader_refuse(in);
        survey->has_hub = true;
        if (!key_equal(&hub.sign_key, &trust->hub.sign_key) ||
            !key_equal(&hub.seal_key, &trust->hub.seal_key) ||
            !key_equal(&hub.curve_key, &trust->hub.curve_key))
            survey->needs_root = true;
    } else {
        for (size_t i = 1; i < ops_table[code].items; i++)
            (void)reader_raw(in);
    }
    return in->err;
}

enum err trust_survey(const struct trust *trust, struct bytes ops, struct trust_survey *ret_survey,
                      const char **ret_why)
{
    struct trust_survey survey = { 0 };
    struct reader in = reader_of(ops);
    survey.op_count = reader_array(&in);
    if (in.err || survey.op_count == 0) {
        *ret_why = "it decides nothing";
        return ERR_MALFORMED;
    }
    if (survey.op_count > TRUST_OPS_PER_STATEMENT_MAX) {
        *ret_why = "too many decisions in one statement";
        return ERR_LIMIT;
    }
    for (size_t i = 0; i < survey.op_count; i++) {
        uint64_t code;
        enum err err = op_open(&in, &code, ret_why);
        if (err)
            return err;
        if (survey_op(trust, code, &in, &survey)) {
            *ret_why = "a list of signers or the hub's keys are not as they must be";
            return ERR_MALFORMED;
        }
    }
    *ret_survey = survey;
    return OK;
}

static enum err apply_all(struct draft *draft, struct bytes ops)
{
    struct reader in = reader_of(ops);
    size_t count = reader_array(&in);
    for (size_t i = 0; i < count; i++) {
        uint64_t code;
        enum err err = op_open(&in, &code, &draft->why);
        if (err)
            return err;
        draft->why = "an item of it does not have the right form";
        err = ops_table[code].apply(draft, &in);
        if (err)
            return err;
    }
    return reader_end(&in);
}

/* Latest first, so that an entry that changed twice gets its first value back. */
static void take_back(struct draft *draft, const struct trust *before)
{
    struct trust *trust = draft->trust;
    trust->node_count = before->node_count;
    trust->operator_count = before->operator_count;
    for (size_t i = draft->old_count; i-- > 0;) {
        const struct old_entry *old = &draft->old[i];
        if (old->is_node)
            trust->nodes[old->index] = old->was.node;
        else
            trust->operators[old->index] = old->was.op;
    }
    trust->root = before->root;
    trust->signers = before->signers;
    trust->hub = before->hub;
    trust->epoch = before->epoch;
}

enum err trust_ops_apply(struct trust *trust, uint64_t version, struct bytes ops, size_t op_count,
                         const char **ret_why)
{
    /* Each op changes at most one entry of a list. */
    struct draft draft = { .trust = trust, .version = version, .old_cap = op_count };
    draft.old = calloc(op_count, sizeof(*draft.old));
    if (!draft.old) {
        *ret_why = "";
        return ERR_MEMORY;
    }
    const struct trust before = *trust;
    enum err err = apply_all(&draft, ops);
    if (err) {
        take_back(&draft, &before);
        *ret_why = draft.why;
    }
    free(draft.old);
    return err;
}
