package sqlite

import "github.com/otel-sessionlog/sessionlog/session"

// column ties a column of session_events to the field of the event that it holds, in both directions.
type column struct {
	name string
	bind func(b *binder, param int, e *session.Event)
	scan func(r *row, col int, e *session.Event)
}

// columns are all columns but arrival, in the order of session.Fields, which is also that of the table. INSERT and SELECT
// are made from this list; a new field is one line here and one migration.
var columns = []column{
	{
		"kind", func(b *binder, p int, e *session.Event) { b.word(p, e.Kind.String()) },
		func(r *row, c int, e *session.Event) { e.Kind = session.ParseKind(r.text(c)) },
	},
	{
		"outcome", func(b *binder, p int, e *session.Event) { b.word(p, e.Outcome.String()) },
		func(r *row, c int, e *session.Event) { e.Outcome = session.ParseOutcome(r.text(c)) },
	},
	text("source_event", func(e *session.Event) *string { return &e.SourceEvent }),
	{
		"time", func(b *binder, p int, e *session.Event) { b.integer(p, e.Time) },
		func(r *row, c int, e *session.Event) { e.Time = r.integer(c) },
	},
	number("observed", func(e *session.Event) *int64 { return &e.Observed }),
	text("system", func(e *session.Event) *string { return &e.System }),
	text("instance", func(e *session.Event) *string { return &e.Instance }),
	text("host", func(e *session.Event) *string { return &e.Host }),
	text("server_address", func(e *session.Event) *string { return &e.ServerAddress }),
	number("server_port", func(e *session.Event) *int32 { return &e.ServerPort }),
	text("database_name", func(e *session.Event) *string { return &e.Database }),
	{"user_name", bindUser, scanUser},
	text("user_id", func(e *session.Event) *string { return &e.UserID }),
	text("user_hash", func(e *session.Event) *string { return &e.UserHash }),
	list("roles", func(e *session.Event) *[]string { return &e.Roles }),
	list("profiles", func(e *session.Event) *[]string { return &e.Profiles }),
	{
		"settings", func(b *binder, p int, e *session.Event) { b.json(p, appendSettings(b.scratch(), e.Settings)) },
		func(r *row, c int, e *session.Event) { e.Settings = r.settings(c, e.Settings[:0]) },
	},
	text("auth_method", func(e *session.Event) *string { return &e.AuthMethod }),
	text("auth_type", func(e *session.Event) *string { return &e.AuthType }),
	text("interface", func(e *session.Event) *string { return &e.Interface }),
	text("tls_version", func(e *session.Event) *string { return &e.TLSVersion }),
	text("tls_cipher", func(e *session.Event) *string { return &e.TLSCipher }),
	list("certificate_subjects", func(e *session.Event) *[]string { return &e.CertificateSubjects }),
	text("certificate_serial", func(e *session.Event) *string { return &e.CertificateSerial }),
	text("certificate_issuer", func(e *session.Event) *string { return &e.CertificateIssuer }),
	text("certificate_not_before", func(e *session.Event) *string { return &e.CertificateNotBefore }),
	text("certificate_not_after", func(e *session.Event) *string { return &e.CertificateNotAfter }),
	text("client_address", func(e *session.Event) *string { return &e.ClientAddress }),
	number("client_port", func(e *session.Event) *int32 { return &e.ClientPort }),
	text("client_hostname", func(e *session.Event) *string { return &e.ClientHostname }),
	text("client_name", func(e *session.Event) *string { return &e.ClientName }),
	text("client_version", func(e *session.Event) *string { return &e.ClientVersion }),
	number("client_revision", func(e *session.Event) *uint32 { return &e.ClientRevision }),
	text("driver", func(e *session.Event) *string { return &e.Driver }),
	text("os", func(e *session.Event) *string { return &e.OS }),
	text("plugin", func(e *session.Event) *string { return &e.Plugin }),
	text("application_name", func(e *session.Event) *string { return &e.ApplicationName }),
	text("user_agent", func(e *session.Event) *string { return &e.UserAgent }),
	id("record_id", func(e *session.Event) []byte { return e.RecordID[:] }),
	id("session_key", func(e *session.Event) []byte { return e.SessionKey[:] }),
	text("session_id", func(e *session.Event) *string { return &e.SessionID }),
	text("session_name", func(e *session.Event) *string { return &e.SessionName }),
	id("trace_id", func(e *session.Event) []byte { return e.TraceID[:] }),
	id("span_id", func(e *session.Event) []byte { return e.SpanID[:] }),
	text("correlation", func(e *session.Event) *string { return &e.Correlation }),
	number("pid", func(e *session.Event) *int64 { return &e.PID }),
	number("duration", func(e *session.Event) *int64 { return &e.Duration }),
	text("failure_reason", func(e *session.Event) *string { return &e.FailureReason }),
	text("error_type", func(e *session.Event) *string { return &e.ErrorType }),
	text("status_code", func(e *session.Event) *string { return &e.StatusCode }),
	number("severity", func(e *session.Event) *int32 { return &e.Severity }),
	text("message", func(e *session.Event) *string { return &e.Message }),
	text("original", func(e *session.Event) *string { return &e.Original }),
	{
		"attributes", func(b *binder, p int, e *session.Event) { b.json(p, appendAttributes(b.scratch(), e.Extra)) },
		func(r *row, c int, e *session.Event) { e.Extra = r.attributes(c, e.Extra[:0]) },
	},
	{
		"attribute_types", func(b *binder, p int, e *session.Event) { b.json(p, appendTypes(b.scratch(), e.Extra)) },
		func(r *row, c int, e *session.Event) { applyTypes(e.Extra, r.text(c)) },
	},
}

func text(name string, field func(*session.Event) *string) column {
	return column{
		name,
		func(b *binder, p int, e *session.Event) { b.text(p, *field(e)) },
		func(r *row, c int, e *session.Event) { *field(e) = r.text(c) },
	}
}

func number[T int32 | int64 | uint32](name string, field func(*session.Event) *T) column {
	return column{
		name,
		func(b *binder, p int, e *session.Event) { b.number(p, int64(*field(e))) },
		func(r *row, c int, e *session.Event) { *field(e) = T(r.integer(c)) },
	}
}

// id is a fixed number of bytes; all zero is none.
func id(name string, field func(*session.Event) []byte) column {
	return column{
		name,
		func(b *binder, p int, e *session.Event) { b.id(p, field(e)) },
		func(r *row, c int, e *session.Event) { r.id(c, field(e)) },
	}
}

func list(name string, field func(*session.Event) *[]string) column {
	return column{
		name,
		func(b *binder, p int, e *session.Event) { b.json(p, appendList(b.scratch(), *field(e))) },
		func(r *row, c int, e *session.Event) { *field(e) = r.list(c, (*field(e))[:0]) },
	}
}

// bindUser tells an empty name from none: ClickHouse has both.
func bindUser(b *binder, p int, e *session.Event) {
	if e.UserEmpty && e.User == "" {
		b.word(p, "")
		return
	}
	b.text(p, e.User)
}

func scanUser(r *row, c int, e *session.Event) {
	e.User = r.text(c)
	e.UserEmpty = e.User == "" && !r.null(c)
}
