-- Every statement on the enrolment file. "-- @name" begins one; each is prepared once.

-- @invite_put
INSERT INTO invite VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, NULL);
-- @invite_get
SELECT invite, node, token_hash, curve_key, made_ms, expires_ms, standing, tries, since_ms, frame
  FROM invite WHERE invite = ?1;
-- @invite_by_curve
SELECT invite, node, token_hash, curve_key, made_ms, expires_ms, standing, tries, since_ms, frame
  FROM invite WHERE curve_key = ?1;
-- @invite_waiting
SELECT invite, node, token_hash, curve_key, made_ms, expires_ms, standing, tries, since_ms, frame
  FROM invite WHERE standing = 1 ORDER BY since_ms, invite;
-- @invite_request
UPDATE invite SET standing = 1, tries = 0, since_ms = ?2, frame = ?3 WHERE invite = ?1;
-- @invite_standing
UPDATE invite SET standing = ?2, tries = ?3 WHERE invite = ?1;
-- @invite_arrived
UPDATE invite SET standing = 4 WHERE node = ?1 AND standing = 2;
-- @invite_sweep
DELETE FROM invite WHERE standing IN (0, 3, 4) AND expires_ms < ?1;

-- @operator_put
INSERT OR REPLACE INTO operator_request VALUES (?1, ?2, 1, 0, ?3, ?4);
-- @operator_get
SELECT key, node, standing, tries, since_ms, frame FROM operator_request WHERE key = ?1;
-- @operator_waiting
SELECT key, node, standing, tries, since_ms, frame FROM operator_request
 WHERE standing = 1 ORDER BY since_ms, key;
-- @operator_count
SELECT count(*) FROM operator_request WHERE node = ?1 AND standing = 1;
-- @operator_standing
UPDATE operator_request SET standing = ?2, tries = ?3 WHERE key = ?1;

-- @device_get
SELECT key FROM device WHERE node = ?1;
-- @device_put
INSERT OR REPLACE INTO device VALUES (?1, ?2);

-- @halt_get
SELECT node, epoch, number, since_ms FROM halt;
-- @halt_put
INSERT OR REPLACE INTO halt VALUES (1, ?1, ?2, ?3, ?4);
-- @halt_drop
DELETE FROM halt;
