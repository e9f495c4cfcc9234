package file_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

func TestRealRowsInEveryFormatAndCompression(t *testing.T) {
	want := once(t, config(exports+"session_log.jsonl"), &sourcetest.Store{}).Delivered()
	require.Len(t, want, 65)
	packings := map[string]func(text string) string{
		"plain":                 func(text string) string { return text },
		"gzip":                  func(text string) string { return gzipped(t, text) },
		"zstd":                  func(text string) string { return zstandard(t, text) },
		"gzip, two members":     func(text string) string { return gzipped(t, text[:999]) + gzipped(t, text[999:]) },
		"zstd, two frames":      func(text string) string { return zstandard(t, text[:999]) + zstandard(t, text[999:]) },
		"with byte order mark":  func(text string) string { return "\uFEFF" + text },
		"with CRLF":             func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") },
		"without last line end": func(text string) string { return strings.TrimSuffix(text, "\n") },
	}
	for _, ext := range []string{"jsonl", "jsonc", "csv", "tsv"} {
		for name, pack := range packings {
			t.Run(ext+" "+name, func(t *testing.T) {
				_, path := place(t)
				write(t, path, pack(content(t, exports+"session_log."+ext)))
				j := once(t, config(path), &sourcetest.Store{})
				require.Equal(t, ids(want), ids(j.Delivered()))
				require.Zero(t, j.stats.Counts().BadRows)
				require.Zero(t, j.stats.Counts().Lag)
				require.Equal(t, want[64].Time, j.stats.Counts().ReadUpTo.UnixNano())
			})
		}
	}
}

// The process dies behind every single row, in every format; the next one goes on there.
func TestResumeAtEveryRow(t *testing.T) {
	for _, name := range []string{"session_log.jsonl", "session_log.csv", "session_log.tsv", "session_log.jsonc", "packed.gz", "packed.zst"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			switch filepath.Ext(name) {
			case ".gz":
				write(t, path, gzipped(t, content(t, exports+"session_log.csv")))
			case ".zst":
				write(t, path, zstandard(t, content(t, exports+"session_log.tsv")))
			default:
				write(t, path, content(t, exports+name))
			}
			want := once(t, config(path), &sourcetest.Store{}).Delivered()
			require.Len(t, want, 65)
			store := &sourcetest.Store{}
			var got []session.Event
			for n := 0; len(got) < len(want); n++ {
				require.Less(t, n, 200, "a run delivered nothing new")
				cfg := config(path)
				cfg.BatchSize = 1
				j := newJob(t)
				j.Fate = stopAfterIDs(j, ids(want)[len(got):][:1])
				j.begin(t, newSource(t, cfg), store)
				await(t, "no row came", func() bool { return len(j.Delivered()) > 0 })
				j.stop(t)
				got = append(got, j.Delivered()...)
			}
			require.Equal(t, ids(want), ids(got))
		})
	}
}

func TestLinesThatAreTorn(t *testing.T) {
	_, path := place(t)
	whole, torn := rowsOf("a", "b"), rowOf("c")
	write(t, path, whole+torn[:40])
	store := &sourcetest.Store{}
	j := start(t, config(path), store)
	j.awaitUsers(t, "a", "b")
	j.stop(t) // the torn line stays unread
	j = start(t, config(path), store)
	appendTo(t, path, torn[40:80])
	appendTo(t, path, torn[80:])
	j.awaitUsers(t, "c")
	require.Zero(t, j.stats.Counts().BadRows)
	j.stop(t)

	write(t, path, whole+torn[:40])
	j = once(t, config(path), &sourcetest.Store{})
	require.Equal(t, []string{"a", "b"}, j.users())
	counts := j.stats.Counts()
	require.Equal(t, 1, counts.BadRows)
	require.Equal(t, []string{fmt.Sprintf("%s:%d", path, len(whole))}, counts.Places)
}

