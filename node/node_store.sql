-- The node's database, migration 1. What stands here in clear tells no one's name: positions,
-- sizes, random ids, dispositions, the public policy. Columns called `box` are encrypted under the
-- cache key.

-- Who this node is. One row once an invite was taken.
CREATE TABLE node (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    enrolment INTEGER NOT NULL,
    district TEXT NOT NULL,
    node TEXT NOT NULL,
    root_key BLOB NOT NULL CHECK (length(root_key) = 32),
    hub BLOB NOT NULL,
    device_public BLOB NOT NULL CHECK (length(device_public) = 32),
    curve_public BLOB NOT NULL CHECK (length(curve_public) = 32),
    seal_public BLOB NOT NULL CHECK (length(seal_public) = 32),
    invite BLOB NOT NULL CHECK (length(invite) = 16),
    token BLOB NOT NULL CHECK (length(token) = 32)
) STRICT;

-- device, curve, one_time: usable while locked. cache: in clear only before the first operator.
-- seal: boxed under the cache key.
CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- `wrapped` is the cache key under a subkey of this operator's seed; empty after the cache was
-- reset without this person.
CREATE TABLE operator (
    key BLOB PRIMARY KEY CHECK (length(key) = 32),
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    keyfile TEXT NOT NULL,
    request BLOB NOT NULL,
    wrapped BLOB NOT NULL
) STRICT;

