package sealtest

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// forgedBy is another version of records.
func forgedBy(user string, events iter.Seq2[int, *session.Event]) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		for i, e := range events {
			if e.User = user; !yield(i, e) {
				return
			}
		}
	}
}

func chainEvents(all ...iter.Seq2[int, *session.Event]) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		n := 0
		for _, events := range all {
			for _, e := range events {
				if !yield(n, e) {
					return
				}
				n++
			}
		}
	}
}

// killWithConflicts: also the versions that were kept aside are sealed by the next start, and those that came first.
func killWithConflicts(t *testing.T, r *sealRig) {
	r.cfg.Interval = time.Minute
	killed := r.start()
	t.Cleanup(func() { _ = killed.Shutdown(context.Background()) })
	writeEvents(t, killed, chainEvents(numbers(0, 20), forgedBy("mallory", numbers(3, 6)), numbers(2, 8), forgedBy("mallory", numbers(3, 6))))
	writeEvents(t, killed, forgedBy("trudy", numbers(3, 4)))
	r.keepKilled(func() { r.write() })
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, 20, summary.Records)
	require.Equal(t, 4, summary.Conflicts)
	require.Equal(t, []string{"24"}, r.db.Column(t, "SELECT sum(entries) FROM session_seals"))
}

// fatesInABatch are of repetitions and of versions within one batch, and across two.
func fatesInABatch(t *testing.T, r *sealRig) {
	r.write(chainEvents(numbers(0, 10), numbers(5, 10), forgedBy("mallory", numbers(0, 3)), forgedBy("mallory", numbers(0, 3)), forgedBy("trudy", numbers(0, 1))),
		chainEvents(numbers(0, 12), forgedBy("mallory", numbers(2, 4)), numbers(11, 13), forgedBy("trudy", numbers(12, 13))))
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, 13, summary.Records)
	require.Equal(t, 6, summary.Conflicts)
	require.Equal(t, []string{"19"}, r.db.Column(t, "SELECT sum(entries) FROM session_seals"))
}

// versionsInABatch are those of two receivers of one log, which observe each record at a time of their own: the first one of a batch is stored, and sealed, however
// the server arranges records of many sizes. Some batches go before, over all of the backend's connections.
func versionsInABatch(t *testing.T, r *sealRig) {
	observed := func(at int64, from, to int) iter.Seq2[int, *session.Event] {
		return func(yield func(int, *session.Event) bool) {
			for i, e := range numbers(from, to) {
				if e.Observed, e.Message = at, strings.Repeat("m", (from+i)*(from+i)*37%900); !yield(i, e) {
					return
				}
			}
		}
	}
	const before, records, call = 8, 1000, 5
	var all, calls []iter.Seq2[int, *session.Event]
	for from := 0; from < records; from += call {
		both := chainEvents(observed(1, from, from+call), observed(2, from, from+call))
		if from < before*call {
			all = append(all, both)
			continue
		}
		calls = append(calls, both)
	}
	r.write(append(all, chainEvents(calls...))...)
	r.requireSealed(records)
}

// unknownAcrossARestart: a write without a known outcome is not sent again before the collector has ended, after others have been sealed.
func unknownAcrossARestart(t *testing.T, r *sealRig) {
	r.wrap = func(b backend.SealedBackend) backend.SealedBackend {
		return &failingBackend{SealedBackend: b, behind: errors.New("the connection was lost")}
	}
	b := r.start()
	_, err := b.Write(t.Context(), numbers(0, 100))
	require.Error(t, err)
	r.wrap = nil
	writeEvents(t, b, numbers(100, 110))
	require.NoError(t, b.Shutdown(context.Background()))
	r.write()
	r.requireSealed(110)
}

