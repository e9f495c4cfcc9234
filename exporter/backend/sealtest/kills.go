package sealtest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/session"
)

func writeEvents(t *testing.T, b backend.Backend, events iter.Seq2[int, *session.Event]) backend.Result {
	t.Helper()
	result, err := b.Write(t.Context(), events)
	require.NoError(t, err)
	return result
}

// requireSealed holds that each of so many records is sealed, once.
func (r *sealRig) requireSealed(records int) {
	r.t.Helper()
	summary, found := r.verify()
	require.Empty(r.t, found)
	require.Equal(r.t, records, summary.Records)
	require.Equal(r.t, []string{strconv.Itoa(records)}, r.db.Column(r.t, "SELECT sum(entries) FROM session_seals"))
}

func (r *sealRig) journals() []string {
	paths, err := filepath.Glob(filepath.Join(r.cfg.Directory, "pending-*"))
	require.NoError(r.t, err)
	return paths
}

// killBeforeSeal: what was stored is sealed by the next start, from the journal.
func killBeforeSeal(t *testing.T, r *sealRig) {
	r.cfg.Interval = time.Minute
	killed := r.start()
	t.Cleanup(func() { _ = killed.Shutdown(context.Background()) })
	writeEvents(t, killed, numbers(0, 300))
	writeEvents(t, killed, numbers(290, 310))
	r.keepKilled(func() { r.write(numbers(310, 320)) })
	r.requireSealed(320)
}

// keepKilled runs do in the folder as a kill leaves it; the collector that was killed still runs in this process, in another.
func (r *sealRig) keepKilled(do func()) {
	killed := r.cfg.Directory
	r.cfg.Directory = filepath.Join(r.t.TempDir(), "seal")
	require.NoError(r.t, os.CopyFS(r.cfg.Directory, os.DirFS(killed)))
	do()
	require.NoError(r.t, os.RemoveAll(killed))
}

// killBeforeCommit: what a journal has and the table has not is sent again, and sealed then.
func killBeforeCommit(t *testing.T, r *sealRig) {
	refused := errors.New("the server has gone")
	r.wrap = func(b backend.SealedBackend) backend.SealedBackend {
		return &failingBackend{SealedBackend: b, before: refused}
	}
	killed := r.start()
	t.Cleanup(func() { _ = killed.Shutdown(context.Background()) })
	_, err := killed.Write(t.Context(), numbers(0, 100))
	require.ErrorIs(t, err, refused)
	r.wrap = nil
	r.keepKilled(func() { r.write(); r.requireSealed(0); r.write(numbers(0, 100)) })
	r.requireSealed(100)
}

// killBehindSeal, before its journal is removed, seals nothing twice.
func killBehindSeal(t *testing.T, r *sealRig) {
	r.cfg.Interval = time.Minute
	b := r.start()
	writeEvents(t, b, numbers(0, 100))
	journals := r.journals()
	kept := make([][]byte, len(journals))
	for i, path := range journals {
		var err error
		kept[i], err = os.ReadFile(path)
		require.NoError(t, err)
	}
	require.NoError(t, b.Shutdown(context.Background()))
	require.Empty(t, lengths(r.journals(), 33), "all is sealed")
	for i, path := range journals {
		require.NoError(t, os.WriteFile(path, kept[i], 0o600))
	}
	r.write(numbers(100, 110))
	r.requireSealed(110)
}

// lengths are of the files that are longer than a length.
func lengths(paths []string, than int64) (all []int64) {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Size() >= than {
			all = append(all, info.Size())
		}
	}
	return all
}

// failingBackend is a backend whose first write has an error before it writes, or after it.
type failingBackend struct {
	backend.SealedBackend
	before, behind error
	sealErrors     atomic.Int32
}

func (f *failingBackend) WriteWithFates(ctx context.Context, events iter.Seq2[int, *session.Event], hash backend.ContentHash) (backend.Result, []backend.Fate, error) {
	if err := f.before; err != nil {
		f.before = nil
		for i, e := range events { // the walk is over before a commit fails
			hash(i, e)
		}
		return backend.Result{}, nil, err
	}
	result, fates, err := f.SealedBackend.WriteWithFates(ctx, events, hash)
	if f.behind != nil {
		err, f.behind = f.behind, nil
	}
	return result, fates, err
}

