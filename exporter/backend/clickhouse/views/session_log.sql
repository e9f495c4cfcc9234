-- The logins, failed logins and logouts of all systems under the column names, types and enum numbers of system.session_log, in its
-- order; then what other systems know. As there, event_date and event_time are in the server's time zone; time is UTC.
-- A certificate that never expires says 9999-12-31, where DateTime ends in 2106. With a scale of 0 parseDateTime64BestEffortOrNull is still
-- a DateTime, so it is asked for one of 3.
CREATE VIEW session_log AS
SELECT
    host AS hostname,
    CAST(multiIf(kind = 'logout', 2, outcome = 'success', 1, 0), 'Enum8(\'LoginFailure\' = 0, \'LoginSuccess\' = 1, \'Logout\' = 2)') AS type,
    -- A source's own session id that is no UUID gives way to the session key.
    ifNull(toUUIDOrNull(e.session_id), toUUID(UUIDNumToString(e.session_key))) AS auth_id,
    e.session_name AS session_id,
    toDate(event_time) AS event_date,
    toDateTime(toUInt32(intDiv(micros, 1000000))) AS event_time,
    fromUnixTimestamp64Micro(micros) AS event_time_microseconds,
    CAST(user_name AS Nullable(String)) AS user,
    nullIf(e.auth_type, '') AS auth_type,
    profiles,
    roles,
    settings,
    -- Where a source names no IP address but a host or a socket, client_address_text has it.
    toIPv6OrDefault(CAST(e.client_address AS String)) AS client_address,
    toUInt16(if(e.client_port BETWEEN 0 AND 65535, e.client_port, 0)) AS client_port,
    e.interface AS interface,
    CAST(e.client_hostname AS String) AS client_hostname,
    CAST(e.client_name AS String) AS client_name,
    client_revision,
    versions[1] AS client_version_major,
    versions[2] AS client_version_minor,
    versions[3] AS client_version_patch,
    failure_reason,
    certificate_subjects,
    certificate_serial,
    certificate_issuer,
    CAST(parseDateTime64BestEffortOrNull(CAST(e.certificate_not_before AS String), 3, 'UTC'), 'Nullable(DateTime64(0, \'UTC\'))') AS certificate_not_before,
    CAST(parseDateTime64BestEffortOrNull(CAST(e.certificate_not_after AS String), 3, 'UTC'), 'Nullable(DateTime64(0, \'UTC\'))') AS certificate_not_after,

    toUUID(UUIDNumToString(e.record_id)) AS record_id,
    toUUID(UUIDNumToString(e.session_key)) AS session_key,
    time,
    observed,
    system,
    instance,
    source_event,
    outcome,
    server_address,
    server_port,
    database_name,
    e.user_name AS user_name,
    user_id,
    user_hash,
    auth_method,
    tls_version,
    tls_cipher,
    e.client_address AS client_address_text,
    client_version,
    driver,
    os,
    plugin,
    application_name,
    user_agent,
    e.session_id AS source_session_id,
    if(e.trace_id = toFixedString('', 16), '', lower(hex(e.trace_id))) AS trace_id,
    if(e.span_id = toFixedString('', 8), '', lower(hex(e.span_id))) AS span_id,
    correlation,
    pid,
    duration,
    error_type,
    status_code,
    attributes,
    actor_name,
    actor_id,
    mfa_used,
    provider_name,
    user_type
FROM
(
    SELECT
        *,
        -- DateTime begins in 1970 and ends in 2106.
        least(greatest(intDiv(toUnixTimestamp64Nano(time), 1000), 0), 4294967295999999) AS micros,
        -- A version is split only if it has the form major.minor.patch, each below 2^32.
        arrayMap(p -> toUInt64OrZero(p), splitByChar('.', if(match(CAST(client_version AS String), '^[0-9]{1,10}\\.[0-9]{1,10}\\.[0-9]{1,10}$'), CAST(client_version AS String), '0.0.0'))) AS parts,
        arrayMap(p -> toUInt32(if(arrayMax(parts) < 4294967296, p, 0)), parts) AS versions
    FROM session_events FINAL
    WHERE kind = 'logout' OR kind = 'login' AND outcome != 'unknown'
) AS e;
