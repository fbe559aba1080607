-- Statements of the embedded backend, by name; prepared once. Those on typed tables are made in C
-- from the policy's names.

-- @meta_put
INSERT OR IGNORE INTO tksk_meta (name, value) VALUES (?1, ?2);
-- @meta_get
SELECT value FROM tksk_meta WHERE name = ?1;

-- @journal_put
INSERT INTO tksk_journal (number, epoch, kind, entry, hash, wall_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);
-- @journal_get
SELECT number, epoch, kind, entry, hash, wall_ms FROM tksk_journal WHERE number = ?1;
-- @journal_last
SELECT number, epoch, kind, entry, hash, wall_ms FROM tksk_journal ORDER BY number DESC LIMIT 1;
-- @journal_policy_next
SELECT number FROM tksk_journal WHERE number > ?1 AND kind IN (2, 3) ORDER BY number LIMIT 1;
-- @epoch_put
INSERT INTO tksk_epoch (epoch, cut, hash) VALUES (?1, ?2, ?3);
-- @epoch_cut
SELECT min(cut) FROM tksk_epoch WHERE epoch > ?1;

-- @incarnation_get
SELECT node, incarnation, state, urgent, normal, bulk, trust, rules, heard_ms FROM tksk_incarnation
WHERE node = ?1 AND incarnation = ?2;
-- @incarnation_put
INSERT INTO tksk_incarnation (node, incarnation, state, urgent, normal, bulk, trust, rules,
    heard_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (node, incarnation) DO UPDATE
SET state = ?3, urgent = ?4, normal = ?5, bulk = ?6, trust = ?7, rules = ?8, heard_ms = ?9;
-- @incarnation_replaced
UPDATE tksk_incarnation SET replaced = ?2 WHERE node = ?1 AND state IN (1, 3) AND replaced = 0;
-- @incarnation_active
SELECT incarnation FROM tksk_incarnation WHERE node = ?1 AND state = 1;
-- @hello_put
INSERT OR REPLACE INTO tksk_hello (node, frame) VALUES (?1, ?2);
-- @hello_get
SELECT frame FROM tksk_hello WHERE node = ?1;
-- @lane_get
SELECT received, head, keep_from, trust, rules FROM tksk_lane
WHERE node = ?1 AND incarnation = ?2 AND lane = ?3;
-- @lane_put
INSERT INTO tksk_lane (node, incarnation, lane, received, head, keep_from, trust, rules)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (node, incarnation, lane) DO UPDATE
SET received = ?4, head = ?5, keep_from = ?6, trust = ?7, rules = ?8;
-- @entry_put
INSERT INTO tksk_entry (node, incarnation, lane, seq, number, txn, leaf, head)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);
-- @entry_get
SELECT node, incarnation, lane, seq, number, txn, leaf, head FROM tksk_entry
WHERE node = ?1 AND incarnation = ?2 AND lane = ?3 AND seq = ?4;
-- @entry_walk
SELECT node, incarnation, lane, seq, number, txn, leaf, head FROM tksk_entry
ORDER BY node, incarnation, lane, seq;
-- @key_put
INSERT OR REPLACE INTO tksk_data_key (node, incarnation, number, sealed) VALUES (?1, ?2, ?3, ?4);
-- @key_get
SELECT sealed FROM tksk_data_key WHERE node = ?1 AND incarnation = ?2 AND number = ?3;

-- @txn_put
INSERT INTO tksk_txn (number, leaf, node, incarnation, lane, seq, operator, claimed_ms, trust,
    rules, chain_trust, chain_rules, twin, after, fault, state, reason, merged, changes,
    plain_bytes, body)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
    ?21);
-- @txn_get
SELECT number, leaf, node, incarnation, lane, seq, operator, claimed_ms, trust, rules,
    chain_trust, twin, after, fault, state, reason, merged, changes, plain_bytes, chain_rules
