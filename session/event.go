// Package session is the middle of the project: the authentication event, its vocabulary and its ids. It imports the
// standard library only; sources produce events, backends keep them, and package plogs carries them as OTel log records.
package session

import "unicode/utf8"

// Event is one authentication event: a login, a failed login, a logout, or what a source says about a session between
// the two. It is passed by pointer and reused: whoever is handed one must not keep it, nor its slices, after returning;
// its strings are immutable and may be kept.
//
// The zero value of a field means "the source does not say". [Fields] lists every field with its attribute and columns.
type Event struct {
	Kind        Kind    // what happened; 0 is none, which backends refuse
	Outcome     Outcome // success, failure, or unknown (0)
	SourceEvent string  // the source's own word: LoginFailure, authenticated, disconnecting session

	Time     int64 // nanoseconds since 1970 UTC, by the source's clock
	Observed int64 // nanoseconds since 1970 UTC, when it was read

	System        string // db.system.name of a database, else the name of the service logged into
	Instance      string // stable name of the server or cluster, part of every id
	Host          string // the node that wrote the record
	ServerAddress string // that the client connected to: an IP address or a host name
	ServerPort    int32  // 0 to 65535
	Database      string // that was logged into

	User      string    // as typed or given; of a failed login it may be anything, a password too
	UserEmpty bool      // the source gave an empty name, as opposed to none
	UserID    string    // the source's own id of the user
	UserHash  string    // HMAC-SHA256 of the name in hexadecimal, where the name was redacted
	UserType  string    // one of the UserType constants; empty when unknown
	ActorName string    // who acts as the user, where that is another: whoever impersonates, or is mapped to an account
	ActorID   string    // the source's own id of the actor
	Roles     []string  // that are active, in the source's order
	Profiles  []string  // settings profiles of ClickHouse, in its order
	Settings  []Setting // that the session changed, in the source's order; names may repeat

	AuthMethod           string   // one of the AuthMethod constants; empty when unknown
	MFAUsed              string   // yes or no; empty when unknown
	ProviderName         string   // the identity provider that vouched for the user
	AuthType             string   // the source's own word: SHA256_PASSWORD, scram-sha-256, IAM AssumeUser
	Interface            string   // TCP, HTTP, MySQL, …
	TLSVersion           string   // as the source spells it: TLSv1.3; empty without TLS too
	TLSCipher            string   // as the source spells it; OpenSSL names are not IANA's
	CertificateSubjects  []string // of the client's certificate, as the source spells them
	CertificateSerial    string   // as the source spells it
	CertificateIssuer    string   // as the source spells it
	CertificateNotBefore string   // RFC 3339, UTC
	CertificateNotAfter  string   // RFC 3339, UTC

	ClientAddress   string // an IP address, [local], a socket path or a host name
	ClientPort      int32  // wider than 16 bits: real logs hold 66790
	ClientHostname  string // as the client reports it
	ClientName      string // as the client reports it
	ClientVersion   string // as the client reports it: 26.7.1
	ClientRevision  uint32 // of ClickHouse's native protocol
	Driver          string // name and version of the client's library
	OS              string // of the client
	Plugin          string // that authenticated: of a driver of Redshift, or a provider of credentials
	ApplicationName string // that the client chose: application_name of PostgreSQL
	UserAgent       string // of HTTP

	RecordID    ID       // the same event has the same id whichever way it comes
	SessionKey  ID       // ties a logout to its login
	SessionID   string   // the source's own session id: auth_id, global_session_id
	SessionName string   // the name a client chose for its session: session_id of ClickHouse's HTTP interface
	TraceID     [16]byte // W3C; all zero without one
	SpanID      [8]byte  // W3C; all zero without one
	Correlation string   // the evidence for the trace ids; "claimed" when only the client says so
	PID         int64    // of the server's process or connection

	Duration      int64  // of the session, nanoseconds; on a logout
	FailureReason string // the source's text
	ErrorType     string // one of the ErrorType constants
	StatusCode    string // the source's code: SQLSTATE, 516

	Severity int32  // OTel severity number where it differs from [Event.DefaultSeverity]; else 0
	Message  string // a foreign record's body; our own is made from the fields
	Original string // the verbatim record

	Extra []Attr // every column or attribute that has no field
}

// Setting is one changed setting of a session: its name, and its value as text.
type Setting struct{ Name, Value string }

// Attr is an attribute that has no field. Key is the whole attribute key (columns are prefixed [SourceField]).
type Attr struct {
	Key   string
	Value string // as text: decimal, true/false, JSON, base64 as Type says
	Type  AttrType
}

// AttrType is the type that an [Attr] had, so that it can be given back.
type AttrType uint8

// The attribute types of OTLP.
const (
	AttrString AttrType = iota
	AttrInt
	AttrDouble
	AttrBool
	AttrBytes // base64
	AttrJSON  // arrays and maps
	AttrEmpty // a value without content
)

// SourceField prefixes the name of a source's column in [Attr.Key].
const SourceField = "sessionlog.source.field."

// Reset empties the event and keeps the capacity of its slices. What they held is cleared: a string left behind would keep
// the whole block of text in memory that it is a part of.
func (e *Event) Reset() {
	clear(e.Roles)
	clear(e.Profiles)
	clear(e.Settings)
	clear(e.CertificateSubjects)
	clear(e.Extra)
	roles, profiles, settings, subjects, extra := e.Roles[:0], e.Profiles[:0], e.Settings[:0], e.CertificateSubjects[:0], e.Extra[:0]
	*e = Event{} // in place: with the slices in it a whole event would be made elsewhere and copied
	e.Roles, e.Profiles, e.Settings, e.CertificateSubjects, e.Extra = roles, profiles, settings, subjects, extra
}

// CopyTo makes dst an independent copy: it shares strings, not slices.
func (e *Event) CopyTo(dst *Event) {
	dst.Reset()
	roles, profiles, settings, subjects, extra := dst.Roles[:0], dst.Profiles[:0], dst.Settings[:0], dst.CertificateSubjects[:0], dst.Extra[:0]
	*dst = *e
	dst.Roles = append(roles, e.Roles...)
	dst.Profiles = append(profiles, e.Profiles...)
	dst.Settings = append(settings, e.Settings...)
	dst.CertificateSubjects = append(subjects, e.CertificateSubjects...)
	dst.Extra = append(extra, e.Extra...)
}

// TextBytes is how many bytes the texts of an event have together.
func (e *Event) TextBytes() (bytes int) {
	for i := range Fields {
		switch v := Fields[i].In(e).(type) {
		case *string:
			bytes += len(*v)
		case *[]string:
			for _, text := range *v {
				bytes += len(text)
			}
		}
	}
	for i := range e.Settings {
		bytes += len(e.Settings[i].Name) + len(e.Settings[i].Value)
	}
	for i := range e.Extra {
		bytes += len(e.Extra[i].Key) + len(e.Extra[i].Value)
	}
	return bytes
}

// TextBeginning is a text, or its first characters where it has more than so many bytes, which isCut says.
func TextBeginning(text string, most int) (beginning string, isCut bool) {
	if len(text) <= most {
		return text, false
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end], true
}
