-- The logins, failed logins and logouts of all systems under the column names of ClickHouse's system.session_log, in its order; then
-- what other systems know. event_time and event_time_microseconds are moments, so that event_time > now() - interval '1 hour' is right
-- whatever the zone of the server or the session; they are printed in that zone, and event_date is the date there, as in ClickHouse.
-- In PostgreSQL's own SQL user is a word for the current user: write "user", or user_name.
CREATE VIEW session_log AS
SELECT
    coalesce(host, '') AS hostname,
    CASE WHEN kind = 'logout' THEN 'Logout' WHEN outcome = 'success' THEN 'LoginSuccess' ELSE 'LoginFailure' END AS type,
    -- A source's own session id that is no UUID gives way to the session key.
    CASE
        WHEN session_id ~ '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$' THEN session_id::uuid
        ELSE coalesce(session_key, '00000000-0000-0000-0000-000000000000')
    END AS auth_id,
    coalesce(session_name, '') AS session_id,
    time::date AS event_date,
    date_trunc('second', time)::timestamptz(0) AS event_time,
    time AS event_time_microseconds,
    user_name AS "user",
    auth_type,
    coalesce(profiles, '{}') AS profiles,
    coalesce(roles, '{}') AS roles,
    coalesce(settings, '[]') AS settings,
    -- As ClickHouse prints its IPv6. Where a source names no IP address but a host or a socket, client_address_text has it.
    CASE
        WHEN client_address ~ '^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$' THEN '::ffff:' || client_address
        WHEN client_address ~ '^[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*$' THEN lower(client_address)
        ELSE '::'
    END AS client_address,
    coalesce(client_port, 0) AS client_port,
    coalesce(interface, '') AS interface,
    coalesce(client_hostname, '') AS client_hostname,
    coalesce(client_name, '') AS client_name,
    coalesce(client_revision, 0) AS client_revision,
    coalesce(version[1]::bigint, 0) AS client_version_major,
    coalesce(version[2]::bigint, 0) AS client_version_minor,
    coalesce(version[3]::bigint, 0) AS client_version_patch,
    coalesce(failure_reason, '') AS failure_reason,
    coalesce(certificate_subjects, '{}') AS certificate_subjects,
    coalesce(certificate_serial, '') AS certificate_serial,
    coalesce(certificate_issuer, '') AS certificate_issuer,
    left(translate(certificate_not_before, 'TZ', ' '), 19) AS certificate_not_before,
    left(translate(certificate_not_after, 'TZ', ' '), 19) AS certificate_not_after,

    record_id,
    session_key,
    time,
    time_ns,
    observed,
    system,
    instance,
    source_event,
    outcome,
    server_address,
    server_port,
    database_name,
    user_name,
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
    encode(trace_id, 'hex') AS trace_id,
    encode(span_id, 'hex') AS span_id,
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
        -- A version is split only if it has the form major.minor.patch, each below 2^32. The lengths are looked at before
        -- numbers are made of the parts, by CASE alone: AND may be evaluated in any order.
        CASE WHEN client_version ~ '^[0-9]{1,10}\.[0-9]{1,10}\.[0-9]{1,10}$' THEN
            CASE WHEN greatest(split_part(client_version, '.', 1)::bigint, split_part(client_version, '.', 2)::bigint,
                               split_part(client_version, '.', 3)::bigint) < 4294967296
            THEN string_to_array(client_version, '.') END
        END AS version
    FROM session_events
) AS e
WHERE kind = 'logout' OR kind = 'login' AND outcome <> 'unknown';
