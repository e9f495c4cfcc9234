-- From a login to its traces: what alice's logins of the last day did, the application's own spans among them.
WITH logins AS
(
    SELECT time, client_address, client_port, interface, correlation, lower(hex(trace_id)) AS trace
    FROM session_events FINAL
    WHERE user_name = 'alice' AND kind IN ('login', 'session.update') AND time > now() - INTERVAL 1 DAY AND trace_id != toFixedString('', 16)
)
SELECT l.time AS login, l.client_address, l.client_port, l.interface, l.correlation, l.trace,
    t.Timestamp AS span, t.ServiceName, t.SpanKind, t.SpanName, t.Duration / 1e6 AS milliseconds
FROM logins AS l
JOIN otel_traces AS t ON t.TraceId = l.trace
WHERE t.TraceId IN (SELECT trace FROM logins)
ORDER BY login, span
