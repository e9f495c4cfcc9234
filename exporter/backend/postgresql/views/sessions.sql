-- One row for each session. Everything comes from min, max and the first record by a fixed order, so that neither repeated
-- records nor the order in which they came matter. What failed (a login, a second factor, a logout) neither opens a session nor ends one.
-- Times and durations are whatever a sender writes, and the difference of two of them may be more than a bigint holds: a session of more
-- than two centuries has no duration.
CREATE VIEW sessions AS
SELECT
    s.session_key,
    first.system,
    first.instance,
    first.host,
    first.database_name,
    first.user_name,
    first.auth_method,
    first.auth_type,
    first.interface,
    first.client_address,
    first.client_port,
    first.client_name,
    first.application_name,
    first.session_id,
    first.pid,
    timestamptz 'epoch' + coalesce(s.login / 1000, s.logout / 1000 - s.duration / 1000) * interval '1 microsecond' AS login_time,
    timestamptz 'epoch' + s.logout / 1000 * interval '1 microsecond' AS logout_time,
    coalesce(s.duration, CASE WHEN abs(s.logout / 2 - s.login / 2) < 4000000000000000000 THEN s.logout - s.login END) AS duration,
    CASE
        WHEN s.logout IS NOT NULL THEN 'closed'
        WHEN s.last_seen < now() - (
            SELECT nullif(value, 0) * interval '1 second' FROM sessionlog_settings WHERE name = 'assumed_closed_after') THEN 'assumed closed'
        ELSE 'open'
    END AS state,
    s.first_seen,
    s.last_seen,
    encode(s.first_trace, 'hex') AS trace_id
FROM (
    SELECT
        session_key,
        min(time) AS first_seen,
        max(time) AS last_seen,
        min(time_ns) FILTER (WHERE kind IN ('login', 'session.start')) AS login,
        max(time_ns) FILTER (WHERE kind = 'logout') AS logout,
        max(duration) FILTER (WHERE kind = 'logout') AS duration,
        -- The record that describes the session: its earliest login, or else its earliest record.
        (array_agg(record_id ORDER BY kind <> 'login', time_ns, record_id))[1] AS first_record,
        (array_agg(trace_id ORDER BY time_ns, trace_id) FILTER (WHERE trace_id IS NOT NULL))[1] AS first_trace
    FROM session_events
    WHERE session_key IS NOT NULL AND outcome <> 'failure'
    GROUP BY session_key
) AS s
JOIN session_events AS first ON first.record_id = s.first_record;
