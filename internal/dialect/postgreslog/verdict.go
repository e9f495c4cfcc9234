package postgreslog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// AuthMethod normalises the method that the server names: one of pg_hba.conf's.
func AuthMethod(method string) string {
	switch method {
	case "":
		return ""
	case "trust":
		return session.AuthNone
	case "scram-sha-256", "md5", "password", "bsd":
		return session.AuthPassword
	case "peer", "ident":
		return session.AuthPeer
	case "gss", "sspi":
		return session.AuthKerberos
	case "ldap":
		return session.AuthLDAP
	case "radius":
		return session.AuthRADIUS
	case "cert":
		return session.AuthCertificate
	case "pam":
		return session.AuthPAM
	case "oauth":
		return session.AuthOAuth2
	}
	return session.AuthOther
}

// failedMethods are the words before "authentication failed for user", with the method of pg_hba.conf; that of a password is not in
// the text.
var failedMethods = []struct{ word, method, auth string }{
	{"password ", "", session.AuthPassword},
	{"Ident ", "ident", session.AuthPeer},
	{"Peer ", "peer", session.AuthPeer},
	{"GSSAPI ", "gss", session.AuthKerberos},
	{"SSPI ", "sspi", session.AuthKerberos},
	{"PAM ", "pam", session.AuthPAM},
	{"BSD ", "bsd", session.AuthPassword},
	{"LDAP ", "ldap", session.AuthLDAP},
	{"RADIUS ", "radius", session.AuthRADIUS},
	{"certificate ", "cert", session.AuthCertificate},
	{"OAuth bearer ", "oauth", session.AuthOAuth2},
	{"Cloud SQL IAM user ", "", session.AuthIAM},
	{"Cloud SQL IAM service account ", "", session.AuthIAM},
}

func failedMethod(text string) (method, auth string) {
	for _, f := range failedMethods {
		if rest, ok := strings.CutPrefix(text, f.word); ok && strings.HasPrefix(rest, "authentication failed for user") {
			return f.method, f.auth
		}
	}
	return "", ""
}

// endsSession is true for FATAL messages that end a session which may have been open: by an administrator, a crash, a timeout, a lost
// connection. All others refuse it before it is open.
func endsSession(sqlState, text string) bool {
	switch sqlState {
	case "57P01", "57P02", "57P04", "57P05", "25P03", "25P04", "08006", "08003", "08000":
		return true
	case "":
		return strings.HasPrefix(text, "terminating ") || strings.HasPrefix(text, "connection to client lost")
	}
	return false
}

// refusesLogin is for a FATAL message of a connection without other lines.
func refusesLogin(l *Line) bool {
	switch l.SQLState {
	case "28000", "28P01", "3D000", "53300", "55000", "57P03":
		return true
	case "42501", "0A000", "08P01", "": // which sessions that are open have too
		return classifyRefusal("", l.Message, "") != session.ErrorOther
	}
	return l.Activity == "authentication" || l.Activity == "startup"
}

func refusesInAnyLanguage(sqlState, activity string) bool {
	// csvlog has the translated severity: only these are never translated.
	switch activity {
	case "authentication", "startup":
		return sqlState != ""
	case "", "not initialized", "initializing":
		switch sqlState {
		case "28000", "28P01", "3D000", "53300", "57P03":
			return true
		}
	}
	return false
}

// classifyRefusal classifies a refusal by its SQLSTATE and, within 28000 or where the log has no SQLSTATE, by its text. Only
// DETAIL distinguishes an unknown user from a wrong password.
func classifyRefusal(sqlState, text, detail string) string {
	switch sqlState {
	case "28P01":
		return credentialsError(detail)
	case "3D000":
		return session.ErrorDatabaseUnknown
	case "53300":
		return session.ErrorConnectionLimit
	case "42501", "55000":
		return session.ErrorNotPermitted
	case "57P01", "57P02", "57P03":
		return session.ErrorProviderUnavailable
	case "57014":
		return session.ErrorTimeout
	case "08P01", "0A000":
		return session.ErrorProtocol
	case "28000", "":
		return errorTypeOfText(text, detail)
	}
	return session.ErrorOther
}

func credentialsError(detail string) string {
	first, _, _ := strings.Cut(detail, "\nConnection matched ")
	switch {
	case textBetween(first, "Role \"", "\" does not exist.") != "":
		return session.ErrorUserUnknown
	case textBetween(first, "User \"", "\" has an expired password.") != "":
		return session.ErrorPasswordExpired
	}
	return session.ErrorInvalidCredentials
}

