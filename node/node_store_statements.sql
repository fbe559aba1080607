-- Every statement on the node's database. "-- @name" begins one; node_store.c prepares each once.

-- @node_get
SELECT enrolment, district, node, root_key, hub, device_public, curve_public, seal_public, invite,
       token
  FROM node;
-- @node_put
INSERT OR REPLACE INTO node VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);
-- @node_seal
UPDATE node SET seal_public = ?1;
-- @node_enrolment
UPDATE node SET enrolment = ?1;
-- @secret_get
SELECT value FROM secret WHERE name = ?1;
-- @secret_put
INSERT OR REPLACE INTO secret VALUES (?1, ?2);
-- @secret_delete
DELETE FROM secret WHERE name = ?1;

-- @operator_all
SELECT key, name, role, keyfile, request FROM operator ORDER BY rowid;
-- @operator_put
INSERT INTO operator VALUES (?1, ?2, ?3, ?4, ?5, ?6);
-- @operator_clash
SELECT 1 FROM operator WHERE key = ?1 OR name = ?2;
-- @operator_swap
UPDATE operator SET key = ?2, role = ?3, keyfile = ?4, request = ?5, wrapped = ?6 WHERE name = ?1;
-- @operator_get
SELECT wrapped FROM operator WHERE key = ?1;

-- @counter_get
SELECT next_number, seen_epoch, seen_number, lookup_shape, shown, load_to, lost FROM counter;
-- @counter_number
UPDATE counter SET next_number = ?1;
-- @counter_seen
UPDATE counter SET seen_epoch = ?1, seen_number = ?2
 WHERE (seen_epoch, seen_number) < (?1, ?2);
-- @counter_shown
UPDATE counter SET shown = max(shown, ?1);
-- @counter_shown_cut
UPDATE counter SET shown = min(shown, ?1);
-- @counter_welcomed
UPDATE counter SET load_to = ?1, lost = ?2;
-- @counter_shape
UPDATE counter SET lookup_shape = ?1;

-- @trust_all
SELECT statement FROM trust ORDER BY version;
-- @trust_get
SELECT statement FROM trust WHERE version = ?1;
-- @trust_put
INSERT INTO trust VALUES (?1, ?2);
-- @rules_get
SELECT document FROM rules ORDER BY version DESC LIMIT 1;
-- @rules_put
INSERT INTO rules VALUES (?1, ?2);
-- @rules_at
SELECT document FROM rules WHERE version = ?1;
-- @dictionary_put
INSERT OR REPLACE INTO dictionary VALUES (?1, ?2, ?3);
-- @dictionary_at
SELECT bytes FROM dictionary WHERE version = ?1;
-- @dictionary_of
SELECT version, bytes FROM dictionary WHERE hash = ?1 ORDER BY version DESC LIMIT 1;
-- @dictionary_trim
DELETE FROM dictionary WHERE version NOT IN
    (SELECT version FROM dictionary ORDER BY version DESC LIMIT 16);
-- @epoch_all
SELECT epoch, cut FROM epoch ORDER BY epoch;
-- @epoch_put
INSERT OR REPLACE INTO epoch VALUES (?1, ?2);
-- @cursor_get
SELECT epoch, number, hash FROM cursor WHERE stream = ?1;
-- @cursor_put
INSERT OR REPLACE INTO cursor VALUES (?1, ?2, ?3, ?4);
-- @cursor_load
-- The records come from the start again.
UPDATE counter SET load_to = 0;

-- @proof_put
INSERT INTO proof VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (kind, place) DO UPDATE SET epoch = ?3, number = ?4, body = ?5
     WHERE ?6 OR (epoch, number) <= (?3, ?4);
-- @proof_get
SELECT body FROM proof WHERE kind = ?1 AND place = ?2;

