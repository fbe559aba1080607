-- The hub's access log (proto/access.h), in a file of its own beside the database: no part of the
-- journal or of a content hash, and an older database that is put in place does not take it away.
CREATE TABLE access (
    number  INTEGER PRIMARY KEY,
    wall_ms INTEGER NOT NULL,
    op      INTEGER NOT NULL,
    whole   INTEGER NOT NULL,
    who     INTEGER NOT NULL,
    name    TEXT NOT NULL,
    record  BLOB,
    count   INTEGER NOT NULL,
    note    BLOB NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX access_record ON access (record, number) WHERE record IS NOT NULL;

-- The anchor that trimming left, and the last row.
CREATE TABLE access_end (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    first      INTEGER NOT NULL,
    first_hash BLOB NOT NULL CHECK (length(first_hash) = 32),
    last       INTEGER NOT NULL,
    last_hash  BLOB NOT NULL CHECK (length(last_hash) = 32)
) STRICT;
INSERT INTO access_end VALUES (1, 0, zeroblob(32), 0, zeroblob(32));