func detailUser(detail string) string {
	first, _, _ := strings.Cut(detail, "\nConnection matched ")
	for _, end := range [...]string{"\" does not exist.", "\" has an expired password.", "\" has no password assigned."} {
		if user := textBetween(first, "Role \"", end) + textBetween(first, "User \"", end); user != "" {
			return user
		}
	}
	return ""
}

// textBetween returns "" where beginning or end are not found.
func textBetween(s, begin, end string) string {
	if len(s) < len(begin)+len(end) || !strings.HasPrefix(s, begin) || !strings.HasSuffix(s, end) {
		return ""
	}
	return s[len(begin) : len(s)-len(end)]
}

func errorTypeOfText(text, detail string) string {
	switch {
	case strings.HasPrefix(text, "no pg_hba.conf entry for "), strings.HasPrefix(text, "pg_hba.conf rejects "):
		return session.ErrorAddressNotAllowed
	case strings.HasPrefix(text, "certificate authentication failed for user \""), text == "connection requires a valid client certificate":
		return session.ErrorCertificateInvalid
	case textBetween(text, "role \"", "\" does not exist") != "":
		return session.ErrorUserUnknown
	case textBetween(text, "role \"", "\" is not permitted to log in") != "":
		return session.ErrorNotPermitted
	case textBetween(text, "database \"", "\" does not exist") != "":
		return session.ErrorDatabaseUnknown
	case strings.HasPrefix(text, "permission denied for database \""), strings.HasPrefix(text, "permission denied to start WAL sender"),
		strings.HasPrefix(text, "must be superuser "), strings.HasPrefix(text, "cannot connect to invalid database \""),
		textBetween(text, "database \"", "\" is not currently accepting connections") != "":
		return session.ErrorNotPermitted
	case strings.HasPrefix(text, "too many connections for "), strings.HasPrefix(text, "connection limit exceeded for "), strings.HasPrefix(text, "remaining connection slots are reserved "),
		strings.HasPrefix(text, "sorry, too many clients already"), strings.HasPrefix(text, "number of requested standby connections exceeds "):
		return session.ErrorConnectionLimit
	case strings.HasPrefix(text, "the database system is "):
		return session.ErrorProviderUnavailable
	case strings.HasPrefix(text, "canceling authentication due to timeout"):
		return session.ErrorTimeout
	case strings.HasPrefix(text, "unsupported frontend protocol "), strings.HasPrefix(text, "expected password response, "),
		strings.HasPrefix(text, "invalid startup packet "), strings.HasPrefix(text, "no PostgreSQL user name specified in startup packet"):
		return session.ErrorProtocol
	case strings.Contains(text, " failed for user \""):
		return credentialsError(detail)
	}
	return session.ErrorOther
}

// refusedUser reads the user's name out of a refusal, for logs whose log_line_prefix does not have it.
func refusedUser(text string) string {
	const named = "for user \""
	if said, _, found := strings.Cut(text, named); found && strings.IndexByte(said, '"') < 0 { // else it is in a name
		return textBetween(text[len(said):], named, "\"")
	}
	for _, end := range [...]string{"\" does not exist", "\" is not permitted to log in"} {
		if user := textBetween(text, "role \"", end); user != "" {
			return user
		}
	}
	return textBetween(text, "too many connections for role \"", "\"")
}

// readRejected reads `… host "H", user "U", database "D", SSL encryption`, which a replication connection has without a database: the
// only refusal that names the client, which matters where log_line_prefix has no %h.
func (f *ConnectionFacts) readRejected(text string) {
	what, rest, found := strings.Cut(text, " host \"")
	if !found || !strings.Contains(what, "pg_hba.conf ") {
		return
	}
	host, rest, ok1 := strings.Cut(rest, "\", user \"")
	names, _, ok2 := logformat.CutLast(rest, "\"")
	if !ok1 || !ok2 {
		return
	}
	user, database := names, ""
	if f.Replication = strings.Contains(what, " replication connection "); !f.Replication {
		var ok3 bool
		if user, database, ok3 = logformat.CutLast(names, "\", database \""); !ok3 {
			return
		}
	}
	if f.Host == "" {
		f.Host = host
	}
	if f.User == "" {
		f.User, f.Database = user, database
	}
}