-- @life_last
SELECT life, incarnation FROM life ORDER BY life DESC LIMIT 2;
-- @life_put
INSERT OR REPLACE INTO life VALUES (?1, ?2);
-- @lane_get
SELECT highest, head, acked, acked_head, keep_from, dropped FROM lane WHERE life = ?1 AND lane = ?2;
-- @lane_put
INSERT OR REPLACE INTO lane VALUES (?1, ?2, 0, ?3, 0, ?3, 1, 0);
-- @lane_append
UPDATE lane SET highest = ?3, head = ?4 WHERE life = ?1 AND lane = ?2;
-- @lane_ack
UPDATE lane SET acked = ?3, acked_head = ?4, keep_from = ?5 WHERE life = ?1 AND lane = ?2;
-- @lane_close
UPDATE lane SET highest = acked, head = acked_head WHERE life = ?1;
-- @lane_dropped
UPDATE lane SET dropped = ?3 WHERE life = ?1 AND lane = ?2;
-- @lane_safe
-- A backup that holds something of this life holds all that was received of those before it.
UPDATE lane SET keep_from = highest + 1 WHERE life < ?1 AND keep_from <= highest;
-- @lane_all
SELECT life, lane, acked, keep_from FROM lane ORDER BY life, lane;

-- @entry_put
INSERT INTO entry (life, lane, seq, kind, leaf, head, key, changes, bytes, changes_sum, bytes_sum,
                   wall_ms, author)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13);
-- @entry_at
SELECT id, head, kind FROM entry WHERE life = ?1 AND lane = ?2 AND seq = ?3;
-- @entry_sums
SELECT changes_sum, bytes_sum FROM entry WHERE life = ?1 AND lane = ?2 AND seq = ?3;
-- @entry_run
SELECT entry.head, entry.kind, entry.key, item.item
  FROM entry LEFT JOIN item ON item.entry = entry.id
 WHERE life = ?1 AND lane = ?2 AND seq >= ?3 ORDER BY seq LIMIT ?4;
-- @entry_unread
SELECT coalesce(max(seq), 0) FROM entry WHERE life = ?1 AND lane = ?2 AND unread = 1;
-- @entry_first_key
SELECT seq FROM entry WHERE life = ?1 AND lane = ?2 AND key = ?3 AND kind = 1 ORDER BY seq LIMIT 1;
-- @entry_leaf
SELECT id FROM entry WHERE leaf = ?1 AND kind = 1;
-- @entry_received
UPDATE entry SET received = 1, epoch = ?2, number = ?3 WHERE id = ?1;
-- @entry_take_back
-- The hub answers again for the present life. Of a former one only what can be sent again goes
-- back:
-- what has lost its item is in every backup, so the hub has it.
-- A decision that was taken back makes its entry ask again too.
UPDATE entry SET received = 0, epoch = 0, number = 0
 WHERE received = 1
   AND ((number > ?2 AND epoch < ?1) OR
        EXISTS (SELECT 1 FROM change
                 WHERE change.entry = entry.id AND told > ?2 AND told_epoch < ?1))
   AND (life = ?3 OR EXISTS (SELECT 1 FROM item WHERE item.entry = entry.id));
-- @entry_unreceived
SELECT id, seq, leaf, changes, bytes FROM entry
 WHERE life = ?1 AND lane = ?2 AND seq > ?3 AND received = 0
   AND EXISTS (SELECT 1 FROM item WHERE item.entry = entry.id) ORDER BY seq LIMIT 1;
-- @entry_stranded
SELECT 1 FROM entry WHERE life < ?1 AND received = 0 AND kind = 1
   AND EXISTS (SELECT 1 FROM item WHERE item.entry = entry.id) LIMIT 1;
-- @entry_move
UPDATE entry SET life = ?2, seq = ?3, head = ?4, changes_sum = ?5, bytes_sum = ?6 WHERE id = ?1;
-- @entry_policy_at
SELECT id FROM entry WHERE life = ?1 AND lane = ?2 AND seq <= ?3 AND kind = 2
 ORDER BY seq DESC LIMIT 1;
-- @entry_cut
-- The first position that the hub may lack after a restore.
SELECT seq FROM entry WHERE life = ?1 AND lane = ?2 AND seq <= ?3 AND received = 0
 ORDER BY seq LIMIT 1;

-- @item_put
INSERT INTO item VALUES (?1, ?2, ?3);
-- @item_get
SELECT item FROM item WHERE entry = ?1;
-- @item_set
UPDATE item SET item = ?2 WHERE entry = ?1;
-- @item_after
SELECT entry.id, item.item FROM entry JOIN item ON item.entry = entry.id
 WHERE entry.life = ?1 AND entry.lane = ?2 AND entry.seq = ?3 AND entry.kind = 1;
