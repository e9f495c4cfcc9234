-- What questions about history are answered by: who had a successful login from where, and in which hours. Both tables are counted behind the writers, from the
-- rows that session_uncounted names. A system or an instance that is NULL is '' here; key is a hash of the texts, which may be longer than an index takes.
CREATE TABLE session_hours (
    day            integer NOT NULL, -- since 1970 UTC
    key            bytea   NOT NULL,
    user_name      text    NOT NULL,
    system         text    NOT NULL,
    instance       text    NOT NULL,
    hours          integer NOT NULL, -- bit 0 for 0:00 to 0:59 UTC
    PRIMARY KEY (day, key)
);
CREATE TABLE session_pairs (
    key            bytea   NOT NULL PRIMARY KEY,
    user_name      text    NOT NULL,
    system         text    NOT NULL,
    instance       text    NOT NULL,
    client_address text    NOT NULL,
    first_seen     bigint  NOT NULL, -- nanoseconds since 1970 UTC, of the first login
    last_seen      bigint  NOT NULL  -- of a later one: the last is at most a day younger
);
CREATE INDEX session_pairs_by_first_seen ON session_pairs (first_seen);

-- Ranges of the ids of rows that are not counted yet, with the number of those rows. A row that is counted twice counts once.
CREATE TABLE session_uncounted (
    first   uuid   NOT NULL,
    last    uuid   NOT NULL,
    records bigint NOT NULL
);

-- All that is there: an hour of ids each. Those after the year 2100 are of other senders and begin with no time.
WITH RECURSIVE hours(millis) AS (
    SELECT (SELECT ('x' || left(replace(record_id::text, '-', ''), 12))::bit(48)::bigint / 3600000 * 3600000 FROM session_events ORDER BY record_id LIMIT 1)
    UNION ALL
    SELECT (SELECT ('x' || left(replace(record_id::text, '-', ''), 12))::bit(48)::bigint / 3600000 * 3600000 FROM session_events
        WHERE record_id >= rpad(lpad(to_hex(millis + 3600000), 12, '0'), 32, '0')::uuid ORDER BY record_id LIMIT 1)
    FROM hours WHERE millis < 4102444800000
)
INSERT INTO session_uncounted
SELECT rpad(lpad(to_hex(millis), 12, '0'), 32, '0')::uuid,
    CASE WHEN millis < 4102444800000 THEN rpad(lpad(to_hex(millis + 3599999), 12, '0'), 32, 'f')::uuid ELSE rpad('', 32, 'f')::uuid END, 1
FROM hours WHERE millis IS NOT NULL;

UPDATE session_uncounted SET records = greatest(1000, (SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_catalog.pg_class
    WHERE oid IN (SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = 'session_events'::regclass)) / (SELECT count(*) FROM session_uncounted));
