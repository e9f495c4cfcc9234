-- Who acts for whom, whether a second factor was used, and which identity provider vouched for the user.
ALTER TABLE session_events ADD COLUMN IF NOT EXISTS actor_name LowCardinality(String);
ALTER TABLE session_events ADD COLUMN IF NOT EXISTS actor_id String CODEC(ZSTD(1));
ALTER TABLE session_events ADD COLUMN IF NOT EXISTS mfa_used LowCardinality(String);
ALTER TABLE session_events ADD COLUMN IF NOT EXISTS provider_name LowCardinality(String);
ALTER TABLE session_conflicts ADD COLUMN IF NOT EXISTS actor_name LowCardinality(String);
ALTER TABLE session_conflicts ADD COLUMN IF NOT EXISTS actor_id String CODEC(ZSTD(1));
ALTER TABLE session_conflicts ADD COLUMN IF NOT EXISTS mfa_used LowCardinality(String);
ALTER TABLE session_conflicts ADD COLUMN IF NOT EXISTS provider_name LowCardinality(String);
INSERT INTO sessionlog_migrations VALUES (2, 'actor_mfa_provider', now());