// unknownOfTwoVersions: of several tries with another time of observation, the one that arrived counts.
func unknownOfTwoVersions(t *testing.T, r *sealRig) {
	f := &failingBackend{behind: errors.New("the connection was lost")}
	r.wrap = func(b backend.SealedBackend) backend.SealedBackend { f.SealedBackend = b; return f }
	observed := func(at int64) iter.Seq2[int, *session.Event] {
		return func(yield func(int, *session.Event) bool) {
			for i, e := range numbers(0, 100) {
				if e.Observed = at; !yield(i, e) {
					return
				}
			}
		}
	}
	b := r.start()
	_, err := b.Write(t.Context(), observed(1))
	require.Error(t, err)
	f.before = errors.New("the server has gone")
	_, err = b.Write(t.Context(), observed(2))
	require.Error(t, err)
	writeEvents(t, b, observed(3))
	require.NoError(t, b.Shutdown(context.Background()))
	r.requireSealed(100)
}

// forgottenLog: this collector has left its log once, and has forgotten that. It finds a number that is free, and nothing is lost.
func forgottenLog(t *testing.T, r *sealRig) {
	r.write(numbers(0, 10))
	path := filepath.Join(r.cfg.Directory, "state.json")
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	r.db.Delete(t, seals, "first >= 0")
	r.db.Delete(t, pages, "first >= 0")
	r.db.Delete(t, events, "user_name <> ''")
	r.write(numbers(0, 10))
	require.NoError(t, os.WriteFile(path, before, 0o600))
	r.write(numbers(10, 20))
	summary, found := r.verify()
	require.Equal(t, 20, summary.Records)
	require.Equal(t, []verify.Kind{verify.KindAlarm, verify.KindAlarm}, findingKinds(found))
}

// tornState: after a loss of power the file may be empty. Logins are written all the same.
func tornState(t *testing.T, r *sealRig) {
	r.write(numbers(0, 10))
	require.NoError(t, os.WriteFile(filepath.Join(r.cfg.Directory, "state.json"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(r.cfg.Directory, "pending-x"), []byte("?"), 0o600))
	r.write(numbers(10, 20))
	r.requireSealed(20)
}

// startWithoutSeals: a collector that cannot store seals when it starts stores logins.
func startWithoutSeals(t *testing.T, r *sealRig) {
	r.cfg.Interval = 5 * time.Millisecond
	f := &failingBackend{}
	f.sealErrors.Store(5)
	r.wrap = func(b backend.SealedBackend) backend.SealedBackend { f.SealedBackend = b; return f }
	b := r.start()
	writeEvents(t, b, numbers(0, 10))
	require.Eventually(t, func() bool { return f.sealErrors.Load() < 0 }, 10*time.Second, time.Millisecond)
	require.NoError(t, b.Shutdown(context.Background()))
	r.requireSealed(10)
}

// sharedFolder is refused: each of two exporters would take the other's journals for its own.
func sharedFolder(t *testing.T, r *sealRig) {
	b := r.start()
	second, err := r.tryStart()
	require.ErrorContains(t, err, "seal::directory")
	require.NoError(t, second.Shutdown(context.Background()))
	writeEvents(t, b, numbers(0, 10))
	require.NoError(t, b.Shutdown(context.Background()))
	r.requireSealed(10)
}

// silentBackend is a backend that stores no seal until its caller goes away.
type silentBackend struct {
	backend.SealedBackend
	silent atomic.Bool
}

func (s *silentBackend) AppendSeal(ctx context.Context, sealed *seal.Seal) error {
	if s.silent.Load() {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return s.SealedBackend.AppendSeal(ctx, sealed)
}

// silentServer: the end of a collector does not wait for ever for a seal. A write that waits for its seal, and whose sender has gone away, is sent again, and
// waits again.
func silentServer(t *testing.T, r *sealRig) {
	s := &silentBackend{}
	r.wrap = func(b backend.SealedBackend) backend.SealedBackend { s.SealedBackend = b; return s }
	b := r.start()
	s.silent.Store(true)
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := b.Write(ctx, numbers(0, 10))
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		_ = b.Shutdown(ctx) // its time is over
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the end waits for a seal")
	}
	r.wrap = nil
	r.write()
	r.requireSealed(10)
}

// lateConflict: a version that was kept aside may get its seal while it is verified, as a record may.
func lateConflict(t *testing.T, r *sealRig) {
	r.write(numbers(0, 10), forgedBy("mallory", numbers(3, 4)))
	r.cfg.Interval, r.sealWait = 700*time.Millisecond, 20*time.Second
	b := r.start()
	writeEvents(t, b, chainEvents(numbers(8, 12), forgedBy("trudy", numbers(3, 4))))
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, 12, summary.Records)
	require.Equal(t, 2, summary.Conflicts)
	require.NoError(t, b.Shutdown(context.Background()))
}

