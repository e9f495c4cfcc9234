package session

// Field names one field of [Event] wherever it appears. docs/event.md holds this table for people, and tests walk a
// fully filled event along it: the mapping to OTel, every backend's columns and the views are checked against it.
type Field struct {
	Tag    uint64           // number in canonical bytes: given once, never changed, never used again
	Name   string           // of the Go field
	In     func(*Event) any // pointer to the field
	Attr   string           // OTel attribute key; in parentheses a part of the log record itself
	Level  Level            // where the attribute is
	Column string           // of the table session_events
	CH     string           // ClickHouse system.session_log column
	STL    string           // Redshift STL_CONNECTION_LOG column
	SYS    string           // Redshift SYS_CONNECTION_LOG column
	Note   string           // for docs/event.md
	// OfReading: two readings of one event may differ here (when it was read, what was found out about its trace): the field
	// is no part of an id, nor of that by which two versions of a record differ.
	OfReading bool
	// OfView: only some of Redshift's views and files have the field, or have it in the same words: of an event of Redshift it is
	// no part of [Event.ContentHash].
	OfView bool
	// HighCardinality: nearly every record has another text here, so that a dictionary does not pay.
	HighCardinality bool
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
	AttrECSOutcome          = "event.outcome"
	AttrSourceEvent         = "sessionlog.source.event"
	AttrProfiles            = "sessionlog.profiles"
	AttrSettings            = "sessionlog.settings"
	AttrAuthMethod          = "sessionlog.auth.method"
	AttrAuthType            = "sessionlog.auth.type"
	AttrAuthPlugin          = "sessionlog.auth.plugin"
	AttrMFAUsed             = "sessionlog.mfa.used"
	AttrProviderName        = "sessionlog.provider.name"
	AttrUserType            = "sessionlog.user.type"
	AttrActorName           = "sessionlog.actor.name"
	AttrActorID             = "sessionlog.actor.id"
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
	AttrStatusCode          = "sessionlog.status.code"
	AttrLoginUID            = "sessionlog.login.uid"         // on an update or a span: the record id of the login that it is about
	AttrCorrects            = "sessionlog.corrects"          // on an update: the record id of the login that it takes back
	AttrSenderRecordUID     = "sessionlog.sender.record.uid" // a sender's own id of a record, where the record id is a hash of it
)

// NamesRecord reports whether an attribute's value is the id of another record of ours.
func NamesRecord(key string) bool { return key == AttrLoginUID || key == AttrCorrects }

