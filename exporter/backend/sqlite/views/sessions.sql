-- One row for each session. Everything comes from min and max, so that neither repeated records nor their order matter. What failed (a
-- login, a second factor, a logout) neither opens a session nor ends one. The view reads all partitions twice: a million records take
-- some seconds. It does not join them with themselves: SQLite would copy all of them for that.
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
    lower(substr(s.first_trace, 21)) AS trace_id
FROM (
    SELECT
        session_key,
        min(time) AS first_seen,
        max(time) AS last_seen,
        min(CASE WHEN kind IN ('login', 'session.start') THEN time END) AS login,
        max(CASE WHEN kind = 'logout' THEN time END) AS logout,
        max(CASE WHEN kind = 'logout' THEN duration END) AS duration,
        min(CASE WHEN trace_id IS NOT NULL THEN printf('%020d', time) || hex(trace_id) END) AS first_trace
    FROM session_events
    WHERE session_key IS NOT NULL AND outcome <> 'failure'
    GROUP BY session_key
) AS s
JOIN (
    -- The row that describes the session: its earliest login, or else its earliest record. Beside a min() that is the only one, SQLite takes the
    -- other columns from the row that it found (https://www.sqlite.org/lang_select.html#bareagg).
    SELECT
        min((kind <> 'login') || printf('%020d', time) || hex(record_id)) AS first_row,
        session_key, system, instance, host, database_name, user_name, auth_method, auth_type, interface, client_address, client_port,
        client_name, application_name, session_id, pid
    FROM session_events
    WHERE session_key IS NOT NULL AND outcome <> 'failure'
    GROUP BY session_key
) AS first ON first.session_key = s.session_key;
