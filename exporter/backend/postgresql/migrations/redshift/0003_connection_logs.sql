-- The records of Amazon Redshift under the column names of STL_CONNECTION_LOG, in its order, then sessionid and the cluster
-- (instance). Where reading a value changed its text, the attribute sessionlog.source.field.<column> has it as it was.
-- pid is never NULL: "not in (select pid …)" would find nothing.
CREATE VIEW stl_connection_log AS
SELECT
    coalesce(source_event, CASE
        WHEN kind = 'logout' THEN 'disconnecting session'
        WHEN kind = 'session.start' THEN 'initiating session'
        WHEN kind = 'session.update' THEN 'set application_name'
        WHEN outcome = 'failure' THEN 'authentication failure'
        ELSE 'authenticated'
    END) AS event,
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
    coalesce(duration / 1000, 0) AS duration,
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
WHERE "system" = 'aws.redshift'
   OR "system" = 'postgresql' AND (
        SELECT count(*) FROM sessionlog_settings WHERE name = 'include_postgresql' AND value = 1) > 0;

-- The same records under the column names of SYS_CONNECTION_LOG, in its order. Its session_id is the process id.
CREATE VIEW sys_connection_log AS
SELECT
    event,
    recordtime AS record_time,
    remotehost AS remote_host,
    remoteport AS remote_port,
    pid AS session_id,
    dbname AS database_name,
    username AS user_name,
    authmethod AS auth_method,
    duration,
    sslversion AS ssl_version,
    sslcipher AS ssl_cipher,
    mtu,
    sslcompression AS ssl_compression,
    sslexpansion AS ssl_expansion,
    iamauthguid AS iam_auth_guid,
    application_name,
    driver_version,
    os_version,
    plugin_name,
    protocol_version,
    sessionid AS global_session_id,
    instance
FROM stl_connection_log;
