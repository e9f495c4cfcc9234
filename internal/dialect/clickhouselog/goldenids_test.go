package clickhouselog

import (
	"net/netip"
	"testing"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// TestIDsNeverChange: of rows over SQL, rows that look alike and updates of a trace. Those of exported files are pinned in package export.
func TestIDsNeverChange(t *testing.T) {
	m := NewMapper("golden")
	row := Row{
		Hostname: "ch-0", Type: TypeLoginSuccess, AuthID: session.ID{1, 15: 2}, AuthIDText: "01000000-0000-0000-0000-000000000002", Micros: 1_795_000_000_123_456,
		User: "alice", AuthType: "SHA256_PASSWORD", ClientAddress: netip.MustParseAddr("::ffff:10.0.0.7"), ClientPort: 50112, Interface: "TCP",
	}
	var g sessiontest.GoldenIDs
	var e session.Event
	m.Event(&row, &e)
	g.Add("a login", e)
	m.Event(&row, &e)
	g.Add("a login that looks the same", e)
	row.Type, row.Micros = TypeLogout, row.Micros+1_000_000
	m.Event(&row, &e)
	g.Add("its logout", e)
	row.Type, row.ClientAddress, row.UserNull, row.User = TypeLoginFailure, netip.MustParseAddr("2001:db8::17"), true, ""
	m.Event(&row, &e)
	g.Add("a failure", e)
	row.Type = TypeLoginSuccess
	m.Update(&row, Trace{ID: [16]byte{1}, Span: [8]byte{2}}, &e)
	g.Add("an update", e)
	g.Check(t, "testdata/golden_ids")
}
