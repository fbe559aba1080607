-- Enrolment at the hub: not in the journal, since it becomes true only by a signed statement.
CREATE TABLE invite (
    invite     BLOB PRIMARY KEY,
    node       TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    curve_key  BLOB NOT NULL UNIQUE,
    made_ms    INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    standing   INTEGER NOT NULL, -- 0 not used yet, then enum enrol_standing
    tries      INTEGER NOT NULL, -- wrong words so far
    since_ms   INTEGER NOT NULL, -- of the request
    frame      BLOB              -- the ENROL message as received
) STRICT, WITHOUT ROWID;

CREATE TABLE operator_request (
    key      BLOB PRIMARY KEY,
    node     TEXT NOT NULL,
    standing INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    frame    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Which device the active incarnation of an office belongs to: another one is a new enrolment,
-- not a twin.
CREATE TABLE device (
    node TEXT PRIMARY KEY,
    key  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The proof that the hub's database was rolled back. Kept beside it, so that putting an older
-- database in place does not take it away.
CREATE TABLE halt (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    node     TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    since_ms INTEGER NOT NULL
) STRICT;