// A row of several lines may be written slowly: however often the file is looked at meanwhile, it is one row.
func TestARowOfSeveralLinesThatComesSlowly(t *testing.T) {
	dir, other := place(t)
	path := filepath.Join(dir, "session_log.csv")
	csv := strings.Replace(content(t, exports+"session_log.csv"), `"alice"`, "\"ali\nce\"", 1)
	cut := strings.Index(csv, "\"ali\n") + len("\"ali\n")
	write(t, path, csv[:cut])
	j := start(t, config(filepath.Join(dir, "*")), &sourcetest.Store{})
	var users []string
	for _, user := range []string{"x", "y", "z"} { // each takes another look
		appendTo(t, other, rowsOf(user))
		await(t, user+" was not told", func() bool { users = j.users(); return slices.Contains(users, user) })
	}
	appendTo(t, path, csv[cut:])
	await(t, "not all was told", func() bool { return len(j.Delivered()) >= 65+3 })
	j.stop(t)
	require.Contains(t, j.users(), "ali\nce")
	require.Zero(t, j.stats.Counts().BadRows)
}

func TestHugeRows(t *testing.T) {
	_, path := place(t)
	huge := strings.Repeat("x", 10<<20)
	write(t, path, rowsOf("a", huge, "b"))
	j := once(t, config(path), &sourcetest.Store{})
	require.Len(t, j.Delivered(), 3)
	require.Equal(t, huge, j.Delivered()[1].User)

	for _, name := range []string{"plain", "gzip", "rest of the file"} {
		text := rowsOf("a", huge, "b")
		users := []string{"a", "b"}
		switch name {
		case "gzip":
			text = gzipped(t, text)
		case "rest of the file":
			text, users = rowsOf("a", huge[:5<<20])[:3<<20], users[:1]
		}
		write(t, path, text)
		cfg := config(path)
		cfg.MaxLineBytes = 1 << 20
		store := &sourcetest.Store{}
		j = once(t, cfg, store)
		require.Equal(t, users, j.users(), name)
		counts := j.stats.Counts()
		require.Equal(t, 1, counts.BadRows, name)
		require.Equal(t, fmt.Sprintf("%s:%d", path, len(rowOf("a"))), counts.Places[0], name)
		require.Contains(t, counts.Reasons[0], "more than `max_line_bytes` 1048576", name)
		j = once(t, cfg, store)
		require.Empty(t, j.users(), name)
		require.Zero(t, j.stats.Counts().BadRows, "%s: counted again", name)
	}
}

func TestAnOpenQuoteDoesNotSwallowTheFile(t *testing.T) {
	_, path := place(t)
	csv := content(t, exports+"session_log.csv")
	header, rows, _ := strings.Cut(csv, "\n")
	filler := strings.Repeat("2,3,4\n", 1<<19) // no quote ever closes the cell
	write(t, path, header+"\n"+rows+"\"open,\n"+filler)
	cfg := config(path)
	cfg.MaxLineBytes = 1 << 20
	j := once(t, cfg, &sourcetest.Store{})
	require.Len(t, j.Delivered(), 65)
	require.Equal(t, 1+1<<19, j.stats.Counts().BadRows)
}

func TestHostileNamesPass(t *testing.T) {
	_, path := place(t)
	users := []string{"a\x00b", "\x1b[31mred\x1b[0m", "line\nend", "\u202Eevil", "\"},{\"", "ᴺᵁᴸᴸ", "🔥"}
	write(t, path, rowsOf(users...)+strings.Replace(rowOf("bytes"), "bytes", "\xff\xfe", 1))
	j := once(t, config(path), &sourcetest.Store{})
	require.Equal(t, append(users, "\xff\xfe"), j.users())
}