FROM tksk_txn WHERE number = ?1;
-- @txn_find
SELECT number FROM tksk_txn WHERE leaf = ?1 AND fault IS NULL;
-- @txn_body
SELECT body FROM tksk_txn WHERE number = ?1;
-- @txn_decide
UPDATE tksk_txn SET state = ?2, reason = ?3, merged = ?4 WHERE number = ?1;
-- @txn_merged_in
SELECT number FROM tksk_txn WHERE number = ?1 AND merged = ?1
UNION ALL SELECT number FROM tksk_txn WHERE merged = ?1 AND merged <> number LIMIT 1;
-- @txn_quarantined_next
SELECT number FROM tksk_txn WHERE state = 5 AND number > ?1 ORDER BY number LIMIT 1;
-- @change_put
INSERT INTO tksk_change (txn, idx, record, collection, op, disposition, flags, reason, field, moved)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);
-- @changes_drop
DELETE FROM tksk_change WHERE txn = ?1;
-- @changes_get
SELECT txn, idx, record, collection, op, disposition, flags, reason, field, moved FROM tksk_change
WHERE txn = ?1 ORDER BY idx;
-- @change_get
SELECT txn, idx, record, collection, op, disposition, flags, reason, field, moved FROM tksk_change
WHERE txn = ?1 AND idx = ?2;
-- @change_decide
UPDATE tksk_change SET disposition = ?3, flags = ?4, reason = ?5, field = ?6
WHERE txn = ?1 AND idx = ?2;
-- @creation
SELECT txn, collection, disposition FROM tksk_change WHERE record = ?1 AND op = 1 AND txn <> ?2
    ORDER BY txn;

-- @conflict_put
INSERT OR REPLACE INTO tksk_conflict (id, collection, record, field, number, held_txn, held_idx,
    held_node,
    held_value, closed, chosen)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);
-- @conflict_get
SELECT id, collection, record, field, number, held_txn, held_idx, held_node, held_value, closed,
    chosen
FROM tksk_conflict WHERE id = ?1;
-- @conflict_find
SELECT id, collection, record, field, number, held_txn, held_idx, held_node, held_value, closed,
    chosen
FROM tksk_conflict WHERE record = ?1 AND field = ?2 AND held_node = ?3 AND closed IS NULL;
-- @conflicts_held
SELECT count(*) FROM tksk_conflict WHERE held_txn = ?1 AND held_idx = ?2 AND closed IS NULL;
-- @conflicts_weigh
SELECT count(*), coalesce(sum(length(held_value)), 0) FROM tksk_conflict
WHERE record = ?1 AND closed IS NULL;
-- @conflicts_renew
UPDATE tksk_conflict SET number = ?2 WHERE record = ?1 AND closed IS NULL;
-- @conflicts_opened
SELECT id, collection, record, field, number, held_txn, held_idx, held_node, held_value, closed,
    chosen
FROM tksk_conflict WHERE number = ?1 AND closed IS NULL ORDER BY id;
-- @conflicts_closed
SELECT id, collection, record, field, number, held_txn, held_idx, held_node, held_value, closed,
    chosen
FROM tksk_conflict WHERE closed = ?1 ORDER BY id;
-- @conflicts_open
SELECT id, collection, record, field, number, held_txn, held_idx, held_node, held_value, closed,
    chosen
FROM tksk_conflict WHERE closed IS NULL ORDER BY number, id;

-- @decision_put
INSERT OR REPLACE INTO tksk_decision (node, number, txn, idx, disposition, reason, field)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
UNION SELECT node, ?2, ?3, ?4, ?5, ?6, ?7 FROM tksk_entry WHERE txn = ?3 AND txn <> number;
-- @decision_next
SELECT number FROM tksk_decision WHERE node = ?1 AND number > ?2 ORDER BY number LIMIT 1;
-- @decisions_at
SELECT number, txn, idx, disposition, reason, field FROM tksk_decision WHERE node = ?1 AND number
    = ?2
ORDER BY txn, idx;
-- @scope_put
INSERT OR IGNORE INTO tksk_scope (area, number, txn) VALUES (?1, ?2, ?3);
-- @scope_next
SELECT number, txn FROM tksk_scope WHERE area = ?1 AND number > ?2 ORDER BY number LIMIT 1;

