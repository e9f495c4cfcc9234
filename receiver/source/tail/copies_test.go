package tail_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
)

// testFolder is a real folder. opening is called before a file of it is opened, for what happens between two steps of a look.
type testFolder struct {
	dir     string
	opening func(name string)
}

type testInfo struct{ os.FileInfo }

func (i testInfo) Key() any { return i.Name() }

type testFile struct{ *os.File }

func (f testFile) Stat() (tail.Info, error) {
	info, err := f.File.Stat()
	return testInfo{info}, err
}

func (f *testFolder) List(_ context.Context, complain func(string, error)) (files []tail.File, err error) {
	entries, err := os.ReadDir(f.dir)
	for _, entry := range entries {
		path := filepath.Join(f.dir, entry.Name())
		info, err := os.Stat(path)
		if err != nil {
			complain(path, err)
			continue
		}
		files = append(files, tail.File{Path: path, Info: testInfo{info}})
	}
	tail.Order(files)
	return files, err
}

func (f *testFolder) Open(_ context.Context, path string) (tail.Handle, error) {
	f.opening(filepath.Base(path))
	file, err := os.Open(path)
	return testFile{file}, err
}

func accepted(second int, user string) string {
	return fmt.Sprintf("2026-11-21T22:%02d:%02dZ vm sshd[%d]: Accepted password for %s from 10.6.6.6 port 5 ssh2\n", second/60, second%60, 100+second, user)
}

// follow reads the folder until the test ends, and gives what was told.
func follow(t *testing.T, folder *testFolder) *sourcetest.Recorder {
	t.Helper()
	told := &sourcetest.Recorder{}
	host := sourcetest.Host(t, told, &sourcetest.Store{}, &sourcetest.Stats{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	settings := tail.Settings{
		Folder: folder, Where: folder.dir, Formats: formats.All(), Format: "sshd",
		Follow: true, PollInterval: 10 * time.Millisecond, BatchSize: 100, MaxLineBytes: 1 << 16, HoldOpen: 10,
	}
	go func() { done <- tail.Run(ctx, settings, host) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return told
}

func users(r *sourcetest.Recorder) (users []string) {
	for _, e := range r.Delivered() {
		users = append(users, e.User)
	}
	return users
}

func awaitUsers(t *testing.T, r *sourcetest.Recorder, want ...string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(users(r)) >= len(want) }, 30*time.Second, time.Millisecond)
	require.Equal(t, want, users(r))
}

// copytruncate may cut a log after the folder was looked at and before its copy is held against it: then it is no longer what the copy is
// of, and yet nothing of the copy is new.
func TestALogIsTruncatedWhileItsCopyIsCompared(t *testing.T) {
	folder := &testFolder{dir: t.TempDir(), opening: func(string) {}}
	log := filepath.Join(folder.dir, "auth.log")
	text := strings.Repeat("2026-11-21T22:00:00Z vm sshd[1]: Server listening on 0.0.0.0 port 22.\n", 100) + accepted(1, "a")
	copied := false
	folder.opening = func(name string) {
		if name == "auth.log.1" && !copied {
			copied = true
			if err := os.WriteFile(log, []byte(accepted(2, "b")), 0o600); err != nil {
				t.Error(err)
			}
		}
	}
	require.NoError(t, os.WriteFile(log, []byte(text), 0o600))
	told := follow(t, folder)
	awaitUsers(t, told, "a")
	require.NoError(t, os.WriteFile(log+".1", []byte(text), 0o600))
	awaitUsers(t, told, "a", "b")
	appendLine(t, log, accepted(3, "c"))
	awaitUsers(t, told, "a", "b", "c")
}

// Two logs may begin alike, be it for thousands of bytes: where they part, neither is a copy.
func TestALogThatBeginsLikeAnotherIsNoCopy(t *testing.T) {
	folder := &testFolder{dir: t.TempDir(), opening: func(string) {}}
	first, second := filepath.Join(folder.dir, "first.log"), filepath.Join(folder.dir, "second.log")
	alike := strings.Repeat("2026-11-21T22:00:00Z vm sshd[1]: Server listening on 0.0.0.0 port 22.\n", 100)
	require.NoError(t, os.WriteFile(first, []byte(alike+accepted(1, "a")), 0o600))
	told := follow(t, folder)
	awaitUsers(t, told, "a")
	require.NoError(t, os.WriteFile(second, []byte(alike+accepted(2, "b")), 0o600))
	awaitUsers(t, told, "a", "b")
	appendLine(t, second, accepted(3, "c"))
	awaitUsers(t, told, "a", "b", "c")
}

func appendLine(t *testing.T, path, line string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(line)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