// What cannot be read is counted with its place and cause, and the files beside it are read.
func TestFilesThatCannotBeRead(t *testing.T) {
	dir, path := place(t)
	write(t, path, rowsOf("a"))
	in := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.Mkdir(in("folder"), 0o700))
	require.NoError(t, os.Symlink(in("loop"), in("loop")))
	require.NoError(t, os.Symlink(in("nowhere"), in("dangling")))
	require.NoError(t, syscall.Mkfifo(in("pipe"), 0o600))
	write(t, in("empty"), "")
	write(t, in("other.txt"), "hello world\n")
	write(t, in("torn.gz"), gzipped(t, rowsOf("b", "c"))[:60])
	write(t, in("broken.gz"), "\x1f\x8bthis is no gzip at all")
	write(t, in("headless.csv"), "\"vm\",\"LoginSuccess\"\n")
	cfg := config(in("folder"), in("loop"), in("dangling"), in("pipe"), in("*"))
	if os.Geteuid() != 0 { // root may read everything
		require.NoError(t, os.WriteFile(in("secret"), nil, 0o000))
	}
	j := once(t, cfg, &sourcetest.Store{})
	require.Contains(t, j.users(), "a")
	counts := j.stats.Counts()
	reasons := map[string]string{}
	for i, place := range counts.Places {
		reasons[filepath.Base(place)] = counts.Reasons[i]
	}
	require.Equal(t, len(counts.Places), counts.BadRows)
	for name, reason := range map[string]string{
		"folder": "is a folder: write a glob", "loop": "too many levels of symbolic links", "pipe": "no regular file",
		"other.txt": "none of the known formats", "torn.gz": "gzip: unexpected EOF", "broken.gz": "gzip:", "headless.csv": "none of the known formats",
	} {
		require.Contains(t, reasons[name], reason, name)
	}
	if os.Geteuid() != 0 {
		require.Contains(t, reasons["secret"], "permission denied")
	}
	require.NotContains(t, reasons, "empty")
	require.NotContains(t, reasons, "dangling")
	require.ErrorContains(t, j.lastStatus(), "files: ")
}

// Without a zone nothing of the file is passed over: with it, all is read.
func TestTimesWithoutZoneWaitForTheConfiguration(t *testing.T) {
	_, path := place(t)
	write(t, path, rowsOf("a", "b"))
	store := &sourcetest.Store{}
	cfg := config(path)
	cfg.Timezone = ""
	j := start(t, cfg, store)
	await(t, "nothing was said", func() bool { return j.lastStatus() != nil })
	require.ErrorContains(t, j.lastStatus(), "key `timezone` is not set")
	appendTo(t, path, rowsOf("c"))
	j.stop(t)
	require.Empty(t, j.users())
	require.Equal(t, 1, j.stats.Counts().BadRows, "one complaint for the file, not one for each look at it")

	cfg.Timezone = "Asia/Kolkata"
	j = once(t, cfg, store)
	require.Equal(t, []string{"a", "b", "c"}, j.users())
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	require.NoError(t, err)
	local := time.Unix(0, j.Delivered()[0].Time).In(kolkata)
	require.Equal(t, when.Format("2006-01-02 15:04"), local.Format("2006-01-02 15:04"))
}

func TestFormatAndOrderOfFiles(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"c", "a", "b"} {
		path := filepath.Join(dir, name)
		write(t, path, rowsOf(name))
		require.NoError(t, os.Chtimes(path, when, when.Add(time.Duration(i)*time.Hour)))
	}
	require.NoError(t, os.Symlink(filepath.Join(dir, "a"), filepath.Join(dir, "link-to-a")))
	write(t, filepath.Join(dir, "d.bak"), rowsOf("d"))
	cfg := config(dir + "/**")
	cfg.Exclude = []string{"**/*.bak"}
	require.Equal(t, []string{"c", "a", "b"}, once(t, cfg, &sourcetest.Store{}).users(), "those changed longest ago first, each once")

	cfg.Format = "CSVWithNames"
	j := once(t, cfg, &sourcetest.Store{})
	require.Empty(t, j.users())
	require.Contains(t, j.stats.Counts().Reasons[0], "does not name the columns")
}
