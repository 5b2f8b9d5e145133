-- The chain of evidence.

-- A link for each run that ended with a report. It outlives the run and its files.
CREATE TABLE links (
    -- From 1, without a hole.
    position  INTEGER NOT NULL PRIMARY KEY,
    run       TEXT NOT NULL UNIQUE,
    job       TEXT,
    -- When the run's rules judged.
    finished  TEXT NOT NULL,
    -- SHA-256 of the statement, hex, and of the one before it.
    sha256    TEXT NOT NULL,
    previous  TEXT,
    -- The id of the key that signed; NULL if unsigned.
    key       TEXT,
    -- The statement, gzip, and its signature: without them, a hole in the files would be a hole in the chain.
    statement BLOB NOT NULL,
    signature TEXT,
    CHECK ((position = 1) = (previous IS NULL)),
    CHECK ((key IS NULL) = (signature IS NULL))
) STRICT;

-- Whoever edits the chain by mistake is told so.
CREATE TRIGGER links_stay BEFORE DELETE ON links BEGIN SELECT raise(ABORT, 'links are never deleted'); END;
CREATE TRIGGER links_are_fixed BEFORE UPDATE ON links BEGIN SELECT raise(ABORT, 'links are never changed'); END;
