package session_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// canonicalCases are written out field by field: sessiontest.Full changes with every new field, these bytes never may.
var canonicalCases = []struct {
	name  string
	event session.Event
}{
	{"empty", session.Event{}},
	{"every field of version 1", session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeFailure, SourceEvent: "LoginFailure",
		Time: 1_795_000_000_123_456_789, Observed: 1_795_000_009_000_000_001,
		System: "clickhouse", Instance: "warehouse", Host: "ch-0", ServerAddress: "10.0.0.1", ServerPort: 9440, Database: "sales",
		User: "älice", UserID: "42", UserHash: "abcd", Roles: []string{"analyst", "", "loader"}, Profiles: []string{"default"},
		Settings:   []session.Setting{{Name: "max_threads", Value: "2"}, {Name: "", Value: ""}},
		AuthMethod: "password", AuthType: "SHA256_PASSWORD", Interface: "TCP", TLSVersion: "1.3", TLSCipher: "TLS_AES_128_GCM_SHA256",
		CertificateSubjects: []string{"CN=a"}, CertificateSerial: "01", CertificateIssuer: "CN=ca",
		CertificateNotBefore: "2026-01-01T00:00:00Z", CertificateNotAfter: "2027-01-01T00:00:00Z",
		ClientAddress: "192.0.2.15", ClientPort: 66790, ClientHostname: "laptop", ClientName: "client", ClientVersion: "26.7.1",
		ClientRevision: 4_294_967_295, Driver: "jdbc", OS: "linux", Plugin: "ldap", ApplicationName: "app", UserAgent: "curl/8",
		RecordID: session.ID{1, 2, 3, 15: 4}, SessionKey: session.ID{5, 15: 6}, SessionID: "sid", SessionName: "mine",
		TraceID: [16]byte{7, 15: 8}, SpanID: [8]byte{9, 7: 10}, Correlation: "query_log", PID: -1, Duration: 1_500_000_000,
		FailureReason: "wrong password", ErrorType: "invalid_credentials", StatusCode: "516", Severity: 13, Message: "body", Original: "line\n",
		Extra: []session.Attr{
			{Key: "b", Value: "2", Type: session.AttrInt},
			{Key: "a", Value: "x"},
			{Key: "a", Value: "x", Type: session.AttrBytes},
			{Key: "a", Value: "", Type: session.AttrEmpty},
			{Key: "", Value: ""},
			{Key: "c", Value: "[1]", Type: session.AttrJSON},
			{Key: "d", Value: "true", Type: session.AttrBool},
			{Key: "e", Value: "0.5", Type: session.AttrDouble},
		},
	}},
	{"user given but empty", session.Event{Kind: session.KindLogout, Outcome: session.OutcomeSuccess, Time: -1, UserEmpty: true}},
	{"long and hostile texts", session.Event{
		Kind: session.KindSessionUpdate, User: "nul \x00, not UTF-8 \xff\xfe", Database: strings.Repeat("0123456789", 13),
		Settings: []session.Setting{{Name: strings.Repeat("n", 128), Value: "v"}},
		Extra:    []session.Attr{{Key: strings.Repeat("k", 128), Value: "v"}},
	}},
	{"session start", session.Event{Kind: session.KindSessionStart, Time: 1}},
	{"redshift", session.Event{
		Kind: session.KindLogin, Time: -1, System: session.SystemRedshift, Host: "cluster", User: "alice", Original: "line",
		Extra: []session.Attr{{Key: session.SourceField + "mtu", Value: "1500", Type: session.AttrInt}, {Key: "cloud.region", Value: "eu"}},
	}},
}

const canonicalGolden = "testdata/canonical.txt"