// unknownOutcome: a write that was committed and had an error is sent again; its records are there already, and sealed as they were sent first.
func unknownOutcome(t *testing.T, r *sealRig) {
	lost := errors.New("the connection was lost")
	r.wrap = func(b backend.SealedBackend) backend.SealedBackend {
		return &failingBackend{SealedBackend: b, behind: lost}
	}
	b := r.start()
	_, err := b.Write(t.Context(), numbers(0, 100))
	require.ErrorIs(t, err, lost)
	later := func(yield func(int, *session.Event) bool) { // the source reads it again
		for i, e := range numbers(0, 110) {
			if e.Observed++; !yield(i, e) {
				return
			}
		}
	}
	require.Equal(t, backend.Result{Written: 10, Duplicates: 100}, writeEvents(t, b, later))
	require.NoError(t, b.Shutdown(context.Background()))
	r.requireSealed(110)
}

// forgedMeanwhile: a row that somebody puts in while no collector runs stays without a seal, also when it is sent again.
func forgedMeanwhile(t *testing.T, r *sealRig) {
	r.write(numbers(0, 10))
	r.db.CopyEvents(t, ofUser(3), idOf(5000))
	r.write(numbers(10, 20), func(yield func(int, *session.Event) bool) {
		for i, e := range numbers(3, 4) {
			e.RecordID = idOf(5000)
			yield(i, e)
		}
	})
	_, found := r.verify()
	require.Len(t, found, 1)
	require.Equal(t, verify.KindInserted, found[0].Kind)
	require.Equal(t, idOf(5000), found[0].RecordID)
}

// cutEnd: what was sealed last is removed, with its records, as where a copy of yesterday is brought back. The collector says so, and goes on.
func cutEnd(t *testing.T, r *sealRig) {
	r.write(numbers(0, 10))
	end := r.db.Column(t, "SELECT max(first) FROM session_seals")[0]
	r.write(numbers(10, 20))
	heads := r.heads()
	for _, table := range []string{seals, pages} {
		r.db.Delete(t, table, "first > "+end)
	}
	r.db.Delete(t, events, "user_name IN ('user-10', 'user-11', 'user-12', 'user-13', 'user-14', 'user-15', 'user-16', 'user-17', 'user-18', 'user-19')")
	require.Zero(t, r.alarms)

	_, found := r.verify(heads...)
	require.Contains(t, findingKinds(found), verify.KindRolledBack)
	_, found = r.verify()
	require.Empty(t, found, "without heads that were kept elsewhere, it looks like an earlier day")
	_, found = r.verify("no head\n", strings.Replace(heads[0], keyName, keyName+"x", 1))
	require.Equal(t, []verify.Kind{verify.KindUnknownHead, verify.KindUnknownHead}, findingKinds(found), "what no key has signed tells nothing of the table")

	r.write(numbers(10, 30))
	require.Equal(t, 1, r.alarms)
	summary, found := r.verify()
	require.Equal(t, []verify.Kind{verify.KindAlarm}, findingKinds(found))
	require.Equal(t, 30, summary.Records, "nothing is lost")
	r.acknowledgedAlarm(heads, end)
}

// cutWhileItRuns: what is removed under a collector that runs is noticed with its next seal.
func cutWhileItRuns(t *testing.T, r *sealRig) {
	r.write(numbers(0, 10))
	b := r.start()
	writeEvents(t, b, numbers(10, 20))
	for _, table := range []string{seals, pages} {
		r.db.Delete(t, table, "first = "+r.db.Column(t, "SELECT max(first) FROM "+table)[0])
	}
	writeEvents(t, b, numbers(20, 30))
	require.NoError(t, b.Shutdown(context.Background()))
	require.Equal(t, 1, r.alarms)
	r.write(numbers(30, 40))
	require.Equal(t, 1, r.alarms)
	summary, found := r.verify()
	require.ElementsMatch(t, append(slices.Repeat([]verify.Kind{verify.KindInserted}, 10), verify.KindAlarm), findingKinds(found))
	require.Equal(t, 30, summary.Records)
}

// acknowledgedAlarm is no finding any more, and neither are heads that it says are lost: what is cut off after it is one.
func (r *sealRig) acknowledgedAlarm(heads []string, end string) {
	r.t.Helper()
	_, found := r.verify(heads...)
	require.ElementsMatch(r.t, []verify.Kind{verify.KindAlarm, verify.KindRolledBack}, findingKinds(found))
	at := slices.IndexFunc(found, func(f verify.Finding) bool { return f.Kind == verify.KindAlarm })
	r.acknowledged = []string{found[at].Acknowledge}
	summary, found := r.verify(heads...)
	require.Equal(r.t, []verify.Kind{verify.KindAcknowledged, verify.KindAcknowledged}, findingKinds(found))
	require.Zero(r.t, summary.Tampering+summary.Weak)
	for _, table := range []string{seals, pages} {
		r.db.Delete(r.t, table, "first = "+end+" AND log LIKE '%/a'")
	}
	_, found = r.verify(heads...)
	require.Contains(r.t, findingKinds(found), verify.KindPagesMissing, "the alarm said that they were there")
}

