package deadletter

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session/deadletter/deadlettertest"
)

const component = "receiver/sessionlog/warehouse_1"

var errPoison = errors.New("row \"7\" is poison\nin two lines")

// page has two resources with two scopes of two records each; every text in it is hostile.
func page() plog.Logs {
	logs := plog.NewLogs()
	for _, instance := range []string{"a\x00b", "ü\"\\"} {
		r := logs.ResourceLogs().AppendEmpty()
		r.SetSchemaUrl("https://opentelemetry.io/schemas/1.43.0")
		r.Resource().Attributes().PutStr("service.instance.id", instance)
		for _, scope := range []string{"one", "two"} {
			s := r.ScopeLogs().AppendEmpty()
			s.Scope().SetName(scope)
			s.Scope().SetVersion("1.2.3")
			s.SetSchemaUrl("https://opentelemetry.io/schemas/1.43.0")
			for _, name := range []string{"line\nbreak <b>&", "not UTF-8 \xff\xfe"} {
				record := s.LogRecords().AppendEmpty()
				record.SetEventName("sessionlog.login")
				record.SetTimestamp(1_795_000_000_123_456_789)
				record.Attributes().PutStr("user.name", name)
				record.Attributes().PutInt("client.port", 66790)
			}
		}
	}
	return logs
}

func mustOpen(t *testing.T, dir string, now func() time.Time) *Writer {
	t.Helper()
	l, err := openWithClock(dir, component, now)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func at(day int) func() time.Time {
	return func() time.Time { return time.Date(2026, 11, day, 23, 59, 59, 5, time.UTC) }
}

func readAll(t *testing.T, dir string) (entries []deadlettertest.Entry, bad []string) {
	t.Helper()
	for entry, err := range deadlettertest.Read(dir) {
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		entries = append(entries, entry)
	}
	return entries, bad
}

func TestEveryRecordComesBackAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made [by]", "open")
	l := mustOpen(t, dir, at(20))
	logs := page()
	require.NoError(t, l.Write(t.Context(), logs, errPoison))

	entries, bad := readAll(t, dir)
	require.Empty(t, bad)
	var want []plog.Logs
	for one := range eachRecord(logs) {
		copied := plog.NewLogs()
		one.CopyTo(copied)
		want = append(want, copied)
	}
	require.Len(t, want, 8)
	require.Len(t, entries, len(want))
	for i, entry := range entries {
		require.Equal(t, want[i], entry.Record)
		require.Equal(t, i+1, entry.Line)
		require.Equal(t, component, entry.Component)
		require.Equal(t, errPoison.Error(), entry.Reason)
		require.Equal(t, at(20)(), entry.Time)
	}
}

func TestFilesAreOnlyForTheirOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "letters")
	l := mustOpen(t, dir, at(20))
	require.NoError(t, l.Write(t.Context(), page(), nil))
	info, err := os.Stat(filepath.Join(dir, "receiver.sessionlog.warehouse_1.2026-11-20.jsonl"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	folder, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), folder.Mode().Perm())
}

func TestEachDayHasItsFile(t *testing.T) {
	dir := t.TempDir()
	day := 20
	l := mustOpen(t, dir, func() time.Time { return at(day)() })
	for ; day <= 22; day++ {
		require.NoError(t, l.Write(t.Context(), page(), errPoison))
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 3)
	entries, bad := readAll(t, dir)
	require.Empty(t, bad)
	require.Len(t, entries, 24)
}

// A file that somebody has dealt with and taken away, or moved to look at, is no place for what comes next.
func TestAFileThatWasTakenAwayIsMadeAnew(t *testing.T) {
	for name, take := range map[string]func(string) error{
		"removed": os.Remove,
		"moved":   func(path string) error { return os.Rename(path, path+".old") },
		"folder":  func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "dead")
			l := mustOpen(t, dir, at(20))
			require.NoError(t, l.Write(t.Context(), page(), errPoison))
			require.NoError(t, take(l.pathOfDay("2026-11-20")))
			require.NoError(t, l.Write(t.Context(), page(), errPoison))
			entries, bad := readAll(t, dir)
			require.Empty(t, bad)
			require.Len(t, entries, page().LogRecordCount())
		})
	}
}

// A crash may cut the file anywhere: whatever is left, what comes later is read, and only the torn line is missing.
func TestATornLineIsClosedOff(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, at(20))
	require.NoError(t, l.Write(t.Context(), page(), errPoison))
	whole, err := os.ReadFile(l.pathOfDay("2026-11-20"))
	require.NoError(t, err)
	for _, cut := range []int{1, len(whole) / 2, len(whole) - 2, len(whole) - 1, len(whole)} {
		require.NoError(t, os.WriteFile(l.pathOfDay("2026-11-20"), whole[:cut], 0o600))
		again := mustOpen(t, dir, at(20))
		require.NoError(t, again.Write(t.Context(), page(), errPoison))
		entries, bad := readAll(t, dir)
		complete := strings.Count(string(whole[:cut]), "\n")
		if cut == len(whole)-1 {
			complete++ // only the newline is missing
		}
		require.Len(t, entries, complete+8, "cut at %d", cut)
		require.LessOrEqual(t, len(bad), 1)
	}
}

