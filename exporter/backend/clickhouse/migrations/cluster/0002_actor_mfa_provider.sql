-- 0002_actor_mfa_provider.sql as it is on a cluster. The nodes need the macros {cluster}, {shard} and {replica}.
ALTER TABLE session_events_local ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS actor_name LowCardinality(String);

ALTER TABLE session_events ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS actor_name LowCardinality(String);

ALTER TABLE session_events_local ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS actor_id String CODEC(ZSTD(1));

ALTER TABLE session_events ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS actor_id String CODEC(ZSTD(1));

ALTER TABLE session_events_local ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS mfa_used LowCardinality(String);

ALTER TABLE session_events ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS mfa_used LowCardinality(String);

ALTER TABLE session_events_local ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS provider_name LowCardinality(String);

ALTER TABLE session_events ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS provider_name LowCardinality(String);

ALTER TABLE session_conflicts_local ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS actor_name LowCardinality(String);

ALTER TABLE session_conflicts ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS actor_name LowCardinality(String);

ALTER TABLE session_conflicts_local ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS actor_id String CODEC(ZSTD(1));

ALTER TABLE session_conflicts ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS actor_id String CODEC(ZSTD(1));

ALTER TABLE session_conflicts_local ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS mfa_used LowCardinality(String);

ALTER TABLE session_conflicts ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS mfa_used LowCardinality(String);

ALTER TABLE session_conflicts_local ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS provider_name LowCardinality(String);

ALTER TABLE session_conflicts ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS provider_name LowCardinality(String);

INSERT INTO sessionlog_migrations VALUES (2, 'actor_mfa_provider', now());
