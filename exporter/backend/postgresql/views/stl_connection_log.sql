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
    (time AT TIME ZONE 'UTC')::timestamp(6) AS recordtime,
    coalesce(attributes ->> 'sessionlog.source.field.remotehost', attributes ->> 'sessionlog.source.field.remote_host',
             client_address, '') AS remotehost,
    coalesce(attributes ->> 'sessionlog.source.field.remoteport', attributes ->> 'sessionlog.source.field.remote_port',
             client_port::text, '') AS remoteport,
    coalesce(pid, 0) AS pid,
    coalesce(attributes ->> 'sessionlog.source.field.dbname', attributes ->> 'sessionlog.source.field.database_name',
             database_name, '') AS dbname,
    coalesce(attributes ->> 'sessionlog.source.field.username', attributes ->> 'sessionlog.source.field.user_name',
             user_name, '') AS username,
    coalesce(attributes ->> 'sessionlog.source.field.authmethod', attributes ->> 'sessionlog.source.field.auth_method',
             auth_type, '') AS authmethod,
    CASE WHEN attributes ->> 'sessionlog.source.field.duration' ~ '^-?[0-9]{1,18}$'
         THEN (attributes ->> 'sessionlog.source.field.duration')::bigint ELSE coalesce(duration / 1000, 0) END AS duration,
    coalesce(attributes ->> 'sessionlog.source.field.sslversion', attributes ->> 'sessionlog.source.field.ssl_version',
             tls_version, '') AS sslversion,
    coalesce(attributes ->> 'sessionlog.source.field.sslcipher', attributes ->> 'sessionlog.source.field.ssl_cipher',
             tls_cipher, '') AS sslcipher,
    CASE WHEN attributes ->> 'sessionlog.source.field.mtu' ~ '^-?[0-9]{1,18}$'
         THEN (attributes ->> 'sessionlog.source.field.mtu')::bigint ELSE 0 END AS mtu,
    coalesce(attributes ->> 'sessionlog.source.field.sslcompression',
             attributes ->> 'sessionlog.source.field.ssl_compression', '') AS sslcompression,
    coalesce(attributes ->> 'sessionlog.source.field.sslexpansion',
             attributes ->> 'sessionlog.source.field.ssl_expansion', '') AS sslexpansion,
    coalesce(attributes ->> 'sessionlog.source.field.iamauthguid',
             attributes ->> 'sessionlog.source.field.iam_auth_guid', '') AS iamauthguid,
    coalesce(application_name, '') AS application_name,
    coalesce(os, '') AS os_version,
    coalesce(driver, '') AS driver_version,
    coalesce(plugin, '') AS plugin_name,
    CASE WHEN attributes ->> 'sessionlog.source.field.protocol_version' ~ '^-?[0-9]{1,18}$'
         THEN (attributes ->> 'sessionlog.source.field.protocol_version')::bigint ELSE 0 END AS protocol_version,
    coalesce(session_id, '') AS sessionid,
    coalesce(attributes ->> 'sessionlog.source.field.compression', '') AS compression,
    instance
FROM session_events
-- What this project found out later (a trace, told as a record of its own) is not what Redshift wrote.
WHERE coalesce(source_event, '') <> 'trace correlated' AND (system = 'aws.redshift'
   OR system = 'postgresql' AND EXISTS (SELECT FROM sessionlog_settings WHERE name = 'include_postgresql' AND value = 1));
