-- One row for each session. Everything comes from min, max or the earliest record, so that neither repeated records nor
-- their order matter. A login that failed has opened no session.
CREATE VIEW sessions AS
SELECT
    lower(substr(hex(s.session_key), 1, 8) || '-' || substr(hex(s.session_key), 9, 4) || '-' ||
          substr(hex(s.session_key), 13, 4) || '-' || substr(hex(s.session_key), 17, 4) || '-' ||
          substr(hex(s.session_key), 21, 12)) AS session_key,
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
    strftime('%Y-%m-%d %H:%M:%f', coalesce(s.login, s.logout - s.duration) / 1e9, 'unixepoch') AS login_time,
    strftime('%Y-%m-%d %H:%M:%f', s.logout / 1e9, 'unixepoch') AS logout_time,
    coalesce(s.duration, s.logout - s.login) AS duration,
    CASE
        WHEN s.logout IS NOT NULL THEN 'closed'
        WHEN s.last_seen / 1000000000 < CAST(strftime('%s', 'now') AS INTEGER) - (
            SELECT nullif(value, 0) FROM sessionlog_settings WHERE name = 'assumed_closed_after') THEN 'assumed closed'
        ELSE 'open'
    END AS state,
    s.first_seen,
    s.last_seen,
    (SELECT lower(hex(t.trace_id)) FROM session_events AS t
     WHERE t.session_key = s.session_key AND t.trace_id IS NOT NULL
     ORDER BY t.time, t.record_id LIMIT 1) AS trace_id
FROM (
    SELECT
        session_key,
        min(time) AS first_seen,
        max(time) AS last_seen,
        min(CASE WHEN kind IN ('login', 'session.start') AND outcome <> 'failure' THEN time END) AS login,
        max(CASE WHEN kind = 'logout' THEN time END) AS logout,
        max(CASE WHEN kind = 'logout' THEN duration END) AS duration
    FROM session_events
    WHERE session_key IS NOT NULL
    GROUP BY session_key
    HAVING max(kind <> 'login' OR outcome <> 'failure')
) AS s
JOIN session_events AS first ON first.arrival = (
    SELECT e.arrival FROM session_events AS e
    WHERE e.session_key = s.session_key
    ORDER BY e.kind = 'login' AND e.outcome <> 'failure' DESC, e.time, e.record_id LIMIT 1);
