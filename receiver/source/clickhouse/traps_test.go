package clickhouse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// reads is a source that reads table as the test's all-mighty user.
func reads(s *testengine.Server, table string) Config {
	cfg := config(endpoint(s, "native"), server.Admin)
	cfg.Table = table
	return cfg
}

// Trap A6: rows become visible long after their time, in any order.
func TestRowsThatTurnUpLateAreDelivered(t *testing.T) {
	s := quiet.Get(t)
	table := newLog(t, s)
	now := time.Now().UTC()
	first := rowsOf("first", 3, now.Add(-time.Second), time.Millisecond)
	insert(t, s, table, first...)
	r := run(t, reads(s, table), nil)
	r.emit.WaitFor(t, first...)
	all := first
	for _, late := range []struct {
		name string
		at   time.Time
	}{
		{"within-overlap", now.Add(-30 * time.Second)},
		{"an-hour-late", now.Add(-time.Hour)},
		{"half-a-year-late", now.Add(-4321 * time.Hour)},
		{"of-1970", time.Unix(0, 1000)},
		{"of-2100", time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		rows := rowsOf(late.name, 2, late.at, time.Microsecond)
		insert(t, s, table, rows...)
		r.lookAtAll()
		r.emit.WaitFor(t, rows...)
		all = append(all, rows...)
	}
	r.whole(t)
	r.once(t, all...)
	require.Zero(t, r.stats.Counts().Repeated)
	require.NoError(t, r.lastStatus())
}

// A late row of a minute whose ids are not kept any more makes that minute be told again, with the ids it had.
func TestALateRowRepeatsItsOldMinuteWithTheSameIDs(t *testing.T) {
	s := quiet.Get(t)
	table := newLog(t, s)
	at := time.Now().UTC().Add(-50 * time.Hour).Truncate(time.Hour)
	punctual := append(rowsOf("same-minute", 4, at, time.Second), rowsOf("other-minute", 4, at.Add(time.Minute), time.Second)...)
	insert(t, s, table, punctual...)
	cfg := reads(s, table)
	cfg.ReconcileWindow = 100 * time.Hour
	r := run(t, cfg, nil)
	r.emit.WaitFor(t, punctual...)
	late := rowsOf("late", 1, at.Add(30*time.Second), 0)
	insert(t, s, table, late...)
	r.emit.WaitFor(t, late...)
	r.whole(t)
	users, ids := r.users(), map[string]session.ID{}
	for _, e := range r.emit.Delivered() {
		if first, again := ids[e.User]; again {
			require.Equal(t, first, e.RecordID)
		}
		ids[e.User] = e.RecordID
	}
	require.Equal(t, 2, users["same-minute-0000"])
	require.Equal(t, 1, users["other-minute-0000"])
	require.Equal(t, 4, r.stats.Counts().Repeated)
}

// Who may truncate the log, may: what was read is counted as gone, and reading goes on.
func TestATruncatedTableIsCountedAndReadOn(t *testing.T) {
	s := quiet.Get(t)
	table := newLog(t, s)
	now := time.Now().UTC()
	before := append(rowsOf("recent", 3, now.Add(-time.Second), time.Millisecond), rowsOf("old", 3, now.Add(-100*24*time.Hour), time.Hour)...)
	insert(t, s, table, before...)
	r := run(t, reads(s, table), nil)
	r.emit.WaitFor(t, before...)
	r.whole(t)
	s.Exec(t, "TRUNCATE TABLE "+table)
	r.lookAtAll()
	eventually(t, "rows are counted as gone", func() bool { return r.stats.Counts().Vanished == len(before) })
	after := rowsOf("after", 3, now, time.Millisecond)
	insert(t, s, table, after...)
	r.emit.WaitFor(t, after...)
	r.whole(t)
	r.once(t, append(before, after...)...)
	require.Equal(t, len(before), r.stats.Counts().Vanished)
}

// Trap A1: event_time_microseconds has no zone of its own, so as text it is in the server's, ambiguous where clocks are put back.
func TestTimesAreRightInEveryZone(t *testing.T) {
	for _, zone := range []string{"UTC", "Asia/Kolkata", "Europe/Berlin", "America/Sao_Paulo"} {
		t.Run(zone, func(t *testing.T) {
			s := testengine.ClickHouse(t, testengine.Timezone(zone), testengine.LogsOnDemand())
			table := newLog(t, s)
			// In Berlin both halves of the first are 02:30 of the same night; in São Paulo clocks went back at midnight.
			var rows []sourcetest.Row
			for _, at := range []string{"2025-10-26T00:30:00.000001Z", "2025-10-26T01:30:00.000001Z", "2018-02-18T01:30:00Z", "2018-02-18T02:30:00Z"} {
				when, err := time.Parse(time.RFC3339Nano, at)
				require.NoError(t, err)
				rows = append(rows, sourcetest.Row{User: at, Time: when})
			}
			insert(t, s, table, rows...)
			for _, protocol := range protocols {
				cfg := reads(s, table)
				cfg.Endpoints = []string{endpoint(s, protocol)}
				r := run(t, cfg, nil)
				r.emit.WaitFor(t, rows...)
				r.polls(t)
				r.once(t, rows...)
				for _, e := range r.emit.Delivered() {
					require.Equal(t, e.User, time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano))
				}
				r.stop()
			}
		})
	}
}

