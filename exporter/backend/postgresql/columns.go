package postgresql

import "github.com/otel-sessionlog/sessionlog/session"

// column ties a column of session_events to the field of the event that it holds, in both directions.
type column struct {
	name  string
	typ   columnType
	write func(w rowWriter, e *session.Event)
	read  func(r *row, cell int, e *session.Event)
	// reading tells that two readings of one event may differ here, see session.Event.SameContent.
	reading bool
}

// columnType decides how a column is selected as text, and how wide it is in Redshift.
type columnType uint8

const (
	typeName    columnType = iota // text that is short by nature; Redshift: up to maxName bytes
	typeText                      // any text; Redshift: up to maxText bytes
	typeInteger                   // 4 bytes
	typeBigint                    // 8 bytes
	typeTime                      // timestamptz, cut to microseconds: for people and planners
	typeUUID                      // Redshift: char(36)
	typeBytes                     // bytea; Redshift: hexadecimal digits
	typeList                      // text[]; Redshift: JSON text
	typeJSON                      // jsonb; Redshift: JSON text
)

// rowWriter takes one row in the order of columns. What is absent is NULL: an empty text, 0, a list of none.
type rowWriter interface {
	word(typ columnType, s string) // text that is never absent
	text(typ columnType, s string)
	integer(n int32)
	bigint(n int64)
	nanos(n int64) // a number that is never absent
	time(unixNano int64)
	null()
	id(typ columnType, id []byte)
	list(list []string)
	json(doc []byte)
	scratch() *jsonScratch
}

// columns are all columns in the order of session.Fields, which is also that of the table. Every statement is made from
// this list; a new field is one line here and one migration a dialect.
var columns = []column{
	{
		name: "kind", typ: typeName, write: func(w rowWriter, e *session.Event) { w.word(typeName, e.Kind.String()) },
		read: func(r *row, c int, e *session.Event) { e.Kind = session.ParseKind(r.text(c)) },
	},
	{
		name: "outcome", typ: typeName, write: func(w rowWriter, e *session.Event) { w.word(typeName, e.Outcome.String()) },
		read: func(r *row, c int, e *session.Event) { e.Outcome = session.ParseOutcome(r.text(c)) },
	},
	name("source_event", func(e *session.Event) *string { return &e.SourceEvent }),
	{name: "time", typ: typeTime, write: func(w rowWriter, e *session.Event) { w.time(e.Time) }},
	{
		name: "time_ns", typ: typeBigint, write: func(w rowWriter, e *session.Event) { w.nanos(e.Time) },
		read: func(r *row, c int, e *session.Event) { e.Time = r.integer(c) },
	},
	{name: "observed", typ: typeTime, reading: true, write: writeObserved},
	reading(bigint("observed_ns", func(e *session.Event) *int64 { return &e.Observed })),
	name("system", func(e *session.Event) *string { return &e.System }),
	name("instance", func(e *session.Event) *string { return &e.Instance }),
	name("host", func(e *session.Event) *string { return &e.Host }),
	name("server_address", func(e *session.Event) *string { return &e.ServerAddress }),
	integer("server_port", func(e *session.Event) *int32 { return &e.ServerPort }),
	name("database_name", func(e *session.Event) *string { return &e.Database }),
	{name: "user_name", typ: typeName, write: writeUser, read: readUser},
	name("user_id", func(e *session.Event) *string { return &e.UserID }),
	name("user_hash", func(e *session.Event) *string { return &e.UserHash }),
	list("roles", func(e *session.Event) *[]string { return &e.Roles }),
	list("profiles", func(e *session.Event) *[]string { return &e.Profiles }),
	{
		name: "settings", typ: typeJSON, write: func(w rowWriter, e *session.Event) { w.json(w.scratch().settings(e.Settings)) },
		read: func(r *row, c int, e *session.Event) { e.Settings = r.settings(c, e.Settings[:0]) },
	},
	name("auth_method", func(e *session.Event) *string { return &e.AuthMethod }),
	name("auth_type", func(e *session.Event) *string { return &e.AuthType }),
	name("interface", func(e *session.Event) *string { return &e.Interface }),
	name("tls_version", func(e *session.Event) *string { return &e.TLSVersion }),
	name("tls_cipher", func(e *session.Event) *string { return &e.TLSCipher }),
	list("certificate_subjects", func(e *session.Event) *[]string { return &e.CertificateSubjects }),
	name("certificate_serial", func(e *session.Event) *string { return &e.CertificateSerial }),
	name("certificate_issuer", func(e *session.Event) *string { return &e.CertificateIssuer }),
	name("certificate_not_before", func(e *session.Event) *string { return &e.CertificateNotBefore }),
	name("certificate_not_after", func(e *session.Event) *string { return &e.CertificateNotAfter }),
	name("client_address", func(e *session.Event) *string { return &e.ClientAddress }),
	integer("client_port", func(e *session.Event) *int32 { return &e.ClientPort }),
	name("client_hostname", func(e *session.Event) *string { return &e.ClientHostname }),
	name("client_name", func(e *session.Event) *string { return &e.ClientName }),
	name("client_version", func(e *session.Event) *string { return &e.ClientVersion }),
	bigint("client_revision", func(e *session.Event) *uint32 { return &e.ClientRevision }),
	name("driver", func(e *session.Event) *string { return &e.Driver }),
	name("os", func(e *session.Event) *string { return &e.OS }),
	name("plugin", func(e *session.Event) *string { return &e.Plugin }),
	name("application_name", func(e *session.Event) *string { return &e.ApplicationName }),
	text("user_agent", func(e *session.Event) *string { return &e.UserAgent }),
	id("record_id", typeUUID, func(e *session.Event) []byte { return e.RecordID[:] }),
	id("session_key", typeUUID, func(e *session.Event) []byte { return e.SessionKey[:] }),
	name("session_id", func(e *session.Event) *string { return &e.SessionID }),
	name("session_name", func(e *session.Event) *string { return &e.SessionName }),
	reading(id("trace_id", typeBytes, func(e *session.Event) []byte { return e.TraceID[:] })),
	reading(id("span_id", typeBytes, func(e *session.Event) []byte { return e.SpanID[:] })),
	reading(name("correlation", func(e *session.Event) *string { return &e.Correlation })),
	bigint("pid", func(e *session.Event) *int64 { return &e.PID }),
	bigint("duration", func(e *session.Event) *int64 { return &e.Duration }),
	text("failure_reason", func(e *session.Event) *string { return &e.FailureReason }),
	name("error_type", func(e *session.Event) *string { return &e.ErrorType }),
	name("status_code", func(e *session.Event) *string { return &e.StatusCode }),
	integer("severity", func(e *session.Event) *int32 { return &e.Severity }),
	text("message", func(e *session.Event) *string { return &e.Message }),
	text("original", func(e *session.Event) *string { return &e.Original }),
	{
		name: "attributes", typ: typeJSON, write: func(w rowWriter, e *session.Event) { w.json(w.scratch().attributes(e.Extra)) },
		read: func(r *row, c int, e *session.Event) { e.Extra = r.attributes(c, e.Extra[:0]) },
	},
	{
		name: "attributes_exact", typ: typeJSON, write: func(w rowWriter, e *session.Event) { w.json(w.scratch().exact(e.Extra)) },
		read: func(r *row, c int, e *session.Event) { e.Extra = r.exact(c, e.Extra) },
	},
}

