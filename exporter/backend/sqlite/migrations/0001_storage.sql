-- One row for every authentication event of every system. docs/schema.md explains each column. The rows stand in several tables, which
-- session_events shows as one. Those whose record_id begins with a time are in tables for a range of it each; this one has the others.
-- An absent value is NULL. Text that is not valid UTF-8 is kept byte for byte, as a BLOB, so that a client which decodes
-- text can still read the table.
CREATE TABLE session_events_other (
    arrival                INTEGER PRIMARY KEY, -- order of arrival
    kind                   TEXT    NOT NULL,    -- login, logout, session.start, session.update
    outcome                TEXT    NOT NULL,    -- success, failure, unknown
    source_event           TEXT,
    time                   INTEGER NOT NULL,    -- nanoseconds since 1970 UTC, the source's clock
    observed               INTEGER,             -- nanoseconds since 1970 UTC
    system                 TEXT,
    instance               TEXT,
    host                   TEXT,
    server_address         TEXT,
    server_port            INTEGER,
    database_name          TEXT,
    user_name              TEXT,                -- NULL: none was given; '': an empty one was
    user_id                TEXT,
    user_hash              TEXT,
    roles                  TEXT,                -- JSON: ["analyst","loader"]
    profiles               TEXT,                -- JSON: ["default"]
    settings               TEXT,                -- JSON: [["max_threads","2"]]
    auth_method            TEXT,
    auth_type              TEXT,
    interface              TEXT,
    tls_version            TEXT,
    tls_cipher             TEXT,
    certificate_subjects   TEXT,                -- JSON: ["CN:billing"]
    certificate_serial     TEXT,
    certificate_issuer     TEXT,
    certificate_not_before TEXT,                -- RFC 3339, UTC
    certificate_not_after  TEXT,                -- RFC 3339, UTC
    client_address         TEXT,
    client_port            INTEGER,
    client_hostname        TEXT,
    client_name            TEXT,
    client_version         TEXT,
    client_revision        INTEGER,
    driver                 TEXT,
    os                     TEXT,
    plugin                 TEXT,
    application_name       TEXT,
    user_agent             TEXT,
    record_id              BLOB    NOT NULL,    -- 16 bytes
    session_key            BLOB,                -- 16 bytes
    session_id             TEXT,
    session_name           TEXT,
    trace_id               BLOB,                -- 16 bytes
    span_id                BLOB,                -- 8 bytes
    correlation            TEXT,
    pid                    INTEGER,
    duration               INTEGER,             -- nanoseconds
    failure_reason         TEXT,
    error_type             TEXT,
    status_code            TEXT,
    severity               INTEGER,             -- only where it differs from the usual one
    message                TEXT,                -- only of a foreign record
    original               TEXT,
    attributes             TEXT,                -- JSON: {"sessionlog.source.field.mtu":"1500"}
    attribute_types        TEXT,                -- a letter for each attribute whose JSON value does not show its type
    actor_name             TEXT,
    actor_id               TEXT,
    mfa_used               TEXT,                -- yes, no
    provider_name          TEXT,
    user_type              TEXT,                -- person, service, system
    content_hash           BLOB    NOT NULL     -- 16 bytes; equal where two records of one id say the same
);

-- First write wins: a second record with the same id changes nothing.
-- Few further indexes, since each costs every insert. There is none on session_key: such keys are random, and each new row would rewrite a
-- page of it somewhere else. The program makes every other partition like this table, with the indexes that it has at that time.
CREATE UNIQUE INDEX session_events_other_by_record_id ON session_events_other (record_id);
CREATE INDEX session_events_other_by_time ON session_events_other (time);
CREATE INDEX session_events_other_by_failure_time ON session_events_other (time) WHERE outcome = 'failure';
CREATE INDEX session_events_other_by_user_name ON session_events_other (user_name, time) WHERE user_name IS NOT NULL;
CREATE INDEX session_events_other_by_client_address ON session_events_other (client_address, time) WHERE client_address IS NOT NULL;
CREATE INDEX session_events_other_by_trace_id ON session_events_other (trace_id) WHERE trace_id IS NOT NULL;

