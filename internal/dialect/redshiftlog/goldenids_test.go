package redshiftlog

import (
	"testing"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/goldenids"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func TestIDsNeverChange(t *testing.T) { goldenids.CheckFormats(t, Formats(), "") }

// TestIDsOfRowsNeverChange: of rows over SQL, whose microseconds are no part of an id.
func TestIDsOfRowsNeverChange(t *testing.T) {
	m := NewMapper("golden")
	login := Row{
		Event: "authenticated", Micros: 1_795_000_000_123_456, RemoteHost: "::ffff:10.1.2.3 ", RemotePort: "66790 ", PID: 4711, Database: "dev ",
		User: "IAM:alice ", AuthMethod: "IAM AssumeUser ", SessionID: "03e74c8e-1111-4222-8333-444455556666",
	}
	logout := login
	logout.Event, logout.Micros, logout.Duration = "disconnecting session ", login.Micros+60_000_000, 60_000_000
	withoutGUID, logoutWithoutGUID := login, logout
	withoutGUID.SessionID, logoutWithoutGUID.SessionID = "", ""
	failure := Row{Event: "authentication failure", Micros: 1_795_000_000_123_999, RemoteHost: "[local]", PID: 9, User: "mallory", AuthMethod: "password", Duration: 5}
	var g sessiontest.GoldenIDs
	var e session.Event
	for _, c := range []struct {
		name string
		row  Row
	}{
		{"SYS, a login", login},
		{"a login that looks the same", login},
		{"its logout", logout},
		{"STL, a login without GUID", withoutGUID},
		{"its logout", logoutWithoutGUID},
		{"a failure", failure},
	} {
		m.Event(&c.row, &e)
		g.Add(c.name, e)
	}
	g.Check(t, "testdata/ids/golden_rows")
}