func name(n string, field func(*session.Event) *string) column { return textual(n, typeName, field) }

func text(n string, field func(*session.Event) *string) column { return textual(n, typeText, field) }

func textual(n string, typ columnType, field func(*session.Event) *string) column {
	return column{
		name: n, typ: typ,
		write: func(w rowWriter, e *session.Event) { w.text(typ, *field(e)) },
		read:  func(r *row, c int, e *session.Event) { *field(e) = r.text(c) },
	}
}

func integer(n string, field func(*session.Event) *int32) column {
	return column{
		name: n, typ: typeInteger,
		write: func(w rowWriter, e *session.Event) { w.integer(*field(e)) },
		read:  func(r *row, c int, e *session.Event) { *field(e) = int32(r.integer(c)) },
	}
}

func bigint[T int64 | uint32](n string, field func(*session.Event) *T) column {
	return column{
		name: n, typ: typeBigint,
		write: func(w rowWriter, e *session.Event) { w.bigint(int64(*field(e))) },
		read:  func(r *row, c int, e *session.Event) { *field(e) = T(r.integer(c)) },
	}
}

// id is a fixed number of bytes; all zero is none.
func id(n string, typ columnType, field func(*session.Event) []byte) column {
	return column{
		name: n, typ: typ,
		write: func(w rowWriter, e *session.Event) { w.id(typ, field(e)) },
		read:  func(r *row, c int, e *session.Event) { r.id(c, field(e)) },
	}
}

func list(n string, field func(*session.Event) *[]string) column {
	return column{
		name: n, typ: typeList,
		write: func(w rowWriter, e *session.Event) { w.list(*field(e)) },
		read:  func(r *row, c int, e *session.Event) { *field(e) = r.list(c, (*field(e))[:0]) },
	}
}

func reading(c column) column {
	c.reading = true
	return c
}

func writeObserved(w rowWriter, e *session.Event) {
	if e.Observed == 0 {
		w.null()
		return
	}
	w.time(e.Observed)
}

// writeUser tells an empty name from none: ClickHouse has both.
func writeUser(w rowWriter, e *session.Event) {
	if e.UserEmpty && e.User == "" {
		w.word(typeName, "")
		return
	}
	w.text(typeName, e.User)
}

func readUser(r *row, c int, e *session.Event) {
	e.User = r.text(c)
	e.UserEmpty = e.User == "" && !r.null(c)
}