-- @wait_put
INSERT OR REPLACE INTO tksk_wait (txn, on_txn, node, incarnation, lane, seq, ready, ruling)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);
-- @wait_drop
DELETE FROM tksk_wait WHERE txn = ?1;
-- @wait_ready
SELECT txn, on_txn, node, incarnation, lane, seq, ready, ruling FROM tksk_wait WHERE ready = 1
    ORDER BY txn LIMIT 1;
-- @wait_any
SELECT EXISTS (SELECT 1 FROM tksk_wait);
-- @wake_txn
UPDATE tksk_wait SET ready = 1 WHERE on_txn = ?1 AND ready = 0;
-- @wake_lane
UPDATE tksk_wait SET ready = 1
    WHERE node = ?1 AND incarnation = ?2 AND lane = ?3 AND seq <= ?4 AND ready = 0;
-- @wake_moved
-- Two ranges of the index: this is asked at every entry while anything waits.
-- What a person let pass waits no more then (4 becomes 1); the rest moves (3).
UPDATE tksk_wait SET ready = 1, ruling = CASE ruling WHEN 4 THEN 1 ELSE 3 END WHERE txn IN (
    SELECT txn FROM tksk_wait WHERE ready = 0 AND node = ?1 AND incarnation < ?2 UNION ALL
    SELECT txn FROM tksk_wait WHERE ready = 0 AND node = ?1 AND incarnation > ?2);

-- @document_put
INSERT INTO tksk_document (kind, version, number, hash, signed) VALUES (?1, ?2, ?3, ?4, ?5);
-- @document_get
SELECT signed FROM tksk_document WHERE kind = ?1 AND version = ?2;
-- @document_last
SELECT version, number FROM tksk_document WHERE kind = ?1 ORDER BY version DESC LIMIT 1;

-- @collection_put
INSERT INTO tksk_collection (name) VALUES (?1);
-- @collections_get
SELECT id, name FROM tksk_collection ORDER BY id;
-- @field_put
INSERT INTO tksk_field (collection, number, name, type) VALUES (?1, ?2, ?3, ?4);
-- @fields_get
SELECT number, name FROM tksk_field WHERE collection = ?1 ORDER BY number;

-- @backup_put
INSERT OR REPLACE INTO tksk_backup (name, number, wall_ms) VALUES (?1, ?2, ?3);
-- @backup_lanes_drop
DELETE FROM tksk_backup_lane WHERE name = ?1;
-- @backup_lanes_put
INSERT INTO tksk_backup_lane (name, node, incarnation, lane, received)
SELECT ?1, node, incarnation, lane, received FROM tksk_lane;
-- @backup_forget
DELETE FROM tksk_backup WHERE name NOT GLOB '~*' AND name NOT IN
    (SELECT name FROM tksk_backup WHERE name NOT GLOB '~*'
     ORDER BY number DESC, wall_ms DESC, name DESC LIMIT ?1);
-- @backup_lanes_forget
DELETE FROM tksk_backup_lane WHERE name NOT IN (SELECT name FROM tksk_backup);
-- A copy on its way to a file: "~NAME" until the file is known to be on a disk. One at a time.
-- @backup_marks_drop
DELETE FROM tksk_backup WHERE name GLOB '~*';
-- @backup_mark
INSERT INTO tksk_backup (name, number, wall_ms) VALUES ('~' || ?1, ?2, 0);
-- @backup_mark_lanes
INSERT INTO tksk_backup_lane (name, node, incarnation, lane, received)
SELECT '~' || ?1, node, incarnation, lane, received FROM tksk_lane;
-- @backup_mark_get
SELECT number FROM tksk_backup WHERE name = '~' || ?1;
-- @backup_confirm
UPDATE OR REPLACE tksk_backup SET name = ?1, wall_ms = ?2 WHERE name = '~' || ?1;
-- @backup_confirm_lanes
UPDATE tksk_backup_lane SET name = ?1 WHERE name = '~' || ?1;
-- @keep_from_move
UPDATE tksk_lane SET keep_from = 1 + (
    SELECT coalesce(min(coalesce(
        (SELECT received FROM tksk_backup_lane AS held WHERE held.name = tksk_backup.name
         AND held.node = tksk_lane.node AND held.incarnation = tksk_lane.incarnation
         AND held.lane = tksk_lane.lane), 0)), 0)
    FROM tksk_backup WHERE name NOT GLOB '~*');