func findingKinds(found []verify.Finding) (all []verify.Kind) {
	for _, f := range found {
		all = append(all, f.Kind)
	}
	return all
}

// twoCollectors: the second goes on in the log of the first, which then begins one of its own. All is sealed, and it is an alarm.
func twoCollectors(t *testing.T, r *sealRig) {
	r.ttl = 3000 * time.Hour
	first := r.start()
	writeEvents(t, first, numbers(0, 10))
	r.cfg.Directory = filepath.Join(t.TempDir(), "seal")
	second := r.start()
	writeEvents(t, second, numbers(10, 20))
	writeEvents(t, first, numbers(20, 30))
	writeEvents(t, second, numbers(30, 40))
	require.NoError(t, errors.Join(first.Shutdown(context.Background()), second.Shutdown(context.Background())))
	require.Equal(t, 1, r.alarms)
	summary, found := r.verify()
	require.Equal(t, 40, summary.Records)
	require.Equal(t, []verify.Kind{verify.KindAlarm}, findingKinds(found))
	require.Equal(t, []string{keyName + "/a", keyName + "/a/2"}, r.db.Column(r.t, "SELECT DISTINCT log FROM session_seals ORDER BY 1"))
	require.Equal(t, []string{keyName + "/a", keyName + "/a/2"}, r.db.Column(r.t, "SELECT DISTINCT log FROM session_seal_pages WHERE texts LIKE '%retention 3000h%' ORDER BY 1"))
}

// retention: what ttl may have deleted is no finding, and what is younger is.
func retention(t *testing.T, r *sealRig) {
	r.ttl = 3000 * time.Hour
	r.write(numbers(0, 100))
	r.db.Delete(t, events, "user_name IN ('user-3', 'user-50')")
	_, found := r.verify()
	require.Equal(t, []verify.Kind{verify.KindRemoved, verify.KindRemoved}, findingKinds(found))
	r.at = time.Unix(0, firstTime).Add(3000*time.Hour + 30*time.Second)
	summary, found := r.verify()
	require.Equal(t, []verify.Kind{verify.KindRemoved}, findingKinds(found))
	require.Equal(t, idOf(50), found[0].RecordID)
	require.Equal(t, 1, summary.Expired)
	for _, r.ttl = range []time.Duration{r.ttl, 2900 * time.Hour} {
		r.write()
	}
	r.retentions = nil
	r.verify()
	require.Equal(t, []string{"records expire after 3000h0m0s", "records expire after 2900h0m0s"}, r.retentions)
}

// twoRetentions: what a collector expires may be another's. It has said so under seal.
func twoRetentions(t *testing.T, r *sealRig) {
	r.write(hours(0, 10))
	r.cfg.Writer, r.cfg.Directory = "b", filepath.Join(t.TempDir(), "seal")
	r.ttl = time.Since(time.Unix(0, firstTime).Add(5 * time.Hour))
	r.write()
	r.db.Delete(t, events, "user_name IN ('user-2', 'user-8')")
	r.at = time.Now()
	_, found := r.verify()
	require.Equal(t, []verify.Kind{verify.KindRemoved}, findingKinds(found))
}

// withoutJournal records are stored and sealed all the same.
func withoutJournal(t *testing.T, r *sealRig) {
	b := r.start()
	require.NoError(t, os.RemoveAll(r.cfg.Directory))
	writeEvents(t, b, numbers(0, 10))
	writeEvents(t, b, numbers(10, 20))
	require.NoError(t, b.Shutdown(context.Background()))
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, 20, summary.Records)
}