func TestAFullDiskIsAnErrorAndPassesOn(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, at(20))
	file := l.pathOfDay("2026-11-20")
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Log("no /dev/full on this system: a folder in the file's place stands in for it")
		require.NoError(t, os.Mkdir(file, 0o700))
	} else {
		require.NoError(t, os.Symlink("/dev/full", file))
	}
	err := l.Write(t.Context(), page(), errPoison)
	require.ErrorContains(t, err, "dead letter: ")
	require.NoError(t, os.Remove(file))
	require.NoError(t, l.Write(t.Context(), page(), errPoison))
	entries, bad := readAll(t, dir)
	require.Empty(t, bad)
	require.Len(t, entries, 8)
}

func TestAnEndedContextPromisesNothing(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, at(20))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.Write(ctx, page(), errPoison), context.Canceled)
}

func TestAFolderThatCannotBeWrittenIsSaidAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(filepath.Join(file, "folder"), component)
	require.ErrorContains(t, err, "dead letter: folder cannot be written")
}

func TestManyWritersAtOnce(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, at(20))
	other, err := openWithClock(dir, "exporter/sessionlog", at(20))
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	var writers sync.WaitGroup
	for range 4 {
		for _, letter := range []*Writer{l, other} {
			writers.Go(func() {
				for range 5 {
					if err := letter.Write(t.Context(), page(), errPoison); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	writers.Wait()
	entries, bad := readAll(t, dir)
	require.Empty(t, bad)
	require.Len(t, entries, 2*4*5*8)
}

func TestComponentsNeverShareAFile(t *testing.T) {
	names := map[string]string{}
	for _, id := range []string{"a/b_c", "a_b/c", "a/b/c", "a_b_c", "a__b/c", "a/_b/c", "a//b", "a.b", "a~002Eb", "ä", "a b"} {
		file := fileName(id, "2026-11-20")
		require.NotContains(t, names, file, "%s and %s", id, names[file])
		require.NotContains(t, file, "/")
		names[file] = id
	}
}

func TestOpenLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, filepath.Join(dir, "a", "b"), at(20))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestNothingIsReadFromNoFolder(t *testing.T) {
	entries, bad := readAll(t, filepath.Join(t.TempDir(), "none"))
	require.Empty(t, entries)
	require.Empty(t, bad)
}

func TestALongReasonIsCut(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, at(20))
	require.NoError(t, l.Write(t.Context(), page(), errors.New(strings.Repeat("ü", 1<<20))))
	entries, bad := readAll(t, dir)
	require.Empty(t, bad)
	require.Equal(t, strings.Repeat("ü", maxReason/2), entries[7].Reason)
}

func TestALongRecordIsReadWhole(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, at(20))
	logs := page()
	name := strings.Repeat("n", 10<<20)
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr("user.name", name)
	require.NoError(t, l.Write(t.Context(), logs, errPoison))
	for entry, err := range deadlettertest.Read(dir) {
		require.NoError(t, err)
		got, _ := entry.Record.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().Get("user.name")
		require.Equal(t, name, got.Str())
		break
	}
}

// TestAFileThatCannotBeSyncedIsNoPromise: /dev/null takes every byte and cannot be synced, like a disk that loses what it took.
func TestAFileThatCannotBeSyncedIsNoPromise(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, at(1))
	require.NoError(t, os.Symlink("/dev/null", l.pathOfDay("2026-11-01")))
	l.now = func() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }
	require.Error(t, l.Write(t.Context(), page(), errors.New("refused")))
	require.Nil(t, l.file, "a file whose fsync has failed is not written to again: it is opened anew")
	require.NoError(t, os.Remove(l.pathOfDay("2026-11-01")))
	require.NoError(t, l.Write(t.Context(), page(), errors.New("refused")))
	entries, bad := readAll(t, dir)
	require.Empty(t, bad)
	require.Len(t, entries, page().LogRecordCount())
}

// TestLettersOfManyReasonsAreOnePromise: each record has its own reason, and one fsync is for all of them.
func TestLettersOfManyReasonsAreOnePromise(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, at(1))
	letters := []RefusedLogs{{page(), errors.New("one")}, {page(), errors.New("two")}}
	require.NoError(t, os.Symlink("/dev/null", l.pathOfDay("2026-11-01")))
	require.Error(t, l.WriteAll(t.Context(), letters))
	require.NoError(t, os.Remove(l.pathOfDay("2026-11-01")))
	require.NoError(t, l.WriteAll(t.Context(), letters))
	entries, bad := readAll(t, dir)
	require.Empty(t, bad)
	reasons := map[string]int{}
	for _, e := range entries {
		reasons[e.Reason]++
	}
	require.Equal(t, map[string]int{"one": page().LogRecordCount(), "two": page().LogRecordCount()}, reasons)
}

// TestDefaultFolders: a service that works in a folder which it may not write keeps its dead letter in the one that systemd gave it.
func TestDefaultFolders(t *testing.T) {
	state := t.TempDir()
	t.Setenv("STATE_DIRECTORY", filepath.Join(state, "one")+":"+filepath.Join(state, "two"))
	t.Chdir(t.TempDir())
	l, err := Open("", "receiver/sessionlog")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(state, "one", "dead_letter"), l.Dir())
	t.Setenv("STATE_DIRECTORY", "/dev/null/nowhere")
	l, err = Open("", "receiver/sessionlog")
	require.NoError(t, err)
	require.Equal(t, "dead_letter", l.Dir())
	require.Equal(t, "/var/lib/otelcol-sessionlog/dead_letter", DefaultDirectories()[2])
	require.Equal(t, "/data/dead_letter", FolderBeside("/data/session_log.db"))
}
