-- The questions of README.md, asked of otel_logs by the column of its partitions.

-- Who is in now
SELECT any(LogAttributes['user.name']) AS user_name, any(ServiceName), any(LogAttributes['client.address']), min(Timestamp) AS login_time
FROM otel_logs WHERE Timestamp > now() - INTERVAL 1 DAY AND NOT (EventName = 'sessionlog.login' AND LogAttributes['sessionlog.outcome'] = 'failure')
GROUP BY LogAttributes['sessionlog.session.key'] HAVING countIf(EventName = 'sessionlog.logout') = 0 ORDER BY login_time DESC LIMIT 100;

-- Failures by user in the last day
SELECT LogAttributes['user.name'] AS user_name, count() AS failures, uniq(LogAttributes['client.address']) AS addresses, max(Timestamp) AS last
FROM otel_logs WHERE EventName = 'sessionlog.login' AND LogAttributes['sessionlog.outcome'] = 'failure' AND Timestamp > now() - INTERVAL 1 DAY
GROUP BY user_name ORDER BY failures DESC LIMIT 20;

-- Failures by address in the last day
SELECT LogAttributes['client.address'] AS address, count() AS failures, uniq(LogAttributes['user.name']) AS names, max(Timestamp) AS last
FROM otel_logs WHERE EventName = 'sessionlog.login' AND LogAttributes['sessionlog.outcome'] = 'failure' AND Timestamp > now() - INTERVAL 1 DAY
GROUP BY address ORDER BY failures DESC LIMIT 20;

-- Failed, then succeeded
SELECT LogAttributes['user.name'] AS user_name, LogAttributes['client.address'] AS address,
    countIf(LogAttributes['sessionlog.outcome'] = 'failure') AS failures, maxIf(Timestamp, LogAttributes['sessionlog.outcome'] = 'success') AS got_in
FROM otel_logs WHERE EventName = 'sessionlog.login' AND Timestamp > now() - INTERVAL 1 DAY GROUP BY user_name, address
HAVING failures >= 3 AND got_in > minIf(Timestamp, LogAttributes['sessionlog.outcome'] = 'failure') ORDER BY got_in DESC LIMIT 20;

-- One user's history
SELECT Timestamp, EventName, ServiceName, LogAttributes['client.address'], LogAttributes['sessionlog.client.name'], LogAttributes['sessionlog.failure.reason']
FROM otel_logs WHERE LogAttributes['user.name'] = 'alice' AND Timestamp > now() - INTERVAL 30 DAY ORDER BY Timestamp DESC LIMIT 100;

-- Drivers and authentication methods in use
SELECT ServiceName, LogAttributes['sessionlog.client.driver'] AS driver, LogAttributes['sessionlog.client.name'] AS client,
    LogAttributes['sessionlog.client.version'] AS version, LogAttributes['sessionlog.auth.method'] AS method, min(Timestamp) AS first, max(Timestamp) AS last
FROM otel_logs WHERE EventName = 'sessionlog.login' AND LogAttributes['sessionlog.outcome'] = 'success' GROUP BY ALL ORDER BY last DESC LIMIT 100;

-- What happened in this trace
SELECT Timestamp, EventName, ServiceName, LogAttributes['user.name'], LogAttributes['client.address'], LogAttributes['sessionlog.failure.reason']
FROM otel_logs WHERE TraceId = '0af7651916cd43dd8448eb211c80319c' ORDER BY Timestamp;
