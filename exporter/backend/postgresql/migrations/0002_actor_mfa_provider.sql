-- Who acts for whom, whether a second factor was used, and which identity provider vouched for the user.
ALTER TABLE session_events ADD COLUMN actor_name text;
ALTER TABLE session_events ADD COLUMN actor_id text;
ALTER TABLE session_events ADD COLUMN mfa_used text;
ALTER TABLE session_events ADD COLUMN provider_name text;
ALTER TABLE session_conflicts ADD COLUMN actor_name text;
ALTER TABLE session_conflicts ADD COLUMN actor_id text;
ALTER TABLE session_conflicts ADD COLUMN mfa_used text;
ALTER TABLE session_conflicts ADD COLUMN provider_name text;
