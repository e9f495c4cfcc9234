package clickhouselog

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

func TestAClaimIsTakenFromTheClientsName(t *testing.T) {
	const claim = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	const other = "00-aaf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	f := func(name string, want bool) {
		t.Helper()
		e := session.Event{ClientName: name}
		SetClaimedTrace(&e)
		if !want {
			require.Equal(t, session.Event{ClientName: name}, e)
			return
		}
		require.Equal(t, session.CorrelationClaimed, e.Correlation)
		require.Equal(t, byte(0x4b), e.TraceID[0])
		require.Equal(t, [8]byte{0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 2, 0xb7}, e.SpanID)
	}
	f(claim, true)
	f("go-client "+claim, true)
	f("app ("+claim+")", true)
	f("x=00-"+" "+claim+" 00-", true)
	f(claim+" "+claim, true)
	f(claim+" "+other, false)
	f("a"+claim, false)
	f(claim+"0", false)
	f(claim[1:], false)
	f("01"+claim[2:], false)
	f("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false)
	f("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false)
	f("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false)
	f("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g", false)
	f("", false)
}

func TestEvidenceIsBetterThanAClaim(t *testing.T) {
	e := session.Event{ClientName: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
	Trace{ID: [16]byte{1}, Span: [8]byte{2}}.Correlate(&e)
	SetClaimedTrace(&e)
	require.Equal(t, [16]byte{1}, e.TraceID)
	require.Equal(t, CorrelationQueryLog, e.Correlation)
}

func TestAnUpdateIsOfItsLogin(t *testing.T) {
	r := Row{
		Hostname: "ch-1", Type: TypeLoginSuccess, AuthID: session.ID{7}, Micros: 1_700_000_000_000_000, User: "bob", Interface: "TCP",
		ClientAddress: netip.MustParseAddr("::ffff:10.0.0.7"), ClientPort: 4711,
	}
	m := NewMapper("warehouse")
	var login, update, again session.Event
	m.Event(&r, &login)
	m.Restart()
	m.Update(&r, Trace{ID: [16]byte{1}, Span: [8]byte{2}}, &update)
	m.Restart()
	m.Update(&r, Trace{ID: [16]byte{3}, Span: [8]byte{4}}, &again)
	require.Equal(t, session.KindSessionUpdate, update.Kind)
	require.Equal(t, login.SessionKey, update.SessionKey)
	require.Equal(t, login.Time, update.Time)
	require.Equal(t, "bob", update.User)
	require.Equal(t, []session.Attr{{Key: session.AttrLoginUID, Value: login.RecordID.String()}}, update.Extra)
	require.NotEqual(t, login.RecordID, update.RecordID)
	require.Equal(t, update.RecordID, again.RecordID)
}