-- @item_drop
DELETE FROM item WHERE entry IN
    (SELECT id FROM entry WHERE life = ?1 AND lane = ?2 AND seq > ?3 AND seq <= ?4 AND kind = 1);

-- @item_drop_old
DELETE FROM item WHERE entry IN
    (SELECT id FROM entry WHERE life < ?1 AND received = 1 AND kind = 1);

-- @key_put
INSERT INTO data_key VALUES (?1, ?2);
-- @key_get
SELECT sealed FROM data_key WHERE number = ?1;
-- @key_next
SELECT coalesce(max(number), 0) + 1 FROM data_key;

-- @change_put
INSERT INTO change (entry, idx, record, op, box, grp) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
-- @change_of_entry
SELECT disposition, epoch, number, told_epoch, told FROM change WHERE entry = ?1 AND idx = ?2;
-- @change_answer
UPDATE change SET disposition = ?3, reason = ?4, field = ?5,
                  held = CASE WHEN ?6 = '' THEN held ELSE ?6 END, epoch = ?7, number = ?8,
                  told_epoch = ?9, told = ?10
 WHERE entry = ?1 AND idx = ?2;
-- @change_folded
UPDATE change SET folded = 1 WHERE entry = ?1 AND idx = ?2;
-- @change_unfolded
SELECT change.entry, change.idx, change.record, change.disposition, change.held, change.epoch,
       change.number, change.box, entry.leaf, entry.wall_ms
  FROM change JOIN entry ON entry.id = change.entry
 WHERE change.folded = 0 AND (change.disposition IN (1, 4) OR change.held <> '')
 ORDER BY change.entry, change.idx LIMIT 1;
-- @change_of_record
-- What still shows on top of the confirmed state.
SELECT change.idx, change.disposition, change.held, change.epoch, change.number, change.folded,
       change.box, entry.leaf, entry.life, entry.lane, entry.seq, entry.received
  FROM change JOIN entry ON entry.id = change.entry
 WHERE change.record = ?1 AND change.box <> x''
   AND NOT (change.disposition IN (2, 3) OR (change.disposition = 1 AND change.folded = 1))
 ORDER BY change.entry, change.idx;
-- @change_last_own
-- The last own change that the hub took beyond what the record feed has shown.
SELECT entry.leaf FROM change JOIN entry ON entry.id = change.entry
 WHERE change.record = ?1 AND change.disposition IN (1, 4) AND change.number > ?2
   AND change.box <> x''
 ORDER BY change.entry DESC LIMIT 1;
-- @change_list
SELECT change.entry, change.idx, change.record, change.op, change.disposition, change.reason,
       change.field, change.number, change.box, entry.leaf, entry.lane, entry.seq, entry.wall_ms,
       entry.received AND entry.seq < lane.keep_from, entry.author, countersign.state,
       countersign.operator
  FROM change JOIN entry ON entry.id = change.entry
  LEFT JOIN lane ON lane.life = entry.life AND lane.lane = entry.lane
  LEFT JOIN countersign ON countersign.entry = change.entry
 ORDER BY change.entry, change.idx;
-- @change_list_record
SELECT change.entry, change.idx, change.record, change.op, change.disposition, change.reason,
       change.field, change.number, change.box, entry.leaf, entry.lane, entry.seq, entry.wall_ms,
       entry.received AND entry.seq < lane.keep_from, entry.author, countersign.state,
       countersign.operator
  FROM change JOIN entry ON entry.id = change.entry
  LEFT JOIN lane ON lane.life = entry.life AND lane.lane = entry.lane
  LEFT JOIN countersign ON countersign.entry = change.entry
 WHERE change.record = ?1 ORDER BY change.entry, change.idx;
