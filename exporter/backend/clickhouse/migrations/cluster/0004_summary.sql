-- 0004_summary.sql as it is on a cluster. The nodes need the macros {cluster}, {shard} and {replica}.
CREATE TABLE IF NOT EXISTS session_hours_local ON CLUSTER '{cluster}'
(
    day Date32,
    user_name LowCardinality(String),
    system LowCardinality(String),
    instance LowCardinality(String),
    hours SimpleAggregateFunction(groupBitOr, UInt32)
)
ENGINE = ReplicatedAggregatingMergeTree
ORDER BY (day, user_name, system, instance)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS session_hours ON CLUSTER '{cluster}' AS session_hours_local ENGINE = Distributed('{cluster}', currentDatabase(), session_hours_local, rand());

CREATE MATERIALIZED VIEW IF NOT EXISTS session_hours_by_events ON CLUSTER '{cluster}' TO session_hours_local AS
SELECT toDate32(time) AS day, assumeNotNull(user_name) AS user_name, system, instance, groupBitOr(bitShiftLeft(toUInt32(1), toHour(time))) AS hours
FROM session_events_local
WHERE kind = 'login' AND outcome = 'success' AND session_events_local.user_name IS NOT NULL
GROUP BY day, user_name, system, instance;

CREATE TABLE IF NOT EXISTS session_pairs_local ON CLUSTER '{cluster}'
(
    user_name LowCardinality(String),
    system LowCardinality(String),
    instance LowCardinality(String),
    client_address LowCardinality(String),
    first_seen SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(9, 'UTC'))
)
ENGINE = ReplicatedAggregatingMergeTree
ORDER BY (user_name, system, instance, client_address)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS session_pairs ON CLUSTER '{cluster}' AS session_pairs_local ENGINE = Distributed('{cluster}', currentDatabase(), session_pairs_local, rand());

CREATE MATERIALIZED VIEW IF NOT EXISTS session_pairs_by_events ON CLUSTER '{cluster}' TO session_pairs_local AS
SELECT assumeNotNull(user_name) AS user_name, system, instance, client_address, min(time) AS first_seen, max(time) AS last_seen
FROM session_events_local
WHERE kind = 'login' AND outcome = 'success' AND session_events_local.user_name IS NOT NULL AND client_address != ''
GROUP BY user_name, system, instance, client_address;

INSERT INTO session_hours
SELECT toDate32(time) AS day, assumeNotNull(user_name) AS user_name, system, instance, groupBitOr(bitShiftLeft(toUInt32(1), toHour(time))) AS hours
FROM session_events
WHERE kind = 'login' AND outcome = 'success' AND session_events.user_name IS NOT NULL
GROUP BY day, user_name, system, instance
SETTINGS parallel_distributed_insert_select = 0;

INSERT INTO session_pairs
SELECT assumeNotNull(user_name) AS user_name, system, instance, client_address, min(time) AS first_seen, max(time) AS last_seen
FROM session_events
WHERE kind = 'login' AND outcome = 'success' AND session_events.user_name IS NOT NULL AND client_address != ''
GROUP BY user_name, system, instance, client_address
SETTINGS parallel_distributed_insert_select = 0;

INSERT INTO sessionlog_migrations VALUES (4, 'summary', now());
