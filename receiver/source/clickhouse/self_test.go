package clickhouse

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
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
			eventually(t, "which rows are its own is stored", func() bool {
				stored, err := store.Get(t.Context(), selfLoginsKey)
				require.NoError(t, err)
				return strings.Contains(string(stored), "auth_id")
			})

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
			s := testengine.ClickHouse(t, testengine.LogsOnDemand())
			target := s.Native
			if protocol == "http" {
				target = s.HTTP
			}
			p := newProxy(t, target)
			r := run(t, config(strings.Replace(endpoint(s, protocol), target, p.addr(), 1), server.Audit), nil)
			bobs(t, s, 1)
			r.emit.WaitFor(t, sourcetest.Row{User: server.Bob.Name})
			eventuallyLogged(t, "its own logins", func() bool { return r.stats.Counts().Excluded > 0 }, s)
			r.whole(t)
			require.Empty(t, audits(r.emit.Delivered()))
		})
	}
}

// An address that spreads requests over servers: with all_replicas, where each query is sent on to the others as well, and without it.
func TestExcludeSelfBehindABalancer(t *testing.T) {
	const account = `<%[1]s><password>%[1]s-pw</password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
		<grants><query>GRANT SELECT ON system.*</query><query>GRANT READ ON REMOTE</query></grants></%[1]s>`
	users := "<users>" + fmt.Sprintf(account, "each") + fmt.Sprintf(account, "all") + "</users>"
	c := testengine.ClickHouseCluster(t, 1, 2, testengine.NoReplication(), testengine.LogsOnDemand(), testengine.Users(users))
	for _, s := range c.Nodes() {
		bobs(t, s, 1)
	}
	for user, cluster := range map[string]string{"each": "", "all": c.Name} {
		t.Run(user, func(t *testing.T) {
			cfg := config(balancer(t, false, c.Nodes()...), server.User{Name: user, Password: user + "-pw"})
			cfg.AllReplicas = cluster
			r := run(t, cfg, nil)
			eventuallyLogged(t, "own logins", func() bool { return r.stats.Counts().Excluded > 20 }, c.Nodes()...)
			require.Zero(t, r.users()[user], "beside %d that were left out", r.stats.Counts().Excluded)
		})
	}
}

// Whoever can read the log can copy a tag, and is told all the same.
func TestACopiedTagHidesNobody(t *testing.T) {
	s := testengine.ClickHouse(t)
	r := run(t, config(endpoint(s, "http"), server.Audit), nil)
	tags := s.WaitQuery(t, "SELECT session_id FROM system.session_log WHERE user = 'audit' AND startsWith(session_id, 'sessionlog-') ORDER BY event_time_microseconds DESC LIMIT 3",
		func(rows [][]string) bool { return len(rows) == 3 })
	c := logins.New(s.Native, s.HTTP)
	defer c.Close()
	for _, tag := range tags {
		done, err := c.Login(t.Context(), logins.Attempt{Protocol: logins.HTTP, User: server.Audit.Name, Password: server.Audit.Password, SessionID: tag[0]})
		require.NoError(t, err)
		require.True(t, done.OK)
	}
	eventuallyLogged(t, "logins and logouts with copied tags", func() bool { return r.users()[server.Audit.Name] >= 6 }, s)
	r.whole(t)
	require.Equal(t, 6, r.users()[server.Audit.Name])
}

func TestWhichRowsAreOwn(t *testing.T) {
	cfg := config("http://ch:8123", server.Audit)
	cfg.AllReplicas = "default"
	store := &sourcetest.Store{}
	host := sourcetest.Host(t, &sourcetest.Recorder{}, store, nil)
	now := time.Now()
	host.Now = func() time.Time { return now }
	conn := &selfConn{selfLogins: newSelfLogins(cfg, host)}
	row := func(kind clickhouselog.EventType, user, authID, tag string) *clickhouselog.Row {
		return &clickhouselog.Row{Type: kind, User: user, AuthIDText: authID, SessionID: tag, Interface: "HTTP"}
	}
	tag, err := conn.newLoginTag(t.Context())
	require.NoError(t, err)
	conn.answeredBy("a")
	require.False(t, conn.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "2", tag), "b"), "copied, on another server, read first")
	require.False(t, conn.containsRow(row(clickhouselog.TypeLoginSuccess, "bob", "3", tag), "a"), "another account")
	require.False(t, conn.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "4", tag[:len(tag)-1]), "a"), "a part of it")
	require.True(t, conn.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "5", tag), "a"))
	require.True(t, conn.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "5", tag), "a"), "read again")
	require.True(t, conn.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "5", ""), "a"), "found by its traces")
	require.False(t, conn.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "6", tag), "a"), "copied")
	require.False(t, conn.containsRow(row(clickhouselog.TypeLogout, "audit", "6", ""), "a"))
	require.False(t, conn.containsRow(row(clickhouselog.TypeLogout, "audit", "5", ""), "b"))
	require.False(t, conn.containsRow(row(clickhouselog.TypeLoginFailure, "audit", "7", ""), "a"), "a failure is told")

	failed, err := conn.newLoginTag(t.Context())
	require.NoError(t, err)
	require.False(t, conn.containsRow(row(clickhouselog.TypeLoginFailure, "audit", "8", failed), "a"))
	require.False(t, conn.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "9", failed), "a"), "the tag of a login that failed, copied")

	sentOn := row(clickhouselog.TypeLoginSuccess, "audit", "10", "")
	sentOn.Interface = "TCP_Interserver"
	require.True(t, conn.containsRow(sentOn, "b"))
	sentOn.User = "bob"
	require.False(t, conn.containsRow(sentOn, "b"))

	node := &selfConn{selfLogins: conn.selfLogins, server: "a"} // of a cluster
	awaited, err := node.newLoginTag(t.Context())
	require.NoError(t, err)
	require.False(t, node.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "11", awaited), "b"), "copied, on another server, before there is an answer")

	killed, err := conn.newLoginTag(t.Context()) // stores what is known
	require.NoError(t, err)
	again := &selfConn{selfLogins: newSelfLogins(cfg, sourcetest.Host(t, &sourcetest.Recorder{}, store.Fork(), nil))}
	_, err = again.newLoginTag(t.Context())
	require.NoError(t, err)
	require.True(t, again.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "12", killed), "b"), "killed before the answer: the first one")
	require.False(t, again.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "13", killed), "b"), "copied")
	require.False(t, again.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "14", tag), "a"), "copied")
	require.True(t, again.containsRow(row(clickhouselog.TypeLogout, "audit", "5", ""), "a"))

	require.True(t, conn.containsRow(row(clickhouselog.TypeLogout, "audit", "5", ""), "a"))
	now = now.Add(conn.keep + time.Second)
	_, err = conn.newLoginTag(t.Context())
	require.NoError(t, err)
	require.False(t, conn.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "15", tag), "a"), "copied, when the tag is not known any more")
	require.True(t, conn.containsRow(row(clickhouselog.TypeLoginSuccess, "audit", "12", killed), "b"), "its logout is still to come")
}

