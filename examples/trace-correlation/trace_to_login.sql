-- From a trace to its logins: who logged in where on behalf of this request. An update, of a trace that became known after the login was
-- told, names the login's record.
WITH
    '0af7651916cd43dd8448eb211c80319c' AS trace,
    evidence AS
    (
        SELECT if(kind = 'login', record_id, UUIDStringToNum(attributes['sessionlog.login.uid'])) AS login, correlation AS by
        FROM session_events FINAL
        WHERE trace_id = unhex(trace) AND (kind = 'login' OR kind = 'session.update' AND mapContains(attributes, 'sessionlog.login.uid'))
    )
SELECT e.time AS login, e.user_name, e.outcome, e.system, e.instance, e.host, e.auth_method, e.client_address, e.client_port, e.client_name, v.by AS correlation,
    (SELECT any(concat(ServiceName, ': ', SpanName)) FROM otel_traces WHERE TraceId = trace AND ParentSpanId = '') AS request
FROM session_events AS e FINAL
JOIN evidence AS v ON e.record_id = v.login
WHERE e.record_id IN (SELECT login FROM evidence)
ORDER BY login
