-- direct
COPY audit_session_events (kind, outcome, time, time_ns, content_hash) FROM STDIN (FORMAT binary);

-- begin
BEGIN;
CREATE TEMP TABLE IF NOT EXISTS sessionlog_staged (LIKE audit_session_events, sessionlog_place bigserial) ON COMMIT DELETE ROWS;

-- stage
COPY sessionlog_staged (kind, outcome, time, time_ns, content_hash) FROM STDIN (FORMAT binary);

-- insert
INSERT INTO audit_session_events (kind, outcome, source_event, time, time_ns, observed, observed_ns, content_hash)
SELECT kind, outcome, source_event, time, time_ns, observed, observed_ns, content_hash
FROM sessionlog_staged
ORDER BY record_id, sessionlog_place
ON CONFLICT (record_id) DO NOTHING
RETURNING record_id;

-- keep
WITH differing AS (
    SELECT s.* FROM sessionlog_staged s JOIN audit_session_events e ON e.record_id = s.record_id
    WHERE e.content_hash <> s.content_hash
), kept AS (
    INSERT INTO audit_session_conflicts (kind, outcome, source_event, time, time_ns, observed, observed_ns, content_hash)
    SELECT kind, outcome, source_event, time, time_ns, observed, observed_ns, content_hash
    FROM differing ORDER BY record_id, content_hash, sessionlog_place
    ON CONFLICT DO NOTHING
    RETURNING record_id, content_hash
)
SELECT (SELECT count(*) FROM differing), k.record_id, encode(k.content_hash, 'hex') FROM (SELECT 1) AS one LEFT JOIN kept AS k ON true;

-- select
SELECT kind, outcome, source_event, NULL, time_ns, NULL, observed_ns FROM audit_session_events;

-- uncounted
INSERT INTO audit_session_uncounted VALUES ('first', 'last', 1);

