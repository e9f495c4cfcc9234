-- {count:UInt64} events of the last year, made inside the server: half logins, half logouts, in pairs; one in ten pairs is a failed login
-- told twice, one in a hundred has no logout. 5000 users and 20000 addresses, the low numbers far more often than the high.
INSERT INTO session_events
(
    kind, outcome, source_event, time, observed, system, instance, host, user_name, roles, profiles, auth_method, auth_type, interface,
    client_address, client_port, client_name, client_version, driver, os, record_id, session_key, session_id, trace_id, span_id, correlation,
    duration, failure_reason, error_type, status_code, attributes
)
WITH
    toInt64(31536000000000000) AS year,
    toInt64({count:UInt64}) AS total,
    {from:UInt64} + number AS n,
    intDiv(n, 2) AS pair,
    sipHash64(pair, 'a') AS dice,
    sipHash128(n, 'record') AS identity,
    toString(identity) AS tail,
    pair % 10 = 9 AS failed,
    n % 2 = 1 AND NOT failed AND dice % 100 != 0 AS ends,
    intDiv(dice, 100) % 1800000000 AS lasts,
    toUnixTimestamp64Nano(toDateTime64(toStartOfMinute(now()), 9)) - year + intDiv(year, total) * toInt64(n) AS started,
    started + if(ends, lasts * 1000, 0) AS at,
    toUInt32(5000 * pow((dice % 1000003) / 1000003, 3)) AS who,
    toUInt32(20000 * pow((intDiv(dice, 7) % 1000003) / 1000003, 3)) AS whence,
    intDiv(dice, 11) % 12 AS client,
    multiIf(who % 10 < 7, 'clickhouse', who % 10 < 9, 'aws.redshift', 'postgresql') AS kind_of_system,
    UUIDNumToString(toFixedString(sipHash128(pair, 'session'), 16)) AS session_text
SELECT
    if(ends, 'logout', 'login'), if(failed, 'failure', 'success'),
    multiIf(failed, 'LoginFailure', ends, 'Logout', 'LoginSuccess'),
    fromUnixTimestamp64Nano(at), fromUnixTimestamp64Nano(intDiv(at, 10000000000) * 10000000000 + 20123456789),
    kind_of_system, concat('warehouse-', toString(who % 3)), concat('node-', toString(dice % 4), '.example.net'),
    concat('user_', toString(who)), ['analyst'], ['default'],
    if(failed, '', 'password'), if(failed, 'NO_PASSWORD', 'SHA256_PASSWORD'), if(client < 8, 'TCP', 'HTTP'),
    concat('10.', toString(intDiv(whence, 65536)), '.', toString(intDiv(whence, 256) % 256), '.', toString(whence % 256)), toInt32(1024 + dice % 60000),
    ['clickhouse-go', 'ClickHouse client', 'python-driver', 'JDBC', 'grafana', 'dbt', 'curl', 'psql', 'airflow', 'metabase', 'tableau', 'odbc'][client + 1],
    ['2.50.0', '26.7.1', '0.2.9', '0.9.1', '12.0.1', '1.9.0', '8.1.0', '18.0.0', '3.1.0', '0.55.0', '2026.1.0', '1.4.15'][client + 1],
    if(kind_of_system = 'aws.redshift', 'Amazon Redshift JDBC Driver 2.1.0.30', ''), if(kind_of_system = 'aws.redshift', 'Linux 6.1 x86_64', ''),
    toFixedString(concat(unhex(hex(toUInt64(intDiv(at, 1000000)))), '\x80', substring(tail, 2, 1), '\x80', substring(tail, 3, 7)), 16),
    toFixedString(sipHash128(pair, 'key'), 16), session_text,
    toFixedString(if(dice % 20 = 0, toString(sipHash128(pair, 'trace')), ''), 16), toFixedString(if(dice % 20 = 0, substring(toString(sipHash128(pair, 'span')), 1, 8), ''), 8),
    if(dice % 20 = 0, 'query_log', ''),
    if(ends AND kind_of_system = 'aws.redshift', lasts * 1000, 0),
    if(failed, 'Code: 516. DB::Exception: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)', ''),
    if(failed, 'invalid_credentials', ''), if(failed, '516', ''),
    if(kind_of_system = 'aws.redshift', map('sessionlog.source.field.mtu', '1500'), map())
FROM numbers({rows:UInt64})
SETTINGS max_partitions_per_insert_block = 0, max_insert_threads = 2;
