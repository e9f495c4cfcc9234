-- The view anew: records of PostgreSQL, where they are shown, have Redshift's words for the events, as the queries of its
-- documentation ask for them; a duration that is none (Redshift's integer ends at 36 minutes) stands as Redshift had it.
CREATE OR REPLACE VIEW stl_connection_log AS
SELECT
    CASE
        WHEN "system" = 'aws.redshift' AND source_event IS NOT NULL THEN source_event
        WHEN kind = 'logout' THEN 'disconnecting session'
        WHEN outcome = 'failure' THEN 'authentication failure' -- a login's, or what has turned out about it later
        WHEN kind = 'session.start' THEN 'initiating session'
        WHEN kind = 'session.update' THEN 'set application_name'
        WHEN outcome = 'success' THEN 'authenticated'
        ELSE coalesce(source_event, '') -- a login without a verdict
    END AS event,
    time AT TIME ZONE 'UTC' AS recordtime,
    coalesce(nullif(json_extract_path_text(attributes, 'sessionlog.source.field.remotehost', TRUE), ''),
             nullif(json_extract_path_text(attributes, 'sessionlog.source.field.remote_host', TRUE), ''),
             client_address, '') AS remotehost,
    coalesce(nullif(json_extract_path_text(attributes, 'sessionlog.source.field.remoteport', TRUE), ''),
             nullif(json_extract_path_text(attributes, 'sessionlog.source.field.remote_port', TRUE), ''),
             client_port::varchar, '') AS remoteport,
    coalesce(pid, 0) AS pid,
    coalesce(nullif(json_extract_path_text(attributes, 'sessionlog.source.field.dbname', TRUE), ''),
             nullif(json_extract_path_text(attributes, 'sessionlog.source.field.database_name', TRUE), ''),
             database_name, '') AS dbname,
    coalesce(nullif(json_extract_path_text(attributes, 'sessionlog.source.field.username', TRUE), ''),
             nullif(json_extract_path_text(attributes, 'sessionlog.source.field.user_name', TRUE), ''),
             user_name, '') AS username,
    coalesce(nullif(json_extract_path_text(attributes, 'sessionlog.source.field.authmethod', TRUE), ''),
             nullif(json_extract_path_text(attributes, 'sessionlog.source.field.auth_method', TRUE), ''),
             auth_type, '') AS authmethod,
    CASE WHEN json_extract_path_text(attributes, 'sessionlog.source.field.duration', TRUE) ~ '^-?[0-9]{1,18}$'
         THEN json_extract_path_text(attributes, 'sessionlog.source.field.duration', TRUE)::bigint
         ELSE coalesce(duration / 1000, 0) END AS duration,
    coalesce(nullif(json_extract_path_text(attributes, 'sessionlog.source.field.sslversion', TRUE), ''),
             nullif(json_extract_path_text(attributes, 'sessionlog.source.field.ssl_version', TRUE), ''),
             tls_version, '') AS sslversion,
    coalesce(nullif(json_extract_path_text(attributes, 'sessionlog.source.field.sslcipher', TRUE), ''),
             nullif(json_extract_path_text(attributes, 'sessionlog.source.field.ssl_cipher', TRUE), ''),
             tls_cipher, '') AS sslcipher,
    CASE WHEN json_extract_path_text(attributes, 'sessionlog.source.field.mtu', TRUE) ~ '^-?[0-9]{1,18}$'
         THEN json_extract_path_text(attributes, 'sessionlog.source.field.mtu', TRUE)::bigint ELSE 0 END AS mtu,
    coalesce(nullif(json_extract_path_text(attributes, 'sessionlog.source.field.sslcompression', TRUE), ''),
             nullif(json_extract_path_text(attributes, 'sessionlog.source.field.ssl_compression', TRUE), ''), '') AS sslcompression,
    coalesce(nullif(json_extract_path_text(attributes, 'sessionlog.source.field.sslexpansion', TRUE), ''),
             nullif(json_extract_path_text(attributes, 'sessionlog.source.field.ssl_expansion', TRUE), ''), '') AS sslexpansion,
    coalesce(nullif(json_extract_path_text(attributes, 'sessionlog.source.field.iamauthguid', TRUE), ''),
             nullif(json_extract_path_text(attributes, 'sessionlog.source.field.iam_auth_guid', TRUE), ''), '') AS iamauthguid,
    coalesce(application_name, '') AS application_name,
    coalesce(os, '') AS os_version,
    coalesce(driver, '') AS driver_version,
    coalesce(plugin, '') AS plugin_name,
    CASE WHEN json_extract_path_text(attributes, 'sessionlog.source.field.protocol_version', TRUE) ~ '^-?[0-9]{1,18}$'
         THEN json_extract_path_text(attributes, 'sessionlog.source.field.protocol_version', TRUE)::bigint ELSE 0 END AS protocol_version,
    coalesce(session_id, '') AS sessionid,
    coalesce(nullif(json_extract_path_text(attributes, 'sessionlog.source.field.compression', TRUE), ''), '') AS compression,
    instance
FROM session_events
-- What this project found out later (a trace, told as a record of its own) is not what Redshift wrote.
WHERE coalesce(source_event, '') <> 'trace correlated' AND ("system" = 'aws.redshift'
   OR "system" = 'postgresql' AND (
        SELECT count(*) FROM sessionlog_settings WHERE name = 'include_postgresql' AND value = 1) > 0);