-- @change_attention
-- A rejected change waits for a person until a later one of the record follows it. One with a draft
-- waits as that.
SELECT change.entry, change.idx, change.record, change.op, change.disposition, change.reason,
       change.field, change.number, change.box, entry.leaf, entry.lane, entry.seq, entry.wall_ms,
       entry.received AND entry.seq < lane.keep_from, entry.author, countersign.state,
       countersign.operator
  FROM change JOIN entry ON entry.id = change.entry
  LEFT JOIN lane ON lane.life = entry.life AND lane.lane = entry.lane
  LEFT JOIN countersign ON countersign.entry = change.entry
 WHERE change.disposition IN (3, 4, 5) AND (?1 IS NULL OR change.record = ?1)
   AND NOT (change.disposition = 3 AND (change.dismissed = 1 OR EXISTS
       (SELECT 1 FROM change AS later
         WHERE later.record = change.record AND later.entry > change.entry)
       OR EXISTS (SELECT 1 FROM draft
                   WHERE draft.entry = change.entry AND draft.grp = change.grp
                     AND draft.entry > 0)))
 ORDER BY change.entry, change.idx;
-- @change_dismiss
UPDATE change SET dismissed = 1
 WHERE idx = ?2 AND entry = (SELECT id FROM entry WHERE leaf = ?1 AND kind = 1);
-- @change_refold
-- Where a value goes that the cut undoes, the own one below it counts again: the feed does not echo
-- it.
UPDATE change SET folded = 0
 WHERE folded = 1 AND box <> x''
   AND record IN (SELECT record FROM change
                   WHERE (number > ?2 AND epoch < ?1) OR (told > ?2 AND told_epoch < ?1)
                  UNION SELECT record FROM history WHERE number > ?2 AND epoch < ?1);
-- @change_take_back
UPDATE change SET disposition = 0, reason = '', field = '', held = '', epoch = 0, number = 0,
                  told_epoch = 0, told = 0, folded = (box = x'')
 WHERE told > ?2 AND told_epoch < ?1
   AND EXISTS (SELECT 1 FROM item WHERE item.entry = change.entry);
-- @change_keep
-- What has lost its item is in every backup: the hub has it, and its answer stands until the hub
-- says
-- otherwise. Its values count in the new epoch, also when two begin at once.
UPDATE change SET epoch = ?1, told_epoch = 0, told = 0,
                  folded = CASE WHEN number > ?2 THEN box = x'' ELSE folded END
 WHERE disposition > 0
   AND ((told > ?2 AND told_epoch < ?1) OR (number > ?2 AND epoch < ?1));
-- @change_counts
SELECT disposition, count(*) FROM change WHERE disposition > 0 GROUP BY disposition;
-- @change_boxes
SELECT change.entry, change.idx, change.record, change.box, entry.leaf
  FROM change JOIN entry ON entry.id = change.entry
 WHERE change.disposition IN (0, 4, 5, 6) AND change.box <> x'';

-- A reset of the cache. An empty box stands for what nobody can read any more.
-- @reset_wrapped
UPDATE operator SET wrapped = x'';
-- @reset_records
DELETE FROM record;
-- @reset_history
DELETE FROM history;
-- @reset_changes
UPDATE change SET box = x'', folded = 1;
-- @reset_entries
UPDATE entry SET unread = 1 WHERE kind = 1;
-- @reset_items
UPDATE item SET box = x'';
-- @reset_requests
UPDATE request SET box = x'';
-- @reset_imports
DELETE FROM import;
-- @reset_ledger
DELETE FROM ledger;
-- What waits for a countersignature has no sealed bytes: it is gone.
-- @reset_wait_changes
DELETE FROM change WHERE entry IN (SELECT entry FROM countersign WHERE state = 0);
-- @reset_wait_entries
DELETE FROM entry WHERE id IN (SELECT entry FROM countersign WHERE state = 0);
-- @reset_waits
DELETE FROM countersign WHERE state = 0;
-- @reset_reasons
UPDATE countersign SET reason = x'';
-- @reset_counters
UPDATE counter SET shown = 0, lookup_shape = x'';

-- @change_group
-- Of a group that came back as a draft: what was rejected and is not dealt with. A decision about a
-- conflict is not entered again.
SELECT change.idx, change.grp, change.record, change.op, change.reason, change.field, change.box,
       entry.leaf
  FROM change JOIN entry ON entry.id = change.entry
 WHERE change.entry = ?1 AND change.grp = ?2 AND change.disposition = 3 AND change.dismissed = 0
   AND change.op <> 4
 ORDER BY change.idx;
