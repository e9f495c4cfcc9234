package session_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// throughView is a full event as one of Redshift's views would have told it.
func throughView() *session.Event {
	e := sessiontest.Full()
	e.System, e.Time, e.Original = session.SystemRedshift, 1_790_000_000_123_456_000, ""
	e.Extra = []session.Attr{
		{Key: session.SourceField + "username", Value: "IAM:alice"},
		{Key: session.SourceField + "protocol_version", Value: "2", Type: session.AttrInt},
	}
	return e
}

// TestAnotherDoorIsNoForgery lists what doors of Redshift differ in: in that, and in nothing else, is a second version the same.
func TestAnotherDoorIsNoForgery(t *testing.T) {
	for name, change := range map[string]func(*session.Event){
		"milliseconds alone": func(e *session.Event) { e.Time = 1_790_000_000_123_000_000 },
		"driver first":       func(e *session.Event) { e.Driver, e.OS = e.OS, e.Driver },
		"no node":            func(e *session.Event) { e.Host = "" },
		"a line of fifteen fields": func(e *session.Event) {
			e.ApplicationName, e.OS, e.Driver, e.Plugin, e.Extra = "", "", "", "", e.Extra[:1]
		},
		"no GUID": func(e *session.Event) { e.SessionID, e.SessionKey = "", session.ID{9} },
		"a guess": func(e *session.Event) {
			e.Original, e.ApplicationName, e.OS, e.Driver, e.Plugin = "a|line", "a", "|", "line", "x"
		},
		"a line": func(e *session.Event) { e.Original = "a|line" },
		"one more column": func(e *session.Event) {
			e.Extra = append(e.Extra, session.Attr{Key: session.SourceField + "compression", Value: "lz4"})
		},
	} {
		a, b := throughView(), throughView()
		change(b)
		require.True(t, a.SameContent(b), name)
		require.True(t, b.SameContent(a), name)
		a.System, b.System = "postgresql", "postgresql"
		require.False(t, a.SameContent(b), "%s: of a system with one door it is another version", name)
	}
	for name, change := range map[string]func(*session.Event){
		"another microsecond":   func(e *session.Event) { e.Time += 1e3 },
		"another millisecond":   func(e *session.Event) { e.Time += 1e6 },
		"another node":          func(e *session.Event) { e.Host = "elsewhere" },
		"another driver":        func(e *session.Event) { e.Driver = "x" },
		"another application":   func(e *session.Event) { e.ApplicationName = "x" },
		"another GUID":          func(e *session.Event) { e.SessionID, e.SessionKey = "x", session.ID{9} },
		"another key of one id": func(e *session.Event) { e.SessionKey = session.ID{9} },
		"no IAM":                func(e *session.Event) { e.Extra = e.Extra[1:] },
		"another protocol":      func(e *session.Event) { e.Extra[1].Value = "3" },
		"another type":          func(e *session.Event) { e.Extra[1].Type = session.AttrString },
		"an address as it wasn't": func(e *session.Event) {
			e.Extra = append(e.Extra, session.Attr{Key: session.SourceField + "remotehost", Value: "::ffff:1.2.3.4"})
		},
	} {
		a, b := throughView(), throughView()
		change(b)
		require.False(t, a.SameContent(b), name)
		require.False(t, b.SameContent(a), name)
	}
}

// TestNoDoorMayDropWhatMatters empties one field at a time of an event that doors tell.
func TestNoDoorMayDropWhatMatters(t *testing.T) {
	mayMiss := map[string]bool{
		"Observed": true, "TraceID": true, "SpanID": true, "Correlation": true,
		"Host": true, "Driver": true, "OS": true, "Plugin": true, "ApplicationName": true, "SessionID": true, "Original": true,
	}
	typ := reflect.TypeFor[session.Event]()
	for i := range typ.NumField() {
		a, b := throughView(), throughView()
		if typ.Field(i).Name == "UserEmpty" {
			b.UserEmpty = true
		} else {
			reflect.ValueOf(b).Elem().Field(i).SetZero()
		}
		require.Equal(t, mayMiss[typ.Field(i).Name], a.SameContent(b), typ.Field(i).Name)
		require.Equal(t, mayMiss[typ.Field(i).Name], b.SameContent(a), typ.Field(i).Name)
	}
}

// Stores compare for each record that comes again.
func BenchmarkSameContent(b *testing.B) {
	for _, c := range []struct {
		name   string
		change func(*session.Event)
	}{{"equal", func(*session.Event) {}}, {"another door", func(e *session.Event) { e.Time = 1_790_000_000_123_000_000 }}} {
		b.Run(c.name, func(b *testing.B) {
			x, y := throughView(), throughView()
			c.change(y)
			b.ReportAllocs()
			for b.Loop() {
				if !x.SameContent(y) {
					b.Fatal("not the same")
				}
			}
		})
	}
}
