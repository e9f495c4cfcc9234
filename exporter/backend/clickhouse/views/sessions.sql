-- One row for each session, from the states that inserts keep up to date.
CREATE VIEW sessions AS
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
    -- Reckoned from the end where the beginning is missing.
    coalesce(s.login_at, fromUnixTimestamp64Nano(toUnixTimestamp64Nano(s.logout_at) - s.lasted, 'UTC')) AS login_time,
    s.logout_at AS logout_time,
    coalesce(s.lasted, toUnixTimestamp64Nano(s.logout_at) - toUnixTimestamp64Nano(s.login_at)) AS duration,
    multiIf(
        isNotNull(s.logout_at), 'closed',
        s.silent_for > (SELECT if(assumed_closed_after = 0, 9223372036, assumed_closed_after) FROM sessionlog_settings), 'assumed closed',
        'open') AS state,
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
        max(logout) AS logout_at,
        max(duration) AS lasted,
        min(first_seen) AS seen_first,
        max(last_seen) AS seen_last,
        min(first_trace) AS trace,
        toUnixTimestamp(now()) - intDiv(toUnixTimestamp64Nano(seen_last), 1000000000) AS silent_for
    FROM session_states
    GROUP BY session_key
) AS s;