-- @change_group_done
UPDATE change SET dismissed = 1 WHERE entry = ?1 AND grp = ?2 AND disposition = 3;
-- @change_waiting
SELECT change.entry, change.grp, coalesce(draft.number, 0), length(draft.box) > 0
  FROM change LEFT JOIN draft
    ON draft.entry = change.entry AND draft.grp = change.grp AND draft.entry > 0
 WHERE change.record = ?1 AND change.disposition = 3 AND change.dismissed = 0
 ORDER BY change.entry, change.idx LIMIT 1;

-- @draft_rejected
-- A change whose box was given up with its key makes none: there is nothing to mend.
INSERT INTO draft (entry, grp, wall_ms, box)
SELECT change.entry, change.grp, entry.wall_ms, x''
  FROM change JOIN entry ON entry.id = change.entry
 WHERE change.entry = ?1 AND change.idx = ?2 AND change.disposition = 3 AND change.op IN (1, 2)
   AND change.dismissed = 0 AND length(change.box) > 0
    ON CONFLICT (entry, grp) WHERE entry > 0 DO NOTHING;
-- @draft_take_back
-- After the answers: what is not rejected any more needs no correction.
DELETE FROM draft
 WHERE entry > 0 AND box = x''
   AND NOT EXISTS (SELECT 1 FROM change
                    WHERE change.entry = draft.entry AND change.grp = draft.grp
                      AND change.disposition = 3 AND change.dismissed = 0);
-- @draft_next
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'draft'), 0) + 1;
-- @draft_room
SELECT count(*), coalesce(sum(length(box)), 0) FROM draft WHERE box <> x'' AND number <> ?1;
-- @draft_add
INSERT INTO draft (number, wall_ms, box) VALUES (?1, ?2, ?3);
-- @draft_set
UPDATE draft SET box = ?2 WHERE number = ?1;
-- @draft_get
-- The last column is an enum draft_origin.
SELECT draft.entry, draft.grp, draft.wall_ms, draft.box, entry.leaf, entry.author,
       CASE WHEN draft.entry = 0 THEN 0
            WHEN EXISTS (SELECT 1 FROM change
                          WHERE change.entry = draft.entry AND change.grp = draft.grp
                            AND change.disposition = 3) THEN 1
            WHEN EXISTS (SELECT 1 FROM change
                          WHERE change.entry = draft.entry AND change.grp = draft.grp
                            AND change.disposition IN (1, 2, 4)) THEN 3
            ELSE 2 END
  FROM draft LEFT JOIN entry ON entry.id = draft.entry WHERE draft.number = ?1;
-- @draft_delete
DELETE FROM draft WHERE number = ?1;
-- @draft_all
SELECT draft.number, draft.wall_ms, draft.entry, length(draft.box) > 0, change.record,
       change.reason, change.field,
       CASE WHEN draft.entry = 0 THEN 0
            WHEN EXISTS (SELECT 1 FROM change
                          WHERE change.entry = draft.entry AND change.grp = draft.grp
                            AND change.disposition = 3) THEN 1
            WHEN EXISTS (SELECT 1 FROM change
                          WHERE change.entry = draft.entry AND change.grp = draft.grp
                            AND change.disposition IN (1, 2, 4)) THEN 3
            ELSE 2 END,
       draft.box
  FROM draft LEFT JOIN change ON change.rowid = (
       SELECT first.rowid FROM change AS first
        WHERE first.entry = draft.entry AND first.grp = draft.grp AND first.disposition = 3
        ORDER BY first.field = '', first.idx LIMIT 1)
 ORDER BY draft.number;
-- @draft_count
SELECT count(*) FROM draft;
-- @draft_clear
DELETE FROM draft;
-- @corrected_put
INSERT OR REPLACE INTO corrected VALUES (?1, ?2);
-- @corrected_get
SELECT became FROM corrected WHERE record = ?1;