-- The first of those with a range.
CREATE TABLE session_events_1 (
    arrival INTEGER PRIMARY KEY, kind TEXT NOT NULL, outcome TEXT NOT NULL, source_event TEXT, time INTEGER NOT NULL, observed
    INTEGER, system TEXT, instance TEXT, host TEXT, server_address TEXT, server_port INTEGER, database_name TEXT, user_name TEXT,
    user_id TEXT, user_hash TEXT, roles TEXT, profiles TEXT, settings TEXT, auth_method TEXT, auth_type TEXT, interface TEXT,
    tls_version TEXT, tls_cipher TEXT, certificate_subjects TEXT, certificate_serial TEXT, certificate_issuer TEXT,
    certificate_not_before TEXT, certificate_not_after TEXT, client_address TEXT, client_port INTEGER, client_hostname TEXT,
    client_name TEXT, client_version TEXT, client_revision INTEGER, driver TEXT, os TEXT, plugin TEXT, application_name TEXT,
    user_agent TEXT, record_id BLOB NOT NULL, session_key BLOB, session_id TEXT, session_name TEXT, trace_id BLOB, span_id BLOB,
    correlation TEXT, pid INTEGER, duration INTEGER, failure_reason TEXT, error_type TEXT, status_code TEXT, severity INTEGER,
    message TEXT, original TEXT, attributes TEXT, attribute_types TEXT, actor_name TEXT, actor_id TEXT, mfa_used TEXT,
    provider_name TEXT, user_type TEXT, content_hash BLOB NOT NULL
);
CREATE UNIQUE INDEX session_events_1_by_record_id ON session_events_1 (record_id);
CREATE INDEX session_events_1_by_time ON session_events_1 (time);
CREATE INDEX session_events_1_by_failure_time ON session_events_1 (time) WHERE outcome = 'failure';
CREATE INDEX session_events_1_by_user_name ON session_events_1 (user_name, time) WHERE user_name IS NOT NULL;
CREATE INDEX session_events_1_by_client_address ON session_events_1 (client_address, time) WHERE client_address IS NOT NULL;
CREATE INDEX session_events_1_by_trace_id ON session_events_1 (trace_id) WHERE trace_id IS NOT NULL;

-- Which table has which ids. A range ends where the next begins; low is in milliseconds since 1970, the first 48 bits of a record_id.
CREATE TABLE sessionlog_partitions (
    name TEXT PRIMARY KEY,
    low  INTEGER UNIQUE -- NULL: of the table with the ids that begin with no time
) WITHOUT ROWID;
INSERT INTO sessionlog_partitions VALUES ('session_events_1', 0), ('session_events_other', NULL);

-- Both are made anew whenever a partition comes or goes.
CREATE VIEW session_events AS
SELECT * FROM session_events_1 UNION ALL
SELECT * FROM session_events_other;
CREATE TRIGGER session_events_delete INSTEAD OF DELETE ON session_events BEGIN
DELETE FROM session_events_1 WHERE arrival = OLD.arrival;
DELETE FROM session_events_other WHERE arrival = OLD.arrival;
END;

