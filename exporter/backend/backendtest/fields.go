package backendtest

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// withNumberedID gives an event an id of its own.
func withNumberedID(e *session.Event, n int) *session.Event {
	e.RecordID = session.ID{6: 0x80, 8: 0x80}
	binary.BigEndian.PutUint32(e.RecordID[12:], uint32(n)+1)
	return e
}

func everyField(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	all := []*session.Event{sessiontest.Full(), withNumberedID(sessiontest.Minimal(), 0)}
	for kind := session.KindLogin; kind.String() != ""; kind++ {
		for outcome := session.OutcomeUnknown; outcome <= session.OutcomeFailure; outcome++ {
			e := withNumberedID(sessiontest.Minimal(), len(all))
			e.Kind, e.Outcome = kind, outcome
			all = append(all, e)
		}
	}
	empty := withNumberedID(sessiontest.Minimal(), len(all))
	empty.UserEmpty = true
	old := withNumberedID(sessiontest.Minimal(), len(all)+1)
	old.Time = -1_500_000_001 // before 1970
	port := withNumberedID(sessiontest.Minimal(), len(all)+2)
	port.ClientPort, port.ClientRevision, port.PID = 66790, 1<<32-1, 1<<40
	all = append(all, empty, old, port)
	require.Equal(t, backend.Result{Written: len(all)}, writeEvents(t, b, all...))
	requireEvents(t, s, all...)
	require.Equal(t, backend.Result{Duplicates: len(all)}, writeEvents(t, b, all...))
}

func everyAttribute(t *testing.T, h Harness) {
	values := []session.Attr{
		{Value: ""},
		{Value: "text"},
		{Value: "3"},
		{Value: "true"},
		{Value: "null"},
		{Value: `{"a":1}`},
		{Value: `"`},
		{Value: `\`},
		{Type: session.AttrInt, Value: "0"},
		{Type: session.AttrInt, Value: "-9223372036854775808"},
		{Type: session.AttrInt, Value: "007"},
		{Type: session.AttrDouble, Value: "3"},
		{Type: session.AttrDouble, Value: "0.1"},
		{Type: session.AttrDouble, Value: "1e+21"},
		{Type: session.AttrDouble, Value: "NaN"},
		{Type: session.AttrDouble, Value: "-Inf"},
		{Type: session.AttrDouble, Value: "1e400"},
		{Type: session.AttrBool, Value: "true"},
		{Type: session.AttrBool, Value: "false"},
		{Type: session.AttrBytes, Value: ""},
		{Type: session.AttrBytes, Value: "AP8="},
		{Type: session.AttrJSON, Value: `[]`},
		{Type: session.AttrJSON, Value: ` {"a": [1, {"b":"]}\""}] } `},
		{Type: session.AttrJSON, Value: `{"a":{}}`},
		{Type: session.AttrJSON, Value: `"scalar"`},
		{Type: session.AttrJSON, Value: `{"torn":`},
		{Type: session.AttrJSON, Value: `[1]]`},
		{Type: session.AttrJSON, Value: strings.Repeat("[", 3000) + strings.Repeat("]", 3000)},
		{Type: session.AttrEmpty},
	}
	s := h.New(t)
	b := openBackend(t, s)
	var all []*session.Event
	for i, v := range values {
		v.Key = session.SourceField + `column "of" ünusual.name`
		e := withNumberedID(sessiontest.Minimal(), i)
		e.System = session.SystemRedshift
		e.Extra = []session.Attr{v, {Key: "after", Value: "it"}}
		all = append(all, e)
	}
	require.Equal(t, backend.Result{Written: len(all)}, writeEvents(t, b, all...))
	requireEvents(t, s, all...)
	require.Equal(t, backend.Result{Duplicates: len(all)}, writeEvents(t, b, all...))
	requireReadable(t, s, len(all))
}

// hostileText comes back byte for byte, or the record is refused with a reason; never does a neighbour suffer, nor a query.
func hostileText(t *testing.T, h Harness) {
	texts := []string{
		`'; DROP TABLE session_events; --`, `"quoted" 'twice' \ and /* this */`, "nul \x00 inside", "\x00", "\x1b[2J\x1b]0;title\a",
		"line\nbreak\r\ttab", "\u202eright to left\u2066", "no UTF-8: \xff\xfe \xc3", "\xed\xa0\x80 surrogate", "\ufffd", "\U0001F511",
		"%s %d ?1 $1 :name {x:String}", "[local]", "{}", "null", "NULL", `\N`, "0", " ",
		strings.Repeat("1 MB ", 200_000), strings.Repeat("10 MB name", 1_000_000),
	}
	s := h.New(t)
	b := openBackend(t, s)
	var all []*session.Event
	for i, text := range texts {
		e := withNumberedID(sessiontest.Minimal(), i)
		e.System, e.Outcome, e.SessionKey = session.SystemRedshift, session.OutcomeFailure, e.RecordID
		e.User = text
		if len(text) > 5<<20 {
			text = "beside 10 MB" // what is too long for a record is for the backends' own tests
		}
		e.FailureReason, e.Database, e.ClientAddress, e.ClientName = text, text, text, text
		e.Roles = []string{text, "analyst"}
		e.Settings = []session.Setting{{Name: text, Value: text}}
		e.Extra = []session.Attr{{Key: "user_agent", Value: text}}
		all = append(all, e)
	}
	res := writeEvents(t, b, all...)
	stored := requireRejected(t, res, all)
	require.Equal(t, len(stored), res.Written)
	requireEvents(t, s, stored...)
	require.GreaterOrEqual(t, len(stored), len(texts)-4, "only what is no UTF-8 or too long may be refused")

	requireReadable(t, s, len(stored))
}

// requireReadable checks that no record of Redshift, whatever it holds, makes a query of the views fail.
func requireReadable(t *testing.T, s Storage, records int) {
	t.Helper()
	require.Len(t, s.Query(t, "SELECT * FROM stl_connection_log").Cells, records)
	s.Query(t, "SELECT * FROM session_log")
	s.Query(t, "SELECT * FROM sessions")
}

// requireRejected checks that each rejection names a reason that holds none of the record's text, and returns the others.
func requireRejected(t *testing.T, res backend.Result, all []*session.Event) (stored []*session.Event) {
	t.Helper()
	refused := map[int]bool{}
	for _, r := range res.Rejected {
		require.NotEmpty(t, r.Reason)
		require.Less(t, len(r.Reason), 200)
		require.False(t, refused[r.Index], "index %d twice", r.Index)
		refused[r.Index] = true
	}
	for i, e := range all {
		if !refused[i] {
			stored = append(stored, e)
		}
	}
	return stored
}
