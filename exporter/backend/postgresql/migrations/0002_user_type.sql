-- person, service or system.
ALTER TABLE session_events ADD COLUMN user_type text;
ALTER TABLE session_conflicts ADD COLUMN user_type text;