// Trap A4: a server that knows Arrow Flight writes 10 into an enum that ends at 9. Reading the cell as text fails.
func TestANumberThatTheEnumLacksIsRead(t *testing.T) {
	s := quiet.Get(t)
	table := newLog(t, s)
	now := time.Now().UTC()
	insert(t, s, table, rowsOf("neighbour", 2, now.Add(-time.Second), time.Millisecond)...)
	client, err := ch.Dial(t.Context(), ch.Options{Address: s.Native, User: server.Admin.Name, Password: server.Admin.Password})
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	var (
		at     = new(proto.ColDateTime64).WithPrecision(proto.PrecisionMicro)
		user   = new(proto.ColStr).Nullable()
		number proto.ColInt8
	)
	at.Append(now)
	number.Append(10)
	user.Append(proto.NewNullable("arrow"))
	require.NoError(t, client.Do(t.Context(), ch.Query{
		Body: "INSERT INTO " + table + " (event_time_microseconds, user, interface) VALUES",
		Input: proto.Input{
			{Name: "event_time_microseconds", Data: at}, {Name: "user", Data: user}, {Name: "interface", Data: rawEnum{&number}},
		},
	}))
	_, err = s.TryQuery(t.Context(), "SELECT toString(interface) FROM "+table)
	require.ErrorContains(t, err, "10", "this server can show the name: the test proves nothing")
	cfg := reads(s, table)
	r := run(t, cfg, nil)
	eventually(t, "three rows", func() bool { return len(r.emit.Delivered()) == 3 })
	for _, e := range r.emit.Delivered() {
		if e.User == "arrow" {
			require.Equal(t, "ArrowFlight", e.Interface)
		} else {
			require.Equal(t, "TCP", e.Interface)
		}
	}
}

// rawEnum sends numbers as an Enum8 without looking whether it has them.
type rawEnum struct{ *proto.ColInt8 }

func (rawEnum) Type() proto.ColumnType { return "Enum8('TCP' = 1, 'HTTP' = 2)" }

// Traps A1, G7: columns come and go with the release. What is unknown is carried along, times in UTC.
func TestColumnsMayBeMissingUnknownOrOfAnotherType(t *testing.T) {
	s := testengine.ClickHouse(t, testengine.Timezone("Asia/Kolkata"), testengine.LogsOnDemand())
	const table = "default.odd"
	s.Exec(t, `CREATE TABLE `+table+` (quotas Array(Tuple(String, String)), type Enum8('LoginFailure' = 0, 'LoginSuccess' = 1, 'Logout' = 2),
		event_time_microseconds DateTime64(9), auth_id UUID, user String, client_address IPv4, seen DateTime64(3), nothing Nullable(String),
		roles Array(String), `+"`odd``name` UInt8, `back\\\\new\\\\\\`` UInt8"+`, http_user_agent String, certificate_not_after Nullable(DateTime64(0, 'UTC'))) ENGINE = Memory`)
	s.Exec(t, `INSERT INTO `+table+` VALUES ([('q', '1')], 'LoginSuccess', fromUnixTimestamp64Nano(1795000000123456789), '0f000000-0000-4000-8000-000000000001', 'zoe',
		'192.0.2.7', fromUnixTimestamp64Milli(1795000000123), NULL, ['a', 'b'], 7, 8, 'curl/8', '2030-01-02 03:04:05')`)
	for _, protocol := range protocols {
		cfg := reads(s, table)
		cfg.Endpoints = []string{endpoint(s, protocol)}
		r := run(t, cfg, nil)
		eventually(t, "the row", func() bool { return len(r.emit.Delivered()) > 0 })
		r.whole(t)
		r.stop()
		require.Len(t, r.emit.Delivered(), 1)
		e := r.emit.Delivered()[0]
		require.Equal(t, int64(1795000000123456000), e.Time)
		require.Equal(t, "zoe", e.User)
		require.Equal(t, "192.0.2.7", e.ClientAddress)
		require.Equal(t, []string{"a", "b"}, e.Roles)
		require.Equal(t, "curl/8", e.UserAgent)
		require.Equal(t, "2030-01-02T03:04:05Z", e.CertificateNotAfter)
		require.Equal(t, []session.Attr{
			{Key: session.SourceField + "back\\new\\`", Value: "8"},
			{Key: session.SourceField + "odd`name", Value: "7"},
			{Key: session.SourceField + "quotas", Value: "[('q','1')]"},
			{Key: session.SourceField + "seen", Value: "2026-11-18 11:06:40.123"},
		}, e.Extra)
	}
}

