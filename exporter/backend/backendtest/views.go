package backendtest

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func sessionLogColumns(t *testing.T, h Harness) {
	s := h.New(t)
	openBackend(t, s)
	got := s.Query(t, "SELECT * FROM session_log").Columns
	require.Equal(t, sessionLogNames, got[:len(sessionLogNames)])
	for _, more := range []string{"record_id", "session_key", "system", "instance", "database_name", "trace_id", "pid", "application_name"} {
		require.Contains(t, got[len(sessionLogNames):], more)
	}
}

// sessionLogCase is a record and its row in the view.
type sessionLogCase struct {
	name   string
	change func(*session.Event)
	want   []string // nil: not in the view
}

// sessionLogRows: which records the view has, and how it spells what other systems have.
func sessionLogRows(t *testing.T, h Harness) {
	base := session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, SessionKey: session.ID{0xAB, 15: 0xCD}, Time: parseUTCNanos("1999-12-31 23:59:59.000001")}
	key := base.SessionKey.String()
	cells := "type, auth_id, event_time_microseconds, " + h.user() + ", client_address, client_version_major, client_version_minor, client_version_patch"
	at := h.spellTime("1999-12-31 23:59:59.000001")
	cases := []sessionLogCase{
		{"login", func(*session.Event) {}, []string{"LoginSuccess", key, at, "NULL", "::", "0", "0", "0"}},
		{"failure", func(e *session.Event) { e.Outcome = session.OutcomeFailure }, []string{"LoginFailure", key, at, "NULL", "::", "0", "0", "0"}},
		{"logout", func(e *session.Event) { e.Kind = session.KindLogout }, []string{"Logout", key, at, "NULL", "::", "0", "0", "0"}},
		{"no verdict", func(e *session.Event) { e.Outcome = session.OutcomeUnknown }, nil},
		{"start", func(e *session.Event) { e.Kind = session.KindSessionStart }, nil},
		{"update", func(e *session.Event) { e.Kind = session.KindSessionUpdate }, nil},
		{"own id", func(e *session.Event) { e.SessionID = "45E6BD83-b4aa-4a23-85e6-bd83b4aa1a23" }, []string{"LoginSuccess", "45e6bd83-b4aa-4a23-85e6-bd83b4aa1a23", at, "NULL", "::", "0", "0", "0"}},
		{"own id, no UUID", func(e *session.Event) { e.SessionID = "45e6bd83-b4aa-4a23-85e6-bd83b4aa1a2-" }, []string{"LoginSuccess", key, at, "NULL", "::", "0", "0", "0"}},
		{"no id", func(e *session.Event) { e.SessionKey = session.ID{} }, []string{"LoginSuccess", session.ID{}.String(), at, "NULL", "::", "0", "0", "0"}},
		{"empty user", func(e *session.Event) { e.UserEmpty = true }, []string{"LoginSuccess", key, at, "", "::", "0", "0", "0"}},
		{"IPv4", func(e *session.Event) { e.User, e.ClientAddress = "x", "192.0.2.1" }, []string{"LoginSuccess", key, at, "x", "::ffff:192.0.2.1", "0", "0", "0"}},
		{"IPv6", func(e *session.Event) { e.ClientAddress = "2001:db8::17" }, []string{"LoginSuccess", key, at, "NULL", "2001:db8::17", "0", "0", "0"}},
		{"socket", func(e *session.Event) { e.ClientAddress = "[local]" }, []string{"LoginSuccess", key, at, "NULL", "::", "0", "0", "0"}},
		{"host name", func(e *session.Event) { e.ClientAddress = "1.2.3.4.example" }, []string{"LoginSuccess", key, at, "NULL", "::", "0", "0", "0"}},
		{"version", func(e *session.Event) { e.ClientVersion = "26.7.4294967295" }, []string{"LoginSuccess", key, at, "NULL", "::", "26", "7", "4294967295"}},
		{"before 1970", func(e *session.Event) { e.Time = -1 }, []string{"LoginSuccess", key, h.spellTime("1969-12-31 23:59:59.999999"), "NULL", "::", "0", "0", "0"}},
	}
	if h.Dialect == ClickHouse {
		cases = slices.DeleteFunc(cases, func(c sessionLogCase) bool { return c.name == "before 1970" }) // its DateTime begins in 1970
	}
	var all []*session.Event
	for i, c := range cases {
		e := base
		c.change(&e)
		e.PID = int64(i + 1)
		all = append(all, withNumberedID(&e, i))
	}
	s := h.New(t)
	writeEvents(t, openBackend(t, s), all...)
	got := map[string][]string{}
	for _, row := range s.Query(t, "SELECT pid, "+cells+" FROM session_log").Cells {
		require.NotContains(t, got, row[0], "a record twice")
		got[row[0]] = row[1:]
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, got[formatInt(int64(i+1))]) })
	}
	t.Run("versions", func(t *testing.T) { versions(t, h) })
}

