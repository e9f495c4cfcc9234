package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
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

func TestNewFilesAreFound(t *testing.T) {
	dir, path := place(t)
	j := start(t, config(filepath.Join(dir, "**", "*.jsonl")), &sourcetest.Store{})
	write(t, path, "")
	appendTo(t, path, rowsOf("a"))
	j.awaitUsers(t, "a")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "deep", "er"), 0o700))
	write(t, filepath.Join(dir, "deep", "er", "x.jsonl"), rowsOf("b"))
	j.awaitUsers(t, "a", "b")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "deep")))
	appendTo(t, path, rowsOf("c"))
	j.awaitUsers(t, "a", "b", "c")
	j.stop(t)
}
