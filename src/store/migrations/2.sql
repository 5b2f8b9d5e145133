-- What is remembered of sources beside the console's API.

-- The newest logon of each login, by the console's key.
CREATE TABLE logons (
    console TEXT NOT NULL,
    login   TEXT NOT NULL,
    at      TEXT NOT NULL,
    address TEXT,
    PRIMARY KEY (console, login)
) STRICT, WITHOUT ROWID;

-- How far each authentication log was read.
CREATE TABLE log_positions (
    console TEXT NOT NULL,
    path    TEXT NOT NULL,
    -- As two's complement; it has 64 bits.
    inode   INTEGER NOT NULL,
    -- SHA-256 of the first line, hex.
    head    TEXT NOT NULL,
    offset  INTEGER NOT NULL,
    -- The newest time in it.
    last    TEXT,
    -- SHA-256 of the pattern and the zone that it was read with, hex.
    reader  TEXT NOT NULL,
    -- From when on every logon was seen.
    since   TEXT,
    PRIMARY KEY (console, path)
) STRICT, WITHOUT ROWID;
