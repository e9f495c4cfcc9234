-- Who is in now: those rows of sessions whose state is open. Sessions without a logout are found by narrow columns among the records of the last
-- assumed_closed_after, and what describes them is read for those alone; older records only of those that began before. rank is as in
-- sessions. A single server takes GLOBAL IN, which is for clusters, as IN.
CREATE VIEW open_sessions AS
WITH
    fromUnixTimestamp64Nano((
        SELECT if(assumed_closed_after = 0, toInt64(-9223372036854775808), (toInt64(toUnixTimestamp(now())) - toInt64(assumed_closed_after)) * 1000000000)
        FROM sessionlog_settings
    ), 'UTC') AS since
SELECT
    toUUID(UUIDNumToString(session_key)) AS session_key,
    first_system AS system,
    first_instance AS instance,
    first_host AS host,
    first_database_name AS database_name,
    first_user_name.1 AS user_name,
    first_auth_method AS auth_method,
    first_auth_type AS auth_type,
    first_interface AS interface,
    first_client_address AS client_address,
    first_client_port AS client_port,
    first_client_name AS client_name,
    first_application_name AS application_name,
    first_session_id AS session_id,
    first_pid AS pid,
    login_at AS login_time,
    seen_first AS first_seen,
    seen_last AS last_seen,
    lower(hex(reinterpretAsFixedString(byteSwap(toUInt128(first_trace))))) AS trace_id
FROM
(
    WITH
        bitShiftLeft(toUInt256(bitXor(toUInt64(toUnixTimestamp64Nano(time)), 9223372036854775808)), 128) AS shifted_time,
        shifted_time + byteSwap(reinterpretAsUInt128(record_id)) + if(kind = 'login', 0, bitShiftLeft(toUInt256(1), 192)) AS rank
    SELECT
        session_key,
        argMin(system, rank) AS first_system,
        argMin(instance, rank) AS first_instance,
        argMin(host, rank) AS first_host,
        argMin(database_name, rank) AS first_database_name,
        argMin(tuple(user_name), rank) AS first_user_name,
        argMin(auth_method, rank) AS first_auth_method,
        argMin(auth_type, rank) AS first_auth_type,
        argMin(interface, rank) AS first_interface,
        argMin(client_address, rank) AS first_client_address,
        argMin(client_port, rank) AS first_client_port,
        argMin(client_name, rank) AS first_client_name,
        argMin(application_name, rank) AS first_application_name,
        argMin(session_id, rank) AS first_session_id,
        argMin(pid, rank) AS first_pid,
        minOrNullIf(time, kind IN ('login', 'session.start')) AS login_at,
        min(time) AS seen_first,
        max(time) AS seen_last,
        minOrNullIf(shifted_time + byteSwap(reinterpretAsUInt128(trace_id)), trace_id != toFixedString('', 16)) AS first_trace
    FROM
    (
        SELECT
            session_key, record_id, kind, time, trace_id, system, instance, host, database_name, user_name, auth_method, auth_type, interface, client_address,
            client_port, client_name, application_name, session_id, pid
        FROM session_events FINAL
        WHERE time >= since AND outcome != 'failure' AND session_key GLOBAL IN
        (
            SELECT session_key
            FROM session_events FINAL
            WHERE time >= since AND outcome != 'failure' AND session_key != toFixedString('', 16)
            GROUP BY session_key
            HAVING countIf(kind = 'logout') = 0
        )
        UNION ALL
        SELECT
            session_key, record_id, kind, time, trace_id, system, instance, host, database_name, user_name, auth_method, auth_type, interface, client_address,
            client_port, client_name, application_name, session_id, pid
        FROM session_events FINAL
        WHERE time < since AND outcome != 'failure' AND session_key GLOBAL IN
        (
            SELECT session_key
            FROM session_events FINAL
            WHERE time >= since AND outcome != 'failure' AND session_key != toFixedString('', 16)
            GROUP BY session_key
            HAVING countIf(kind IN ('login', 'session.start', 'logout')) = 0
        )
    )
    GROUP BY session_key
    HAVING countIf(kind = 'logout') = 0
);