-- @request_put
INSERT INTO request VALUES (?1, ?2);
-- @request_get
SELECT box FROM request WHERE request = ?1;
-- @import_put
INSERT INTO import (file, line) VALUES (?1, ?2)
    ON CONFLICT (file) DO UPDATE SET line = ?2 RETURNING id;
-- @import_get
SELECT id, line FROM import WHERE file = ?1;
-- @ledger_get
SELECT coalesce(max(seen) FILTER (WHERE file = ?2), 0),
       coalesce(max(seen) FILTER (WHERE file > 0), 0), count(*) FILTER (WHERE file < 0)
  FROM ledger WHERE hash = ?1;
-- @ledger_put
INSERT INTO ledger VALUES (?1, ?2, ?3)
    ON CONFLICT (hash, file) DO UPDATE SET seen = max(seen, ?3);

-- @record_get
SELECT short, confirmed, box FROM record WHERE id = ?1;
-- @record_put
INSERT INTO record VALUES (?1, ?2, ?3, 1, ?4)
    ON CONFLICT (id) DO UPDATE SET kind = ?3, confirmed = 1, box = ?4,
                                   short = CASE WHEN ?2 = '' THEN short ELSE ?2 END;
-- @record_create
INSERT OR IGNORE INTO record VALUES (?1, ?2, ?3, 0, x'');
-- @record_list
SELECT id FROM record WHERE kind = ?1 AND id > ?2 ORDER BY id;
-- @record_short
SELECT id FROM record WHERE short = ?1 ORDER BY id LIMIT 33;
-- @record_prefix
SELECT id FROM record WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT 33;
-- @record_all
SELECT id FROM record WHERE confirmed = 1;
-- @record_count
SELECT count(*) FROM record INDEXED BY record_kind WHERE confirmed = 1;
-- @record_lookup
SELECT record FROM lookup WHERE hash = ?1 ORDER BY record;
-- @lookup_count
SELECT count(*) FROM (SELECT 1 FROM lookup WHERE hash = ?1 LIMIT ?2);
-- @lookup_put
INSERT OR IGNORE INTO lookup VALUES (?1, ?2);
-- @lookup_clear
DELETE FROM lookup;

-- @conflict_put
INSERT OR REPLACE INTO conflict VALUES (?1, ?2, ?3, ?4);
-- @conflict_get
SELECT record, number, box FROM conflict WHERE conflict = ?1;
-- @conflict_delete
DELETE FROM conflict WHERE conflict = ?1;
-- @conflict_all
SELECT conflict, record, number, box FROM conflict ORDER BY number, conflict;
-- @conflict_of_record
SELECT conflict, box FROM conflict WHERE record = ?1 ORDER BY number;
-- @conflict_clear
DELETE FROM conflict;
-- @conflict_count
SELECT count(*) FROM conflict;

-- @history_get
SELECT box FROM history WHERE record = ?1 AND number = ?2;
-- @history_put
INSERT OR REPLACE INTO history VALUES (?1, ?2, ?3, ?4);
-- @history_trim
DELETE FROM history
 WHERE record = ?1 AND number <= (SELECT number FROM history WHERE record = ?1
                                   ORDER BY number DESC LIMIT 1 OFFSET ?2);
-- @history_take_back
DELETE FROM history WHERE epoch < ?1 AND number > ?2;
-- @history_list
-- A number merges one transaction, which touches a record once: what an own change says of it is
-- said
-- there.
SELECT number, box FROM history
 WHERE record = ?1 AND NOT EXISTS
       (SELECT 1 FROM change WHERE change.record = ?1 AND change.number = history.number)
 ORDER BY number;

-- @looked_come
INSERT INTO looked VALUES (?1, ?2, ?3, ?4, ?2, ?3, ?4, ?5)
    ON CONFLICT (key) DO UPDATE SET since_epoch = here_epoch, since = here, since_ms = here_ms,
                                    here_epoch = ?2, here = ?3, here_ms = ?4;
-- @looked_read
INSERT INTO looked VALUES (?1, ?2, ?3, ?4, ?2, ?3, ?4, ?5)
    ON CONFLICT (key) DO UPDATE SET since_epoch = ?2, since = ?3, since_ms = ?4,
                                    here_epoch = ?2, here = ?3, here_ms = ?4;
