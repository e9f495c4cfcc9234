package session

// Field names one field of [Event] wherever it appears. docs/event.md holds this table for people, and tests walk a
// fully filled event along it: the mapping to OTel, every backend's columns and the views are checked against it.
type Field struct {
	Name   string // of the Go field
	Attr   string // OTel attribute key; in parentheses a part of the log record itself
	Level  Level  // where the attribute stands
	Column string // of the table session_events
	CH     string // ClickHouse system.session_log column
	STL    string // Redshift STL_CONNECTION_LOG column
	SYS    string // Redshift SYS_CONNECTION_LOG column
	Note   string // for docs/event.md
}

// Level says which part of an OTLP log record carries a field.
type Level uint8

// The levels.
const (
	LevelAttribute Level = iota // attribute of the log record
	LevelResource               // attribute of the resource
	LevelRecord                 // field of the log record itself
)

// Attribute keys of this project's own. Official ones are taken from semconv 1.43.0 where their definition fits.
const (
	AttrOutcome             = "sessionlog.outcome"
	AttrSourceEvent         = "sessionlog.source.event"
	AttrProfiles            = "sessionlog.profiles"
	AttrSettings            = "sessionlog.settings"
	AttrAuthMethod          = "sessionlog.auth.method"
	AttrAuthType            = "sessionlog.auth.type"
	AttrAuthPlugin          = "sessionlog.auth.plugin"
	AttrInterface           = "sessionlog.interface"
	AttrTLSCipher           = "sessionlog.tls.cipher"
	AttrCertificateSubjects = "sessionlog.certificate.subjects"
	AttrCertificateSerial   = "sessionlog.certificate.serial"
	AttrClientHostname      = "sessionlog.client.hostname"
	AttrClientName          = "sessionlog.client.name"
	AttrClientVersion       = "sessionlog.client.version"
	AttrClientRevision      = "sessionlog.client.revision"
	AttrClientDriver        = "sessionlog.client.driver"
	AttrClientOS            = "sessionlog.client.os"
	AttrApplicationName     = "sessionlog.application.name"
	AttrSessionKey          = "sessionlog.session.key"
	AttrSessionName         = "sessionlog.session.name"
	AttrSessionDuration     = "sessionlog.session.duration"
	AttrCorrelation         = "sessionlog.correlation"
	AttrPID                 = "sessionlog.pid"
	AttrFailureReason       = "sessionlog.failure.reason"
	AttrLoginUID            = "sessionlog.login.uid"         // on an update or a span: the record id of the login that it is about
	AttrSenderRecordUID     = "sessionlog.sender.record.uid" // a sender's own id of a record, where the record id is a hash of it
)

