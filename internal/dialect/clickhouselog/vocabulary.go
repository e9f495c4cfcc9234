package clickhouselog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// EventType is the column type; its numbers have never changed.
type EventType int8

// The values of the column type.
const (
	TypeLoginFailure EventType = 0
	TypeLoginSuccess EventType = 1
	TypeLogout       EventType = 2
)

var typeNames = map[string]EventType{"LoginFailure": TypeLoginFailure, "LoginSuccess": TypeLoginSuccess, "Logout": TypeLogout}

// ParseType reads the enum's name.
func ParseType(s string) (EventType, bool) {
	t, ok := typeNames[s]
	return t, ok
}

// Valid says whether the number is one that session_log has.
func (t EventType) Valid() bool { return t >= TypeLoginFailure && t <= TypeLogout }

func (t EventType) kindAndOutcome() (session.Kind, session.Outcome, string) {
	switch t {
	case TypeLoginFailure:
		return session.KindLogin, session.OutcomeFailure, "LoginFailure"
	case TypeLoginSuccess:
		return session.KindLogin, session.OutcomeSuccess, "LoginSuccess"
	default:
		return session.KindLogout, session.OutcomeSuccess, "Logout"
	}
}

// AuthTypeNames are the names of the enum auth_type by number (append-only upstream; read from a running 26.7).
var AuthTypeNames = []string{
	"NO_PASSWORD", "PLAINTEXT_PASSWORD", "SHA256_PASSWORD", "DOUBLE_SHA1_PASSWORD", "LDAP", "KERBEROS", "SSL_CERTIFICATE",
	"BCRYPT_PASSWORD", "SSH_KEY", "HTTP", "JWT", "SCRAM_SHA256_PASSWORD", "NO_AUTHENTICATION",
}

// InterfaceNames are the names of the enum interface by number, from 1. Servers that know Arrow Flight write a 10 into an
// enum that ends at 9, which is why cells are read by number.
var InterfaceNames = []string{
	"", "TCP", "HTTP", "gRPC", "MySQL", "PostgreSQL", "Local", "TCP_Interserver", "Prometheus", "Background", "ArrowFlight",
}

// AuthMethod normalises a name of the enum auth_type.
func AuthMethod(authType string) string {
	switch authType {
	case "":
		return ""
	case "NO_PASSWORD", "NO_AUTHENTICATION":
		return session.AuthNone
	case "LDAP":
		return session.AuthLDAP
	case "KERBEROS":
		return session.AuthKerberos
	case "SSL_CERTIFICATE":
		return session.AuthCertificate
	case "SSH_KEY":
		return session.AuthSSHKey
	case "HTTP":
		return session.AuthHTTP
	case "JWT":
		return session.AuthJWT
	}
	if strings.HasSuffix(authType, "_PASSWORD") {
		return session.AuthPassword
	}
	return session.AuthOther
}

func failureClass(reason string) (errorType, code string) {
	if rest, ok := strings.CutPrefix(reason, "Code: "); ok {
		code, _, _ = strings.Cut(rest, ".")
	}
	// Of a wrong password, an unknown user and an address that is not allowed the server says the same, on purpose.
	if code == "516" || strings.Contains(reason, "Authentication failed") || strings.Contains(reason, "AUTHENTICATION_FAILED") {
		return session.ErrorInvalidCredentials, code
	}
	return session.ErrorOther, code
}
