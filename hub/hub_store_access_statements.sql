-- Every statement on the access log. "-- @name" begins one; each is prepared once.

-- @end_get
SELECT first, first_hash, last, last_hash FROM access_end;
-- @end_put
UPDATE access_end SET first = ?1, first_hash = ?2, last = ?3, last_hash = ?4;
-- @row_put
INSERT INTO access VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);
-- @row_at
SELECT wall_ms, hash FROM access WHERE number = ?1;
-- @row_cut
DELETE FROM access WHERE number <= ?1;
-- @row_all
SELECT number, wall_ms, op, whole, who, name, record, count, note, hash FROM access
 ORDER BY number;
-- @row_newest
SELECT number, wall_ms, op, whole, who, name, record, count, note, hash FROM access
 ORDER BY number DESC LIMIT ?1;
-- @row_of_record
SELECT number, wall_ms, op, whole, who, name, record, count, note, hash FROM access
 WHERE record = ?2 ORDER BY number DESC LIMIT ?1;
