-- begin
BEGIN;
LOCK TABLE audit_session_events, audit_session_conflicts;
DROP TABLE IF EXISTS sessionlog_staging;
CREATE TEMP TABLE sessionlog_staging (ordinal integer NOT NULL, LIKE audit_session_events);

-- stage
INSERT INTO sessionlog_staging (ordinal, kind, outcome, source_event, time, time_ns, observed, observed_ns, "system", instance, host, server_address, server_port, database_name, user_name, user_id, user_hash, roles, profiles, settings, auth_method, auth_type, interface, tls_version, tls_cipher, certificate_subjects, certificate_serial, certificate_issuer, certificate_not_before, certificate_not_after, client_address, client_port, client_hostname, client_name, client_version, client_revision, driver, os, plugin, application_name, user_agent, record_id, session_key, session_id, session_name, trace_id, span_id, correlation, pid, duration, failure_reason, error_type, status_code, severity, message, original, attributes, attributes_exact) VALUES;

-- insert
INSERT INTO audit_session_events (kind, outcome, source_event, time, time_ns, observed, observed_ns, "system", instance, host, server_address, server_port, database_name, user_name, user_id, user_hash, roles, profiles, settings, auth_method, auth_type, interface, tls_version, tls_cipher, certificate_subjects, certificate_serial, certificate_issuer, certificate_not_before, certificate_not_after, client_address, client_port, client_hostname, client_name, client_version, client_revision, driver, os, plugin, application_name, user_agent, record_id, session_key, session_id, session_name, trace_id, span_id, correlation, pid, duration, failure_reason, error_type, status_code, severity, message, original, attributes, attributes_exact)
SELECT s.kind, s.outcome, s.source_event, s.time, s.time_ns, s.observed, s.observed_ns, s."system", s.instance, s.host, s.server_address, s.server_port, s.database_name, s.user_name, s.user_id, s.user_hash, s.roles, s.profiles, s.settings, s.auth_method, s.auth_type, s.interface, s.tls_version, s.tls_cipher, s.certificate_subjects, s.certificate_serial, s.certificate_issuer, s.certificate_not_before, s.certificate_not_after, s.client_address, s.client_port, s.client_hostname, s.client_name, s.client_version, s.client_revision, s.driver, s.os, s.plugin, s.application_name, s.user_agent, s.record_id, s.session_key, s.session_id, s.session_name, s.trace_id, s.span_id, s.correlation, s.pid, s.duration, s.failure_reason, s.error_type, s.status_code, s.severity, s.message, s.original, s.attributes, s.attributes_exact
FROM (
    SELECT *, row_number() OVER (PARTITION BY record_id ORDER BY ordinal) AS version FROM sessionlog_staging
) s
LEFT JOIN (
    SELECT record_id FROM audit_session_events
    WHERE record_id >= (SELECT min(record_id) FROM sessionlog_staging)
    AND record_id <= (SELECT max(record_id) FROM sessionlog_staging)
) e ON e.record_id = s.record_id
WHERE s.version = 1 AND e.record_id IS NULL;

