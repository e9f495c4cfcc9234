-- The table that the collector's own ClickHouse exporter makes (contrib clickhouseexporter v0.161.0): on servers from 26.2 on its indexes are
-- those of text search.
CREATE TABLE otel_logs
(
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    TraceFlags UInt8,
    SeverityText LowCardinality(String) CODEC(ZSTD(1)),
    SeverityNumber UInt8,
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    Body String CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    EventName String CODEC(ZSTD(1)),
    `__otel_materialized_k8s.cluster.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.cluster.name'] CODEC(ZSTD(1)),
    `__otel_materialized_k8s.container.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.container.name'] CODEC(ZSTD(1)),
    `__otel_materialized_k8s.deployment.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.deployment.name'] CODEC(ZSTD(1)),
    `__otel_materialized_k8s.namespace.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.namespace.name'] CODEC(ZSTD(1)),
    `__otel_materialized_k8s.node.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.node.name'] CODEC(ZSTD(1)),
    `__otel_materialized_k8s.pod.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.pod.name'] CODEC(ZSTD(1)),
    `__otel_materialized_k8s.pod.uid` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.pod.uid'] CODEC(ZSTD(1)),
    `__otel_materialized_deployment.environment.name` LowCardinality(String) MATERIALIZED ResourceAttributes['deployment.environment.name'] CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE text(tokenizer = 'array'),
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE text(tokenizer = 'array'),
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE text(tokenizer = 'array'),
    INDEX idx_scope_attr_key mapKeys(ScopeAttributes) TYPE text(tokenizer = 'array'),
    INDEX idx_scope_attr_value mapValues(ScopeAttributes) TYPE text(tokenizer = 'array'),
    INDEX idx_log_attr_key mapKeys(LogAttributes) TYPE text(tokenizer = 'array'),
    INDEX idx_log_attr_value mapValues(LogAttributes) TYPE text(tokenizer = 'array'),
    INDEX idx_lower_body lower(Body) TYPE text(tokenizer = 'splitByNonAlpha')
)
ENGINE = MergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1;

-- The events of a span of time with the attributes that docs/event.md gives them.
INSERT INTO otel_logs (Timestamp, TraceId, SpanId, SeverityText, SeverityNumber, ServiceName, Body, ResourceSchemaUrl, ResourceAttributes,
    ScopeSchemaUrl, ScopeName, LogAttributes, EventName)
SELECT
    time, if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))), if(span_id = toFixedString('', 8), '', lower(hex(span_id))),
    if(outcome = 'failure', 'WARN', 'INFO'), if(outcome = 'failure', 13, 9), system,
    concat(if(kind = 'login', 'login ', 'logout '), toString(outcome), ' user=', assumeNotNull(user_name), ' from ', client_address, ' ', toString(client_port), ' ', client_name),
    'https://opentelemetry.io/schemas/1.43.0', map('service.name', system, 'service.instance.id', instance, 'host.name', host),
    'https://opentelemetry.io/schemas/1.43.0', 'github.com/otel-sessionlog/sessionlog',
    mapFilter((k, v) -> v != '', map(
        'log.record.uid', UUIDNumToString(record_id), 'sessionlog.session.key', UUIDNumToString(session_key), 'session.id', session_id,
        'sessionlog.outcome', toString(outcome), 'sessionlog.source.event', source_event, 'db.system.name', system, 'user.name', assumeNotNull(user_name),
        'user.roles', toString(roles), 'sessionlog.profiles', toString(profiles), 'sessionlog.auth.method', auth_method, 'sessionlog.auth.type', auth_type,
        'sessionlog.interface', interface, 'client.address', client_address, 'client.port', toString(client_port), 'sessionlog.client.name', client_name,
        'sessionlog.client.version', client_version, 'sessionlog.client.driver', driver, 'sessionlog.client.os', os, 'sessionlog.correlation', correlation,
        'sessionlog.session.duration', if(duration = 0, '', toString(duration)), 'sessionlog.failure.reason', failure_reason, 'error.type', error_type,
        'db.response.status_code', status_code, 'sessionlog.source.field.mtu', attributes['sessionlog.source.field.mtu'])),
    concat('sessionlog.', toString(kind))
FROM session_events
WHERE time >= fromUnixTimestamp64Nano(1000000000 * {from:Int64}) AND time < fromUnixTimestamp64Nano(1000000000 * {until:Int64})
SETTINGS max_partitions_per_insert_block = 0, min_insert_block_size_rows = 262144, max_insert_threads = 2
