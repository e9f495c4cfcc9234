-- The records of Amazon Redshift under the column names of STL_CONNECTION_LOG, in its order, then sessionid, the cluster (instance) and
-- time. Where reading a value changed its text, the attribute sessionlog.source.field.<column> has it as it was. pid is never NULL:
-- "not in (select pid …)" would find nothing.
-- Records of PostgreSQL, where they are shown, have Redshift's words for the events, as the queries of its documentation ask for them; a
-- duration that is none (Redshift's integer ends at 36 minutes) stands as Redshift had it.
CREATE VIEW stl_connection_log AS
SELECT
    multiIf(
        system = 'aws.redshift' AND source_event != '', CAST(source_event AS String),
        kind = 'logout', 'disconnecting session',
        outcome = 'failure', 'authentication failure', -- a login's, or what has turned out about it later
        kind = 'session.start', 'initiating session',
        kind = 'session.update', 'set application_name',
        outcome = 'success', 'authenticated',
        CAST(source_event AS String)) AS event, -- a login without a verdict
    -- As Redshift prints a timestamp: microseconds without trailing zeros.
    replaceRegexpOne(toString(toDateTime64(e.time, 6, 'UTC')), '\\.?0*$', '') AS recordtime,
    coalesce(nullIf(attributes['sessionlog.source.field.remotehost'], ''), nullIf(attributes['sessionlog.source.field.remote_host'], ''),
             CAST(client_address AS String)) AS remotehost,
    coalesce(nullIf(attributes['sessionlog.source.field.remoteport'], ''), nullIf(attributes['sessionlog.source.field.remote_port'], ''),
             if(client_port = 0, '', toString(client_port))) AS remoteport,
    e.pid AS pid,
    coalesce(nullIf(attributes['sessionlog.source.field.dbname'], ''), nullIf(attributes['sessionlog.source.field.database_name'], ''),
             CAST(database_name AS String)) AS dbname,
    coalesce(nullIf(attributes['sessionlog.source.field.username'], ''), nullIf(attributes['sessionlog.source.field.user_name'], ''),
             CAST(user_name AS Nullable(String)), '') AS username,
    coalesce(nullIf(attributes['sessionlog.source.field.authmethod'], ''), nullIf(attributes['sessionlog.source.field.auth_method'], ''),
             CAST(auth_type AS String)) AS authmethod,
    ifNull(toInt64OrNull(attributes['sessionlog.source.field.duration']), intDiv(e.duration, 1000)) AS duration,
    coalesce(nullIf(attributes['sessionlog.source.field.sslversion'], ''), nullIf(attributes['sessionlog.source.field.ssl_version'], ''),
             CAST(tls_version AS String)) AS sslversion,
    coalesce(nullIf(attributes['sessionlog.source.field.sslcipher'], ''), nullIf(attributes['sessionlog.source.field.ssl_cipher'], ''),
             CAST(tls_cipher AS String)) AS sslcipher,
    toInt64OrZero(attributes['sessionlog.source.field.mtu']) AS mtu,
    if(attributes['sessionlog.source.field.sslcompression'] != '', attributes['sessionlog.source.field.sslcompression'],
       attributes['sessionlog.source.field.ssl_compression']) AS sslcompression,
    if(attributes['sessionlog.source.field.sslexpansion'] != '', attributes['sessionlog.source.field.sslexpansion'],
       attributes['sessionlog.source.field.ssl_expansion']) AS sslexpansion,
    if(attributes['sessionlog.source.field.iamauthguid'] != '', attributes['sessionlog.source.field.iamauthguid'],
       attributes['sessionlog.source.field.iam_auth_guid']) AS iamauthguid,
    CAST(e.application_name AS String) AS application_name,
    CAST(os AS String) AS os_version,
    CAST(driver AS String) AS driver_version,
    CAST(plugin AS String) AS plugin_name,
    toInt64OrZero(attributes['sessionlog.source.field.protocol_version']) AS protocol_version,
    session_id AS sessionid,
    attributes['sessionlog.source.field.compression'] AS compression,
    instance,
    time
FROM session_events AS e FINAL
-- What this project found out later (a trace, told as a record of its own) is not what Redshift wrote.
WHERE source_event != 'trace correlated'
    AND (system = 'aws.redshift' OR system = 'postgresql' AND (SELECT include_postgresql FROM sessionlog_settings) = 1);