func versions(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	texts := []string{
		"", "1", "1.2", "1.2.3", "1.2.3.4", "1..3", ".2.3", "1.2.", "v1.2.3", "1.2.3-rc1", "01.02.03", " 1.2.3", "1.2.3 ", "-1.2.3",
		"4294967295.4294967295.4294967295", "4294967296.0.0", "0.4294967296.0", "0.0.4294967296", "0.0.99999999999999999999", "Redshift JDBC Driver 2.0.0.0",
	}
	var all []*session.Event
	for i, text := range texts {
		all = append(all, withNumberedID(&session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, ClientVersion: text, Time: int64(i)}, i))
	}
	writeEvents(t, b, all...)
	got := s.Query(t, "SELECT client_version_major, client_version_minor, client_version_patch FROM session_log ORDER BY time").Cells
	require.Len(t, got, len(texts))
	for i, text := range texts {
		p := versionParts(text)
		require.Equal(t, []string{formatInt(p[0]), formatInt(p[1]), formatInt(p[2])}, got[i], "%q", text)
	}
}

// connectionLogRows: verbatim values win over normalised ones, a pid is never NULL, and other systems stay out, as does what this
// project tells by itself.
func connectionLogRows(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	e := sessiontest.Full()
	e.System, e.Time, e.SourceEvent, e.Duration = session.SystemRedshift, parseUTCNanos("2026-11-21 10:00:00.5"), "set application_name", 7_460_885_000
	e.ClientAddress, e.ClientPort, e.User, e.TLSVersion = "10.11.12.16", 66790, "alice", "1.2"
	field := func(column, value string) session.Attr {
		return session.Attr{Key: session.SourceField + column, Value: value}
	}
	e.Extra = []session.Attr{
		field("remotehost", "::ffff:10.11.12.16"), field("username", "IAM:alice"), field("sslversion", "TLSv1.2"), field("mtu", "1500"),
		field("sslcompression", "none"), field("sslexpansion", "nothing"), field("iamauthguid", "guid"), field("protocol_version", "3"),
		field("duration", "-294967296"), field("compression", "zstd"), // an integer that has run over
	}
	plain := withNumberedID(&session.Event{Kind: session.KindLogin, Outcome: session.OutcomeFailure, System: session.SystemRedshift, Time: parseUTCNanos("2026-11-21 10:00:00")}, 0)
	postgres := withNumberedID(&session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: session.SystemPostgreSQL, Time: 1}, 1)
	found := withNumberedID(&session.Event{Kind: session.KindSessionUpdate, SourceEvent: session.TraceCorrelated, System: session.SystemRedshift, Time: 1, TraceID: [16]byte{1}}, 2)
	writeEvents(t, b, e, plain, postgres, found)
	got := s.Query(t, "SELECT * FROM stl_connection_log ORDER BY recordtime")
	require.Equal(t, []string{
		"event", "recordtime", "remotehost", "remoteport", "pid", "dbname", "username", "authmethod", "duration", "sslversion", "sslcipher",
		"mtu", "sslcompression", "sslexpansion", "iamauthguid", "application_name", "os_version", "driver_version", "plugin_name", "protocol_version",
		"sessionid", "compression", "instance",
	}, got.Columns[:23])
	require.Len(t, got.Cells, 2)
	require.Equal(t, []string{
		"authentication failure", "2026-11-21 10:00:00", "", "", "0", "", "", "", "0", "", "", "0", "", "", "", "", "", "", "", "0",
	}, got.Cells[0][:20])
	require.Equal(t, []string{
		"set application_name", "2026-11-21 10:00:00.5", "::ffff:10.11.12.16", "66790", formatInt(e.PID), e.Database, "IAM:alice", e.AuthType,
		"-294967296", "TLSv1.2", e.TLSCipher, "1500", "none", "nothing", "guid", e.ApplicationName, e.OS, e.Driver, e.Plugin, "3",
		e.SessionID, "zstd", e.Instance,
	}, got.Cells[1][:23])
}