// Fields is the one table of fields, in the order of [Event]. UserEmpty has no row: it is the presence of user.name.
var Fields = []Field{
	{Name: "Kind", Attr: "(EventName)", Level: LevelRecord, Column: "kind", CH: "type", STL: "event", SYS: "event", Note: "sessionlog.login, sessionlog.logout, sessionlog.session.start, sessionlog.session.update"},
	{Name: "Outcome", Attr: AttrOutcome, Column: "outcome", CH: "type", STL: "event", SYS: "event", Note: "success, failure, unknown"},
	{Name: "SourceEvent", Attr: AttrSourceEvent, Column: "source_event", CH: "type", STL: "event", SYS: "event", Note: "the source's own word"},
	{Name: "Time", Attr: "(Timestamp)", Level: LevelRecord, Column: "time", CH: "event_time_microseconds", STL: "recordtime", SYS: "record_time", Note: "nanoseconds UTC, the source's clock"},
	{Name: "Observed", Attr: "(ObservedTimestamp)", Level: LevelRecord, Column: "observed", Note: "nanoseconds UTC, when it was read"},
	{Name: "System", Attr: "service.name", Level: LevelResource, Column: "system", Note: "a database also bears db.system.name on the record, and that one counts"},
	{Name: "Instance", Attr: "service.instance.id", Level: LevelResource, Column: "instance", Note: "the source's stable name; part of every id"},
	{Name: "Host", Attr: "host.name", Level: LevelResource, Column: "host", CH: "hostname", Note: "the node that wrote the record"},
	{Name: "ServerAddress", Attr: "server.address", Column: "server_address"},
	{Name: "ServerPort", Attr: "server.port", Column: "server_port"},
	{Name: "Database", Attr: "db.namespace", Column: "database_name", STL: "dbname", SYS: "database_name"},
	{Name: "User", Attr: "user.name", Column: "user_name", CH: "user", STL: "username", SYS: "user_name", Note: "what the client typed, on a failure; absent is NULL, present and empty is empty"},
	{Name: "UserID", Attr: "user.id", Column: "user_id"},
	{Name: "UserHash", Attr: "user.hash", Column: "user_hash", Note: "keyed hash, where the name was redacted"},
	{Name: "Roles", Attr: "user.roles", Column: "roles", CH: "roles"},
	{Name: "Profiles", Attr: AttrProfiles, Column: "profiles", CH: "profiles"},
	{Name: "Settings", Attr: AttrSettings, Column: "settings", CH: "settings", Note: "map of changed settings, in the source's order"},
	{Name: "AuthMethod", Attr: AttrAuthMethod, Column: "auth_method", Note: "none, password, certificate, ssh_key, ldap, kerberos, jwt, oauth2, oidc, saml, radius, iam, peer, pam, http, other; absent when unknown"},
	{Name: "AuthType", Attr: AttrAuthType, Column: "auth_type", CH: "auth_type", STL: "authmethod", SYS: "auth_method", Note: "the source's own word"},
	{Name: "Interface", Attr: AttrInterface, Column: "interface", CH: "interface"},
	{Name: "TLSVersion", Attr: "tls.protocol.version", Column: "tls_version", STL: "sslversion", SYS: "ssl_version"},
	{Name: "TLSCipher", Attr: AttrTLSCipher, Column: "tls_cipher", STL: "sslcipher", SYS: "ssl_cipher", Note: "as the source spells it; tls.cipher is for IANA names"},
	{Name: "CertificateSubjects", Attr: AttrCertificateSubjects, Column: "certificate_subjects", CH: "certificate_subjects"},
	{Name: "CertificateSerial", Attr: AttrCertificateSerial, Column: "certificate_serial", CH: "certificate_serial"},
	{Name: "CertificateIssuer", Attr: "tls.client.issuer", Column: "certificate_issuer", CH: "certificate_issuer"},
	{Name: "CertificateNotBefore", Attr: "tls.client.not_before", Column: "certificate_not_before", CH: "certificate_not_before", Note: "RFC 3339, UTC"},
	{Name: "CertificateNotAfter", Attr: "tls.client.not_after", Column: "certificate_not_after", CH: "certificate_not_after", Note: "RFC 3339, UTC"},
	{Name: "ClientAddress", Attr: "client.address", Column: "client_address", CH: "client_address", STL: "remotehost", SYS: "remote_host", Note: "IPv4 unmapped from ::ffff:; [local] and names stay"},
	{Name: "ClientPort", Attr: "client.port", Column: "client_port", CH: "client_port", STL: "remoteport", SYS: "remote_port"},
	{Name: "ClientHostname", Attr: AttrClientHostname, Column: "client_hostname", CH: "client_hostname", Note: "as the client reports it"},
	{Name: "ClientName", Attr: AttrClientName, Column: "client_name", CH: "client_name", Note: "as the client reports it"},
	{Name: "ClientVersion", Attr: AttrClientVersion, Column: "client_version", CH: "client_version_major, client_version_minor, client_version_patch"},
	{Name: "ClientRevision", Attr: AttrClientRevision, Column: "client_revision", CH: "client_revision"},
	{Name: "Driver", Attr: AttrClientDriver, Column: "driver", STL: "driver_version", SYS: "driver_version"},
	{Name: "OS", Attr: AttrClientOS, Column: "os", STL: "os_version", SYS: "os_version"},
	{Name: "Plugin", Attr: AttrAuthPlugin, Column: "plugin", STL: "plugin_name", SYS: "plugin_name"},
	{Name: "ApplicationName", Attr: AttrApplicationName, Column: "application_name", STL: "application_name", SYS: "application_name"},
	{Name: "UserAgent", Attr: "user_agent.original", Column: "user_agent", CH: "http_user_agent"},
	{Name: "RecordID", Attr: "log.record.uid", Column: "record_id", Note: "UUIDv8; the same event has the same id through whichever door"},
	{Name: "SessionKey", Attr: AttrSessionKey, Column: "session_key", Note: "UUIDv8; ties a logout to its login"},
	{Name: "SessionID", Attr: "session.id", Column: "session_id", CH: "auth_id", STL: "sessionid", SYS: "global_session_id", Note: "the source's own session id"},
	{Name: "SessionName", Attr: AttrSessionName, Column: "session_name", CH: "session_id", Note: "the name that the client chose"},
	{Name: "TraceID", Attr: "(TraceId)", Level: LevelRecord, Column: "trace_id"},
	{Name: "SpanID", Attr: "(SpanId)", Level: LevelRecord, Column: "span_id"},
	{Name: "Correlation", Attr: AttrCorrelation, Column: "correlation", Note: "the evidence for the trace ids; claimed: only the client says so"},
	{Name: "PID", Attr: AttrPID, Column: "pid", STL: "pid", SYS: "session_id"},
	{Name: "Duration", Attr: AttrSessionDuration, Column: "duration", STL: "duration", SYS: "duration", Note: "nanoseconds, an integer: exact"},
	{Name: "FailureReason", Attr: AttrFailureReason, Column: "failure_reason", CH: "failure_reason", Note: "the source's text"},
	{Name: "ErrorType", Attr: "error.type", Column: "error_type", Note: "low cardinality: invalid_credentials, user_unknown, …, _OTHER"},
	{Name: "StatusCode", Attr: "db.response.status_code", Column: "status_code", Note: "the source's code: SQLSTATE, 516"},
	{Name: "Severity", Attr: "(SeverityNumber)", Level: LevelRecord, Column: "severity", Note: "9 INFO, 13 WARN for a failed login, 17 ERROR when the authenticator broke; kept where a sender differs"},
	{Name: "Message", Attr: "(Body)", Level: LevelRecord, Column: "message", Note: "our own is made of the other fields and not stored"},
	{Name: "Original", Attr: "log.record.original", Column: "original"},
	{Name: "Extra", Attr: SourceField + "<column>", Column: "attributes", CH: "any other column", STL: "mtu, sslcompression, sslexpansion, iamauthguid, protocol_version, compression", SYS: "the same with underscores", Note: "and every attribute that has no field; JSON in the table"},
}
