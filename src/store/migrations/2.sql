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

-- What is remembered of accounts over all runs, by the console's key.
CREATE TABLE accounts (
    console      TEXT NOT NULL,
    user         INTEGER NOT NULL,
    -- When a run first saw it.
    first_seen   TEXT NOT NULL,
    -- Whether it was locked in the newest run; NULL if no run could tell.
    locked       INTEGER CHECK (locked IN (0, 1)),
    -- When runs saw that it had been locked or unlocked, a JSON array, oldest first.
    lock_changes TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (console, user)
) STRICT, WITHOUT ROWID;

-- Up to which run the accounts of a console are remembered.
CREATE TABLE account_marks (
    console TEXT NOT NULL PRIMARY KEY,
    mark    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who signed a run off. Outlives the run.
CREATE TABLE sign_offs (
    run    TEXT NOT NULL PRIMARY KEY,
    job    TEXT NOT NULL,
    -- When the run's rules judged.
    judged TEXT NOT NULL,
    by     TEXT NOT NULL,
    at     TEXT NOT NULL,
    note   TEXT
) STRICT, WITHOUT ROWID;
