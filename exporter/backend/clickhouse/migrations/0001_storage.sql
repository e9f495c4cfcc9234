-- What was done to the schema: the numbers of these files.
CREATE TABLE IF NOT EXISTS sessionlog_migrations
(
    version    UInt32,
    name       String,
    applied_at DateTime
)
ENGINE = ReplacingMergeTree
ORDER BY version;

-- The storage: one row for every authentication event of every system. docs/schema.md explains each column. An absent value is
-- an empty text, 0, or bytes that are all zero; only user_name tells an empty one from none (NULL).
--
-- The row is known by its record_id, whose first 48 bits are the event's time in milliseconds: the order of the ids is that
-- of time. Of several rows with one id the first that arrived has the highest precedence and stays: FINAL shows it alone, at once,
-- and merges drop the others. The partition is made of the id too (its month, where it is a UUID that begins with a time), so that
-- rows with one id are in one partition, whatever time a forger writes beside it.
CREATE TABLE IF NOT EXISTS session_events
(
    kind                   Enum8('login' = 1, 'logout' = 2, 'session.start' = 3, 'session.update' = 4),
    outcome                Enum8('unknown' = 0, 'success' = 1, 'failure' = 2),
    source_event           LowCardinality(String),
    time                   DateTime64(9, 'UTC') CODEC(GCD, Delta, ZSTD(1)),
    observed               DateTime64(9, 'UTC') CODEC(GCD, Delta, ZSTD(1)),
    system                 LowCardinality(String),
    instance               LowCardinality(String),
    host                   LowCardinality(String),
    server_address         LowCardinality(String),
    server_port            Int32 CODEC(ZSTD(1)),
    database_name          LowCardinality(String),
    user_name              LowCardinality(Nullable(String)),
    user_id                String CODEC(ZSTD(1)),
    user_hash              String CODEC(ZSTD(1)),
    user_type              LowCardinality(String),
    roles                  Array(LowCardinality(String)),
    profiles               Array(LowCardinality(String)),
    settings               Array(Tuple(LowCardinality(String), String)) CODEC(ZSTD(1)),
    auth_method            LowCardinality(String),
    auth_type              LowCardinality(String),
    interface              LowCardinality(String),
    tls_version            LowCardinality(String),
    tls_cipher             LowCardinality(String),
    certificate_subjects   Array(LowCardinality(String)),
    certificate_serial     LowCardinality(String),
    certificate_issuer     LowCardinality(String),
    certificate_not_before LowCardinality(String),
    certificate_not_after  LowCardinality(String),
    client_address         LowCardinality(String),
    client_port            Int32 CODEC(ZSTD(1)),
    client_hostname        LowCardinality(String),
    client_name            LowCardinality(String),
    client_version         LowCardinality(String),
    client_revision        UInt32 CODEC(ZSTD(1)),
    driver                 LowCardinality(String),
    os                     LowCardinality(String),
    plugin                 LowCardinality(String),
    application_name       LowCardinality(String),
    user_agent             LowCardinality(String),
    record_id              FixedString(16) CODEC(ZSTD(1)),
    session_key            FixedString(16) CODEC(ZSTD(1)),
    session_id             String CODEC(ZSTD(1)),
    session_name           String CODEC(ZSTD(1)),
    trace_id               FixedString(16) CODEC(ZSTD(1)),
    span_id                FixedString(8) CODEC(ZSTD(1)),
    correlation            LowCardinality(String),
    pid                    Int64 CODEC(ZSTD(1)),
    duration               Int64 CODEC(ZSTD(1)),
    failure_reason         String CODEC(ZSTD(1)),
    error_type             LowCardinality(String),
    status_code            LowCardinality(String),
    severity               Int32 CODEC(ZSTD(1)),
    message                String CODEC(ZSTD(1)),
    original               String CODEC(ZSTD(1)),
    attributes             Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attribute_types        LowCardinality(String),
    actor_name             LowCardinality(String),
    actor_id               String CODEC(ZSTD(1)),
    mfa_used               LowCardinality(String),
    provider_name          LowCardinality(String),
    content_hash           FixedString(16) CODEC(NONE),
    precedence             UInt64 DEFAULT bitNot(toUInt64(toUnixTimestamp64Nano(now64(9)))) CODEC(Delta, ZSTD(1)),
    arrived                DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(toInt64(bitNot(precedence)), 'UTC'),

    INDEX by_time time TYPE minmax GRANULARITY 1,
    INDEX by_user_name user_name TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_client_address client_address TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_session_key session_key TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_trace_id trace_id TYPE bloom_filter(0.0001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(precedence)
PARTITION BY if(bitShiftRight(reinterpretAsUInt8(substring(record_id, 7, 1)), 4) IN (7, 8),
    toYYYYMM(toDateTime(least(intDiv(reinterpretAsUInt64(reverse(substring(record_id, 1, 6))), 1000), 4102444800), 'UTC')), 0)
ORDER BY record_id
SETTINGS ttl_only_drop_parts = 1, index_granularity = 8192, vertical_merge_algorithm_min_rows_to_activate = 1, fsync_after_insert = 1, fsync_part_directory = 1;

-- Records whose id was there already with other content, which is where content_hash is another, kept aside because one of the two may
-- be forged: each version once.
CREATE TABLE IF NOT EXISTS session_conflicts AS session_events
ENGINE = MergeTree
ORDER BY record_id
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

-- What the views are told by the configuration; written anew at start where it says something else.
CREATE VIEW IF NOT EXISTS sessionlog_settings AS
SELECT toUInt64(86400) AS assumed_closed_after, toUInt8(0) AS include_postgresql;

-- Which clients log in, and how: one row for each combination, once merged. Every insert keeps it up to date, from what can be told twice
-- and in any order: min and max alone, never count or sum. A record that comes again may have been stored by a server that died before it had come
-- here: such records are told here once more.
CREATE TABLE IF NOT EXISTS session_clients
(
    system LowCardinality(String),
    instance LowCardinality(String),
    driver LowCardinality(String),
    client_name LowCardinality(String),
    client_version LowCardinality(String),
    os LowCardinality(String),
    plugin LowCardinality(String),
    auth_method LowCardinality(String),
    auth_type LowCardinality(String),
    interface LowCardinality(String),
    tls_version LowCardinality(String),
    first_seen SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(9, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (system, instance, driver, client_name, client_version, os, plugin, auth_method, auth_type, interface, tls_version)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS session_clients_by_events TO session_clients AS
SELECT
    system, instance, driver, client_name, client_version, os, plugin, auth_method, auth_type, interface, tls_version,
    min(time) AS first_seen,
    max(time) AS last_seen
FROM session_events
WHERE kind = 'login' AND outcome = 'success'
GROUP BY system, instance, driver, client_name, client_version, os, plugin, auth_method, auth_type, interface, tls_version;

-- In which hours of a day users logged in: a bit for each hour in UTC. Told by every insert, and told again, as session_clients is.
CREATE TABLE IF NOT EXISTS session_hours
(
    day Date32,
    user_name LowCardinality(String),
    system LowCardinality(String),
    instance LowCardinality(String),
    hours SimpleAggregateFunction(groupBitOr, UInt32)
)
ENGINE = AggregatingMergeTree
ORDER BY (day, user_name, system, instance)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS session_hours_by_events TO session_hours AS
SELECT toDate32(time) AS day, assumeNotNull(user_name) AS user_name, system, instance, groupBitOr(bitShiftLeft(toUInt32(1), toHour(time))) AS hours
FROM session_events
WHERE kind = 'login' AND outcome = 'success' AND session_events.user_name IS NOT NULL
GROUP BY day, user_name, system, instance;

-- From which addresses users logged in.
CREATE TABLE IF NOT EXISTS session_pairs
(
    user_name LowCardinality(String),
    system LowCardinality(String),
    instance LowCardinality(String),
    client_address LowCardinality(String),
    first_seen SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(9, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (user_name, system, instance, client_address)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS session_pairs_by_events TO session_pairs AS
SELECT assumeNotNull(user_name) AS user_name, system, instance, client_address, min(time) AS first_seen, max(time) AS last_seen
FROM session_events
WHERE kind = 'login' AND outcome = 'success' AND session_events.user_name IS NOT NULL AND client_address != ''
GROUP BY user_name, system, instance, client_address;

-- What proves that rows are as they were written, one row a seal. docs/evidence.md has the format, package internal/seal writes it.
CREATE TABLE IF NOT EXISTS session_seals
(
    log     String, -- origin of an append-only log; each writer has one
    first   UInt64, -- pages of the log before this seal
    pages   UInt64,
    entries UInt64, -- records
    head    String, -- signed checkpoint of the log with these pages
    edge    String  -- roots of its perfect subtrees
)
ENGINE = MergeTree
ORDER BY (log, first)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The pages of a seal, which go once all of their records have expired.
CREATE TABLE IF NOT EXISTS session_seal_pages
(
    log      String,
    first    UInt64,
    min_id   String, -- the least and the greatest record_id
    max_id   String,
    seed     String, -- of the entries' nonces
    manifest String CODEC(NONE), -- the entries: hashes, of which compressing takes more of the processor than all else about a seal
    texts    String  -- of statements, one a line
)
ENGINE = MergeTree
ORDER BY (log, first)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO sessionlog_migrations VALUES (1, 'storage', now());