-- @scan_journal
SELECT number, epoch, kind, hash FROM tksk_journal ORDER BY number DESC LIMIT 1;
-- @scan_epoch
SELECT epoch, cut, hash FROM tksk_epoch ORDER BY epoch;
-- @scan_lane
SELECT node, incarnation, lane, received, head, trust, rules FROM tksk_lane ORDER BY node,
    incarnation, lane;
-- @scan_entry
SELECT node, incarnation, lane, seq, number, txn, leaf, head FROM tksk_entry ORDER BY node,
    incarnation, lane, seq;
-- @scan_txn
SELECT number, leaf, operator, claimed_ms, trust, rules, chain_trust, chain_rules, twin, after,
    fault, state, reason, merged, changes
FROM tksk_txn ORDER BY number;
-- @scan_change
SELECT txn, idx, record, (SELECT name FROM tksk_collection WHERE id = collection), op,
    disposition, flags, reason,
    field, moved FROM tksk_change ORDER BY txn, idx;
-- @scan_conflict
SELECT id, (SELECT name FROM tksk_collection WHERE id = collection), record, field, number,
    held_txn, held_idx,
    held_node, held_value, closed, chosen FROM tksk_conflict ORDER BY id;
-- @scan_decision
SELECT node, number, txn, idx, disposition, reason, field FROM tksk_decision ORDER BY node,
    number, txn, idx;
-- @scan_scope
SELECT area, number, txn FROM tksk_scope ORDER BY area, number;
-- @scan_wait
SELECT txn, on_txn, node, incarnation, lane, seq, ruling FROM tksk_wait ORDER BY txn;
-- @scan_document
SELECT kind, version, number, hash FROM tksk_document WHERE kind IN (2, 3) ORDER BY kind, version;
-- @scan_field
SELECT name, type, (SELECT name FROM tksk_collection WHERE id = collection) FROM tksk_field ORDER
    BY 3, number;

-- Parameters: node, its area, its standing in the roster; one row.
-- @list_nodes
SELECT ?1 AS node, ?2 AS area, ?3 AS roster,
    (SELECT CASE state WHEN 1 THEN 'active' WHEN 3 THEN 'quarantined' ELSE 'superseded' END
     FROM tksk_incarnation WHERE node = ?1 ORDER BY state = 3 DESC, state = 1 DESC LIMIT 1) AS
    state,
    (SELECT max(heard_ms) FROM tksk_incarnation WHERE node = ?1) AS heard_ms,
    (SELECT coalesce(sum(l.received), 0) FROM tksk_lane AS l JOIN tksk_incarnation AS i
     ON i.node = l.node AND i.incarnation = l.incarnation WHERE l.node = ?1 AND i.state IN (1,
    3)) AS received,
    (SELECT coalesce(sum(urgent + normal + bulk), 0) FROM tksk_incarnation WHERE node = ?1 AND
    state IN (1, 3)) AS highest,
    (SELECT max(trust) || '/' || max(rules) FROM tksk_incarnation WHERE node = ?1) AS policy;
-- @list_lost
SELECT i.node AS node, i.replaced AS replaced, i.heard_ms AS heard_ms, n.lane AS lane,
    coalesce(l.received, 0) + 1 AS first, n.highest AS last
FROM tksk_incarnation AS i
JOIN (SELECT node, incarnation, 0 AS lane, urgent AS highest FROM tksk_incarnation
      UNION ALL SELECT node, incarnation, 1, normal FROM tksk_incarnation
      UNION ALL SELECT node, incarnation, 2, bulk FROM tksk_incarnation) AS n
  ON n.node = i.node AND n.incarnation = i.incarnation
