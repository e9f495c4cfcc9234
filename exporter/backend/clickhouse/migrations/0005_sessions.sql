-- One row for each session, from the states that inserts keep up to date.
CREATE VIEW IF NOT EXISTS sessions AS
SELECT
    toUUID(UUIDNumToString(s.session_key)) AS session_key,
    s.described.system AS system,
    s.described.instance AS instance,
    s.described.host AS host,
    s.described.database_name AS database_name,
    s.described.user_name AS user_name,
    s.described.auth_method AS auth_method,
    s.described.auth_type AS auth_type,
    s.described.interface AS interface,
    s.described.client_address AS client_address,
    s.described.client_port AS client_port,
    s.described.client_name AS client_name,
    s.described.application_name AS application_name,
    s.described.session_id AS session_id,
    s.described.pid AS pid,
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
    if(s.trace.2 = toFixedString('', 16), NULL, lower(hex(s.trace.2))) AS trace_id
FROM
(
    SELECT
        session_key,
        min(first) AS described,
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

-- Who is in now: the same columns, of the small table.
CREATE VIEW IF NOT EXISTS open_sessions AS
SELECT
    toUUID(UUIDNumToString(s.session_key)) AS session_key,
    s.described.system AS system,
    s.described.instance AS instance,
    s.described.host AS host,
    s.described.database_name AS database_name,
    s.described.user_name AS user_name,
    s.described.auth_method AS auth_method,
    s.described.auth_type AS auth_type,
    s.described.interface AS interface,
    s.described.client_address AS client_address,
    s.described.client_port AS client_port,
    s.described.client_name AS client_name,
    s.described.application_name AS application_name,
    s.described.session_id AS session_id,
    s.described.pid AS pid,
    s.login_at AS login_time,
    s.seen_first AS first_seen,
    s.seen_last AS last_seen,
    if(s.trace.2 = toFixedString('', 16), NULL, lower(hex(s.trace.2))) AS trace_id
FROM
(
    SELECT
        session_key,
        min(first) AS described,
        min(login) AS login_at,
        max(logout) AS logout_at,
        min(first_seen) AS seen_first,
        max(last_seen) AS seen_last,
        min(first_trace) AS trace
    FROM session_open
    GROUP BY session_key
    HAVING isNull(logout_at) AND toUnixTimestamp(now()) - intDiv(toUnixTimestamp64Nano(seen_last), 1000000000)
        <= (SELECT if(assumed_closed_after = 0, 9223372036, assumed_closed_after) FROM sessionlog_settings)
) AS s;

INSERT INTO sessionlog_migrations VALUES (5, 'sessions', now());