// A connection may last for days, and its login be the only row that was read of it before a restart: that row is remembered, so that
// its logout is known and its tag is used up.
func TestARestartKnowsWhichRowsWereRead(t *testing.T) {
	store := &sourcetest.Store{}
	host := sourcetest.Host(t, &sourcetest.Recorder{}, store, nil)
	now := time.Now()
	host.Now = func() time.Time { return now }
	conn := &selfConn{selfLogins: newSelfLogins(config("ch:9000", server.Audit), host)}
	tag, err := conn.newLoginTag(t.Context())
	require.NoError(t, err)
	row := func(kind clickhouselog.EventType, authID string) *clickhouselog.Row {
		return &clickhouselog.Row{Type: kind, User: "audit", AuthIDText: authID, Hostnames: clickhouselog.ClientNames{Name: "sessionlog " + tag}, Interface: "TCP"}
	}
	conn.answeredBy("a")
	require.True(t, conn.containsRow(row(clickhouselog.TypeLoginSuccess, "1"), "a"))
	conn.storeRows(t.Context())
	writes := store.Writes()
	conn.storeRows(t.Context())
	require.Equal(t, writes, store.Writes(), "nothing is new")

	host.Store, now = store.Fork(), now.Add(unseenFor+time.Second)
	again := &selfConn{selfLogins: newSelfLogins(config("ch:9000", server.Audit), host)}
	_, err = again.newLoginTag(t.Context())
	require.NoError(t, err)
	require.False(t, again.containsRow(row(clickhouselog.TypeLoginSuccess, "2"), "a"), "copied")
	require.True(t, again.containsRow(row(clickhouselog.TypeLogout, "1"), "a"), "its own")
}

// However many logins there are whose rows never come, no more than so many are remembered, and not for ever.
func TestOwnLoginsAreBounded(t *testing.T) {
	store := &sourcetest.Store{}
	host := sourcetest.Host(t, &sourcetest.Recorder{}, store, nil)
	core, logs := observer.New(zap.WarnLevel)
	host.Log = zap.New(core)
	now := time.Now()
	host.Now = func() time.Time { return now }
	conn := &selfConn{selfLogins: newSelfLogins(config("ch:9000", server.Audit), host)}
	for n := range maxSelfLogins + 100 {
		require.Equal(t, n > maxSelfLogins, logs.FilterMessageSnippet("exclude_self: the source logs in so often").Len() == 1)
		_, err := conn.newLoginTag(t.Context())
		require.NoError(t, err)
	}
	require.Len(t, conn.byTag, maxSelfLogins)
	b, err := store.Get(t.Context(), selfLoginsKey)
	require.NoError(t, err)
	require.Less(t, len(b), 100*maxSelfLogins)
	now = now.Add(unseenFor + time.Second)
	_, err = conn.newLoginTag(t.Context())
	require.NoError(t, err)
	require.Len(t, conn.byTag, 1)
}

// Two collectors with accounts of their own tell the same rows and leave out each other's logins; a failure is told by both.
func TestTwoCollectorsOfOneServer(t *testing.T) {
	s := testengine.ClickHouse(t)
	first, second := config(endpoint(s, "native"), server.Audit), config(endpoint(s, "http"), server.Admin)
	first.ExcludeUsers, second.ExcludeUsers = []string{server.Admin.Name}, []string{server.Audit.Name}
	a, b := run(t, first, nil), run(t, second, nil)
	c := logins.New(s.Native, s.HTTP)
	defer c.Close()
	done, err := c.Login(t.Context(), logins.Attempt{Protocol: logins.HTTP, User: server.Audit.Name, Password: "wrong"})
	require.NoError(t, err)
	require.False(t, done.OK)
	bobs(t, s, 2)
	for _, r := range []*running{a, b} {
		r.tells(t, 4)
		eventually(t, "the failure", func() bool { return r.users()[server.Audit.Name] > 0 })
	}
	require.Equal(t, 1, a.users()[server.Audit.Name], "the failure alone: its own logins are left out")
	require.Equal(t, 1, b.users()[server.Audit.Name], "the failure alone: the other collector's logins are left out")
	require.Zero(t, a.users()[server.Admin.Name])
	of := b.byID(t)
	for id, e := range a.byID(t) {
		if e.User == server.Bob.Name {
			require.Contains(t, of, id)
		}
	}
}