// sessions: one row a session whatever the order in which its records came.
func sessions(t *testing.T, h Harness) {
	key := func(n byte) session.ID { return session.ID{0: n, 6: 0x80, 8: 0x80} }
	now := time.Now().UnixNano()
	const second = 1_000_000_000
	event := func(n byte, kind session.Kind, outcome session.Outcome, at int64, user string) *session.Event {
		return &session.Event{Kind: kind, Outcome: outcome, Time: at, User: user, SessionKey: key(n)}
	}
	closed := event(1, session.KindLogin, session.OutcomeSuccess, now-50*second, "alice")
	closed.TraceID = [16]byte{0xAA}
	later := event(1, session.KindSessionUpdate, session.OutcomeUnknown, now-40*second, "renamed")
	later.TraceID = [16]byte{0xBB}
	all := []*session.Event{
		closed, later, event(1, session.KindLogout, session.OutcomeSuccess, now-20*second, "alice"),
		event(2, session.KindLogin, session.OutcomeSuccess, now-10*second, "bob"),
		event(3, session.KindLogin, session.OutcomeSuccess, now-100*24*3600*second, "carol"),
		event(4, session.KindLogin, session.OutcomeFailure, now-5*second, "mallory"),
		event(5, session.KindLogout, session.OutcomeSuccess, now-3*second, "dave"),
		event(6, session.KindSessionUpdate, session.OutcomeFailure, now-2*second, "who lacks the second factor"),
		event(2, session.KindLogout, session.OutcomeFailure, now-2*second, "bob"), // he is still there
		event(1, session.KindLogin, session.OutcomeFailure, now-60*second, "mallory"),
		{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, Time: now, User: "without a key"},
	}
	all[slices.IndexFunc(all, func(e *session.Event) bool { return e.User == "dave" })].Duration = 60 * second
	for i, e := range all {
		withNumberedID(e, i)
	}
	want := [][]string{
		{key(1).String(), "alice", "closed", formatInt(int64(30 * second)), "aa000000000000000000000000000000"},
		{key(2).String(), "bob", "open", "NULL", "NULL"},
		{key(3).String(), "carol", "assumed closed", "NULL", "NULL"},
		{key(5).String(), "dave", "closed", formatInt(int64(60 * second)), "NULL"},
	}
	for range 2 {
		slices.Reverse(all)
		s := h.New(t)
		b := openBackend(t, s)
		for some := range slices.Chunk(all, 4) {
			writeEvents(t, b, some...)
		}
		writeEvents(t, b, all...)
		require.Equal(t, want, s.Query(t, "SELECT session_key, user_name, state, duration, trace_id FROM sessions ORDER BY session_key").Cells)
		times := s.Query(t, "SELECT count(*) FROM sessions WHERE login_time IS NULL OR (logout_time IS NULL) = (state = 'closed')")
		require.Equal(t, [][]string{{"0"}}, times.Cells)
	}
}

var threeNumbers = regexp.MustCompile(`^([0-9]+)\.([0-9]+)\.([0-9]+)$`)

// versionParts are three zeros for any other text than major.minor.patch in numbers of 32 bits.
func versionParts(text string) (parts [3]uint32) {
	all := threeNumbers.FindStringSubmatch(text)
	for i := range min(3, len(all)) {
		n, err := strconv.ParseUint(all[i+1], 10, 32)
		if err != nil {
			return [3]uint32{}
		}
		parts[i] = uint32(n)
	}
	return parts
}
