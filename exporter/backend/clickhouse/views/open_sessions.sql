-- Who is in now: the columns of sessions, of the small table. The open sessions are found by their narrow columns first, and what describes a
-- session is read and grouped for those alone, which are few among all that were heard of. GLOBAL is for clusters; a single server takes
-- it as IN.
CREATE VIEW open_sessions AS
SELECT
    toUUID(UUIDNumToString(s.session_key)) AS session_key,
    d[1] AS system,
    d[2] AS instance,
    d[3] AS host,
    d[4] AS database_name,
    if(d[5] = '', NULL, substring(d[5], 2)) AS user_name,
    d[6] AS auth_method,
    d[7] AS auth_type,
    d[8] AS interface,
    d[9] AS client_address,
    toInt32OrZero(d[10]) AS client_port,
    d[11] AS client_name,
    d[12] AS application_name,
    d[13] AS session_id,
    toInt64OrZero(d[14]) AS pid,
    s.login_at AS login_time,
    s.seen_first AS first_seen,
    s.seen_last AS last_seen,
    lower(hex(substring(s.trace, 9))) AS trace_id
FROM
(
    SELECT
        session_key,
        splitByChar('\x1F', substring(min(first), 10)) AS values,
        if(position(min(first), '\x1E') = 0, values,
            arrayMap(v -> replaceAll(replaceAll(v, '\x1E1', '\x1F'), '\x1E0', '\x1E'), values)) AS d,
        min(login) AS login_at,
        min(first_seen) AS seen_first,
        max(last_seen) AS seen_last,
        min(first_trace) AS trace
    FROM session_open
    WHERE session_key GLOBAL IN
    (
        SELECT session_key
        FROM session_open
        GROUP BY session_key
        HAVING isNull(max(logout)) AND toUnixTimestamp(now()) - intDiv(toUnixTimestamp64Nano(max(last_seen)), 1000000000)
            <= (SELECT if(assumed_closed_after = 0, 9223372036, assumed_closed_after) FROM sessionlog_settings)
    )
    GROUP BY session_key
) AS s;