// Fields is the one table of fields, in the order of [Event]. UserEmpty has no row: it is the presence of user.name. A new
// field takes the next free tag, wherever its row is.
var Fields = []Field{
	{Tag: 1, Name: "Kind", In: func(e *Event) any { return &e.Kind }, Attr: "(EventName)", Level: LevelRecord, Column: "kind", CH: "type", STL: "event", SYS: "event", Note: "sessionlog.login, sessionlog.logout, sessionlog.session.start, sessionlog.session.update"},
	{Tag: 2, Name: "Outcome", In: func(e *Event) any { return &e.Outcome }, Attr: AttrOutcome, Column: "outcome", CH: "type", STL: "event", SYS: "event", Note: "success, failure, unknown"},
	{Tag: 3, Name: "SourceEvent", In: func(e *Event) any { return &e.SourceEvent }, Attr: AttrSourceEvent, Column: "source_event", CH: "type", STL: "event", SYS: "event", Note: "the source's own word"},
	{Tag: 4, Name: "Time", In: func(e *Event) any { return &e.Time }, Attr: "(Timestamp)", Level: LevelRecord, Column: "time", CH: "event_time_microseconds", STL: "recordtime", SYS: "record_time", Note: "nanoseconds UTC, the source's clock"},
	{Tag: 5, Name: "Observed", In: func(e *Event) any { return &e.Observed }, Attr: "(ObservedTimestamp)", Level: LevelRecord, Column: "observed", OfReading: true, Note: "nanoseconds UTC, when it was read"},
	{Tag: 6, Name: "System", In: func(e *Event) any { return &e.System }, Attr: "service.name", Level: LevelResource, Column: "system", Note: "a database also bears db.system.name on the record, and that one counts"},
	{Tag: 7, Name: "Instance", In: func(e *Event) any { return &e.Instance }, Attr: "service.instance.id", Level: LevelResource, Column: "instance", Note: "the source's stable name; part of every id"},
	{Tag: 8, Name: "Host", In: func(e *Event) any { return &e.Host }, Attr: "host.name", Level: LevelResource, Column: "host", OfView: true, CH: "hostname", Note: "the node that wrote the record"},
	{Tag: 9, Name: "ServerAddress", In: func(e *Event) any { return &e.ServerAddress }, Attr: "server.address", Column: "server_address"},
	{Tag: 10, Name: "ServerPort", In: func(e *Event) any { return &e.ServerPort }, Attr: "server.port", Column: "server_port"},
	{Tag: 11, Name: "Database", In: func(e *Event) any { return &e.Database }, Attr: "db.namespace", Column: "database_name", STL: "dbname", SYS: "database_name"},
	{Tag: 12, Name: "User", In: func(e *Event) any { return &e.User }, Attr: "user.name", Column: "user_name", CH: "user", STL: "username", SYS: "user_name", Note: "what the client typed, on a failure; absent is NULL, present and empty is empty"},
	{Tag: 13, Name: "UserID", In: func(e *Event) any { return &e.UserID }, Attr: "user.id", Column: "user_id", HighCardinality: true},
	{Tag: 14, Name: "UserHash", In: func(e *Event) any { return &e.UserHash }, Attr: "user.hash", Column: "user_hash", HighCardinality: true, Note: "keyed hash, where the name was redacted"},
	{Tag: 59, Name: "UserType", In: func(e *Event) any { return &e.UserType }, Attr: AttrUserType, Column: "user_type", Note: "person, service, system (the accounts that a managed database keeps for itself); absent when unknown"},
	{Tag: 55, Name: "ActorName", In: func(e *Event) any { return &e.ActorName }, Attr: AttrActorName, Column: "actor_name", Note: "who acts as the user, where that is another: whoever impersonates, or is mapped to an account"},
	{Tag: 56, Name: "ActorID", In: func(e *Event) any { return &e.ActorID }, Attr: AttrActorID, Column: "actor_id", HighCardinality: true},
	{Tag: 15, Name: "Roles", In: func(e *Event) any { return &e.Roles }, Attr: "user.roles", Column: "roles", CH: "roles"},
	{Tag: 16, Name: "Profiles", In: func(e *Event) any { return &e.Profiles }, Attr: AttrProfiles, Column: "profiles", CH: "profiles"},
	{Tag: 17, Name: "Settings", In: func(e *Event) any { return &e.Settings }, Attr: AttrSettings, Column: "settings", CH: "settings", Note: "map of changed settings, in the source's order"},
	{Tag: 18, Name: "AuthMethod", In: func(e *Event) any { return &e.AuthMethod }, Attr: AttrAuthMethod, Column: "auth_method", Note: "none, password, certificate, ssh_key, ldap, kerberos, jwt, oauth2, oidc, saml, radius, iam, peer, pam, http, other; absent when unknown"},
	{Tag: 57, Name: "MFAUsed", In: func(e *Event) any { return &e.MFAUsed }, Attr: AttrMFAUsed, Column: "mfa_used", Note: "yes, no; absent when unknown"},
	{Tag: 58, Name: "ProviderName", In: func(e *Event) any { return &e.ProviderName }, Attr: AttrProviderName, Column: "provider_name", Note: "the identity provider that vouched for the user"},
	{Tag: 19, Name: "AuthType", In: func(e *Event) any { return &e.AuthType }, Attr: AttrAuthType, Column: "auth_type", CH: "auth_type", STL: "authmethod", SYS: "auth_method", Note: "the source's own word"},
	{Tag: 20, Name: "Interface", In: func(e *Event) any { return &e.Interface }, Attr: AttrInterface, Column: "interface", CH: "interface"},
	{Tag: 21, Name: "TLSVersion", In: func(e *Event) any { return &e.TLSVersion }, Attr: "tls.protocol.version", Column: "tls_version", STL: "sslversion", SYS: "ssl_version"},
	{Tag: 22, Name: "TLSCipher", In: func(e *Event) any { return &e.TLSCipher }, Attr: AttrTLSCipher, Column: "tls_cipher", STL: "sslcipher", SYS: "ssl_cipher", Note: "as the source spells it; tls.cipher is for IANA names"},
	{Tag: 23, Name: "CertificateSubjects", In: func(e *Event) any { return &e.CertificateSubjects }, Attr: AttrCertificateSubjects, Column: "certificate_subjects", CH: "certificate_subjects"},
	{Tag: 24, Name: "CertificateSerial", In: func(e *Event) any { return &e.CertificateSerial }, Attr: AttrCertificateSerial, Column: "certificate_serial", CH: "certificate_serial"},
	{Tag: 25, Name: "CertificateIssuer", In: func(e *Event) any { return &e.CertificateIssuer }, Attr: "tls.client.issuer", Column: "certificate_issuer", CH: "certificate_issuer"},
	{Tag: 26, Name: "CertificateNotBefore", In: func(e *Event) any { return &e.CertificateNotBefore }, Attr: "tls.client.not_before", Column: "certificate_not_before", CH: "certificate_not_before", Note: "RFC 3339, UTC"},
	{Tag: 27, Name: "CertificateNotAfter", In: func(e *Event) any { return &e.CertificateNotAfter }, Attr: "tls.client.not_after", Column: "certificate_not_after", CH: "certificate_not_after", Note: "RFC 3339, UTC"},
	{Tag: 28, Name: "ClientAddress", In: func(e *Event) any { return &e.ClientAddress }, Attr: "client.address", Column: "client_address", CH: "client_address", STL: "remotehost", SYS: "remote_host", Note: "IPv4 unmapped from ::ffff:; [local] and names stay"},
	{Tag: 29, Name: "ClientPort", In: func(e *Event) any { return &e.ClientPort }, Attr: "client.port", Column: "client_port", CH: "client_port", STL: "remoteport", SYS: "remote_port"},
	{Tag: 30, Name: "ClientHostname", In: func(e *Event) any { return &e.ClientHostname }, Attr: AttrClientHostname, Column: "client_hostname", CH: "client_hostname", Note: "as the client reports it"},
	{Tag: 31, Name: "ClientName", In: func(e *Event) any { return &e.ClientName }, Attr: AttrClientName, Column: "client_name", CH: "client_name", Note: "as the client reports it"},
	{Tag: 32, Name: "ClientVersion", In: func(e *Event) any { return &e.ClientVersion }, Attr: AttrClientVersion, Column: "client_version", CH: "client_version_major, client_version_minor, client_version_patch"},
	{Tag: 33, Name: "ClientRevision", In: func(e *Event) any { return &e.ClientRevision }, Attr: AttrClientRevision, Column: "client_revision", CH: "client_revision"},
	{Tag: 34, Name: "Driver", In: func(e *Event) any { return &e.Driver }, Attr: AttrClientDriver, Column: "driver", OfView: true, STL: "driver_version", SYS: "driver_version"},
	{Tag: 35, Name: "OS", In: func(e *Event) any { return &e.OS }, Attr: AttrClientOS, Column: "os", OfView: true, STL: "os_version", SYS: "os_version"},
	{Tag: 36, Name: "Plugin", In: func(e *Event) any { return &e.Plugin }, Attr: AttrAuthPlugin, Column: "plugin", OfView: true, STL: "plugin_name", SYS: "plugin_name"},
	{Tag: 37, Name: "ApplicationName", In: func(e *Event) any { return &e.ApplicationName }, Attr: AttrApplicationName, Column: "application_name", OfView: true, STL: "application_name", SYS: "application_name"},
	{Tag: 38, Name: "UserAgent", In: func(e *Event) any { return &e.UserAgent }, Attr: "user_agent.original", Column: "user_agent", CH: "http_user_agent"},
	{Tag: 39, Name: "RecordID", In: func(e *Event) any { return &e.RecordID }, Attr: "log.record.uid", Column: "record_id", Note: "UUIDv8; the same event has the same id whichever way it comes"},
	{Tag: 40, Name: "SessionKey", In: func(e *Event) any { return &e.SessionKey }, Attr: AttrSessionKey, Column: "session_key", OfView: true, Note: "UUIDv8; ties a logout to its login"},
	{Tag: 41, Name: "SessionID", In: func(e *Event) any { return &e.SessionID }, Attr: "session.id", Column: "session_id", OfView: true, HighCardinality: true, CH: "auth_id", STL: "sessionid", SYS: "global_session_id", Note: "the source's own session id"},
	{Tag: 42, Name: "SessionName", In: func(e *Event) any { return &e.SessionName }, Attr: AttrSessionName, Column: "session_name", HighCardinality: true, CH: "session_id", Note: "the name that the client chose"},
	{Tag: 43, Name: "TraceID", In: func(e *Event) any { return &e.TraceID }, Attr: "(TraceId)", Level: LevelRecord, Column: "trace_id", OfReading: true},
	{Tag: 44, Name: "SpanID", In: func(e *Event) any { return &e.SpanID }, Attr: "(SpanId)", Level: LevelRecord, Column: "span_id", OfReading: true},
	{Tag: 45, Name: "Correlation", In: func(e *Event) any { return &e.Correlation }, Attr: AttrCorrelation, Column: "correlation", OfReading: true, Note: "the evidence for the trace ids; claimed: only the client says so"},
	{Tag: 46, Name: "PID", In: func(e *Event) any { return &e.PID }, Attr: AttrPID, Column: "pid", STL: "pid", SYS: "session_id"},
	{Tag: 47, Name: "Duration", In: func(e *Event) any { return &e.Duration }, Attr: AttrSessionDuration, Column: "duration", STL: "duration", SYS: "duration", Note: "nanoseconds, an integer: exact"},
	{Tag: 48, Name: "FailureReason", In: func(e *Event) any { return &e.FailureReason }, Attr: AttrFailureReason, Column: "failure_reason", HighCardinality: true, CH: "failure_reason", Note: "the source's text"},
	{Tag: 49, Name: "ErrorType", In: func(e *Event) any { return &e.ErrorType }, Attr: "error.type", Column: "error_type", Note: "low cardinality: invalid_credentials, user_unknown, …, _OTHER"},
	{Tag: 50, Name: "StatusCode", In: func(e *Event) any { return &e.StatusCode }, Attr: AttrStatusCode, Column: "status_code", Note: "the source's code: SQLSTATE, 516; a database's stands under db.response.status_code"},
	{Tag: 51, Name: "Severity", In: func(e *Event) any { return &e.Severity }, Attr: "(SeverityNumber)", Level: LevelRecord, Column: "severity", Note: "9 INFO, 13 WARN for a failed login, 17 ERROR when the authenticator broke; kept where a sender differs"},
	{Tag: 52, Name: "Message", In: func(e *Event) any { return &e.Message }, Attr: "(Body)", Level: LevelRecord, Column: "message", HighCardinality: true, Note: "our own is made of the other fields and not stored"},
	{Tag: 53, Name: "Original", In: func(e *Event) any { return &e.Original }, Attr: "log.record.original", Column: "original", OfView: true, HighCardinality: true},
	{Tag: 54, Name: "Extra", In: func(e *Event) any { return &e.Extra }, Attr: SourceField + "<column>", Column: "attributes", CH: "any other column", STL: "mtu, sslcompression, sslexpansion, iamauthguid, protocol_version, compression", SYS: "the same with underscores", Note: "and every attribute that has no field; JSON in the table"},
}