// noPruning is a backend that lets go of nothing: who makes the tables himself need not grant that.
type noPruning struct{ backend.SealedBackend }

func (noPruning) PruneSeals(context.Context, string, uint64) error {
	return errors.New("permission denied")
}

// prunedHalf: seals that were let go of under seal, and are there still, or in part, are no finding.
func prunedHalf(t *testing.T, r *sealRig) {
	r.write(hours(0, 200), hours(200, 400), hours(400, 600), hours(600, 700))
	atFirst := func(n string) func() bool {
		return func() bool { return r.db.Column(t, "SELECT min(first) FROM session_seal_pages")[0] != n }
	}
	pruneOnce := func(hour int, done func() bool) {
		r.ttl = pruningAfter(hour)
		b := r.start()
		require.Eventually(t, done, 20*time.Second, 20*time.Millisecond)
		require.NoError(t, b.Shutdown(context.Background()))
	}
	pruneOnce(250, atFirst("0"))
	first := r.db.Column(t, "SELECT min(first) FROM session_seal_pages")[0]
	r.wrap = func(b backend.SealedBackend) backend.SealedBackend { return noPruning{b} }
	pruneOnce(600, func() bool {
		return r.db.Column(t, "SELECT count(*) FROM session_seal_pages WHERE texts LIKE 'pruned%'")[0] == "2"
	})
	requireNothing := func() {
		r.at = time.Now()
		_, found := r.verify()
		for _, f := range found { // rows that ttl has not dropped yet
			require.Equal(t, verify.KindUnprotected, f.Kind)
		}
	}
	requireNothing()
	r.db.Delete(t, pages, "first = "+first)
	requireNothing()
}

// tornHead is no evidence of tampering: it was torn where it was copied. A head of a log that has gone is.
func tornHead(t *testing.T, r *sealRig) {
	r.write(numbers(0, 10))
	r.write(numbers(10, 20))
	heads := r.heads()
	require.Len(t, heads, 2)
	_, found := r.verify(append(slices.Clone(heads), heads[0][:len(heads[0])/2], "garbage\n")...)
	require.Equal(t, []verify.Kind{verify.KindUnknownHead, verify.KindUnknownHead}, findingKinds(found))
	r.db.Delete(t, seals, "first >= 0")
	_, found = r.verify(heads...)
	lost := slices.DeleteFunc(found, func(f verify.Finding) bool { return f.Kind != verify.KindRolledBack })
	require.Len(t, lost, 1, "a line a log")
	require.Contains(t, lost[0].Detail, "1 more")
}

// importBeside begins a log of its own, which excuses nothing: what was there before is the collector's to seal.
func importBeside(t *testing.T, r *sealRig) {
	collector := r.start()
	writeEvents(t, collector, numbers(0, 10))
	own := r.cfg
	r.cfg = own.ForImport()
	r.write(numbers(5, 20))
	r.cfg = own
	writeEvents(t, collector, numbers(15, 30))
	require.NoError(t, collector.Shutdown(context.Background()))
	r.requireSealed(30)
	r.db.CopyEvents(t, ofUser(3), idOf(5000))
	_, found := r.verify()
	require.Equal(t, []verify.Kind{verify.KindInserted}, findingKinds(found))
}