-- Records whose id was there already with other content, kept aside because one of the two may be forged: each version once. The
-- columns are those of session_events.
CREATE TABLE session_conflicts (
    arrival INTEGER PRIMARY KEY, kind TEXT NOT NULL, outcome TEXT NOT NULL, source_event TEXT, time INTEGER NOT NULL, observed
    INTEGER, system TEXT, instance TEXT, host TEXT, server_address TEXT, server_port INTEGER, database_name TEXT, user_name TEXT,
    user_id TEXT, user_hash TEXT, roles TEXT, profiles TEXT, settings TEXT, auth_method TEXT, auth_type TEXT, interface TEXT,
    tls_version TEXT, tls_cipher TEXT, certificate_subjects TEXT, certificate_serial TEXT, certificate_issuer TEXT,
    certificate_not_before TEXT, certificate_not_after TEXT, client_address TEXT, client_port INTEGER, client_hostname TEXT,
    client_name TEXT, client_version TEXT, client_revision INTEGER, driver TEXT, os TEXT, plugin TEXT, application_name TEXT,
    user_agent TEXT, record_id BLOB NOT NULL, session_key BLOB, session_id TEXT, session_name TEXT, trace_id BLOB, span_id BLOB,
    correlation TEXT, pid INTEGER, duration INTEGER, failure_reason TEXT, error_type TEXT, status_code TEXT, severity INTEGER,
    message TEXT, original TEXT, attributes TEXT, attribute_types TEXT, actor_name TEXT, actor_id TEXT, mfa_used TEXT,
    provider_name TEXT, user_type TEXT, content_hash BLOB NOT NULL, UNIQUE (record_id, content_hash)
);
CREATE INDEX session_conflicts_by_time ON session_conflicts (time);

-- Which of these files have been run.
CREATE TABLE sessionlog_migrations (
    version    INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    applied_at TEXT NOT NULL -- UTC
);

-- What the views are told by the configuration.
CREATE TABLE sessionlog_settings (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- What questions about history are answered by: who had a successful login from where, and in which hours. Both tables are counted from the rows of
-- session_events up to an arrival that sessionlog_settings has. A system or an instance that is NULL is x'' here.
CREATE TABLE sessionlog_pairs (
    user_name      TEXT NOT NULL, client_address TEXT NOT NULL, system TEXT NOT NULL, instance TEXT NOT NULL,
    first          INTEGER NOT NULL, -- nanoseconds since 1970 UTC, of the first login
    last           INTEGER NOT NULL, -- of a later one: the last is at most a day younger
    PRIMARY KEY (user_name, client_address, system, instance)
) WITHOUT ROWID;
CREATE TABLE sessionlog_hours (
    day            INTEGER NOT NULL, -- since 1970 UTC
    user_name      TEXT NOT NULL, system TEXT NOT NULL, instance TEXT NOT NULL,
    hours          INTEGER NOT NULL, -- bit 0 for 0:00 to 0:59 UTC
    PRIMARY KEY (day, user_name, system, instance)
) WITHOUT ROWID;
INSERT INTO sessionlog_settings VALUES ('summed_up_to', 0);

-- Whoever deletes rows by hand has the summary counted anew.
CREATE TRIGGER session_events_forget INSTEAD OF DELETE ON session_events BEGIN
DELETE FROM sessionlog_pairs;
DELETE FROM sessionlog_hours;
UPDATE sessionlog_settings SET value = 0 WHERE name = 'summed_up_to' AND value <> 0;
END;

-- What proves that rows are as they were written, one row a seal. docs/evidence.md has the format, package internal/seal writes it.
CREATE TABLE session_seals (
    log      TEXT    NOT NULL, -- origin of an append-only log; each writer has one
    first    INTEGER NOT NULL, -- pages of the log before this seal
    pages    INTEGER NOT NULL,
    entries  INTEGER NOT NULL, -- records
    head     TEXT    NOT NULL, -- signed checkpoint of the log with these pages
    edge     BLOB    NOT NULL, -- roots of its perfect subtrees
    PRIMARY KEY (log, first)
);
-- The pages of a seal, which go once all of their records have expired.
CREATE TABLE session_seal_pages (
    log      TEXT    NOT NULL,
    first    INTEGER NOT NULL,
    min_id   BLOB    NOT NULL, -- the least and the greatest record_id
    max_id   BLOB    NOT NULL,
    seed     BLOB    NOT NULL, -- of the entries' nonces
    manifest BLOB    NOT NULL, -- the entries
    texts    TEXT    NOT NULL, -- of statements, one a line
    PRIMARY KEY (log, first)
);

INSERT INTO sessionlog_migrations VALUES (1, 'storage', strftime('%Y-%m-%d %H:%M:%S', 'now'));
