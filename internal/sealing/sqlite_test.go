package sealing_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/internal/sealing"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

const (
	firstTime = 1_790_000_000_000_000_000
	keyName   = "audit.example.net/logins"
)

// rig is a database, a collector that seals what it writes into it, and somebody who can write into it too.
type rig struct {
	t      *testing.T
	store  sqlite.Config
	cfg    sealing.Config
	public string
	alarms int
	wrap   func(backend.SealedBackend) backend.SealedBackend // what stands before the database; nil: nothing
	at     time.Time                                         // when it is verified
}

func newRig(t *testing.T) *rig {
	dir := t.TempDir()
	secret, public, err := seal.GenerateKey(keyName)
	require.NoError(t, err)
	r := &rig{t: t, store: sqlite.DefaultConfig(), cfg: sealing.DefaultConfig(), public: public, at: time.Now()}
	r.store.Path = filepath.Join(dir, "session_log.db")
	r.cfg.KeyFile, r.cfg.Directory, r.cfg.Writer, r.cfg.Interval = filepath.Join(dir, "seal.key"), filepath.Join(dir, "seal"), "a", 0
	require.NoError(t, os.WriteFile(r.cfg.KeyFile, []byte(secret+"\n"), 0o600))
	require.NoError(t, r.cfg.Validate())
	return r
}

func (r *rig) CountSealed(context.Context, uint64, uint64) {}

func (r *rig) CountAlarm(context.Context) { r.alarms++ }

// start starts a collector, whose end is the caller's.
func (r *rig) start() backend.Backend {
	r.t.Helper()
	b, err := r.tryStart()
	require.NoError(r.t, err)
	return b
}

func (r *rig) tryStart() (backend.Backend, error) {
	r.t.Helper()
	inner, err := sqlite.New(r.store, componenttest.NewNopTelemetrySettings())
	require.NoError(r.t, err)
	if r.wrap != nil {
		inner = r.wrap(inner.(backend.SealedBackend))
	}
	b, err := sealing.New(inner, r.cfg, r.store.TTL, func(ctx context.Context) (query.Store, error) { return sqlite.OpenQueryStore(ctx, r.store) }, zap.NewNop(), r)
	require.NoError(r.t, err)
	return b, b.Start(r.t.Context())
}

// write has a collector write events, and end.
func (r *rig) write(all ...iter.Seq2[int, *session.Event]) {
	r.t.Helper()
	b := r.start()
	for _, events := range all {
		_, err := b.Write(r.t.Context(), events)
		require.NoError(r.t, err)
	}
	require.NoError(r.t, b.Shutdown(context.Background()))
}

func numbers(from, to int) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		var e session.Event
		for n := from; n < to; n++ {
			sessiontest.Typical(&e, n)
			e.Time = firstTime + int64(n)*1_000_000_000
			e.User, e.RecordID = fmt.Sprint("user-", n), idOf(n)
			if !yield(n-from, &e) {
				return
			}
		}
	}
}

// idOf begins with the time of the event.
func idOf(n int) session.ID {
	ms := uint64(firstTime/1_000_000 + int64(n)*1000)
	return session.ID{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms), 0x80, 0, 0x80, 14: byte(n >> 8), 15: byte(n)}
}

// exec is what somebody does who can write into the database.
func (r *rig) exec(sql string) {
	r.t.Helper()
	conn, err := driver.OpenConn(r.store.Path, driver.OpenReadWrite)
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, conn.Close()) }()
	require.NoError(r.t, sqlitex.ExecuteScript(conn, strings.ReplaceAll(sql, "{events}", "session_events_1"), nil))
}

func (r *rig) verify(heads ...string) (verify.Summary, []verify.Finding) {
	r.t.Helper()
	keys, err := seal.ParseKeys(r.public)
	require.NoError(r.t, err)
	store, err := sqlite.OpenQueryStore(r.t.Context(), r.store)
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, store.Close()) }()
	var found []verify.Finding
	summary, err := verify.Run(r.t.Context(), store, verify.Options{Keys: keys, Heads: heads, At: r.at}, func(f verify.Finding) {
		if f.Kind != verify.KindNoCopies {
			found = append(found, f)
		}
	})
	require.NoError(r.t, err)
	return summary, found
}

// heads are those that the collector has given away.
func (r *rig) heads() []string {
	content, err := os.ReadFile(filepath.Join(r.cfg.Directory, "heads"))
	require.NoError(r.t, err)
	return seal.SplitHeads(string(content))
}

func TestWhatWasWrittenIsVerified(t *testing.T) {
	r := newRig(t)
	r.write(numbers(0, 5000), numbers(5000, 5001), numbers(4990, 5010))
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, 5010, summary.Records)
	require.Equal(t, 1, summary.Logs)
	summary, found = r.verify(r.heads()...)
	require.Empty(t, found)
	require.Equal(t, len(r.heads()), summary.HeadsHeld)
	require.Positive(t, summary.HeadsHeld)
}

