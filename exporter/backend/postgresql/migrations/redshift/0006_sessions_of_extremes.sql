-- The view anew: times and durations are whatever a sender writes, and the difference of two of them may be more than a bigint holds. That
-- was an error, and one such record kept the view from answering at all. A session of more than two centuries has no duration. What failed
-- (a login, a second factor, a logout) neither opens a session nor ends one.
CREATE OR REPLACE VIEW sessions AS
SELECT
    session_key,
    "system",
    instance,
    host,
    database_name,
    user_name,
    auth_method,
    auth_type,
    interface,
    client_address,
    client_port,
    client_name,
    application_name,
    session_id,
    pid,
    -- Where only the logout is known, its time less the duration, in whole seconds.
    coalesce(login AT TIME ZONE 'UTC', timestamp 'epoch' + (logout_ns / 1000000000 - ended_after / 1000000000) * interval '1 second') AS login_time,
    logout AT TIME ZONE 'UTC' AS logout_time,
    coalesce(ended_after, CASE WHEN abs(logout_ns / 2 - login_ns / 2) < 4000000000000000000 THEN logout_ns - login_ns END) AS duration,
    CASE
        WHEN logout IS NOT NULL THEN 'closed'
        WHEN last_ns / 1000000000 < extract(epoch FROM getdate())::bigint - (
            SELECT max(nullif(value, 0)) FROM sessionlog_settings WHERE name = 'assumed_closed_after') THEN 'assumed closed'
        ELSE 'open'
    END AS state,
    first_seen,
    last_seen,
    first_trace AS trace_id
FROM (
    SELECT *,
        -- The record that describes the session: its earliest login, or else its earliest record.
        row_number() OVER (PARTITION BY session_key
            ORDER BY CASE WHEN kind = 'login' THEN 0 ELSE 1 END, time_ns, record_id) AS place,
        min(time) OVER (PARTITION BY session_key) AS first_seen,
        max(time) OVER (PARTITION BY session_key) AS last_seen,
        max(time_ns) OVER (PARTITION BY session_key) AS last_ns,
        min(CASE WHEN kind IN ('login', 'session.start') THEN time END) OVER (PARTITION BY session_key) AS login,
        min(CASE WHEN kind IN ('login', 'session.start') THEN time_ns END) OVER (PARTITION BY session_key) AS login_ns,
        max(CASE WHEN kind = 'logout' THEN time END) OVER (PARTITION BY session_key) AS logout,
        max(CASE WHEN kind = 'logout' THEN time_ns END) OVER (PARTITION BY session_key) AS logout_ns,
        max(CASE WHEN kind = 'logout' THEN duration END) OVER (PARTITION BY session_key) AS ended_after,
        first_value(trace_id) OVER (PARTITION BY session_key
            ORDER BY CASE WHEN trace_id IS NULL THEN 1 ELSE 0 END, time_ns, trace_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS first_trace
    FROM session_events
    WHERE session_key IS NOT NULL AND outcome <> 'failure'
) AS s
WHERE place = 1;