// sameRecords come to two collectors with logs of their own: each record is new for one of them.
func sameRecords(t *testing.T, r *sealRig) {
	first := r.start()
	r.cfg.Writer, r.cfg.Directory = "b", filepath.Join(t.TempDir(), "seal")
	second := r.start()
	for n := range 2 {
		writeEvents(t, first, chainEvents(numbers(10*n, 10*n+10), forgedBy("mallory", numbers(10*n, 10*n+2))))
		writeEvents(t, second, chainEvents(numbers(10*n+5, 10*n+15), forgedBy("mallory", numbers(10*n, 10*n+2)), forgedBy("trudy", numbers(10*n, 10*n+1))))
	}
	require.NoError(t, errors.Join(first.Shutdown(context.Background()), second.Shutdown(context.Background())))
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, 25, summary.Records)
	require.Equal(t, 6, summary.Conflicts)
	require.Equal(t, []string{"31"}, r.db.Column(t, "SELECT sum(entries) FROM session_seals"))
}

// oddRecords have ids that do not begin with their time, and times before 1970.
func oddRecords(t *testing.T, r *sealRig) {
	b := r.start()
	var ids []session.ID
	for n := range 5 {
		writeEvents(t, b, oddEvents(14*n))
		for i, e := range oddEvents(14 * n) {
			if i == n%3 {
				ids = append(ids, e.RecordID)
			}
		}
	}
	writeEvents(t, b, forgedBy("mallory", oddEvents(14)))
	require.NoError(t, b.Shutdown(context.Background()))
	summary, found := r.verify(r.heads()...)
	require.Empty(t, found)
	require.Equal(t, 15, summary.Records)
	require.Equal(t, 3, summary.Conflicts)
	r.proveRecords(ids...)
}

// oddEvents are three records.
func oddEvents(n int) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		for i, e := range numbers(n, n+3) {
			e.RecordID = session.ID{byte(n * 37), byte(n * 91), byte(i), 5: byte(n), 15: 1}
			e.Time = int64(n-40) * 200_000_000_000_000_000
			if !yield(i, e) {
				return
			}
		}
	}
}

type countingStore struct {
	query.Store
	asked *int
}

func (s *countingStore) Rows(ctx context.Context, sql string, expressions int) iter.Seq2[[]query.Cell, error] {
	*s.asked++
	return s.Store.Rows(ctx, sql, expressions)
}

// manySeals are more than are read at once.
func manySeals(t *testing.T, r *sealRig) {
	b := r.start()
	for n := range 70 {
		writeEvents(t, b, oddEvents(n))
	}
	require.NoError(t, b.Shutdown(context.Background()))
	asked := 0
	r.asked = func(s query.Store) query.Store { return &countingStore{s, &asked} }
	summary, found := r.verify(r.heads()...)
	require.Less(t, asked, 70, "small seals are read together")
	require.Empty(t, found)
	require.Equal(t, 210, summary.Records)

	all := r.db.Column(t, "SELECT first FROM session_seals ORDER BY first")
	require.Greater(t, len(all), 65)
	for _, table := range []string{seals, pages} {
		r.db.Delete(t, table, "first IN ("+all[0]+", "+all[63]+", "+all[64]+")")
	}
	_, found = r.verify()
	missing := 0
	for _, f := range found {
		if f.Kind == verify.KindPagesMissing {
			missing++
		}
	}
	require.Equal(t, 2, missing, "at the beginning, and at the border of what is read at once: %v", findingKinds(found))

	for _, table := range []string{seals, pages} {
		r.db.Delete(t, table, "first < "+all[len(all)-1])
	}
	r.db.Delete(t, pages, "first = "+all[len(all)-1])
	_, found = r.verify(r.heads()...)
	require.Contains(t, findingKinds(found), verify.KindPagesMissing, "nothing of the log is left but its last head")
}

// repeatedSeals are what an insert leaves whose outcome was not known, where nothing is unique.
func repeatedSeals(t *testing.T, r *sealRig) {
	r.write(numbers(0, 10))
	r.write(numbers(10, 20))
	if !r.db.Repeat(t, seals) || !r.db.Repeat(t, pages) {
		t.Skip("a seal is there once")
	}
	r.write(numbers(20, 30))
	require.Zero(t, r.alarms)
	summary, found := r.verify(r.heads()...)
	require.Empty(t, found)
	require.Equal(t, 30, summary.Records)
	r.proveRecords(idOf(3), idOf(25))
}

