-- One row for each session, made of all events when it is asked for: their narrow columns tell of each session when it began and ended, and which
-- record describes it (its login, or else its earliest), and that record is then looked up. For that, rank is what comes first, the time and
-- the id as one number: numbers are compared many times as fast as tuples. What failed neither opens a session nor ends one. GLOBAL is
-- for clusters; a single server does without.
CREATE VIEW sessions AS
SELECT
    toUUID(UUIDNumToString(s.session_key)) AS session_key,
    e.system AS system,
    e.instance AS instance,
    e.host AS host,
    e.database_name AS database_name,
    e.user_name AS user_name,
    e.auth_method AS auth_method,
    e.auth_type AS auth_type,
    e.interface AS interface,
    e.client_address AS client_address,
    e.client_port AS client_port,
    e.client_name AS client_name,
    e.application_name AS application_name,
    e.session_id AS session_id,
    e.pid AS pid,
    -- Reckoned from the end where the beginning is missing.
    coalesce(s.login_at, fromUnixTimestamp64Nano(toUnixTimestamp64Nano(s.logout_at) - s.lasted, 'UTC')) AS login_time,
    s.logout_at AS logout_time,
    coalesce(s.lasted, toUnixTimestamp64Nano(s.logout_at) - toUnixTimestamp64Nano(s.login_at)) AS duration,
    multiIf(
        isNotNull(s.logout_at), 'closed',
        toUnixTimestamp(now()) - intDiv(toUnixTimestamp64Nano(s.seen_last), 1000000000)
            > (SELECT if(assumed_closed_after = 0, 9223372036, assumed_closed_after) FROM sessionlog_settings), 'assumed closed',
        'open') AS state,
    s.seen_first AS first_seen,
    s.seen_last AS last_seen,
    lower(hex(reinterpretAsFixedString(byteSwap(toUInt128(s.first_trace))))) AS trace_id
FROM session_events AS e FINAL
GLOBAL INNER JOIN
(
    SELECT
        session_key,
        reinterpretAsFixedString(byteSwap(toUInt128(min(rank)))) AS described_by,
        minOrNullIf(time, kind IN ('login', 'session.start')) AS login_at,
        maxOrNullIf(time, kind = 'logout') AS logout_at,
        maxOrNullIf(duration, kind = 'logout' AND duration != 0) AS lasted,
        min(time) AS seen_first,
        max(time) AS seen_last,
        minOrNullIf(traced, has_trace) AS first_trace
    FROM
    (
        SELECT
            session_key, kind, time, duration,
            bitShiftLeft(toUInt256(bitXor(toUInt64(toUnixTimestamp64Nano(time)), 9223372036854775808)), 128) AS shifted_time,
            shifted_time + byteSwap(reinterpretAsUInt128(record_id)) + if(kind = 'login', 0, bitShiftLeft(toUInt256(1), 192)) AS rank,
            shifted_time + byteSwap(reinterpretAsUInt128(trace_id)) AS traced,
            trace_id != toFixedString('', 16) AS has_trace
        FROM session_events FINAL
        WHERE session_key != toFixedString('', 16) AND outcome != 'failure'
    )
    GROUP BY session_key
) AS s ON e.record_id = s.described_by;