-- differing
SELECT e.kind, e.outcome, e.source_event, NULL, e.time_ns, NULL, e.observed_ns, e."system", e.instance, e.host, e.server_address, e.server_port, e.database_name, e.user_name, e.user_id, e.user_hash, e.roles, e.profiles, e.settings, e.auth_method, e.auth_type, e.interface, e.tls_version, e.tls_cipher, e.certificate_subjects, e.certificate_serial, e.certificate_issuer, e.certificate_not_before, e.certificate_not_after, e.client_address, e.client_port, e.client_hostname, e.client_name, e.client_version, e.client_revision, e.driver, e.os, e.plugin, e.application_name, e.user_agent, e.record_id, e.session_key, e.session_id, e.session_name, e.trace_id, e.span_id, e.correlation, e.pid, e.duration, e.failure_reason, e.error_type, e.status_code, e.severity, e.message, e.original, e.attributes, e.attributes_exact
FROM sessionlog_staging s JOIN audit_session_events e ON e.record_id = s.record_id
WHERE NOT coalesce((s.kind = e.kind OR s.kind IS NULL AND e.kind IS NULL)
AND (s.outcome = e.outcome OR s.outcome IS NULL AND e.outcome IS NULL)
AND (s.source_event = e.source_event OR s.source_event IS NULL AND e.source_event IS NULL)
AND (s.time_ns = e.time_ns OR s.time_ns IS NULL AND e.time_ns IS NULL)
AND (s."system" = e."system" OR s."system" IS NULL AND e."system" IS NULL)
AND (s.instance = e.instance OR s.instance IS NULL AND e.instance IS NULL)
AND (s.host = e.host OR s.host IS NULL AND e.host IS NULL)
AND (s.server_address = e.server_address OR s.server_address IS NULL AND e.server_address IS NULL)
AND (s.server_port = e.server_port OR s.server_port IS NULL AND e.server_port IS NULL)
AND (s.database_name = e.database_name OR s.database_name IS NULL AND e.database_name IS NULL)
AND (s.user_name = e.user_name OR s.user_name IS NULL AND e.user_name IS NULL)
AND (s.user_id = e.user_id OR s.user_id IS NULL AND e.user_id IS NULL)
AND (s.user_hash = e.user_hash OR s.user_hash IS NULL AND e.user_hash IS NULL)
AND (s.roles = e.roles OR s.roles IS NULL AND e.roles IS NULL)
AND (s.profiles = e.profiles OR s.profiles IS NULL AND e.profiles IS NULL)
AND (s.settings = e.settings OR s.settings IS NULL AND e.settings IS NULL)
AND (s.auth_method = e.auth_method OR s.auth_method IS NULL AND e.auth_method IS NULL)
AND (s.auth_type = e.auth_type OR s.auth_type IS NULL AND e.auth_type IS NULL)
AND (s.interface = e.interface OR s.interface IS NULL AND e.interface IS NULL)
AND (s.tls_version = e.tls_version OR s.tls_version IS NULL AND e.tls_version IS NULL)
AND (s.tls_cipher = e.tls_cipher OR s.tls_cipher IS NULL AND e.tls_cipher IS NULL)
AND (s.certificate_subjects = e.certificate_subjects OR s.certificate_subjects IS NULL AND e.certificate_subjects IS NULL)
AND (s.certificate_serial = e.certificate_serial OR s.certificate_serial IS NULL AND e.certificate_serial IS NULL)
AND (s.certificate_issuer = e.certificate_issuer OR s.certificate_issuer IS NULL AND e.certificate_issuer IS NULL)
AND (s.certificate_not_before = e.certificate_not_before OR s.certificate_not_before IS NULL AND e.certificate_not_before IS NULL)
AND (s.certificate_not_after = e.certificate_not_after OR s.certificate_not_after IS NULL AND e.certificate_not_after IS NULL)
AND (s.client_address = e.client_address OR s.client_address IS NULL AND e.client_address IS NULL)
AND (s.client_port = e.client_port OR s.client_port IS NULL AND e.client_port IS NULL)
AND (s.client_hostname = e.client_hostname OR s.client_hostname IS NULL AND e.client_hostname IS NULL)
AND (s.client_name = e.client_name OR s.client_name IS NULL AND e.client_name IS NULL)
AND (s.client_version = e.client_version OR s.client_version IS NULL AND e.client_version IS NULL)
AND (s.client_revision = e.client_revision OR s.client_revision IS NULL AND e.client_revision IS NULL)
AND (s.driver = e.driver OR s.driver IS NULL AND e.driver IS NULL)
AND (s.os = e.os OR s.os IS NULL AND e.os IS NULL)
AND (s.plugin = e.plugin OR s.plugin IS NULL AND e.plugin IS NULL)
AND (s.application_name = e.application_name OR s.application_name IS NULL AND e.application_name IS NULL)
AND (s.user_agent = e.user_agent OR s.user_agent IS NULL AND e.user_agent IS NULL)
AND (s.record_id = e.record_id OR s.record_id IS NULL AND e.record_id IS NULL)
AND (s.session_key = e.session_key OR s.session_key IS NULL AND e.session_key IS NULL)
AND (s.session_id = e.session_id OR s.session_id IS NULL AND e.session_id IS NULL)
AND (s.session_name = e.session_name OR s.session_name IS NULL AND e.session_name IS NULL)
AND (s.pid = e.pid OR s.pid IS NULL AND e.pid IS NULL)
AND (s.duration = e.duration OR s.duration IS NULL AND e.duration IS NULL)
AND (s.failure_reason = e.failure_reason OR s.failure_reason IS NULL AND e.failure_reason IS NULL)
AND (s.error_type = e.error_type OR s.error_type IS NULL AND e.error_type IS NULL)
AND (s.status_code = e.status_code OR s.status_code IS NULL AND e.status_code IS NULL)
AND (s.severity = e.severity OR s.severity IS NULL AND e.severity IS NULL)
AND (s.message = e.message OR s.message IS NULL AND e.message IS NULL)
AND (s.original = e.original OR s.original IS NULL AND e.original IS NULL)
AND (s.attributes = e.attributes OR s.attributes IS NULL AND e.attributes IS NULL)
AND (s.attributes_exact = e.attributes_exact OR s.attributes_exact IS NULL AND e.attributes_exact IS NULL), FALSE);