LEFT JOIN tksk_lane AS l ON l.node = i.node AND l.incarnation = i.incarnation AND l.lane = n.lane
WHERE i.replaced > 0 AND n.highest > coalesce(l.received, 0) AND (?1 = '%' OR i.node = ?1)
ORDER BY i.node, i.replaced, n.lane;
-- @list_review
SELECT lower(hex(t.leaf)) AS leaf, t.node AS node, t.operator AS operator,
    CASE t.state WHEN 5 THEN 'quarantined' ELSE 'parked' END AS state,
    t.reason AS reason, t.changes AS changes, t.claimed_ms AS claimed_ms, t.number AS number,
    t.trust AS trust, j.wall_ms AS received_ms
FROM tksk_txn AS t JOIN tksk_journal AS j ON j.number = t.number
WHERE t.state = 5 OR t.number IN (SELECT txn FROM tksk_wait) ORDER BY t.number;
-- What waits for a renewal, by operator: entries.
-- @list_terms
SELECT operator, count(*) AS entries, sum(changes) AS changes FROM tksk_txn
WHERE state = 5 AND reason IN ('term_ended', 'term_start') GROUP BY operator;
-- The books of every office. What its lanes say: positions received, and how many it had queued
-- when it was last heard. Of a life that another one of the same machine went on from only what
-- came counts: the rest was queued again.
-- @list_books_lanes
SELECT i.node AS node, sum(l.received) AS received,
    sum(CASE WHEN i.state IN (1, 3) AND i.replaced = 0 THEN max(l.highest - l.received, 0) ELSE 0
        END) AS queued,
    sum(CASE WHEN i.replaced > 0 THEN max(l.highest - l.received, 0) ELSE 0 END) AS lost,
    max(i.heard_ms) AS heard_ms
FROM tksk_incarnation AS i JOIN (
    SELECT n.node, n.incarnation, n.highest, coalesce(l.received, 0) AS received FROM (
        SELECT node, incarnation, 0 AS lane, urgent AS highest FROM tksk_incarnation
        UNION ALL SELECT node, incarnation, 1, normal FROM tksk_incarnation
        UNION ALL SELECT node, incarnation, 2, bulk FROM tksk_incarnation) AS n
    LEFT JOIN tksk_lane AS l
      ON l.node = n.node AND l.incarnation = n.incarnation AND l.lane = n.lane) AS l
  ON l.node = i.node AND l.incarnation = i.incarnation
GROUP BY i.node;
-- What stands at these positions. again: a transaction that has an older position. dated: with a
-- claimed time from ?1 until before ?2.
-- @list_books_entries
SELECT e.node AS node, count(*) AS positions, sum(e.txn IS NULL) AS policy,
    sum(e.txn <> e.number) AS again,
    sum(e.txn = e.number AND t.fault IS NULL AND t.claimed_ms >= CAST(?1 AS INTEGER)
        AND t.claimed_ms < CAST(?2 AS INTEGER)) AS dated
FROM tksk_entry AS e LEFT JOIN tksk_txn AS t ON t.number = e.txn GROUP BY e.node;
-- What became of the transactions, each by the gravest answer to one of its changes; short: changes
-- that have no answer at all.
-- @list_books_answers
SELECT t.node AS node, a.disposition AS disposition, count(*) AS entries,
    sum(t.claimed_ms >= CAST(?1 AS INTEGER) AND t.claimed_ms < CAST(?2 AS INTEGER)) AS dated,
    sum(t.changes) AS changes, sum(t.changes - a.changes) AS short
FROM (SELECT txn, max(disposition) AS disposition, count(*) AS changes FROM tksk_change
      GROUP BY txn) AS a JOIN tksk_txn AS t ON t.number = a.txn