-- @looked_go
UPDATE looked SET here_epoch = ?2, here = ?3, here_ms = ?4 WHERE key = ?1;
-- @looked_rules
SELECT rules FROM looked WHERE key = ?1;
-- @looked_rules_put
UPDATE looked SET rules = ?2 WHERE key = ?1;
-- @looked_get
SELECT since_epoch, since, since_ms FROM looked WHERE key = ?1;
-- @looked_last
SELECT here_epoch, here, here_ms FROM looked
 ORDER BY here_epoch DESC, here DESC, here_ms DESC LIMIT 1;
-- @entry_news
SELECT changes_sum FROM entry
 WHERE life = ?1 AND lane = ?2 AND seq <= ?3 AND (epoch, number) <= (?4, ?5)
 ORDER BY seq DESC LIMIT 1;
-- @change_news
SELECT disposition, count(*) FROM change
 WHERE told_epoch > 0 AND (told_epoch, told) > (?1, ?2) GROUP BY disposition;
-- @held_told
-- Changes whose two values the feed has told of as a conflict: one thing to decide, not two.
SELECT count(*) FROM change
 WHERE disposition = 4 AND record IN (SELECT record FROM conflict);
-- @link_get
SELECT hub_ms, rate FROM link;
-- @link_put
UPDATE link SET hub_ms = ?1, rate = ?2;

-- @wait_entry
-- In life 0 each has a number of its own instead of a position.
INSERT INTO entry (life, lane, seq, kind, leaf, head, key, changes, bytes, changes_sum, bytes_sum,
                   wall_ms, author)
SELECT 0, ?1, coalesce(max(id), 0) + 1, 1, ?2, zeroblob(32), 0, ?3, ?4, 0, 0, ?5, ?6 FROM entry;
-- @wait_put
INSERT INTO countersign (entry, box) VALUES (?1, ?2);
-- @wait_all
SELECT entry.id, entry.leaf, entry.author, entry.lane, entry.wall_ms, entry.changes, countersign.box
  FROM countersign INDEXED BY countersign_waiting JOIN entry ON entry.id = countersign.entry
 WHERE countersign.state = 0 ORDER BY countersign.entry;
-- @wait_get
SELECT entry.id, entry.leaf, entry.author, entry.lane, entry.wall_ms, entry.changes,
       countersign.box, countersign.state, countersign.operator, countersign.reason
  FROM entry JOIN countersign ON countersign.entry = entry.id
 WHERE entry.leaf = ?1 AND entry.kind = 1;
-- @wait_count
SELECT count(*), coalesce(sum(entry.changes), 0), coalesce(sum(entry.bytes), 0)
  FROM countersign INDEXED BY countersign_waiting JOIN entry ON entry.id = countersign.entry
 WHERE countersign.state = 0 AND (?1 = 0 OR entry.author = ?1);
-- @wait_before
-- ?3: only the one that makes the record.
SELECT entry.leaf FROM change JOIN entry ON entry.id = change.entry
  JOIN countersign ON countersign.entry = change.entry
 WHERE change.record = ?1 AND change.entry < ?2 AND countersign.state = 0
   AND (?3 = 0 OR change.op = 1) LIMIT 1;
-- @wait_settled
UPDATE countersign SET state = ?2, operator = ?3, reason = ?4, box = x'' WHERE entry = ?1;
-- @wait_refused
UPDATE change SET disposition = 3, reason = ?2 WHERE entry = ?1 AND disposition = 0;
-- @wait_queue
UPDATE entry SET life = ?2, lane = ?3, seq = ?4, head = ?5, key = ?6, bytes = ?7, changes_sum = ?8,
                 bytes_sum = ?9
 WHERE id = ?1;

-- Blobs.
-- @blob_put
INSERT INTO blob (key, state, size, wall_ms, box) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (key) DO UPDATE SET state = ?2, wall_ms = ?4;
-- @blob_get
SELECT size FROM blob WHERE key = ?1;
-- @blob_figures
SELECT count(*), coalesce(sum(size), 0) FROM blob;
-- @blob_old
SELECT key, box FROM blob WHERE named = 0 AND wall_ms < ?1 ORDER BY wall_ms;
-- @blob_named
UPDATE blob SET named = 1 WHERE key = ?1;
-- @blob_delete
DELETE FROM blob WHERE key = ?1;
-- @blob_clear
DELETE FROM blob;
-- @blob_changes
SELECT entry.leaf, change.idx, change.box
  FROM change JOIN entry ON entry.id = change.entry WHERE change.box <> x'';
