package session

import "slices"

// Kind says what happened.
type Kind uint8

// The kinds of events. Each has an OTel event name of its own.
const (
	KindUnknown       Kind = iota
	KindLogin              // a verdict was reached: Outcome says which
	KindLogout             // an authenticated session ended
	KindSessionStart       // a session began after its login
	KindSessionUpdate      // something about the session, or what is known of it, changed
)

var kindNames = [...]string{"", "login", "logout", "session.start", "session.update"}

// TraceCorrelated is the SourceEvent of an update that this project makes by itself, when it has found the trace of a login that was
// delivered before. Views that show a source's own records leave it out.
const TraceCorrelated = "trace correlated"

// EventPrefix begins every event name of ours.
const EventPrefix = "sessionlog."

var eventNames = [...]string{"", EventPrefix + "login", EventPrefix + "logout", EventPrefix + "session.start", EventPrefix + "session.update"}

// String is the word stored in tables: login, logout, session.start, session.update.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// EventName is the OTel event name, or "" of an unknown kind.
func (k Kind) EventName() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return ""
}

// ParseKind reads either spelling: the table's word or the OTel event name.
func ParseKind(s string) Kind {
	switch s {
	case "login", "sessionlog.login":
		return KindLogin
	case "logout", "sessionlog.logout":
		return KindLogout
	case "session.start", "sessionlog.session.start":
		return KindSessionStart
	case "session.update", "sessionlog.session.update":
		return KindSessionUpdate
	}
	return KindUnknown
}

// Outcome says how it went.
type Outcome uint8

// The outcomes.
const (
	OutcomeUnknown Outcome = iota
	OutcomeSuccess
	OutcomeFailure
)

var outcomeNames = [...]string{"unknown", "success", "failure"}

// String is the value of the attribute sessionlog.outcome.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return outcomeNames[0]
}

// ParseOutcome reads the attribute; whatever it does not know is unknown.
func ParseOutcome(s string) Outcome {
	switch s {
	case "success":
		return OutcomeSuccess
	case "failure":
		return OutcomeFailure
	}
	return OutcomeUnknown
}

// Systems that are read by sources of ours, spelled as db.system.name has them.
const (
	SystemClickHouse = "clickhouse"
	SystemRedshift   = "aws.redshift"
	SystemPostgreSQL = "postgresql"
	SystemMySQL      = "mysql"
	SystemMariaDB    = "mariadb"
	SystemMongoDB    = "mongodb"
)

// IsDatabase reports whether a system's name is a member of db.system.name (semantic conventions 1.43.0).
func IsDatabase(system string) bool {
	switch system {
	case SystemClickHouse, SystemRedshift, SystemPostgreSQL, SystemMySQL, SystemMariaDB, SystemMongoDB,
		"microsoft.sql_server", "oracle.db", "cockroachdb", "trino", "other_sql":
		return true
	}
	return false
}

// Normalised authentication methods, the values of sessionlog.auth.method.
const (
	AuthNone        = "none"
	AuthPassword    = "password"
	AuthCertificate = "certificate"
	AuthSSHKey      = "ssh_key"
	AuthLDAP        = "ldap"
	AuthKerberos    = "kerberos"
	AuthJWT         = "jwt"
	AuthOAuth2      = "oauth2"
	AuthOIDC        = "oidc"
	AuthSAML        = "saml"
	AuthRADIUS      = "radius"
	AuthIAM         = "iam"
	AuthPeer        = "peer"
	AuthPAM         = "pam"
	AuthHTTP        = "http"
	AuthOther       = "other"
)

// Classes of failure, the values of error.type. A source that is vague on purpose (ClickHouse cannot tell a wrong
// password from an unknown user) gets the generic one.
const (
	ErrorInvalidCredentials  = "invalid_credentials"
	ErrorUserUnknown         = "user_unknown"
	ErrorAccountLocked       = "account_locked"
	ErrorAccountDisabled     = "account_disabled"
	ErrorPasswordExpired     = "password_expired"
	ErrorMethodNotAllowed    = "method_not_allowed"
	ErrorAddressNotAllowed   = "address_not_allowed"
	ErrorCertificateInvalid  = "certificate_invalid"
	ErrorTokenInvalid        = "token_invalid"
	ErrorTokenExpired        = "token_expired"
	ErrorConnectionLimit     = "connection_limit"
	ErrorDatabaseUnknown     = "database_unknown"
	ErrorNotPermitted        = "not_permitted"
	ErrorProviderUnavailable = "provider_unavailable"
	ErrorTimeout             = "timeout"
	ErrorProtocol            = "protocol_error"
	ErrorOther               = "_OTHER"
)

// CorrelationClaimed marks trace ids that only the client vouches for.
const CorrelationClaimed = "claimed"

// OTel severity numbers that events have.
const (
	SeverityInfo  = 9
	SeverityWarn  = 13
	SeverityError = 17
)

// DefaultSeverity is INFO, WARN for a failed login, and ERROR where the authenticator itself broke: the server worked
// well when it turned somebody away.
func (e *Event) DefaultSeverity() int32 {
	switch {
	case e.Outcome != OutcomeFailure:
		return SeverityInfo
	case e.ErrorType == ErrorProviderUnavailable || e.ErrorType == ErrorTimeout:
		return SeverityError
	}
	return SeverityWarn
}

// The types of users.
const (
	UserPerson  = "person"
	UserService = "service"
	UserSystem  = "system" // of the system that is logged into, or of who runs it
)

// providerAccounts are those that managed databases keep for themselves: Amazon RDS and Redshift, Google Cloud SQL, Azure Database.
var providerAccounts = []string{"rdsadmin", "rdsdb", "cloudsqladmin", "cloudsqlagent", "cloudsqlreplica", "azuresu", "azure_superuser"}

// DatabaseUserType is the type of a database's user by its name, "" where that says nothing: what was typed in vain is nobody's name.
func DatabaseUserType(name string, outcome Outcome) string {
	if outcome == OutcomeSuccess && slices.Contains(providerAccounts, name) {
		return UserSystem
	}
	return ""
}
