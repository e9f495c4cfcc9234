-- person, service or system.
ALTER TABLE session_events ADD COLUMN user_type TEXT;
ALTER TABLE session_conflicts ADD COLUMN user_type TEXT;
INSERT INTO sessionlog_migrations VALUES (2, 'user_type', strftime('%Y-%m-%d %H:%M:%S', 'now'));