// TestWhatAnAdministratorDoesIsFound: each attack of docs/evidence.md, by whoever may write into the database and has no key.
func TestWhatAnAdministratorDoesIsFound(t *testing.T) {
	ofUser := func(n int) string { return fmt.Sprintf(" WHERE user_name = 'user-%d'", n) }
	for name, c := range map[string]struct {
		sql  string
		want map[verify.Kind][]int // the records that are named; nil: none
	}{
		"a column is changed":     {"UPDATE {events} SET user_name = 'mallory'" + ofUser(17), map[verify.Kind][]int{verify.KindAltered: {17}}},
		"a time is changed":       {"UPDATE {events} SET observed = observed + 1" + ofUser(17), map[verify.Kind][]int{verify.KindAltered: {17}}},
		"a trace is put in":       {"UPDATE {events} SET trace_id = x'00000000000000000000000000000001'" + ofUser(17), map[verify.Kind][]int{verify.KindAltered: {17}}},
		"rows are deleted":        {"DELETE FROM {events} WHERE user_name IN ('user-17', 'user-18')", map[verify.Kind][]int{verify.KindRemoved: {17, 18}}},
		"rows are swapped":        {"UPDATE {events} SET record_id = randomblob(16)" + ofUser(17) + "; UPDATE {events} SET record_id = (SELECT x'" + hexOf(17) + "')" + ofUser(18), map[verify.Kind][]int{verify.KindAltered: {17}, verify.KindRemoved: {18}, verify.KindInserted: {-1}}},
		"a row is put in":         {"INSERT INTO {events} SELECT * FROM {events}" + ofUser(17) + "; ", nil},
		"a conflict is deleted":   {"DELETE FROM session_conflicts", map[verify.Kind][]int{verify.KindRemoved: {30}}},
		"the second version wins": {"UPDATE {events} SET user_name = 'mallory'" + ofUser(30), map[verify.Kind][]int{verify.KindAltered: {30}}},
		"a statement is changed":  {"UPDATE session_seal_pages SET texts = replace(texts, 'retention unlimited', 'retention 1h0m0s')", map[verify.Kind][]int{verify.KindStatementAltered: {-1}}},
		"a seed is changed":       {"UPDATE session_seal_pages SET seed = randomblob(32) WHERE first = (SELECT max(first) FROM session_seal_pages WHERE length(manifest) > 300)", map[verify.Kind][]int{verify.KindSeedAltered: {-1}}},
		"pages are removed":       {"DELETE FROM session_seal_pages WHERE first = (SELECT max(first) FROM session_seal_pages WHERE length(manifest) > 300)", map[verify.Kind][]int{verify.KindPagesMissing: {-1}}},
		"seals are removed":       {"DELETE FROM session_seals WHERE first = (SELECT max(first) FROM session_seal_pages WHERE length(manifest) > 300)", map[verify.Kind][]int{verify.KindPagesMissing: {-1}}},
		"entry and row are removed": {
			"UPDATE session_seal_pages SET manifest = substr(manifest, 1, 33) || substr(manifest, 100) WHERE length(manifest) > 300; DELETE FROM {events}" + ofUser(17),
			map[verify.Kind][]int{verify.KindPagesAltered: {-1}},
		},
		"heads are exchanged": {"UPDATE session_seals SET head = (SELECT head FROM session_seals ORDER BY first LIMIT 1)", map[verify.Kind][]int{verify.KindPagesAltered: {-1}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			forged := func(yield func(int, *session.Event) bool) {
				for i, e := range numbers(30, 31) {
					e.User = "mallory"
					yield(i, e)
				}
			}
			r.write(numbers(0, 40), forged)
			summary, found := r.verify()
			require.Empty(t, found)
			require.Equal(t, 1, summary.Conflicts)
			if c.want == nil {
				c.sql = "DROP INDEX session_events_1_by_record_id; INSERT INTO {events} SELECT (SELECT max(arrival) + 1 FROM {events}), " + columnsButArrival(r) + " FROM {events}" + ofUser(17)
				c.want = map[verify.Kind][]int{verify.KindTwice: {17}}
			}
			r.exec(c.sql)
			summary, found = r.verify()
			named := map[verify.Kind][]int{}
			for _, f := range found {
				n := -1
				for k := range 40 {
					if f.RecordID == idOf(k) {
						n = k
					}
				}
				if _, wanted := c.want[f.Kind]; wanted {
					named[f.Kind] = append(named[f.Kind], n)
				}
			}
			for kind, records := range c.want {
				require.NotEmpty(t, named[kind], "%s: %+v", kind, found)
				if records[0] >= 0 {
					require.Equal(t, records, named[kind], "%s: %+v", kind, found)
				}
			}
			require.Positive(t, summary.Tampering)
		})
	}
}

func hexOf(n int) string { return strings.ReplaceAll(idOf(n).String(), "-", "") }

func columnsButArrival(r *rig) string {
	return strings.Join(r.column("SELECT name FROM pragma_table_info('session_events_1') WHERE name <> 'arrival'"), ", ")
}

func itoa(n int) string { return strconv.Itoa(n) }

// column is what a statement gives.
func (r *rig) column(sql string) (all []string) {
	r.t.Helper()
	conn, err := driver.OpenConn(r.store.Path, driver.OpenReadOnly)
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, conn.Close()) }()
	require.NoError(r.t, sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *driver.Stmt) error { all = append(all, stmt.ColumnText(0)); return nil },
	}))
	return all
}
