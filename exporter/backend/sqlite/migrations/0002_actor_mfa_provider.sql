-- Who acts for whom, whether a second factor was used, and which identity provider vouched for the user.
ALTER TABLE session_events ADD COLUMN actor_name TEXT;
ALTER TABLE session_events ADD COLUMN actor_id TEXT;
ALTER TABLE session_events ADD COLUMN mfa_used TEXT;
ALTER TABLE session_events ADD COLUMN provider_name TEXT;
ALTER TABLE session_conflicts ADD COLUMN actor_name TEXT;
ALTER TABLE session_conflicts ADD COLUMN actor_id TEXT;
ALTER TABLE session_conflicts ADD COLUMN mfa_used TEXT;
ALTER TABLE session_conflicts ADD COLUMN provider_name TEXT;
INSERT INTO sessionlog_migrations VALUES (2, 'actor_mfa_provider', strftime('%Y-%m-%d %H:%M:%S', 'now'));