// hostileRecords are spelled as the program spells them, whatever a sender has put in.
func hostileRecords(t *testing.T, r *sealRig) {
	attrs := []session.Attr{
		{Key: "a", Value: "x"},
		{Key: "a", Value: "2", Type: session.AttrInt},
		{Key: "a", Value: "1", Type: session.AttrInt},
		{Key: "", Value: ""},
		{Key: "n", Value: "NaN", Type: session.AttrDouble},
		{Key: "z", Value: "-0.0", Type: session.AttrDouble},
		{Key: "e", Value: "1E+400", Type: session.AttrDouble},
		{Key: "i", Value: "007", Type: session.AttrInt},
		{Key: "b", Value: "true", Type: session.AttrBool},
		{Key: "y", Value: "\x00\xff", Type: session.AttrBytes},
		{Key: "j", Value: `{"b": 1.50, "a":[1e2,"\u0000"]}`, Type: session.AttrJSON},
		{Key: "k", Value: `[{"q":"'"}]`, Type: session.AttrJSON},
		{Key: "v", Type: session.AttrEmpty},
		{Key: "dup", Value: `{"a":1,"a":2}`, Type: session.AttrJSON},
		{Key: "map", Value: `{}`, Type: session.AttrJSON},
		{Key: "list", Value: ` [ ] `, Type: session.AttrJSON},
		{Key: "deep", Value: strings.Repeat("[", 200) + strings.Repeat("]", 200), Type: session.AttrJSON},
		{Key: "large", Value: `[12345678901234567890, 1.0, 1e2, -0, 1E999, 0.1000]`, Type: session.AttrJSON},
		{Key: "escapes", Value: `{"\u00e9":"\ud800 \/ \ud83d\ude00","\u0000":"<\u003c"}`, Type: session.AttrJSON},
		{Key: "broken", Value: `{"a":`, Type: session.AttrJSON},
		{Key: "number", Value: `1.0`, Type: session.AttrJSON},
		{Key: "nothing", Value: ``, Type: session.AttrJSON},
		{Key: "null", Value: `null`, Type: session.AttrJSON},
		{Key: "int", Value: "9223372036854775808", Type: session.AttrInt},
		{Key: "int+", Value: "+5", Type: session.AttrInt},
		{Key: "d", Value: "1.0", Type: session.AttrDouble},
		{Key: "d2", Value: "1e2", Type: session.AttrDouble},
		{Key: "d3", Value: "0x1p4", Type: session.AttrDouble},
		{Key: "d4", Value: "-Inf", Type: session.AttrDouble},
		{Key: "b2", Value: "TRUE", Type: session.AttrBool},
		{Key: "bytes", Value: "", Type: session.AttrBytes},
		{Key: "bytes2", Value: "AP8=", Type: session.AttrBytes},
		{Key: "a.b", Value: "1", Type: session.AttrInt},
		{Key: "a", Value: `{"b":2}`, Type: session.AttrJSON},
		{Key: "a.b.c", Value: "x\x00y"},
		{Key: "bad \xff\x00'\"\\", Value: "\u2028 \xfe </script>"},
	}
	all := func(yield func(int, *session.Event) bool) {
		for n := range len(attrs) + 2 {
			e := sessiontest.Full()
			e.RecordID, e.Time = idOf(n), firstTime+int64(n)*1_000_000_000
			switch {
			case n < len(attrs):
				e.Extra = attrs[n:]
			case n == len(attrs):
				e.Extra, e.Roles, e.Settings, e.Observed = nil, []string{"", "\xff", "{a,b}", "NULL"}, []session.Setting{{Name: "\x00", Value: "\xff"}, {}}, 0
			}
			if !yield(n, e) {
				return
			}
		}
	}
	r.write(all)
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, len(attrs)+2, summary.Records)
}
