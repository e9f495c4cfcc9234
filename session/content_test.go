package session_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// What two readings of one event may differ in, and what Redshift's views and files may differ in. Every other field is in the hash.
var (
	ofReading = []string{"Observed", "TraceID", "SpanID", "Correlation"}
	ofView    = []string{"Host", "Driver", "OS", "Plugin", "ApplicationName", "SessionID", "SessionKey", "Original"}
)

func hashOf(e *session.Event) [16]byte {
	var h session.Hasher
	return e.ContentHash(&h)
}

// TestEveryFieldIsInTheHash changes one field at a time.
func TestEveryFieldIsInTheHash(t *testing.T) {
	typ := reflect.TypeFor[session.Event]()
	for _, system := range []string{session.SystemClickHouse, session.SystemRedshift} {
		left := append(slices.Clone(ofReading), "RecordID")
		if system == session.SystemRedshift {
			left = append(left, ofView...)
		}
		for i := range typ.NumField() {
			name := typ.Field(i).Name
			a, b, none := sessiontest.Full(), sessiontest.Full(), sessiontest.Full()
			a.System, b.System, none.System = system, system, system
			switch name {
			case "UserEmpty":
				a.User, b.User, none.User, b.UserEmpty = "", "", "x", true
			case "Time":
				b.Time += 1e6
				none.Time = 0
			case "Extra":
				b.Extra[0].Value += "x"
				none.Extra = nil
			default:
				changeValue(reflect.ValueOf(b).Elem().Field(i))
				reflect.ValueOf(none).Elem().Field(i).SetZero()
			}
			same := slices.Contains(left, name)
			require.Equal(t, same, hashOf(a) == hashOf(b), "%s of %s", name, system)
			require.Equal(t, same, hashOf(a) == hashOf(none), "%s of %s", name, system)
			if system == session.SystemClickHouse {
				require.Equal(t, same, bytes.Equal(a.AppendContent(nil), b.AppendContent(nil)), name)
			}
		}
	}
}

// TestWhatViewsOfRedshiftDifferIn is in the hash of every other system.
func TestWhatViewsOfRedshiftDifferIn(t *testing.T) {
	const at = 1_790_000_000_123_456_000
	for name, change := range map[string]func(*session.Event){
		"milliseconds alone":  func(e *session.Event) { e.Time = at / 1_000_000 * 1_000_000 },
		"another microsecond": func(e *session.Event) { e.Time += 1000 },
		"a column more": func(e *session.Event) {
			e.Extra = append(e.Extra, session.Attr{Key: session.SourceField + "compression", Value: "lz4"})
		},
		"a column less": func(e *session.Event) { e.Extra = e.Extra[:1] },
		"where the file stood": func(e *session.Event) {
			e.Extra = append(e.Extra, session.Attr{Key: "cloud.region", Value: "eu-west-1"})
		},
	} {
		for _, system := range []string{session.SystemClickHouse, session.SystemRedshift} {
			a, b := sessiontest.Full(), sessiontest.Full()
			a.System, b.System, a.Time, b.Time = system, system, at, at
			change(b)
			require.Equal(t, system == session.SystemRedshift, hashOf(a) == hashOf(b), "%s, %s", name, system)
		}
	}
	for name, change := range map[string]func(*session.Event){
		"another type": func(e *session.Event) { e.Extra[0].Type = session.AttrInt },
		"an address as it was not": func(e *session.Event) {
			e.Extra = append(e.Extra, session.Attr{Key: session.SourceField + "remotehost", Value: "::ffff:1.2.3.4"})
		},
		"another system": func(e *session.Event) { e.System = session.SystemClickHouse },
	} {
		a, b := sessiontest.Full(), sessiontest.Full()
		a.System, b.System = session.SystemRedshift, session.SystemRedshift
		change(b)
		require.NotEqual(t, hashOf(a), hashOf(b), name)
	}
}

func TestOrderOfAttributesIsNoContent(t *testing.T) {
	for _, system := range []string{session.SystemClickHouse, session.SystemRedshift} {
		a, b := sessiontest.Full(), sessiontest.Full()
		a.System, b.System = system, system
		a.Extra, b.Extra = append(a.Extra, session.Attr{Key: session.SourceField + "username", Value: "x"}), append(b.Extra, session.Attr{Key: session.SourceField + "username", Value: "x"})
		slices.Reverse(b.Extra)
		require.Equal(t, hashOf(a), hashOf(b))
		slices.Reverse(b.Roles)
		require.NotEqual(t, hashOf(a), hashOf(b), "the order of roles is")
	}
}

func TestContentHashDoesNotAllocate(t *testing.T) {
	var h session.Hasher
	for _, system := range []string{session.SystemClickHouse, session.SystemRedshift} {
		e := sessiontest.Full()
		e.System = system
		e.ContentHash(&h)
		require.Zero(t, testing.AllocsPerRun(100, func() { e.ContentHash(&h) }), system)
	}
}

// Stores hash every record that they write.
func BenchmarkContentHash(b *testing.B) {
	var e session.Event
	var h session.Hasher
	sessiontest.Typical(&e, 0)
	for b.Loop() {
		e.ContentHash(&h)
	}
}

func TestCopyIsIndependent(t *testing.T) {
	a := sessiontest.Full()
	var b session.Event
	a.CopyTo(&b)
	require.Equal(t, *a, b)
	b.Roles[0], b.Extra[0].Value, b.Settings[0].Value = "x", "x", "x"
	require.Equal(t, *sessiontest.Full(), *a)
	b.Reset()
	require.Equal(t, hashOf(&session.Event{}), hashOf(&b))
}

func TestWordsReadBack(t *testing.T) {
	for k := session.KindLogin; k <= session.KindSessionUpdate; k++ {
		require.Equal(t, k, session.ParseKind(k.String()))
		require.Equal(t, k, session.ParseKind(k.EventName()))
	}
	require.Equal(t, session.KindUnknown, session.ParseKind("session.end"))
	require.Empty(t, session.Kind(200).String()+session.Kind(200).EventName())
	for o := session.OutcomeUnknown; o <= session.OutcomeFailure; o++ {
		require.Equal(t, o, session.ParseOutcome(o.String()))
	}
	require.Equal(t, "unknown", session.Outcome(200).String())
}