// TestCanonicalBytesNeverChange holds the bytes that ids and content hashes (and later seals) are made of. Whatever fails here would give
// every stored record without an id of its own another one, and make a conflict of every record that comes again.
// UPDATE_CANONICAL=1 writes the file anew: for a case that is added, never for one that is there.
func TestCanonicalBytesNeverChange(t *testing.T) {
	var b strings.Builder
	for _, c := range canonicalCases {
		fmt.Fprintf(&b, "# %s\n%s\n", c.name, readableTwin(t, c.event.AppendCanonical(nil)))
		var h session.Hasher
		fmt.Fprintf(&b, "content id %s\ncontent hash %x\n\n", c.event.ContentID(&h), c.event.ContentHash(&h))
	}
	if os.Getenv("UPDATE_CANONICAL") != "" {
		require.NoError(t, os.WriteFile(canonicalGolden, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(canonicalGolden)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

// readableTwin is one line a field: its hex bytes, its tag's name and its value in Go's quotes. It reads the bytes by the rules of
// AppendCanonical alone, which shows that nothing runs together.
func readableTwin(t *testing.T, b []byte) string {
	t.Helper()
	require.Equal(t, byte(1), b[0])
	fields := map[uint64]session.Field{}
	for _, f := range session.Fields {
		fields[f.Tag] = f
	}
	lines := []string{"01"}
	before := -1
	for b = b[1:]; len(b) > 0; {
		tag, n := binary.Uvarint(b)
		length, m := binary.Uvarint(b[n:])
		require.Positive(t, n)
		require.Positive(t, m)
		place := int(tag) //nolint:gosec // less than a hundred
		if f := fields[tag]; f.OfReading || f.Name == "RecordID" {
			place += 1000
		}
		require.GreaterOrEqual(t, place, before, "the content before what is of the reading, tags ascending")
		require.LessOrEqual(t, length, uint64(len(b)-n-m))
		end := n + m + int(length)
		lines = append(lines, fmt.Sprintf("%x %x %x  %s %s", b[:n], b[n:n+m], b[n+m:end], fields[tag].Name, readableValue(fields[tag], b[n+m:end])))
		before, b = place, b[end:]
	}
	return strings.Join(lines, "\n")
}

func readableValue(f session.Field, value []byte) string {
	switch f.In(&session.Event{}).(type) {
	case *int64, *int32, *uint32, *session.Kind, *session.Outcome:
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(value)), 10)
	}
	return strconv.Quote(string(value))
}

func TestEveryChangedFieldHasOtherCanonicalBytes(t *testing.T) {
	whole := sessiontest.Full().AppendCanonical(nil)
	typ := reflect.TypeFor[session.Event]()
	for i := range typ.NumField() {
		name := typ.Field(i).Name
		absent := sessiontest.Full()
		reflect.ValueOf(absent).Elem().Field(i).SetZero()
		if name == "UserEmpty" {
			absent.User, absent.UserEmpty = "", true
			noUser := sessiontest.Full()
			noUser.User = ""
			require.NotEqual(t, noUser.AppendCanonical(nil), absent.AppendCanonical(nil), "an empty user is not an absent one")
			continue
		}
		b := absent.AppendCanonical(nil)
		require.Less(t, len(b), len(whole), "%s: absent, it costs nothing", name)
		other := sessiontest.Full()
		changeValue(reflect.ValueOf(other).Elem().Field(i))
		require.NotEqual(t, whole, other.AppendCanonical(nil), name)
	}
	require.Equal(t, []byte{1}, (&session.Event{}).AppendCanonical(nil))
}

// changeValue changes one field a little: a letter, a bit, the last element.
func changeValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int64, reflect.Int32:
		v.SetInt(v.Int() + 1)
	case reflect.Uint32, reflect.Uint8:
		v.SetUint(v.Uint() ^ 1)
	case reflect.Array, reflect.Slice:
		changeValue(v.Index(v.Len() - 1))
	case reflect.Struct:
		changeValue(v.Field(0))
	default:
		panic(v.Kind())
	}
}

func TestEveryFieldHasItsOwnTag(t *testing.T) {
	seen := map[uint64]string{}
	typ := reflect.TypeFor[session.Event]()
	var names []string
	for _, f := range session.Fields {
		require.Positive(t, f.Tag, f.Name)
		require.Empty(t, seen[f.Tag], "tag %d twice", f.Tag)
		seen[f.Tag] = f.Name
		names = append(names, f.Name)
		e := sessiontest.Full()
		field, ok := typ.FieldByName(f.Name)
		require.True(t, ok, f.Name)
		require.Equal(t, reflect.ValueOf(e).Elem().FieldByIndex(field.Index).Addr().Interface(), f.In(e), f.Name)
	}
	for i := range typ.NumField() {
		if name := typ.Field(i).Name; name != "UserEmpty" {
			require.Contains(t, names, name)
		}
	}
}

// TestContentLeavesOutTheReading: what a record without an id gets one from.
func TestContentLeavesOutTheReading(t *testing.T) {
	a, b := sessiontest.Full(), sessiontest.Full()
	b.RecordID, b.Observed, b.TraceID, b.SpanID, b.Correlation = session.ID{}, 0, [16]byte{}, [8]byte{}, ""
	require.Equal(t, a.AppendContent(nil), b.AppendContent(nil))
	require.Equal(t, b.AppendCanonical(nil), b.AppendContent(nil))
	slices.Reverse(b.Extra)
	require.Equal(t, a.AppendContent(nil), b.AppendContent(nil), "the order of attributes is no content")
}

// TestHashesShareTheContent: what is found in one walk is what each is by itself.
func TestHashesShareTheContent(t *testing.T) {
	var h session.Hasher
	nonce := [16]byte{1, 15: 2}
	for _, system := range []string{session.SystemClickHouse, session.SystemRedshift} {
		e := sessiontest.Full()
		e.System = system
		sum := sha256.Sum256(append(e.AppendCanonical(nil), nonce[:]...))
		content, record := e.ContentAndRecordHash(&h, nonce)
		require.Equal(t, e.ContentHash(new(session.Hasher)), content, system)
		require.Equal(t, [16]byte(sum[:16]), record, system)
		require.Zero(t, testing.AllocsPerRun(100, func() { e.ContentAndRecordHash(&h, nonce) }))
	}
}

func TestCanonicalBytesDoNotAllocate(t *testing.T) {
	e := sessiontest.Full()
	buf := make([]byte, 0, 16<<10)
	require.Zero(t, testing.AllocsPerRun(100, func() { buf = e.AppendCanonical(buf[:0]) }))
}

func BenchmarkCanonicalBytes(b *testing.B) {
	var e session.Event
	sessiontest.Typical(&e, 0)
	var buf []byte
	for b.Loop() {
		buf = e.AppendCanonical(buf[:0])
	}
	b.ReportMetric(float64(len(buf)), "B/event")
}