-- shown: up to this journal number the record feed has brought everything, also after its cursor
-- was set back. load_to: the journal's end when the records began to come from the start; 0 = they
-- have not begun. lost: entries of a former device of this office that never came to the hub.
CREATE TABLE counter (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    next_number INTEGER NOT NULL,
    seen_epoch INTEGER NOT NULL,
    seen_number INTEGER NOT NULL,
    shown INTEGER NOT NULL,
    lookup_shape BLOB NOT NULL,
    load_to INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO counter (one, next_number, seen_epoch, seen_number, shown, lookup_shape)
VALUES (1, 1, 0, 0, 0, x'');

-- Policy as signed: the whole log of trust statements, every rules document that came here. A hub
-- that was rolled back gets them again.
CREATE TABLE trust (
    version INTEGER PRIMARY KEY,
    statement BLOB NOT NULL
) STRICT;
CREATE TABLE rules (
    version INTEGER PRIMARY KEY,
    document BLOB NOT NULL
) STRICT;
-- Dictionaries for compression, by the version of the rules that brought them. Used is the one that
-- the rules in force name; the others are for a hub that was rolled back.
CREATE TABLE dictionary (
    version INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
-- Where an epoch began: what an older epoch numbered above `cut` did not happen. `cut` is what the
-- statement names, or the last number that the hub could prove to this node, if that is lower.
CREATE TABLE epoch (
    epoch INTEGER PRIMARY KEY,
    cut INTEGER NOT NULL
) STRICT;

CREATE TABLE cursor (
    stream INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO cursor VALUES (0, 0, 0, zeroblob(32)), (1, 0, 0, zeroblob(32));
-- The newest of what the hub signed for this node, by kind (enum return_kind) and lane or stream:
-- [statement, signature], and the journal number that it names.
CREATE TABLE proof (
    kind INTEGER NOT NULL,
    place INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, place)
) STRICT;

-- Incarnations of this store; the last one is alive.
CREATE TABLE life (
    life INTEGER PRIMARY KEY,
    incarnation BLOB NOT NULL UNIQUE CHECK (length(incarnation) = 16)
) STRICT;

-- `dropped`: everything up to there has lost its item (see keep_from).
CREATE TABLE lane (
    life INTEGER NOT NULL,
    lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 2),
    highest INTEGER NOT NULL,
    head BLOB NOT NULL CHECK (length(head) = 32),
    acked INTEGER NOT NULL,
    acked_head BLOB NOT NULL CHECK (length(acked_head) = 32),
    keep_from INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    PRIMARY KEY (life, lane)
) STRICT, WITHOUT ROWID;

-- The chain: one row a position, kept for ever. `id` is the order of entry over all lanes and
-- lives. changes_sum and bytes_sum run along the lane, this entry included: figures need no scan.
-- Life 0 is no chain: what stands there waits for a countersignature.
-- epoch, number: where the journal ended when the hub said that it has this position.
-- author: number of the operator who signed it.
-- unread: its changes were under a cache key that is lost.
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    life INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    leaf BLOB NOT NULL CHECK (length(leaf) = 32),
    head BLOB NOT NULL CHECK (length(head) = 32),
    key INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    changes_sum INTEGER NOT NULL,
    bytes_sum INTEGER NOT NULL,
    received INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    number INTEGER NOT NULL DEFAULT 0,
    wall_ms INTEGER NOT NULL,
    author INTEGER NOT NULL DEFAULT 0,
    unread INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX entry_unread ON entry (life, lane, seq) WHERE unread = 1;
CREATE UNIQUE INDEX entry_position ON entry (life, lane, seq);
CREATE UNIQUE INDEX entry_leaf ON entry (leaf) WHERE kind = 1;
CREATE INDEX entry_key ON entry (life, lane, key, seq) WHERE kind = 1;

-- What has, or had, to be countersigned. While it waits (state 0) its entry stands in life 0, which
-- has no chain: no position, no item, no data key; `box` is the plain transaction as its author
-- signed it. state: 1 countersigned by `operator` and queued, 2 refused by them; `reason` is a box.
CREATE TABLE countersign (
    entry INTEGER PRIMARY KEY,
    state INTEGER NOT NULL DEFAULT 0,
    operator INTEGER NOT NULL DEFAULT 0,
    reason BLOB NOT NULL DEFAULT x'',
    box BLOB NOT NULL
) STRICT;
CREATE INDEX countersign_waiting ON countersign (entry) WHERE state = 0;

-- What is sent, byte for byte; the plain transaction beside it as a box. A policy entry keeps its
-- item.
CREATE TABLE item (
    entry INTEGER PRIMARY KEY,
    item BLOB NOT NULL,
    box BLOB NOT NULL
) STRICT;

-- Data keys sealed to the hub.
CREATE TABLE data_key (
    number INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;

-- Own changes and what became of them. `held`: names of held fields, each followed by a line feed.
-- folded: its taken values are part of the record's box. What was held once had its other values
-- taken. told: the end of the journal that the answer speaks of; an earlier one says nothing new.
CREATE TABLE change (
    entry INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    grp INTEGER NOT NULL DEFAULT 0,
    record BLOB NOT NULL CHECK (length(record) = 16),
    op INTEGER NOT NULL,
    disposition INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    field TEXT NOT NULL DEFAULT '',
    held TEXT NOT NULL DEFAULT '',
    epoch INTEGER NOT NULL DEFAULT 0,
    number INTEGER NOT NULL DEFAULT 0,
    told_epoch INTEGER NOT NULL DEFAULT 0,
    told INTEGER NOT NULL DEFAULT 0,
    folded INTEGER NOT NULL DEFAULT 0,
    dismissed INTEGER NOT NULL DEFAULT 0,
    box BLOB NOT NULL,
    PRIMARY KEY (entry, idx)
) STRICT;
CREATE INDEX change_record ON change (record, entry);
CREATE INDEX change_disposition ON change (disposition, entry);
CREATE INDEX change_rejected ON change (entry, grp) WHERE disposition = 3;
CREATE INDEX change_unfolded ON change (entry, idx)
 WHERE folded = 0 AND (disposition IN (1, 4) OR held <> '');

-- What was refused or is incomplete. entry > 0: made of that transaction's rejected group `grp`, in
-- the commit of the answer; then `box` is empty, and the changes' own boxes speak, until a person
-- edits it. Numbers are never given twice.
CREATE TABLE draft (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    entry INTEGER NOT NULL DEFAULT 0,
    grp INTEGER NOT NULL DEFAULT 0,
    wall_ms INTEGER NOT NULL,
    box BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX draft_group ON draft (entry, grp) WHERE entry > 0;
-- The record that was entered in the stead of a refused one: what refers to it follows.
CREATE TABLE corrected (
    record BLOB PRIMARY KEY CHECK (length(record) = 16),
    became BLOB NOT NULL CHECK (length(became) = 16)
) STRICT, WITHOUT ROWID;

CREATE TABLE request (
    request BLOB PRIMARY KEY CHECK (length(request) = 16),
    box BLOB NOT NULL
) STRICT;
-- Files that rows come from, by a keyed hash, and the last line that was dealt with.
CREATE TABLE import (
    id INTEGER PRIMARY KEY,
    file BLOB NOT NULL UNIQUE CHECK (length(file) = 16),
    line INTEGER NOT NULL
) STRICT;
-- What was entered from files: `hash` is keyed, over all that a row says; `seen` is how many such
-- rows the file has had. file < 0 is no file but a record that an export wrote out.
CREATE TABLE ledger (
    hash BLOB NOT NULL CHECK (length(hash) = 16),
    file INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    PRIMARY KEY (hash, file)
) STRICT, WITHOUT ROWID;

-- The cache. `kind` is a keyed hash of the collection's name; `box` (empty until confirmed) holds
-- the rest.
CREATE TABLE record (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    short TEXT NOT NULL,
    kind BLOB NOT NULL CHECK (length(kind) = 16),
    confirmed INTEGER NOT NULL,
    box BLOB NOT NULL
) STRICT;
CREATE INDEX record_kind ON record (kind, id, confirmed);
CREATE INDEX record_short ON record (short) WHERE short <> '';

-- Keyed hash over collection, field and value of look-up fields. A row says "perhaps": readers
-- compare.
CREATE TABLE lookup (
    hash BLOB NOT NULL CHECK (length(hash) = 16),
    record BLOB NOT NULL CHECK (length(record) = 16),
    PRIMARY KEY (hash, record)
) STRICT, WITHOUT ROWID;

-- What the feed told of a record, change by change: the newest HISTORY_MAX of each record.
CREATE TABLE history (
    record BLOB NOT NULL CHECK (length(record) = 16),
    number INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    box BLOB NOT NULL,
    PRIMARY KEY (record, number)
) STRICT, WITHOUT ROWID;

-- Open conflicts that the feed named.
CREATE TABLE conflict (
    conflict BLOB PRIMARY KEY CHECK (length(conflict) = 16),
    record BLOB NOT NULL CHECK (length(record) = 16),
    number INTEGER NOT NULL,
    box BLOB NOT NULL
) STRICT;
CREATE INDEX conflict_record ON conflict (record);

-- Files in blobs/: bytes that records name. `key` is a keyed hash of the content's hash and the
-- file's name; `box` holds hash and media type. state: 1 here. named: an own change names it.
CREATE TABLE blob (
    key BLOB PRIMARY KEY CHECK (length(key) = 16),
    state INTEGER NOT NULL,
    size INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    named INTEGER NOT NULL DEFAULT 0,
    box BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What `status` tells beside the figures (node_store_look.c). looked: where the journal ended when
-- an operator was here last, and where the news of the present sitting begin; rules: the version
-- that was seen. link: the time that
-- the hub named last, and how fast the link was.
CREATE TABLE looked (
    key BLOB PRIMARY KEY CHECK (length(key) = 32),
    since_epoch INTEGER NOT NULL,
    since INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    here_epoch INTEGER NOT NULL,
    here INTEGER NOT NULL,
    here_ms INTEGER NOT NULL,
    rules INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE link (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    hub_ms INTEGER NOT NULL,
    rate INTEGER NOT NULL
) STRICT;
INSERT INTO link VALUES (1, 0, 0);
CREATE INDEX change_told ON change (told_epoch, told, disposition) WHERE told_epoch > 0;

-- Submissions that are owed an answer, since the claimed time of the change that made them wait
-- (0: not known). They follow from the confirmed state. own: it was this office's change.
CREATE TABLE owed (
    record BLOB PRIMARY KEY CHECK (length(record) = 16),
    since_ms INTEGER NOT NULL,
    days INTEGER NOT NULL,
    own INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX owed_since ON owed (since_ms);
-- Own submissions that somebody elsewhere answered or moved on; the newest time of each. done: an
-- operator has put it away.
CREATE TABLE answered (
    record BLOB PRIMARY KEY CHECK (length(record) = 16),
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX answered_open ON answered (epoch, number) WHERE done = 0;

-- The access log (proto/access.h). note: a box of collection and reason. access_end: the anchor
-- that trimming left, and the last row.
CREATE TABLE access (
    number INTEGER PRIMARY KEY,
    wall_ms INTEGER NOT NULL,
    op INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    who INTEGER NOT NULL,
    name TEXT NOT NULL,
    record BLOB,
    count INTEGER NOT NULL,
    note BLOB NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX access_record ON access (record, number) WHERE record IS NOT NULL;
CREATE TABLE access_end (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    first INTEGER NOT NULL,
    first_hash BLOB NOT NULL CHECK (length(first_hash) = 32),
    last INTEGER NOT NULL,
    last_hash BLOB NOT NULL CHECK (length(last_hash) = 32)
) STRICT;
INSERT INTO access_end VALUES (1, 0, zeroblob(32), 0, zeroblob(32));
