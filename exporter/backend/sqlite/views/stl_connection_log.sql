-- The records of Amazon Redshift under the column names of STL_CONNECTION_LOG, in its order, then sessionid and the cluster
-- (instance). Where reading a value changed its text, the attribute sessionlog.source.field.<column> has it as it was.
-- pid is never NULL: "not in (select pid …)" would find nothing.
-- Records of PostgreSQL, where they are shown, have Redshift's words for the events, as the queries of its documentation ask for
-- them; a duration that is none (Redshift's integer ends at 36 minutes) stands as Redshift had it.
CREATE VIEW stl_connection_log AS
SELECT
    CASE
        WHEN system = 'aws.redshift' AND source_event IS NOT NULL THEN source_event
        WHEN kind = 'logout' THEN 'disconnecting session'
        WHEN outcome = 'failure' THEN 'authentication failure' -- a login's, or what has turned out about it later
        WHEN kind = 'session.start' THEN 'initiating session'
        WHEN kind = 'session.update' THEN 'set application_name'
        WHEN outcome = 'success' THEN 'authenticated'
        ELSE coalesce(source_event, '') -- a login without a verdict
    END AS event,
    -- As Redshift prints a timestamp: microseconds without trailing zeros.
    rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%S', (time - (time < 0) * 999999999) / 1000000000, 'unixepoch') ||
        printf('.%06d', ((time - (time < 0) * 999) / 1000 % 1000000 + 1000000) % 1000000), '0'), '.') AS recordtime,
    coalesce(fields ->> 'sessionlog.source.field.remotehost', fields ->> 'sessionlog.source.field.remote_host',
             client_address, '') AS remotehost,
    coalesce(fields ->> 'sessionlog.source.field.remoteport', fields ->> 'sessionlog.source.field.remote_port',
             CAST(client_port AS TEXT), '') AS remoteport,
    coalesce(pid, 0) AS pid,
    coalesce(fields ->> 'sessionlog.source.field.dbname', fields ->> 'sessionlog.source.field.database_name',
             database_name, '') AS dbname,
    coalesce(fields ->> 'sessionlog.source.field.username', fields ->> 'sessionlog.source.field.user_name',
             user_name, '') AS username,
    coalesce(fields ->> 'sessionlog.source.field.authmethod', fields ->> 'sessionlog.source.field.auth_method',
             auth_type, '') AS authmethod,
    CAST(coalesce(fields ->> 'sessionlog.source.field.duration', duration / 1000, 0) AS INTEGER) AS duration,
    coalesce(fields ->> 'sessionlog.source.field.sslversion', fields ->> 'sessionlog.source.field.ssl_version',
             tls_version, '') AS sslversion,
    coalesce(fields ->> 'sessionlog.source.field.sslcipher', fields ->> 'sessionlog.source.field.ssl_cipher',
             tls_cipher, '') AS sslcipher,
    CAST(coalesce(fields ->> 'sessionlog.source.field.mtu', 0) AS INTEGER) AS mtu,
    coalesce(fields ->> 'sessionlog.source.field.sslcompression',
             fields ->> 'sessionlog.source.field.ssl_compression', '') AS sslcompression,
    coalesce(fields ->> 'sessionlog.source.field.sslexpansion',
             fields ->> 'sessionlog.source.field.ssl_expansion', '') AS sslexpansion,
    coalesce(fields ->> 'sessionlog.source.field.iamauthguid',
             fields ->> 'sessionlog.source.field.iam_auth_guid', '') AS iamauthguid,
    coalesce(application_name, '') AS application_name,
    coalesce(os, '') AS os_version,
    coalesce(driver, '') AS driver_version,
    coalesce(plugin, '') AS plugin_name,
    CAST(coalesce(fields ->> 'sessionlog.source.field.protocol_version', 0) AS INTEGER) AS protocol_version,
    coalesce(session_id, '') AS sessionid,
    coalesce(fields ->> 'sessionlog.source.field.compression', '') AS compression,
    instance
FROM (
    -- Attributes that are no valid UTF-8 are a BLOB, which is not JSON.
    SELECT *, CASE typeof(attributes) WHEN 'text' THEN attributes END AS fields
    FROM session_events
)
-- What this project found out later (a trace, told as a record of its own) is not what Redshift wrote.
WHERE coalesce(source_event, '') <> 'trace correlated' AND (system = 'aws.redshift'
   OR system = 'postgresql' AND EXISTS (SELECT 1 FROM sessionlog_settings WHERE name = 'include_postgresql' AND value = 1));