-- clear
DELETE FROM sessionlog_staging;

-- keep
INSERT INTO audit_session_conflicts (kind, outcome, source_event, time, time_ns, observed, observed_ns, "system", instance, host, server_address, server_port, database_name, user_name, user_id, user_hash, roles, profiles, settings, auth_method, auth_type, interface, tls_version, tls_cipher, certificate_subjects, certificate_serial, certificate_issuer, certificate_not_before, certificate_not_after, client_address, client_port, client_hostname, client_name, client_version, client_revision, driver, os, plugin, application_name, user_agent, record_id, session_key, session_id, session_name, trace_id, span_id, correlation, pid, duration, failure_reason, error_type, status_code, severity, message, original, attributes, attributes_exact)
SELECT s.kind, s.outcome, s.source_event, s.time, s.time_ns, s.observed, s.observed_ns, s."system", s.instance, s.host, s.server_address, s.server_port, s.database_name, s.user_name, s.user_id, s.user_hash, s.roles, s.profiles, s.settings, s.auth_method, s.auth_type, s.interface, s.tls_version, s.tls_cipher, s.certificate_subjects, s.certificate_serial, s.certificate_issuer, s.certificate_not_before, s.certificate_not_after, s.client_address, s.client_port, s.client_hostname, s.client_name, s.client_version, s.client_revision, s.driver, s.os, s.plugin, s.application_name, s.user_agent, s.record_id, s.session_key, s.session_id, s.session_name, s.trace_id, s.span_id, s.correlation, s.pid, s.duration, s.failure_reason, s.error_type, s.status_code, s.severity, s.message, s.original, s.attributes, s.attributes_exact
FROM (
    SELECT s.*, row_number() OVER (PARTITION BY s.kind, s.outcome, s.source_event, s.time_ns, s."system", s.instance, s.host, s.server_address, s.server_port, s.database_name, s.user_name, s.user_id, s.user_hash, s.roles, s.profiles, s.settings, s.auth_method, s.auth_type, s.interface, s.tls_version, s.tls_cipher, s.certificate_subjects, s.certificate_serial, s.certificate_issuer, s.certificate_not_before, s.certificate_not_after, s.client_address, s.client_port, s.client_hostname, s.client_name, s.client_version, s.client_revision, s.driver, s.os, s.plugin, s.application_name, s.user_agent, s.record_id, s.session_key, s.session_id, s.session_name, s.pid, s.duration, s.failure_reason, s.error_type, s.status_code, s.severity, s.message, s.original, s.attributes, s.attributes_exact
        ORDER BY s.ordinal) AS version
    FROM sessionlog_staging s JOIN audit_session_events e ON e.record_id = s.record_id
    WHERE NOT coalesce((s.kind = e.kind OR s.kind IS NULL AND e.kind IS NULL)
AND (s.outcome = e.outcome OR s.outcome IS NULL AND e.outcome IS NULL)
AND (s.source_event = e.source_event OR s.source_event IS NULL AND e.source_event IS NULL)
AND (s.time_ns = e.time_ns OR s.time_ns IS NULL AND e.time_ns IS NULL)
AND (s."system" = e."system" OR s."system" IS NULL AND e."system" IS NULL)
AND (s.instance = e.instance OR s.instance IS NULL AND e.instance IS NULL)
AND (s.host = e.host OR s.host IS NULL AND e.host IS NULL)
AND (s.server_address = e.server_address OR s.server_address IS NULL AND e.server_address IS NULL)
AND (s.server_port = e.server_port OR s.server_port IS NULL AND e.server_port IS NULL)
AND (s.database_name = e.database_name OR s.database_name IS NULL AND e.database_name IS NULL)
AND (s.user_name = e.user_name OR s.user_name IS NULL AND e.user_name IS NULL)
AND (s.user_id = e.user_id OR s.user_id IS NULL AND e.user_id IS NULL)
AND (s.user_hash = e.user_hash OR s.user_hash IS NULL AND e.user_hash IS NULL)
AND (s.roles = e.roles OR s.roles IS NULL AND e.roles IS NULL)
AND (s.profiles = e.profiles OR s.profiles IS NULL AND e.profiles IS NULL)
AND (s.settings = e.settings OR s.settings IS NULL AND e.settings IS NULL)
AND (s.auth_method = e.auth_method OR s.auth_method IS NULL AND e.auth_method IS NULL)
AND (s.auth_type = e.auth_type OR s.auth_type IS NULL AND e.auth_type IS NULL)
AND (s.interface = e.interface OR s.interface IS NULL AND e.interface IS NULL)
AND (s.tls_version = e.tls_version OR s.tls_version IS NULL AND e.tls_version IS NULL)
AND (s.tls_cipher = e.tls_cipher OR s.tls_cipher IS NULL AND e.tls_cipher IS NULL)
AND (s.certificate_subjects = e.certificate_subjects OR s.certificate_subjects IS NULL AND e.certificate_subjects IS NULL)
AND (s.certificate_serial = e.certificate_serial OR s.certificate_serial IS NULL AND e.certificate_serial IS NULL)
AND (s.certificate_issuer = e.certificate_issuer OR s.certificate_issuer IS NULL AND e.certificate_issuer IS NULL)
AND (s.certificate_not_before = e.certificate_not_before OR s.certificate_not_before IS NULL AND e.certificate_not_before IS NULL)
AND (s.certificate_not_after = e.certificate_not_after OR s.certificate_not_after IS NULL AND e.certificate_not_after IS NULL)
AND (s.client_address = e.client_address OR s.client_address IS NULL AND e.client_address IS NULL)
AND (s.client_port = e.client_port OR s.client_port IS NULL AND e.client_port IS NULL)
AND (s.client_hostname = e.client_hostname OR s.client_hostname IS NULL AND e.client_hostname IS NULL)
AND (s.client_name = e.client_name OR s.client_name IS NULL AND e.client_name IS NULL)
AND (s.client_version = e.client_version OR s.client_version IS NULL AND e.client_version IS NULL)
AND (s.client_revision = e.client_revision OR s.client_revision IS NULL AND e.client_revision IS NULL)
AND (s.driver = e.driver OR s.driver IS NULL AND e.driver IS NULL)
AND (s.os = e.os OR s.os IS NULL AND e.os IS NULL)
AND (s.plugin = e.plugin OR s.plugin IS NULL AND e.plugin IS NULL)
AND (s.application_name = e.application_name OR s.application_name IS NULL AND e.application_name IS NULL)
AND (s.user_agent = e.user_agent OR s.user_agent IS NULL AND e.user_agent IS NULL)
AND (s.record_id = e.record_id OR s.record_id IS NULL AND e.record_id IS NULL)
AND (s.session_key = e.session_key OR s.session_key IS NULL AND e.session_key IS NULL)
AND (s.session_id = e.session_id OR s.session_id IS NULL AND e.session_id IS NULL)
AND (s.session_name = e.session_name OR s.session_name IS NULL AND e.session_name IS NULL)
AND (s.pid = e.pid OR s.pid IS NULL AND e.pid IS NULL)
AND (s.duration = e.duration OR s.duration IS NULL AND e.duration IS NULL)
AND (s.failure_reason = e.failure_reason OR s.failure_reason IS NULL AND e.failure_reason IS NULL)
AND (s.error_type = e.error_type OR s.error_type IS NULL AND e.error_type IS NULL)
AND (s.status_code = e.status_code OR s.status_code IS NULL AND e.status_code IS NULL)
AND (s.severity = e.severity OR s.severity IS NULL AND e.severity IS NULL)
AND (s.message = e.message OR s.message IS NULL AND e.message IS NULL)
AND (s.original = e.original OR s.original IS NULL AND e.original IS NULL)
AND (s.attributes = e.attributes OR s.attributes IS NULL AND e.attributes IS NULL)
AND (s.attributes_exact = e.attributes_exact OR s.attributes_exact IS NULL AND e.attributes_exact IS NULL), FALSE)
) s
LEFT JOIN audit_session_conflicts c ON c.record_id = s.record_id AND NOT (NOT coalesce((c.kind = s.kind OR c.kind IS NULL AND s.kind IS NULL)
AND (c.outcome = s.outcome OR c.outcome IS NULL AND s.outcome IS NULL)
AND (c.source_event = s.source_event OR c.source_event IS NULL AND s.source_event IS NULL)
AND (c.time_ns = s.time_ns OR c.time_ns IS NULL AND s.time_ns IS NULL)
AND (c."system" = s."system" OR c."system" IS NULL AND s."system" IS NULL)
AND (c.instance = s.instance OR c.instance IS NULL AND s.instance IS NULL)
AND (c.host = s.host OR c.host IS NULL AND s.host IS NULL)
AND (c.server_address = s.server_address OR c.server_address IS NULL AND s.server_address IS NULL)
AND (c.server_port = s.server_port OR c.server_port IS NULL AND s.server_port IS NULL)
AND (c.database_name = s.database_name OR c.database_name IS NULL AND s.database_name IS NULL)
AND (c.user_name = s.user_name OR c.user_name IS NULL AND s.user_name IS NULL)
AND (c.user_id = s.user_id OR c.user_id IS NULL AND s.user_id IS NULL)
AND (c.user_hash = s.user_hash OR c.user_hash IS NULL AND s.user_hash IS NULL)
AND (c.roles = s.roles OR c.roles IS NULL AND s.roles IS NULL)
AND (c.profiles = s.profiles OR c.profiles IS NULL AND s.profiles IS NULL)
AND (c.settings = s.settings OR c.settings IS NULL AND s.settings IS NULL)
AND (c.auth_method = s.auth_method OR c.auth_method IS NULL AND s.auth_method IS NULL)
AND (c.auth_type = s.auth_type OR c.auth_type IS NULL AND s.auth_type IS NULL)
AND (c.interface = s.interface OR c.interface IS NULL AND s.interface IS NULL)
AND (c.tls_version = s.tls_version OR c.tls_version IS NULL AND s.tls_version IS NULL)
AND (c.tls_cipher = s.tls_cipher OR c.tls_cipher IS NULL AND s.tls_cipher IS NULL)
AND (c.certificate_subjects = s.certificate_subjects OR c.certificate_subjects IS NULL AND s.certificate_subjects IS NULL)
AND (c.certificate_serial = s.certificate_serial OR c.certificate_serial IS NULL AND s.certificate_serial IS NULL)
AND (c.certificate_issuer = s.certificate_issuer OR c.certificate_issuer IS NULL AND s.certificate_issuer IS NULL)
AND (c.certificate_not_before = s.certificate_not_before OR c.certificate_not_before IS NULL AND s.certificate_not_before IS NULL)
AND (c.certificate_not_after = s.certificate_not_after OR c.certificate_not_after IS NULL AND s.certificate_not_after IS NULL)
AND (c.client_address = s.client_address OR c.client_address IS NULL AND s.client_address IS NULL)
AND (c.client_port = s.client_port OR c.client_port IS NULL AND s.client_port IS NULL)
AND (c.client_hostname = s.client_hostname OR c.client_hostname IS NULL AND s.client_hostname IS NULL)
AND (c.client_name = s.client_name OR c.client_name IS NULL AND s.client_name IS NULL)
AND (c.client_version = s.client_version OR c.client_version IS NULL AND s.client_version IS NULL)
AND (c.client_revision = s.client_revision OR c.client_revision IS NULL AND s.client_revision IS NULL)
AND (c.driver = s.driver OR c.driver IS NULL AND s.driver IS NULL)
AND (c.os = s.os OR c.os IS NULL AND s.os IS NULL)
AND (c.plugin = s.plugin OR c.plugin IS NULL AND s.plugin IS NULL)
AND (c.application_name = s.application_name OR c.application_name IS NULL AND s.application_name IS NULL)
AND (c.user_agent = s.user_agent OR c.user_agent IS NULL AND s.user_agent IS NULL)
AND (c.record_id = s.record_id OR c.record_id IS NULL AND s.record_id IS NULL)
AND (c.session_key = s.session_key OR c.session_key IS NULL AND s.session_key IS NULL)
AND (c.session_id = s.session_id OR c.session_id IS NULL AND s.session_id IS NULL)
AND (c.session_name = s.session_name OR c.session_name IS NULL AND s.session_name IS NULL)
AND (c.pid = s.pid OR c.pid IS NULL AND s.pid IS NULL)
AND (c.duration = s.duration OR c.duration IS NULL AND s.duration IS NULL)
AND (c.failure_reason = s.failure_reason OR c.failure_reason IS NULL AND s.failure_reason IS NULL)
AND (c.error_type = s.error_type OR c.error_type IS NULL AND s.error_type IS NULL)
AND (c.status_code = s.status_code OR c.status_code IS NULL AND s.status_code IS NULL)
AND (c.severity = s.severity OR c.severity IS NULL AND s.severity IS NULL)
AND (c.message = s.message OR c.message IS NULL AND s.message IS NULL)
AND (c.original = s.original OR c.original IS NULL AND s.original IS NULL)
AND (c.attributes = s.attributes OR c.attributes IS NULL AND s.attributes IS NULL)
AND (c.attributes_exact = s.attributes_exact OR c.attributes_exact IS NULL AND s.attributes_exact IS NULL), FALSE))
WHERE s.version = 1 AND c.record_id IS NULL;

-- select
SELECT e.kind, e.outcome, e.source_event, NULL, e.time_ns, NULL, e.observed_ns, e."system", e.instance, e.host, e.server_address, e.server_port, e.database_name, e.user_name, e.user_id, e.user_hash, e.roles, e.profiles, e.settings, e.auth_method, e.auth_type, e.interface, e.tls_version, e.tls_cipher, e.certificate_subjects, e.certificate_serial, e.certificate_issuer, e.certificate_not_before, e.certificate_not_after, e.client_address, e.client_port, e.client_hostname, e.client_name, e.client_version, e.client_revision, e.driver, e.os, e.plugin, e.application_name, e.user_agent, e.record_id, e.session_key, e.session_id, e.session_name, e.trace_id, e.span_id, e.correlation, e.pid, e.duration, e.failure_reason, e.error_type, e.status_code, e.severity, e.message, e.original, e.attributes, e.attributes_exact FROM audit_session_events e;

