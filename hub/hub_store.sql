-- The hub's database, migration 1. What every district has; the typed tables of the collections
-- are made from the policy beside these, under the collections' own names (no collection begins
-- with tksk_).

CREATE TABLE tksk_meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The journal: entry is canonical (PROTOCOL.md, "Journal and merge"), hash the running hash after
-- it. kind: 1 transaction, 2 trust, 3 rules, 4 decided again, 5 policy entry of a chain,
-- 7 a roster that the office had said it holds
CREATE TABLE tksk_journal (
    number INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    entry BLOB NOT NULL,
    hash BLOB NOT NULL,
    wall_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX tksk_journal_policy ON tksk_journal (number) WHERE kind IN (2, 3);

-- Epoch 1 has no row. cut: the last number that the epoch before it keeps.
CREATE TABLE tksk_epoch (
    epoch INTEGER PRIMARY KEY,
    cut INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- state: enum incarnation_state. What a node said of itself is a claim and decides nothing here.
-- replaced: trust version that gave the office another device while this one was in use; what it
-- had queued then can only come by hand.
CREATE TABLE tksk_incarnation (
    node TEXT NOT NULL,
    incarnation BLOB NOT NULL,
    state INTEGER NOT NULL,
    urgent INTEGER NOT NULL,
    normal INTEGER NOT NULL,
    bulk INTEGER NOT NULL,
    trust INTEGER NOT NULL,
    rules INTEGER NOT NULL,
    heard_ms INTEGER NOT NULL,
    replaced INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (node, incarnation)
) STRICT, WITHOUT ROWID;

-- The newest HELLO of each office, as it came: what an answer that is carried by hand goes by.
CREATE TABLE tksk_hello (
    node TEXT PRIMARY KEY,
    frame BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tksk_lane (
    node TEXT NOT NULL,
    incarnation BLOB NOT NULL,
    lane INTEGER NOT NULL,
    received INTEGER NOT NULL,
    head BLOB NOT NULL,
    keep_from INTEGER NOT NULL,
    trust INTEGER NOT NULL,
    rules INTEGER NOT NULL,
    PRIMARY KEY (node, incarnation, lane)
) STRICT, WITHOUT ROWID;

-- Every position of every chain. txn: the transaction that stands there (an older one for a leaf
-- that was known already), NULL for a policy entry.
CREATE TABLE tksk_entry (
    node TEXT NOT NULL,
    incarnation BLOB NOT NULL,
    lane INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    number INTEGER NOT NULL,
    txn INTEGER,
    leaf BLOB NOT NULL,
    head BLOB NOT NULL,
    PRIMARY KEY (node, incarnation, lane, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX tksk_entry_txn ON tksk_entry (txn) WHERE txn IS NOT NULL AND txn <> number;

-- Transactions by the number of their own entry. state: disposition of all changes, 0 when they
-- differ. merged: number of the entry that merged it, which is the rev of what it wrote. body:
-- compressed plain transaction, or with a fault the bundle item as it came.
CREATE TABLE tksk_txn (
    number INTEGER PRIMARY KEY,
    leaf BLOB NOT NULL,
    node TEXT NOT NULL,
    incarnation BLOB NOT NULL,
    lane INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    operator INTEGER NOT NULL,
    claimed_ms INTEGER NOT NULL,
    trust INTEGER NOT NULL,
    rules INTEGER NOT NULL,
    chain_trust INTEGER NOT NULL,
    chain_rules INTEGER NOT NULL,
    twin INTEGER NOT NULL,
    after BLOB,
    fault TEXT,
    state INTEGER NOT NULL,
    reason TEXT,
    merged INTEGER,
    changes INTEGER NOT NULL,
    plain_bytes INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX tksk_txn_leaf ON tksk_txn (leaf) WHERE fault IS NULL;
CREATE INDEX tksk_txn_late ON tksk_txn (merged) WHERE merged <> number;
CREATE INDEX tksk_txn_quarantined ON tksk_txn (number) WHERE state = 5;

-- One row a change. flags: 1 the author's node needs the record in its feed, 2 one of its fields
-- lost, 4 the whole record is due to all readers. moved: the area that the record left.
CREATE TABLE tksk_change (
    txn INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    record BLOB NOT NULL,
    collection INTEGER NOT NULL,
    op INTEGER NOT NULL,
    disposition INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    reason TEXT,
    field TEXT,
    moved TEXT,
    PRIMARY KEY (txn, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX tksk_change_record ON tksk_change (record);
CREATE INDEX tksk_change_open ON tksk_change (disposition) WHERE disposition <> 1;

-- Two values of one field (empty: the record's existence): the row's and the held one. number: of
-- the entry that last announced it. closed: of the entry that answered it.
CREATE TABLE tksk_conflict (
    id BLOB PRIMARY KEY,
    collection INTEGER NOT NULL,
    record BLOB NOT NULL,
    field TEXT NOT NULL,
    number INTEGER NOT NULL,
    held_txn INTEGER NOT NULL,
    held_idx INTEGER NOT NULL,
    held_node TEXT NOT NULL,
    held_value BLOB NOT NULL,
    closed INTEGER,
    chosen BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX tksk_conflict_record ON tksk_conflict (record, field, held_node) WHERE closed IS NULL;
CREATE INDEX tksk_conflict_number ON tksk_conflict (number) WHERE closed IS NULL;
CREATE INDEX tksk_conflict_closed ON tksk_conflict (closed) WHERE closed IS NOT NULL;
CREATE INDEX tksk_conflict_held ON tksk_conflict (held_txn, held_idx) WHERE closed IS NULL;

-- Later answers, by the node that waits for them. idx -1: every change.
CREATE TABLE tksk_decision (
    node TEXT NOT NULL,
    number INTEGER NOT NULL,
    txn INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    disposition INTEGER NOT NULL,
    reason TEXT,
    field TEXT,
    PRIMARY KEY (node, number, txn, idx)
) STRICT, WITHOUT ROWID;

-- Feed index: which entries touched something inside an area (a row for the area and each above
-- it).
CREATE TABLE tksk_scope (
    area TEXT NOT NULL,
    number INTEGER NOT NULL,
    txn INTEGER NOT NULL,
    PRIMARY KEY (area, number)
) STRICT, WITHOUT ROWID;

-- Parked transactions and what they wait for: another transaction, or a position of a chain.
-- ready: it is to be looked at again. ruling: enum ruling.
CREATE TABLE tksk_wait (
    txn INTEGER PRIMARY KEY,
    on_txn INTEGER,
    node TEXT,
    incarnation BLOB,
    lane INTEGER,
    seq INTEGER,
    ready INTEGER NOT NULL,
    ruling INTEGER NOT NULL
) STRICT;
CREATE INDEX tksk_wait_txn ON tksk_wait (on_txn) WHERE ready = 0;
CREATE INDEX tksk_wait_lane ON tksk_wait (node, incarnation, lane, seq) WHERE ready = 0;
CREATE INDEX tksk_wait_ready ON tksk_wait (txn) WHERE ready = 1;

CREATE TABLE tksk_data_key (
    node TEXT NOT NULL,
    incarnation BLOB NOT NULL,
    number INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (node, incarnation, number)
) STRICT, WITHOUT ROWID;

-- Signed statements of the trust part (kind 2) and rules documents (kind 3), as received, and the
-- dictionaries (kind 6) that rules name, by the version that brought them; number: where the
-- journal stood when they came.
CREATE TABLE tksk_document (
    kind INTEGER NOT NULL,
    version INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    signed BLOB NOT NULL,
    PRIMARY KEY (kind, version)
) STRICT;

-- Which columns the typed tables have. number counts from 1 in the order of coming; 0 is existence.
CREATE TABLE tksk_collection (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE tksk_field (
    collection INTEGER NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (collection, number)
) STRICT, WITHOUT ROWID;

-- Submissions that wait for an answer (the policy's `answer`). since: number of the entry that
-- brought it into an open state. It follows from the rows of the collections.
CREATE TABLE tksk_owed (
    id BLOB PRIMARY KEY,
    collection INTEGER NOT NULL,
    since INTEGER NOT NULL,
    short TEXT NOT NULL,
    state TEXT NOT NULL,
    unit TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX tksk_owed_since ON tksk_owed (since, id);

CREATE TABLE tksk_backup (
    name TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tksk_backup_lane (
    name TEXT NOT NULL,
    node TEXT NOT NULL,
    incarnation BLOB NOT NULL,
    lane INTEGER NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (name, node, incarnation, lane)
) STRICT, WITHOUT ROWID;
