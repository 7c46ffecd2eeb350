-- Schema 1. Once released, this file never changes: its SHA-256 is kept in `migrations`.

PRAGMA application_id = 0x52574c47; -- "RWLG": tells our file from another program's

CREATE TABLE meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE migrations (
    version    INTEGER PRIMARY KEY NOT NULL,
    sha256     TEXT NOT NULL,
    applied_at INTEGER NOT NULL -- Unix milliseconds, as every time here
) STRICT;

-- The log. The hash recipe stands in src/store/mod.rs.
CREATE TABLE events (
    seq          INTEGER PRIMARY KEY NOT NULL CHECK (seq > 0),
    at           INTEGER NOT NULL,
    plan         TEXT,
    rollout      INTEGER CHECK (rollout > 0),
    kind         TEXT NOT NULL CHECK (kind <> ''),
    kind_version INTEGER NOT NULL,
    actor        TEXT NOT NULL CHECK (actor <> ''),
    reason       TEXT NOT NULL CHECK (reason <> ''),
    payload      TEXT NOT NULL CHECK (json_valid(payload)),
    prev_hash    BLOB NOT NULL CHECK (length(prev_hash) = 32),
    hash         BLOB NOT NULL CHECK (length(hash) = 32),
    CHECK (rollout IS NULL OR plan IS NOT NULL)
) STRICT;

CREATE INDEX events_by_plan ON events (plan, seq) WHERE plan IS NOT NULL;

CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events is append-only: no row is ever changed');
END;

CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events is append-only: no row is ever deleted');
END;

-- Also stops INSERT OR REPLACE, which deletes without asking the trigger above.
CREATE TRIGGER events_at_the_end BEFORE INSERT ON events
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
BEGIN
    SELECT RAISE(ABORT, 'events is append-only: a row goes to the end, with the next number');
END;

CREATE TRIGGER events_chained BEFORE INSERT ON events
WHEN NEW.prev_hash IS NOT coalesce((SELECT hash FROM events ORDER BY seq DESC LIMIT 1), zeroblob(32))
BEGIN
    SELECT RAISE(ABORT, 'events is a chain: prev_hash is the hash of the row before');
END;

CREATE TRIGGER events_in_time BEFORE INSERT ON events
WHEN NEW.at < (SELECT at FROM events ORDER BY seq DESC LIMIT 1)
BEGIN
    SELECT RAISE(ABORT, 'events never goes back in time');
END;

-- Projections: rewritten with the events that change them, rebuilt from the log after a reopen.
CREATE TABLE rollouts (
    plan       TEXT NOT NULL,
    rollout    INTEGER NOT NULL,
    phase      TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    detail     TEXT NOT NULL CHECK (json_valid(detail)),
    PRIMARY KEY (plan, rollout)
) STRICT;

CREATE TABLE rings (
    plan     TEXT NOT NULL,
    rollout  INTEGER NOT NULL,
    ring     TEXT NOT NULL,
    position INTEGER NOT NULL,
    state    TEXT NOT NULL,
    since    INTEGER NOT NULL,
    detail   TEXT NOT NULL CHECK (json_valid(detail)),
    PRIMARY KEY (plan, rollout, ring)
) STRICT;

-- Observations: may be lost. They carry no CHECK on purpose: quick_check judges constraints too,
-- and one spoilt observation must not keep the daemon from starting. Code checks them both ways.
CREATE TABLE devices (
    device_id TEXT PRIMARY KEY NOT NULL,
    doc       TEXT NOT NULL,
    swept_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE ring_samples (
    plan        TEXT NOT NULL,
    ring        TEXT NOT NULL,
    environment TEXT NOT NULL,
    at          INTEGER NOT NULL,
    counts      TEXT NOT NULL,
    PRIMARY KEY (plan, ring, environment, at)
) STRICT;
CREATE INDEX ring_samples_by_age ON ring_samples (at);