// Trap A8: "refused" and "absent" are told apart, and each is told with its remedy.
func TestWhatIsRefusedIsReportedWithItsGrant(t *testing.T) {
	s := quiet.Get(t)
	s.FlushLogs(t)
	wrong := server.Audit
	wrong.Password = "a wrong secret"
	for _, protocol := range protocols {
		for _, refused := range []struct {
			user server.User
			says string
		}{
			{server.Erin, "GRANT SELECT ON system.session_log TO erin"},
			{wrong, "check username and password"},
		} {
			r := run(t, config(endpoint(s, protocol), refused.user), nil)
			eventually(t, refused.says, func() bool { return r.lastStatus() != nil })
			require.ErrorContains(t, r.lastStatus(), refused.says)
			require.NotContains(t, r.lastStatus().Error(), refused.user.Password)
			r.stop()
			require.Empty(t, r.emit.Delivered())
		}
	}
}

// An account whose profile is readonly = 1 may change no setting, and needs none.
func TestAReadOnlyAccountIsEnough(t *testing.T) {
	s := testengine.ClickHouse(t, testengine.Users(`<profiles><strict><readonly>1</readonly></strict></profiles>
		<users><strict><password>strict-pw</password><networks><ip>::/0</ip></networks><profile>strict</profile><quota>default</quota>
		<grants><query>GRANT SELECT ON system.session_log</query></grants></strict></users>`))
	s.FlushLogs(t)
	for _, protocol := range protocols {
		for _, compression := range []string{"none", "lz4"} {
			cfg := config(endpoint(s, protocol), server.User{Name: "strict", Password: "strict-pw"})
			cfg.Compression = compression
			r := run(t, cfg, nil)
			eventually(t, "rows", func() bool { return len(r.emit.Delivered()) > 0 })
			require.NoError(t, r.lastStatus())
			r.stop()
		}
	}
}

// Trap A7: the shipped configuration has session_log switched off.
func TestATableThatDoesNotExistYetIsWaitedFor(t *testing.T) {
	s := testengine.ClickHouse(t, testengine.NoSessionLog())
	r := run(t, config(endpoint(s, "native"), server.Admin), nil)
	eventually(t, "it says what is missing", func() bool { return r.lastStatus() != nil })
	require.ErrorContains(t, r.lastStatus(), "<session_log>")
	s.Restart(t, testengine.SessionLog())
	_, err := s.TryQuery(t.Context(), "SELECT 1")
	require.NoError(t, err)
	s.FlushLogs(t)
	eventually(t, "rows", func() bool { return len(r.emit.Delivered()) > 0 })
	eventually(t, "all is well", func() bool { return r.lastStatus() == nil })
}

