-- What questions about history are answered by: who had a successful login from where, and in which hours. Both tables are counted from the rows of
-- session_events up to an arrival that sessionlog_settings has. A system or an instance that is NULL is x'' here.
CREATE TABLE sessionlog_pairs (
    user_name      TEXT NOT NULL, client_address TEXT NOT NULL, system TEXT NOT NULL, instance TEXT NOT NULL,
    first          INTEGER NOT NULL, -- nanoseconds since 1970 UTC, of the first login
    last           INTEGER NOT NULL, -- of a later one: the last is at most a day younger
    PRIMARY KEY (user_name, client_address, system, instance)
) WITHOUT ROWID;
CREATE TABLE sessionlog_hours (
    day            INTEGER NOT NULL, -- since 1970 UTC
    user_name      TEXT NOT NULL, system TEXT NOT NULL, instance TEXT NOT NULL,
    hours          INTEGER NOT NULL, -- bit 0 for 0:00 to 0:59 UTC
    PRIMARY KEY (day, user_name, system, instance)
) WITHOUT ROWID;
INSERT INTO sessionlog_settings VALUES ('summed_up_to', 0);

-- Whoever deletes rows by hand has the summary counted anew.
DROP TRIGGER IF EXISTS session_events_forget;
CREATE TRIGGER session_events_forget INSTEAD OF DELETE ON session_events BEGIN
DELETE FROM sessionlog_pairs;
DELETE FROM sessionlog_hours;
UPDATE sessionlog_settings SET value = 0 WHERE name = 'summed_up_to' AND value <> 0;
END;

INSERT INTO sessionlog_migrations VALUES (2, 'summary', strftime('%Y-%m-%d %H:%M:%S', 'now'));
