-- 0002_user_type.sql as it is on a cluster. The nodes need the macros {cluster}, {shard} and {replica}.
ALTER TABLE session_events_local ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS user_type LowCardinality(String);

ALTER TABLE session_events ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS user_type LowCardinality(String);

ALTER TABLE session_conflicts_local ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS user_type LowCardinality(String);

ALTER TABLE session_conflicts ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS user_type LowCardinality(String);

INSERT INTO sessionlog_migrations VALUES (2, 'user_type', now());
