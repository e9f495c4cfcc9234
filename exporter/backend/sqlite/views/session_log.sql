-- The logins, failed logins and logouts of all systems under the column names of ClickHouse's system.session_log, in its
-- order, as ClickHouse prints the values in UTC; then what other systems know.
CREATE VIEW session_log AS
SELECT
    coalesce(host, '') AS hostname,
    CASE WHEN kind = 'logout' THEN 'Logout' WHEN outcome = 'success' THEN 'LoginSuccess' ELSE 'LoginFailure' END AS type,
    -- ClickHouse's column is a UUID. A source's own session id that is none gives way to the session key.
    CASE
        WHEN session_id GLOB '????????-????-????-????-????????????'
         AND session_id NOT GLOB '*[^0-9a-fA-F-]*'
         AND length(replace(session_id, '-', '')) = 32
        THEN lower(session_id)
        WHEN session_key IS NOT NULL
        THEN lower(substr(hex(session_key), 1, 8) || '-' || substr(hex(session_key), 9, 4) || '-' ||
                   substr(hex(session_key), 13, 4) || '-' || substr(hex(session_key), 17, 4) || '-' ||
                   substr(hex(session_key), 21, 12))
        ELSE '00000000-0000-0000-0000-000000000000'
    END AS auth_id,
    coalesce(session_name, '') AS session_id,
    -- The subtraction makes the division round down before 1970 too.
    strftime('%Y-%m-%d', (time - (time < 0) * 999999999) / 1000000000, 'unixepoch') AS event_date,
    strftime('%Y-%m-%d %H:%M:%S', (time - (time < 0) * 999999999) / 1000000000, 'unixepoch') AS event_time,
    strftime('%Y-%m-%d %H:%M:%S', (time - (time < 0) * 999999999) / 1000000000, 'unixepoch') ||
        printf('.%06d', ((time - (time < 0) * 999) / 1000 % 1000000 + 1000000) % 1000000) AS event_time_microseconds,
    user_name AS user,
    auth_type,
    coalesce(profiles, '[]') AS profiles,
    coalesce(roles, '[]') AS roles,
    coalesce(settings, '[]') AS settings,
    -- ClickHouse's column is an IPv6. Where a source names no IP address but a host or a socket, client_address_text has it.
    CASE
        WHEN client_address GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*'
         AND client_address NOT GLOB '*[^0-9.]*'
         AND length(client_address) - length(replace(client_address, '.', '')) = 3
        THEN '::ffff:' || client_address
        WHEN client_address GLOB '*:*:*' AND client_address NOT GLOB '*[^0-9a-fA-F:.]*'
        THEN lower(client_address)
        ELSE '::'
    END AS client_address,
    coalesce(client_port, 0) AS client_port,
    coalesce(interface, '') AS interface,
    coalesce(client_hostname, '') AS client_hostname,
    coalesce(client_name, '') AS client_name,
    coalesce(client_revision, 0) AS client_revision,
    -- A version is split only if it has the form major.minor.patch, each below 2^32.
    CASE WHEN versioned THEN CAST(client_version AS INTEGER) ELSE 0 END AS client_version_major,
    CASE WHEN versioned THEN CAST(minor_on AS INTEGER) ELSE 0 END AS client_version_minor,
    CASE WHEN versioned THEN CAST(substr(minor_on, instr(minor_on, '.') + 1) AS INTEGER) ELSE 0 END AS client_version_patch,
    coalesce(failure_reason, '') AS failure_reason,
    coalesce(certificate_subjects, '[]') AS certificate_subjects,
    coalesce(certificate_serial, '') AS certificate_serial,
    coalesce(certificate_issuer, '') AS certificate_issuer,
    strftime('%Y-%m-%d %H:%M:%S', certificate_not_before) AS certificate_not_before,
    strftime('%Y-%m-%d %H:%M:%S', certificate_not_after) AS certificate_not_after,

    lower(substr(hex(record_id), 1, 8) || '-' || substr(hex(record_id), 9, 4) || '-' || substr(hex(record_id), 13, 4) || '-' ||
          substr(hex(record_id), 17, 4) || '-' || substr(hex(record_id), 21, 12)) AS record_id,
    CASE WHEN session_key IS NOT NULL THEN
    lower(substr(hex(session_key), 1, 8) || '-' || substr(hex(session_key), 9, 4) || '-' || substr(hex(session_key), 13, 4) || '-' ||
          substr(hex(session_key), 17, 4) || '-' || substr(hex(session_key), 21, 12)) END AS session_key,
    time,
    observed,
    system,
    instance,
    source_event,
    outcome,
    server_address,
    server_port,
    database_name,
    user_id,
    user_hash,
    auth_method,
    tls_version,
    tls_cipher,
    client_address AS client_address_text,
    client_version,
    driver,
    os,
    plugin,
    application_name,
    user_agent,
    session_id AS source_session_id,
    lower(nullif(hex(trace_id), '')) AS trace_id,
    lower(nullif(hex(span_id), '')) AS span_id,
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
FROM (
    SELECT *,
        substr(client_version, instr(client_version, '.') + 1) AS minor_on,
        client_version GLOB '[0-9]*.[0-9]*.[0-9]*'
            AND client_version NOT GLOB '*[^0-9.]*'
            AND length(client_version) - length(replace(client_version, '.', '')) = 2
            AND instr(client_version, '.') <= 11
            AND instr(substr(client_version, instr(client_version, '.') + 1), '.') <= 11
            AND length(client_version) < 33
            AND CAST(client_version AS INTEGER) < 4294967296
            AND CAST(substr(client_version, instr(client_version, '.') + 1) AS INTEGER) < 4294967296
            AND CAST(replace(client_version, rtrim(client_version, '0123456789'), '') AS INTEGER) < 4294967296
            AS versioned
    FROM session_events
)
WHERE kind = 'logout' OR kind = 'login' AND outcome <> 'unknown';