// manyWriters share seals; one that waits for its seal has it when its write returns.
func manyWriters(t *testing.T, r *sealRig) {
	for _, interval := range []time.Duration{20 * time.Millisecond, 0} {
		r.cfg.Interval = interval
		b := r.start()
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				from := int(interval)/1000 + n*20
				if _, err := b.Write(t.Context(), numbers(from, from+20)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if interval == 0 {
			summary, found := r.verify()
			require.Empty(t, found)
			require.Equal(t, 320, summary.Records)
		}
		require.NoError(t, b.Shutdown(context.Background()))
	}
	r.requireSealed(320)
}

// missingKey is a mistake of the configuration.
func missingKey(t *testing.T, r *sealRig) {
	warned := func() int {
		core, logs := observer.New(zap.WarnLevel)
		r.log = zap.New(core)
		r.write()
		return logs.FilterMessageSnippet("may read the key").Len()
	}
	require.Zero(t, warned())
	require.NoError(t, os.Chmod(r.cfg.KeyFile, 0o644)) //nolint:gosec // that is the point
	require.Equal(t, runtime.GOOS != "windows", warned() == 1)
	require.NoError(t, os.WriteFile(r.cfg.KeyFile, []byte("no key"), 0o600))
	for _, path := range []string{r.cfg.KeyFile, "/nowhere/seal.key"} {
		r.cfg.KeyFile = path
		_, err := r.tryStart()
		require.ErrorIs(t, err, backend.ErrMisconfigured)
		require.ErrorContains(t, err, "seal::key_file")
		require.ErrorContains(t, err, "sessionlog keygen")
		require.False(t, bytes.Contains([]byte(err.Error()), []byte("no key at all")))
	}
}

// sealsFail: where seals cannot be stored, records are; they are sealed as soon as it works.
func sealsFail(t *testing.T, r *sealRig) {
	r.cfg.Interval = 5 * time.Millisecond
	f := &failingBackend{}
	r.wrap = func(b backend.SealedBackend) backend.SealedBackend { f.SealedBackend = b; return f }
	b := r.start()
	f.sealErrors.Store(5)
	for n := range 10 {
		writeEvents(t, b, numbers(10*n, 10*n+10))
	}
	require.Eventually(t, func() bool { return f.sealErrors.Load() < 0 }, 10*time.Second, time.Millisecond)
	require.NoError(t, b.Shutdown(context.Background()))
	r.requireSealed(100)
}

// AppendSeal fails some times, before it has stored the seal or after it.
func (f *failingBackend) AppendSeal(ctx context.Context, s *seal.Seal) error {
	switch left := f.sealErrors.Add(-1); {
	case left < 0:
		return f.SealedBackend.AppendSeal(ctx, s)
	case left%2 == 0:
		return errors.Join(errors.New("the connection was lost"), f.SealedBackend.AppendSeal(ctx, s))
	default:
		return errors.New("the disk is full")
	}
}

// hours are records an hour apart.
func hours(from, to int) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		for i, e := range numbers(from, to) {
			e.Time += int64(from+i) * int64(time.Hour)
			ms := e.Time / 1_000_000
			e.RecordID = session.ID{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms), 0x80, 8: 0x80}
			if !yield(i, e) {
				return
			}
		}
	}
}

// pruningAfter is the ttl with which what is older than an hour may go.
func pruningAfter(hour int) time.Duration {
	const keptLonger = 35 * 24 * time.Hour
	return time.Since(time.Unix(0, firstTime).Add(time.Duration(hour)*time.Hour)) - keptLonger
}

// pruning: pages whose records have all expired go, and what is left is verified, also with heads from before.
func pruning(t *testing.T, r *sealRig) {
	r.write(hours(0, 300), hours(300, 600), hours(600, 700))
	heads := r.heads()
	r.ttl = pruningAfter(600)
	b := r.start()
	require.Eventually(t, func() bool { return r.db.Column(t, "SELECT min(first) FROM session_seal_pages")[0] != "0" }, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, b.Shutdown(context.Background()))
	r.at = time.Now()
	summary, found := r.verify(heads...)
	for _, f := range found { // rows that ttl has not dropped yet
		require.Equal(t, verify.KindUnprotected, f.Kind)
	}
	require.Equal(t, 100, summary.Records+summary.Expired)
	r.db.Delete(t, pages, "first = "+r.db.Column(t, "SELECT max(first) FROM session_seal_pages")[0])
	_, found = r.verify()
	require.Contains(t, findingKinds(found), verify.KindPagesMissing)
}

// rotation: another key file, and whoever verifies has both public keys.
func rotation(t *testing.T, r *sealRig) {
	r.write(numbers(0, 10))
	secret, public, err := seal.GenerateKey(keyName)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(r.cfg.KeyFile, []byte(secret), 0o600))
	r.write(numbers(10, 20))
	_, found := r.verify()
	require.Contains(t, findingKinds(found), verify.KindForgedHead, "nobody has said that the new key is trusted")
	r.public = append(r.public, public)
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, 20, summary.Records)
	require.Equal(t, 1, summary.Logs)
	r.exchangedAfterAKill()
}

// exchangedAfterAKill: the collector does not remember its last seal, which is of the key before.
func (r *sealRig) exchangedAfterAKill() {
	r.t.Helper()
	path := filepath.Join(r.cfg.Directory, "state.json")
	before, err := os.ReadFile(path)
	require.NoError(r.t, err)
	r.write(numbers(20, 30))
	require.NoError(r.t, os.WriteFile(path, before, 0o600))
	file, public := r.newKey()
	r.cfg.KeyFile, r.public = file, append(r.public, public)
	r.write(numbers(30, 40))
	require.Zero(r.t, r.alarms)
	r.requireSealed(40)
}
