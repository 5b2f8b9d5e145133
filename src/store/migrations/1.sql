-- The first schema. Times are RFC 3339 in UTC with nine digits of a second, so that their order is the order of time.
-- A migration is never edited once a version with it is out: what changes is the next file.

-- Tells a store from any other SQLite database: the bytes "rcrt".
PRAGMA application_id = 0x72637274;

CREATE TABLE installation (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    id      TEXT NOT NULL,
    created TEXT NOT NULL
) STRICT;

CREATE TABLE schedules (
    job        TEXT NOT NULL PRIMARY KEY,
    -- NULL until the job's definition has been told.
    definition TEXT,
    -- The instant after which slots of the job count.
    mark       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id        TEXT NOT NULL PRIMARY KEY,
    -- NULL for a run on demand.
    job       TEXT,
    slot      TEXT,
    state     TEXT NOT NULL CHECK (state IN ('claimed', 'running', 'done', 'failed')),
    collapsed INTEGER NOT NULL DEFAULT 0,
    attempts  INTEGER NOT NULL DEFAULT 0,
    claimed   TEXT NOT NULL,
    started   TEXT,
    finished  TEXT,
    -- When the last collection ended: the time that the rules judged at.
    judged    TEXT,
    verdict   TEXT CHECK (verdict IN ('complete', 'incomplete')),
    error     TEXT,
    users     INTEGER NOT NULL DEFAULT 0,
    gaps      INTEGER NOT NULL DEFAULT 0,
    requests  INTEGER NOT NULL DEFAULT 0,
    critical  INTEGER NOT NULL DEFAULT 0,
    high      INTEGER NOT NULL DEFAULT 0,
    medium    INTEGER NOT NULL DEFAULT 0,
    low       INTEGER NOT NULL DEFAULT 0,
    info      INTEGER NOT NULL DEFAULT 0,
    -- The names of the consoles, a JSON array.
    consoles  TEXT NOT NULL DEFAULT '[]',
    UNIQUE (job, slot),
    CHECK ((state = 'done') = (judged IS NOT NULL AND verdict IS NOT NULL)),
    CHECK ((state = 'failed') = (error IS NOT NULL)),
    CHECK ((state IN ('done', 'failed')) = (finished IS NOT NULL))
) STRICT;

CREATE TABLE snapshots (
    run  TEXT NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    -- A snapshot file, gzip.
    body BLOB NOT NULL
) STRICT;

CREATE TABLE findings (
    run          TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    -- The place in the report.
    position     INTEGER NOT NULL,
    id           TEXT NOT NULL,
    console      TEXT NOT NULL,
    rule         TEXT NOT NULL,
    severity     TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    summary      TEXT NOT NULL,
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE rules (
    run      TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id       TEXT NOT NULL,
    console  TEXT NOT NULL,
    verdict  TEXT NOT NULL,
    examined INTEGER NOT NULL,
    expected INTEGER NOT NULL,
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

-- Outlives the runs: a finding's first sighting is remembered after the run that saw it is gone.
CREATE TABLE sightings (
    finding TEXT NOT NULL PRIMARY KEY,
    first   TEXT NOT NULL,
    last    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE parcels (
    id         TEXT NOT NULL PRIMARY KEY,
    run        TEXT REFERENCES runs (id) ON DELETE SET NULL,
    job        TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('report', 'heartbeat', 'alarm')),
    recipient  TEXT NOT NULL,
    channel    TEXT NOT NULL CHECK (channel IN ('email', 'directory')),
    message_id TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('pending', 'connecting', 'envelope', 'data', 'dot_sent', 'accepted',
                                              'deferred', 'refused', 'ambiguous', 'expired', 'resolved')),
    held       INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    attempts   INTEGER NOT NULL DEFAULT 0,
    size       INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    created    TEXT NOT NULL,
    due        TEXT NOT NULL,
    updated    TEXT NOT NULL,
    last_reply TEXT
) STRICT;

CREATE INDEX parcels_by_run ON parcels (run);
CREATE INDEX parcels_by_recipient ON parcels (job, recipient, created);
CREATE INDEX parcels_by_due ON parcels (due) WHERE state IN ('pending', 'deferred', 'ambiguous');

-- Apart from their parcels, so that a listing does not read them.
CREATE TABLE bodies (
    parcel TEXT NOT NULL PRIMARY KEY REFERENCES parcels (id) ON DELETE CASCADE,
    body   BLOB NOT NULL
) STRICT;

-- Everything that happened to a parcel, in order.
CREATE TABLE deliveries (
    id     INTEGER NOT NULL PRIMARY KEY,
    parcel TEXT NOT NULL REFERENCES parcels (id) ON DELETE CASCADE,
    at     TEXT NOT NULL,
    state  TEXT NOT NULL,
    text   TEXT
) STRICT;

CREATE INDEX deliveries_by_parcel ON deliveries (parcel);
