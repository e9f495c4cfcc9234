-- direct
COPY audit_session_events (kind, outcome, source_event, time, time_ns, observed, observed_ns) FROM STDIN (FORMAT binary);

-- begin
BEGIN;
CREATE TEMP TABLE IF NOT EXISTS sessionlog_staging (LIKE audit_session_events) ON COMMIT DELETE ROWS;

-- stage
COPY sessionlog_staging (kind, outcome, source_event, time, time_ns, observed, observed_ns) FROM STDIN (FORMAT binary);

-- insert
INSERT INTO audit_session_events (kind, outcome, source_event, time, time_ns, observed, observed_ns)
SELECT kind, outcome, source_event, time, time_ns, observed, observed_ns
FROM sessionlog_staging
ORDER BY record_id, ctid
ON CONFLICT (record_id) DO NOTHING;

-- differing
SELECT e.kind, e.outcome, e.source_event, NULL, e.time_ns, NULL, e.observed_ns
FROM sessionlog_staging s JOIN audit_session_events e ON e.record_id = s.record_id
WHERE ROW(s.kind, s.outcome, s.source_event, s.time_ns)
IS DISTINCT FROM ROW(e.kind, e.outcome, e.source_event, e.time_ns);

-- clear
DELETE FROM sessionlog_staging;

-- keep
SELECT pg_advisory_xact_lock(1936028531, 'audit_session_conflicts'::regclass::oid::bigint::bit(32)::integer);
INSERT INTO audit_session_conflicts (kind, outcome, source_event, time, time_ns, observed, observed_ns)
SELECT s.kind, s.outcome, s.source_event, s.time, s.time_ns, s.observed, s.observed_ns
FROM (
    SELECT s.*, row_number() OVER (PARTITION BY s.kind, s.outcome, s.source_event, s.time_ns
        ORDER BY s.ctid) AS version
    FROM sessionlog_staging s JOIN audit_session_events e ON e.record_id = s.record_id
    WHERE ROW(s.kind, s.outcome, s.source_event, s.time_ns)
IS DISTINCT FROM ROW(e.kind, e.outcome, e.source_event, e.time_ns)
) s
LEFT JOIN audit_session_conflicts c ON c.record_id = s.record_id AND NOT (ROW(c.kind, c.outcome, c.source_event, c.time_ns)
IS DISTINCT FROM ROW(s.kind, s.outcome, s.source_event, s.time_ns))
WHERE s.version = 1 AND c.record_id IS NULL;

-- select
SELECT e.kind, e.outcome, e.source_event, NULL, e.time_ns, NULL, e.observed_ns FROM audit_session_events e;

