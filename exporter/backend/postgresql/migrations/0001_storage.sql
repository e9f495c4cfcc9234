-- The storage: one row for every authentication event of every system. docs/schema.md explains each column.
-- An absent value is NULL. A byte that PostgreSQL cannot store in a text (NUL, or what is no UTF-8) stands there as one
-- character U+10FE00 plus the byte: user_name ~ '[\U0010FE00-\U0010FEFF]' finds such texts.
--
-- Partitions are months of the record id, which begins with the time of the event in milliseconds. The id alone is thus
-- unique over all partitions: a second record with the same id changes nothing, whatever time it claims. Ids of senders that
-- do not begin with a time are in session_events_default.
CREATE TABLE session_events (
    kind                   text        NOT NULL, -- login, logout, session.start, session.update
    outcome                text        NOT NULL, -- success, failure, unknown
    source_event           text,
    time                   timestamptz NOT NULL, -- the source's clock, cut to microseconds
    time_ns                bigint      NOT NULL, -- the same, exact: nanoseconds since 1970 UTC
    observed               timestamptz,
    observed_ns            bigint,
    system                 text,
    instance               text,
    host                   text,
    server_address         text,
    server_port            integer,
    database_name          text,
    user_name              text,                 -- NULL: none was given; '': an empty one was
    user_id                text,
    user_hash              text,
    roles                  text[],
    profiles               text[],
    settings               jsonb,                -- [["max_threads","2"]], in the source's order
    auth_method            text,
    auth_type              text,
    interface              text,
    tls_version            text,
    tls_cipher             text,
    certificate_subjects   text[],
    certificate_serial     text,
    certificate_issuer     text,
    certificate_not_before text,                 -- RFC 3339, UTC
    certificate_not_after  text,                 -- RFC 3339, UTC
    client_address         text,
    client_port            integer,
    client_hostname        text,
    client_name            text,
    client_version         text,
    client_revision        bigint,
    driver                 text,
    os                     text,
    plugin                 text,
    application_name       text,
    user_agent             text,
    record_id              uuid        NOT NULL,
    session_key            uuid,
    session_id             text,
    session_name           text,
    trace_id               bytea,                -- 16 bytes
    span_id                bytea,                -- 8 bytes
    correlation            text,
    pid                    bigint,
    duration               bigint,               -- nanoseconds
    failure_reason         text,
    error_type             text,
    status_code            text,
    severity               integer,              -- only where it differs from the usual one
    message                text,                 -- only of a foreign record
    original               text,
    attributes             jsonb,                -- {"sessionlog.source.field.mtu":"1500"}
    actor_name             text,
    actor_id               text,
    mfa_used               text,                 -- yes, no
    provider_name          text,
    attributes_exact       jsonb,                -- [["key","type","value"]] where jsonb does not show type or text
    user_type              text,                 -- person, service or system
    content_hash           bytea       NOT NULL, -- 16 bytes; equal where two records of one id say the same
    PRIMARY KEY (record_id)
) PARTITION BY RANGE (record_id);

CREATE TABLE session_events_default PARTITION OF session_events DEFAULT;

-- Few further indexes, since each costs every insert; those for users, addresses and failures are built for each partition behind a
-- backlog. Rows arrive in the order of time, so block ranges find them, and cost next to nothing.
CREATE INDEX session_events_by_time ON session_events USING brin (time) WITH (pages_per_range = 32);
CREATE INDEX session_events_by_trace_id ON session_events (trace_id) WHERE trace_id IS NOT NULL;

-- Records whose id was there already with other content, kept aside because one of the two may be forged: each version once.
CREATE TABLE session_conflicts (
    arrived timestamptz NOT NULL DEFAULT now(),
    LIKE session_events
);
CREATE UNIQUE INDEX session_conflicts_by_record_id ON session_conflicts (record_id, content_hash);
CREATE INDEX session_conflicts_by_time ON session_conflicts (time);

-- What the views are told by the configuration.
CREATE TABLE sessionlog_settings (
    name  text PRIMARY KEY,
    value bigint NOT NULL
);

-- What proves that rows are as they were written, one row a seal. docs/evidence.md has the format, package internal/seal writes it.
CREATE TABLE session_seals (
    log      text   NOT NULL, -- origin of an append-only log; each writer has one
    first    bigint NOT NULL, -- pages of the log before this seal
    pages    bigint NOT NULL,
    entries  bigint NOT NULL, -- records
    head     text   NOT NULL, -- signed checkpoint of the log with these pages
    edge     bytea  NOT NULL, -- roots of its perfect subtrees
    PRIMARY KEY (log, first)
);
-- The pages of a seal, which go once all of their records have expired.
CREATE TABLE session_seal_pages (
    log      text   NOT NULL,
    first    bigint NOT NULL,
    min_id   bytea  NOT NULL, -- the least and the greatest record_id
    max_id   bytea  NOT NULL,
    seed     bytea  NOT NULL, -- of the entries' nonces
    manifest bytea  NOT NULL, -- the entries
    texts    text   NOT NULL, -- of statements, one a line
    PRIMARY KEY (log, first)
);
-- Hashes do not become smaller.
ALTER TABLE session_seal_pages ALTER COLUMN manifest SET STORAGE EXTERNAL;

-- What questions about history are answered by: who had a successful login from where, and in which hours. Both tables are counted behind the writers, from the
-- rows that session_uncounted names. A system or an instance that is NULL is '' here; key is a hash of the texts, which may be longer than an index takes.
CREATE TABLE session_hours (
    day            integer NOT NULL, -- since 1970 UTC
    key            bytea   NOT NULL,
    user_name      text    NOT NULL,
    system         text    NOT NULL,
    instance       text    NOT NULL,
    hours          integer NOT NULL, -- bit 0 for 0:00 to 0:59 UTC
    PRIMARY KEY (day, key)
);
CREATE TABLE session_pairs (
    key            bytea   NOT NULL PRIMARY KEY,
    user_name      text    NOT NULL,
    system         text    NOT NULL,
    instance       text    NOT NULL,
    client_address text    NOT NULL,
    first_seen     bigint  NOT NULL, -- nanoseconds since 1970 UTC, of the first login
    last_seen      bigint  NOT NULL  -- of a later one: the last is at most a day younger
);
CREATE INDEX session_pairs_by_first_seen ON session_pairs (first_seen);

-- Ranges of the ids of rows that are not counted yet, with the number of those rows. A row that is counted twice counts once.
CREATE TABLE session_uncounted (
    first   uuid   NOT NULL,
    last    uuid   NOT NULL,
    records bigint NOT NULL
);