// Trap A6: an upgrade renames the table to session_log_0 and begins an empty one. Rows unread by then are in the former.
func TestTablesThatAnUpgradeRenamedAreReadWithTheNewOne(t *testing.T) {
	s := testengine.ClickHouse(t)
	cfg := config(endpoint(s, "native"), server.Admin)
	store := &sourcetest.Store{}
	ask := func(n int) { // each query is a login and a logout
		for range n {
			s.Exec(t, "SELECT 1")
		}
	}
	ask(5)
	s.FlushLogs(t)
	r := run(t, cfg, store)
	eventually(t, "rows of before", func() bool { return len(r.emit.Delivered()) >= 10 })
	r.stop()
	told := r.byID(t)

	ask(5) // nobody is reading
	for n := range 2 {
		s.Restart(t, testengine.ConfigXML(fmt.Sprintf("<session_log><ttl>event_date + INTERVAL %d DAY</ttl></session_log>", 300+n)))
		ask(3)
		s.FlushLogs(t)
	}
	tables := s.Query(t, "SELECT name FROM system.tables WHERE database = 'system' AND name LIKE 'session_log%' ORDER BY name")
	require.Equal(t, [][]string{{"session_log"}, {"session_log_0"}, {"session_log_1"}}, tables)

	again := run(t, cfg, store)
	eventually(t, "rows of all three tables", func() bool { return len(again.emit.Delivered()) >= 10+6+6 })
	again.whole(t)
	again.stop()
	for id, e := range again.byID(t) {
		require.NotContains(t, told, id, "told again: %s at %d", e.SourceEvent, e.Time)
		told[id] = e
	}
	require.Zero(t, again.stats.Counts().Vanished)
	require.Zero(t, again.stats.Counts().Repeated)

	fresh := run(t, cfg, nil)
	eventually(t, "the same rows", func() bool { return len(fresh.emit.Delivered()) >= len(told) })
	fresh.stop()
	for id := range told {
		require.Contains(t, fresh.byID(t), id)
	}
}

func TestEndpointsAreTriedInTurn(t *testing.T) {
	s := quiet.Get(t)
	table := newLog(t, s)
	rows := rowsOf("row", 3, time.Now().UTC(), time.Millisecond)
	insert(t, s, table, rows...)
	dead := newProxy(t, s.Native)
	require.NoError(t, dead.listener.Close())
	cfg := reads(s, table)
	cfg.Endpoints = []string{"clickhouse://" + dead.addr(), "http://" + dead.addr(), strings.TrimPrefix(endpoint(s, "native"), "clickhouse://")}
	r := run(t, cfg, nil)
	r.emit.WaitFor(t, rows...)
	require.NoError(t, r.lastStatus())
}

// The connection may break anywhere in an answer, and the server may go and come back.
func TestAConnectionThatBreaksAnywhereLosesNothing(t *testing.T) {
	s := quiet.Get(t)
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			table := newLog(t, s)
			rows := rowsOf("row", 400, time.Now().UTC().Add(-30*time.Second), 50*time.Millisecond)
			insert(t, s, table, rows...)
			target := s.Native
			if protocol == "http" {
				target = s.HTTP
			}
			for cut := 1500; cut < 60_000; cut = cut*5/4 + 777 {
				p := newProxy(t, target)
				p.cutAfter = cut
				cfg := config(strings.Replace(endpoint(s, protocol), target, p.addr(), 1), server.Admin)
				cfg.Table, cfg.BatchSize = table, 50
				r := run(t, cfg, nil)
				r.emit.WaitFor(t, rows...)
				r.stop()
				r.once(t, rows...)
			}
		})
	}
}

func TestAServerThatGoesAndComesBackIsReadOn(t *testing.T) {
	s := testengine.ClickHouse(t, testengine.LogsOnDemand())
	table := newLog(t, s)
	rows := rowsOf("before", 3, time.Now().UTC(), time.Millisecond)
	insert(t, s, table, rows...)
	both := []*running{}
	for _, protocol := range protocols {
		cfg := reads(s, table)
		cfg.Endpoints = []string{endpoint(s, protocol)}
		both = append(both, run(t, cfg, nil))
	}
	for _, r := range both {
		r.emit.WaitFor(t, rows...)
	}
	s.Kill(t)
	for _, r := range both {
		eventually(t, "the trouble is told", func() bool { return r.lastStatus() != nil })
	}
	s.Restart(t)
	after := rowsOf("after", 3, time.Now().UTC(), time.Millisecond)
	insert(t, s, table, after...)
	for _, r := range both {
		r.emit.WaitFor(t, after...)
		eventually(t, "all is well", func() bool { return r.lastStatus() == nil })
		r.stop()
		r.once(t, append(rows, after...)...)
	}
}
