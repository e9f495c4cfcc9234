-- person, service or system.
ALTER TABLE session_events ADD COLUMN IF NOT EXISTS user_type LowCardinality(String);
ALTER TABLE session_conflicts ADD COLUMN IF NOT EXISTS user_type LowCardinality(String);

INSERT INTO sessionlog_migrations VALUES (2, 'user_type', now());