GROUP BY t.node, a.disposition
UNION ALL SELECT node, 0, count(*), 0, 0, 0 FROM tksk_txn WHERE fault IS NOT NULL GROUP BY node;
-- Submissions without an answer, the longest waiting first, after one of them.
-- @list_owed
SELECT c.name AS collection, lower(hex(o.id)) AS id, o.short AS short, o.state AS state,
    o.unit AS unit, o.since AS since, j.wall_ms AS since_ms
FROM tksk_owed AS o JOIN tksk_journal AS j ON j.number = o.since
    JOIN tksk_collection AS c ON c.id = o.collection
WHERE o.since >= CAST(?1 AS INTEGER) AND (o.since > CAST(?1 AS INTEGER) OR hex(o.id) > upper(?2))
ORDER BY o.since, o.id LIMIT 500;
-- @list_owed_one
SELECT o.since AS since, j.wall_ms AS since_ms
FROM tksk_owed AS o JOIN tksk_journal AS j ON j.number = o.since WHERE o.id = ?1;
-- @list_owed_units
SELECT c.name AS collection, o.unit AS unit, count(*) AS count,
    sum(j.wall_ms < CAST(?2 AS INTEGER)) AS late
FROM tksk_owed AS o JOIN tksk_journal AS j ON j.number = o.since
    JOIN tksk_collection AS c ON c.id = o.collection
WHERE c.name = ?1 GROUP BY o.unit;
-- @owed_put
INSERT INTO tksk_owed (id, collection, since, short, state, unit) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, unit = excluded.unit;
-- @owed_drop
DELETE FROM tksk_owed WHERE id = ?1;
-- @list_totals
SELECT 'accepted' AS disposition, (SELECT coalesce(sum(changes), 0) FROM tksk_txn)
    - (SELECT count(*) FROM tksk_change WHERE disposition <> 1) AS count
UNION ALL SELECT CASE disposition WHEN 2 THEN 'superseded' WHEN 3 THEN 'rejected' WHEN 4 THEN 'held'
    WHEN 5 THEN 'quarantined' ELSE 'parked' END, count(*)
FROM tksk_change WHERE disposition <> 1 GROUP BY disposition
UNION ALL SELECT 'unreadable', count(*) FROM tksk_txn WHERE fault IS NOT NULL HAVING count(*) > 0;
-- @list_history
SELECT coalesce(t.merged, t.number) AS number, t.node AS node, t.operator AS operator,
    t.claimed_ms AS claimed_ms,
    CASE c.op WHEN 1 THEN 'create' WHEN 2 THEN 'update' WHEN 3 THEN 'delete' ELSE 'resolve' END
    AS op,
    CASE c.disposition WHEN 1 THEN 'accepted' WHEN 2 THEN 'superseded' WHEN 3 THEN 'rejected'
    WHEN 4 THEN 'held'
    WHEN 5 THEN 'quarantined' ELSE 'parked' END AS disposition,
    c.reason AS reason, c.field AS field, lower(hex(t.leaf)) AS leaf, c.idx AS "index", j.wall_ms
    AS received_ms
FROM tksk_change AS c JOIN tksk_txn AS t ON t.number = c.txn JOIN tksk_journal AS j ON j.number =
    t.number
WHERE c.record = ?1 ORDER BY 1, c.txn, c.idx;
-- @list_positions
SELECT lower(substr(hex(l.incarnation), 1, 8) || '-' || substr(hex(l.incarnation), 9, 4) || '-' ||
    substr(hex(l.incarnation), 13, 4) || '-' || substr(hex(l.incarnation), 17, 4) || '-' ||
    substr(hex(l.incarnation), 21)) AS incarnation, l.lane AS lane, l.received AS seq
FROM tksk_lane AS l JOIN tksk_incarnation AS i ON i.node = l.node AND i.incarnation = l.incarnation
WHERE l.node = ?1 ORDER BY i.state <> 1, i.heard_ms DESC, l.incarnation, l.lane;
-- @list_backups
SELECT name, number, wall_ms FROM tksk_backup WHERE name NOT GLOB '~*' ORDER BY number DESC,
    wall_ms DESC, name DESC;
