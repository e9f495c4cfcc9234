package clickhouse

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/testengine"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/server"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// others are logins of the collector's own account from the collector's own machine by somebody else, under its client name.
func others(t testing.TB, s *testengine.Server) map[netip.AddrPort]bool {
	t.Helper()
	c := logins.New(s.Native, s.HTTP)
	defer c.Close()
	from := map[netip.AddrPort]bool{}
	for _, protocol := range []logins.Protocol{logins.Native, logins.HTTP} {
		for _, address := range []string{"127.0.0.1", "127.0.0.2"} {
			for _, password := range []string{server.Audit.Password, "wrong"} {
				done, err := c.Login(t.Context(), logins.Attempt{Protocol: protocol, User: server.Audit.Name, Password: password, ClientName: "sessionlog", From: netip.MustParseAddr(address)})
				require.NoError(t, err)
				from[done.LocalAddr] = true
			}
		}
	}
	return from
}

// audits are the delivered events of the account, by the client's address and port.
func audits(events []session.Event) map[netip.AddrPort]int {
	n := map[netip.AddrPort]int{}
	for _, e := range events {
		if e.User == server.Audit.Name {
			n[netip.AddrPortFrom(netip.MustParseAddr(e.ClientAddress), uint16(e.ClientPort))]++
		}
	}
	return n
}

// Trap G1: a source that reads over HTTP logs itself with each poll. What is left out is known by its connection alone.
func TestExcludeSelfLeavesOutExactlyItsOwnConnections(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			s := testengine.ClickHouse(t)
			store := &sourcetest.Store{}
			cfg := config(endpoint(s, protocol), server.Audit)
			first := run(t, cfg, store)
			want := others(t, s)
			seen := func(r *running) func() bool {
				return func() bool { return len(audits(r.emit.Delivered())) >= len(want) }
			}
			eventually(t, "other people's logins", seen(first))
			eventually(t, "its own logins", func() bool { return first.stats.Counts().Excluded > 0 })

			// Killed: whatever it would still write when it is stopped is lost.
			left := store.Fork()
			first.stop()
			require.Eventually(t, func() bool { return ended(t, s, protocol) }, patience, 20*time.Millisecond)
			second := run(t, cfg, left)
			s.FlushLogs(t)
			second.whole(t)
			second.stop()

			all := append(first.emit.Delivered(), second.emit.Delivered()...)
			got := audits(all)
			for at, n := range got {
				require.True(t, want[at], "%d rows from %s, which is the source itself", n, at)
			}
			require.Len(t, got, len(want))
			require.NotZero(t, second.stats.Counts().Excluded)

			cfg.ExcludeSelf = false
			third := run(t, cfg, nil)
			eventually(t, "its own logins are told", func() bool { return len(audits(third.emit.Delivered())) > len(want) })
			require.Zero(t, third.stats.Counts().Excluded)
		})
	}
}

// ended tells whether the server has noted the end of all sessions of the account.
func ended(t testing.TB, s *testengine.Server, protocol string) bool {
	t.Helper()
	s.FlushLogs(t)
	rows := s.Query(t, "SELECT countIf(type = 'LoginSuccess') = countIf(type = 'Logout') FROM system.session_log WHERE user = 'audit'")
	return rows[0][0] == "1"
}

// Behind a proxy or NAT the server sees another address, which others share.
func TestExcludeSelfBehindAProxy(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			s := testengine.ClickHouse(t)
			target := s.Native
			if protocol == "http" {
				target = s.HTTP
			}
			p := newProxy(t, target)
			r := run(t, config(strings.Replace(endpoint(s, protocol), target, p.addr(), 1), server.Audit), nil)
			bobs(t, s, 1)
			r.emit.WaitFor(t, sourcetest.Row{User: server.Bob.Name})
			eventually(t, "its own logins", func() bool { s.FlushLogs(t); return r.stats.Counts().Excluded > 0 })
			r.whole(t)
			require.Empty(t, audits(r.emit.Delivered()))
		})
	}
}