-- @blob_records
SELECT id, box FROM record WHERE box <> x'';
-- @blob_conflicts
SELECT conflict, box FROM conflict;
-- @blob_drafts
SELECT number, box FROM draft WHERE box <> x'';

-- @access_end_get
SELECT first, first_hash, last, last_hash FROM access_end;
-- @access_end_put
UPDATE access_end SET last = ?1, last_hash = ?2;
-- @access_anchor
UPDATE access_end SET first = ?1, first_hash = ?2;
-- @access_put
INSERT INTO access VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);
-- @access_at
SELECT wall_ms, hash FROM access WHERE number = ?1;
-- @access_cut
DELETE FROM access WHERE number <= ?1;
-- @access_all
SELECT number, wall_ms, op, whole, who, name, record, count, note, hash FROM access
 ORDER BY number;
-- @access_newest
SELECT number, wall_ms, op, whole, who, name, record, count, note, hash FROM access
 ORDER BY number DESC LIMIT ?1;
-- @access_of_record
SELECT number, wall_ms, op, whole, who, name, record, count, note, hash FROM access
 WHERE record = ?2 ORDER BY number DESC LIMIT ?1;

-- @owed_put
INSERT INTO owed VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (record) DO UPDATE SET days = excluded.days, own = max(own, excluded.own);
-- @owed_drop
DELETE FROM owed WHERE record = ?1;
-- @owed_own
SELECT EXISTS (SELECT 1 FROM owed WHERE record = ?1 AND own = 1) OR
       EXISTS (SELECT 1 FROM answered WHERE record = ?1);
-- @owed_all
SELECT record, since_ms, days FROM owed ORDER BY since_ms, record;
-- @owed_get
SELECT record, since_ms, days FROM owed WHERE record = ?1;
-- @owed_late
SELECT count(*), coalesce(sum(since_ms > 0 AND since_ms + days * 86400000 < ?1), 0) FROM owed;
-- @owed_clear
DELETE FROM owed;
-- @answered_put
INSERT INTO answered VALUES (?1, ?2, ?3, ?4, 0)
ON CONFLICT (record) DO UPDATE SET epoch = excluded.epoch, number = excluded.number,
    wall_ms = excluded.wall_ms, done = 0
 WHERE (excluded.epoch, excluded.number) > (answered.epoch, answered.number);
-- @answered_open
SELECT record, wall_ms FROM answered WHERE done = 0 ORDER BY epoch, number, record;
-- @answered_count
SELECT count(*) FROM answered WHERE done = 0;
-- @answered_news
SELECT count(*) FROM answered WHERE (epoch, number) > (?1, ?2);
-- @answered_done
UPDATE answered SET done = 1 WHERE record = ?1 AND done = 0;
-- @answered_clear
DELETE FROM answered;
-- @answered_take_back
DELETE FROM answered WHERE epoch < ?1 AND number > ?2;

-- The books. ?1: the present life; entries with a claimed time from ?2 until before ?3.
-- @books_chain
SELECT coalesce((SELECT sum(highest) FROM lane WHERE life = ?1), 0),
       (SELECT count(*) FROM entry WHERE life = ?1 AND kind = 2),
       (SELECT count(*) FROM entry WHERE life > 0 AND life < ?1 AND kind = 1),
       (SELECT count(*) FROM entry WHERE life > 0 AND kind = 1 AND wall_ms >= ?2 AND wall_ms < ?3);
-- @books_answers
SELECT answer.disposition, count(*), sum(entry.wall_ms >= ?1 AND entry.wall_ms < ?2),
       sum(entry.changes - answer.changes)
  FROM (SELECT entry, max(disposition) AS disposition, count(*) AS changes
          FROM change GROUP BY entry) AS answer JOIN entry ON entry.id = answer.entry
 WHERE entry.life > 0 GROUP BY answer.disposition;
