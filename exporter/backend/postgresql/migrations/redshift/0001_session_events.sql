-- The storage: one row for every authentication event of every system. docs/schema.md explains each column.
-- An absent value is NULL. A byte that Redshift cannot store in a text (NUL, or what is no UTF-8) stands there as one
-- character U+10FE00 plus the byte. Redshift has no arrays and no uuid: lists are JSON, ids are text.
--
-- The record id begins with the time of the event, so rows that are sorted by it are sorted by time, the zone maps of both
-- columns are narrow, and whether an id is there already is asked of the newest blocks alone. Distribution by the id lets
-- each slice answer that by itself. Redshift does not enforce the key: the writer does, under a lock.
CREATE TABLE session_events (
    kind                   varchar(1024)  NOT NULL, -- login, logout, session.start, session.update
    outcome                varchar(1024)  NOT NULL, -- success, failure, unknown
    source_event           varchar(1024),
    time                   timestamptz    NOT NULL, -- the source's clock, cut to microseconds
    time_ns                bigint         NOT NULL, -- the same, exact: nanoseconds since 1970 UTC
    observed               timestamptz,
    observed_ns            bigint,
    "system"               varchar(1024),
    instance               varchar(1024),
    host                   varchar(1024),
    server_address         varchar(1024),
    server_port            integer,
    database_name          varchar(1024),
    user_name              varchar(1024),           -- NULL: none was given; '': an empty one was
    user_id                varchar(1024),
    user_hash              varchar(1024),
    roles                  varchar(65535),          -- JSON: ["analyst","loader"]
    profiles               varchar(65535),          -- JSON: ["default"]
    settings               varchar(65535),          -- JSON: [["max_threads","2"]], in the source's order
    auth_method            varchar(1024),
    auth_type              varchar(1024),
    interface              varchar(1024),
    tls_version            varchar(1024),
    tls_cipher             varchar(1024),
    certificate_subjects   varchar(65535),          -- JSON: ["CN:billing"]
    certificate_serial     varchar(1024),
    certificate_issuer     varchar(1024),
    certificate_not_before varchar(1024),           -- RFC 3339, UTC
    certificate_not_after  varchar(1024),           -- RFC 3339, UTC
    client_address         varchar(1024),
    client_port            integer,
    client_hostname        varchar(1024),
    client_name            varchar(1024),
    client_version         varchar(1024),
    client_revision        bigint,
    driver                 varchar(1024),
    os                     varchar(1024),
    plugin                 varchar(1024),
    application_name       varchar(1024),
    user_agent             varchar(65535),
    record_id              char(36)       NOT NULL,
    session_key            char(36),
    session_id             varchar(1024),
    session_name           varchar(1024),
    trace_id               char(32),                -- 32 hexadecimal digits
    span_id                char(16),                -- 16 hexadecimal digits
    correlation            varchar(1024),
    pid                    bigint,
    duration               bigint,                  -- nanoseconds
    failure_reason         varchar(65535),
    error_type             varchar(1024),
    status_code            varchar(1024),
    severity               integer,                 -- only where it differs from the usual one
    message                varchar(65535),          -- only of a foreign record
    original               varchar(65535),
    attributes             varchar(65535),          -- JSON: {"sessionlog.source.field.mtu":"1500"}
    attributes_exact       varchar(65535),          -- JSON: [["key","type","value"]] where JSON does not show type or text
    PRIMARY KEY (record_id)
)
DISTSTYLE KEY
DISTKEY (record_id)
COMPOUND SORTKEY (record_id);

-- Records whose id was there already with other content, kept aside because one of the two may be forged.
CREATE TABLE session_conflicts (
    arrived                timestamptz    NOT NULL DEFAULT getdate(),
    kind                   varchar(1024)  NOT NULL,
    outcome                varchar(1024)  NOT NULL,
    source_event           varchar(1024),
    time                   timestamptz    NOT NULL,
    time_ns                bigint         NOT NULL,
    observed               timestamptz,
    observed_ns            bigint,
    "system"               varchar(1024),
    instance               varchar(1024),
    host                   varchar(1024),
    server_address         varchar(1024),
    server_port            integer,
    database_name          varchar(1024),
    user_name              varchar(1024),
    user_id                varchar(1024),
    user_hash              varchar(1024),
    roles                  varchar(65535),
    profiles               varchar(65535),
    settings               varchar(65535),
    auth_method            varchar(1024),
    auth_type              varchar(1024),
    interface              varchar(1024),
    tls_version            varchar(1024),
    tls_cipher             varchar(1024),
    certificate_subjects   varchar(65535),
    certificate_serial     varchar(1024),
    certificate_issuer     varchar(1024),
    certificate_not_before varchar(1024),
    certificate_not_after  varchar(1024),
    client_address         varchar(1024),
    client_port            integer,
    client_hostname        varchar(1024),
    client_name            varchar(1024),
    client_version         varchar(1024),
    client_revision        bigint,
    driver                 varchar(1024),
    os                     varchar(1024),
    plugin                 varchar(1024),
    application_name       varchar(1024),
    user_agent             varchar(65535),
    record_id              char(36)       NOT NULL,
    session_key            char(36),
    session_id             varchar(1024),
    session_name           varchar(1024),
    trace_id               char(32),
    span_id                char(16),
    correlation            varchar(1024),
    pid                    bigint,
    duration               bigint,
    failure_reason         varchar(65535),
    error_type             varchar(1024),
    status_code            varchar(1024),
    severity               integer,
    message                varchar(65535),
    original               varchar(65535),
    attributes             varchar(65535),
    attributes_exact       varchar(65535)
)
DISTSTYLE KEY
DISTKEY (record_id)
COMPOUND SORTKEY (record_id);

-- What the views are told by the configuration.
CREATE TABLE sessionlog_settings (
    name  varchar(255) NOT NULL,
    value bigint       NOT NULL
)
DISTSTYLE ALL;
