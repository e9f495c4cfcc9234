package clickhouse

import (
	"encoding/binary"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// column ties a column of session_events to the field of the event that it holds, in both directions.
type column struct {
	name  string
	write func() cell
	read  func() reading
	// selects are the expressions that read decodes: the column as one of ch-go's plain types. Empty is the column itself.
	selects []string
	// fed tells that the states of sessions are made of it: session_feed has it too.
	fed bool
}

const (
	typeTime    = "DateTime64(9, 'UTC')"
	typeKind    = "Enum8('login' = 1, 'logout' = 2, 'session.start' = 3, 'session.update' = 4)"
	typeOutcome = "Enum8('unknown' = 0, 'success' = 1, 'failure' = 2)"
)

// columns are all columns in the order of session.Fields, which is also that of the table. INSERT and SELECT are made from
// this list; a new field is one line here and one migration. An absent value is an empty text or 0, as in the event.
var columns = []column{
	fed(column{
		name: "kind", selects: []string{"toInt8(kind)"},
		write: number(typeKind, 1, func(b []byte, e *session.Event) []byte { return append(b, byte(e.Kind)) }),
		read:  readNumber[proto.ColInt8](func(e *session.Event, n int8) { e.Kind = session.Kind(n) }),
	}),
	fed(column{
		name: "outcome", selects: []string{"toInt8(outcome)"},
		write: number(typeOutcome, 1, func(b []byte, e *session.Event) []byte { return append(b, byte(e.Outcome)) }),
		read:  readNumber[proto.ColInt8](func(e *session.Event, n int8) { e.Outcome = session.Outcome(n) }),
	}),
	fed(name("source_event", func(e *session.Event) *string { return &e.SourceEvent })),
	fed(time64("time", func(e *session.Event) *int64 { return &e.Time })),
	time64("observed", func(e *session.Event) *int64 { return &e.Observed }),
	fed(name("system", func(e *session.Event) *string { return &e.System })),
	fed(name("instance", func(e *session.Event) *string { return &e.Instance })),
	fed(name("host", func(e *session.Event) *string { return &e.Host })),
	name("server_address", func(e *session.Event) *string { return &e.ServerAddress }),
	int32Column("server_port", func(e *session.Event) *int32 { return &e.ServerPort }),
	fed(name("database_name", func(e *session.Event) *string { return &e.Database })),
	fed(column{
		name: "user_name", selects: []string{"user_name IS NULL", "ifNull(CAST(user_name AS Nullable(String)), '')"},
		write: func() cell { return &userName{newWords()} }, read: func() reading { return &readUser{} },
	}),
	textColumn("user_id", func(e *session.Event) *string { return &e.UserID }),
	textColumn("user_hash", func(e *session.Event) *string { return &e.UserHash }),
	listColumn("roles", func(e *session.Event) *[]string { return &e.Roles }),
	listColumn("profiles", func(e *session.Event) *[]string { return &e.Profiles }),
	{
		name: "settings", selects: []string{"CAST(settings.1 AS Array(String))", "CAST(settings.2 AS Array(String))"},
		write: pairColumn("Array(Tuple(LowCardinality(String), String))", fillSettings),
		read: readPairs(func(e *session.Event, n, v string) {
			e.Settings = append(e.Settings, session.Setting{Name: n, Value: v})
		}),
	},
	fed(name("auth_method", func(e *session.Event) *string { return &e.AuthMethod })),
	fed(name("auth_type", func(e *session.Event) *string { return &e.AuthType })),
	fed(name("interface", func(e *session.Event) *string { return &e.Interface })),
	fed(name("tls_version", func(e *session.Event) *string { return &e.TLSVersion })),
	name("tls_cipher", func(e *session.Event) *string { return &e.TLSCipher }),
	listColumn("certificate_subjects", func(e *session.Event) *[]string { return &e.CertificateSubjects }),
	name("certificate_serial", func(e *session.Event) *string { return &e.CertificateSerial }),
	name("certificate_issuer", func(e *session.Event) *string { return &e.CertificateIssuer }),
	name("certificate_not_before", func(e *session.Event) *string { return &e.CertificateNotBefore }),
	name("certificate_not_after", func(e *session.Event) *string { return &e.CertificateNotAfter }),
	fed(name("client_address", func(e *session.Event) *string { return &e.ClientAddress })),
	fed(int32Column("client_port", func(e *session.Event) *int32 { return &e.ClientPort })),
	name("client_hostname", func(e *session.Event) *string { return &e.ClientHostname }),
	fed(name("client_name", func(e *session.Event) *string { return &e.ClientName })),
	fed(name("client_version", func(e *session.Event) *string { return &e.ClientVersion })),
	{
		name: "client_revision",
		write: number("UInt32", 4, func(b []byte, e *session.Event) []byte {
			return binary.LittleEndian.AppendUint32(b, e.ClientRevision)
		}),
		read: readNumber[proto.ColUInt32](func(e *session.Event, n uint32) { e.ClientRevision = n }),
	},
	fed(name("driver", func(e *session.Event) *string { return &e.Driver })),
	fed(name("os", func(e *session.Event) *string { return &e.OS })),
	fed(name("plugin", func(e *session.Event) *string { return &e.Plugin })),
	fed(name("application_name", func(e *session.Event) *string { return &e.ApplicationName })),
	name("user_agent", func(e *session.Event) *string { return &e.UserAgent }),
	fed(idColumn("record_id", 16, func(e *session.Event) []byte { return e.RecordID[:] })),
	fed(idColumn("session_key", 16, func(e *session.Event) []byte { return e.SessionKey[:] })),
	fed(textColumn("session_id", func(e *session.Event) *string { return &e.SessionID })),
	textColumn("session_name", func(e *session.Event) *string { return &e.SessionName }),
	fed(idColumn("trace_id", 16, func(e *session.Event) []byte { return e.TraceID[:] })),
	idColumn("span_id", 8, func(e *session.Event) []byte { return e.SpanID[:] }),
	name("correlation", func(e *session.Event) *string { return &e.Correlation }),
	fed(int64Column("pid", func(e *session.Event) *int64 { return &e.PID })),
	fed(int64Column("duration", func(e *session.Event) *int64 { return &e.Duration })),
	textColumn("failure_reason", func(e *session.Event) *string { return &e.FailureReason }),
	name("error_type", func(e *session.Event) *string { return &e.ErrorType }),
	name("status_code", func(e *session.Event) *string { return &e.StatusCode }),
	int32Column("severity", func(e *session.Event) *int32 { return &e.Severity }),
	textColumn("message", func(e *session.Event) *string { return &e.Message }),
	textColumn("original", func(e *session.Event) *string { return &e.Original }),
	{
		name: "attributes", selects: []string{"CAST(mapKeys(attributes) AS Array(String))", "mapValues(attributes)"},
		write: pairColumn("Map(LowCardinality(String), String)", fillAttributes),
		read:  readPairs(func(e *session.Event, k, v string) { e.Extra = append(e.Extra, session.Attr{Key: k, Value: v}) }),
	},
	{
		name: "attribute_types", selects: []string{"CAST(attribute_types AS String)"},
		write: func() cell { return &attributeTypes{words: newWords()} },
		read:  readText(applyTypes),
	},
}

func fed(c column) column {
	c.fed = true
	return c
}

// name is a text of which there are few: LowCardinality. It holds any text; many different ones only cost more.
func name(n string, field func(*session.Event) *string) column {
	return column{
		name: n, selects: []string{"CAST(" + n + " AS String)"},
		write: func() cell { return &word{newWords(), field} },
		read:  readText(func(e *session.Event, s string) { *field(e) = s }),
	}
}

func textColumn(n string, field func(*session.Event) *string) column {
	return column{
		name: n, write: func() cell { return &text{field: field} },
		read: readText(func(e *session.Event, s string) { *field(e) = s }),
	}
}

func int32Column(n string, field func(*session.Event) *int32) column {
	return column{
		name: n,
		write: number("Int32", 4, func(b []byte, e *session.Event) []byte {
			return binary.LittleEndian.AppendUint32(b, uint32(*field(e))) //nolint:gosec // the same bits
		}),
		read: readNumber[proto.ColInt32](func(e *session.Event, n int32) { *field(e) = n }),
	}
}

func int64Column(n string, field func(*session.Event) *int64) column {
	return column{
		name: n, write: number("Int64", 8, appendInt64(field)),
		read: readNumber[proto.ColInt64](func(e *session.Event, n int64) { *field(e) = n }),
	}
}

// time64 is a time in nanoseconds, which is how DateTime64(9) is sent.
func time64(n string, field func(*session.Event) *int64) column {
	return column{
		name: n, selects: []string{"reinterpretAsInt64(" + n + ")"}, write: number(typeTime, 8, appendInt64(field)),
		read: readNumber[proto.ColInt64](func(e *session.Event, n int64) { *field(e) = n }),
	}
}

func appendInt64(field func(*session.Event) *int64) func([]byte, *session.Event) []byte {
	return func(b []byte, e *session.Event) []byte {
		return binary.LittleEndian.AppendUint64(b, uint64(*field(e))) //nolint:gosec // the same bits
	}
}

func number(typ proto.ColumnType, width int, put func([]byte, *session.Event) []byte) func() cell {
	return func() cell { return &fixed{typ: typ, width: width, put: put} }
}

// idColumn is a fixed number of bytes; all zero is none.
func idColumn(n string, width int, field func(*session.Event) []byte) column {
	typ := proto.ColumnType("FixedString(16)")
	if width == 8 {
		typ = "FixedString(8)"
	}
	return column{
		name:  n,
		write: number(typ, width, func(b []byte, e *session.Event) []byte { return append(b, field(e)...) }),
		read:  func() reading { return &readID{col: proto.ColFixedStr{Size: width}, field: field} },
	}
}

func listColumn(n string, field func(*session.Event) *[]string) column {
	return column{
		name: n, selects: []string{"CAST(" + n + " AS Array(String))"},
		write: func() cell { return &list{words: newWords(), field: field} },
		read:  func() reading { return &readList{col: proto.NewArray(&proto.ColStr{}), field: field} },
	}
}

func pairColumn(typ proto.ColumnType, fill func(*pairs, *session.Event)) func() cell {
	return func() cell { return &pairs{typ: typ, names: newWords(), fill: fill} }
}

// applyTypes gives back the types of attributes that were no text.
func applyTypes(e *session.Event, letters string) {
	for i := range min(len(e.Extra), len(letters)) {
		for t := range len(typeLetters) {
			if letters[i] == typeLetters[t] {
				e.Extra[i].Type = session.AttrType(t) //nolint:gosec // there are seven
			}
		}
	}
}
