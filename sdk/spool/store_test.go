package spool

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
)

// quiet keeps the reports of damage out of the tests' output, and counts them.
func quiet(t testing.TB) *int {
	n := new(int)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { *n++ }))
	t.Cleanup(func() { otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) })
	return n
}

func payload(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, 1+i) }

// written is a segment of five frames, and where each ends.
func written(t testing.TB) (content []byte, ends []int) {
	t.Helper()
	dir := t.TempDir()
	s, err := openStore(dir, 1<<20)
	require.NoError(t, err)
	at := len(magic)
	for i := range 5 {
		require.Equal(t, []error{nil}, s.append([][]byte{payload(i)}))
		at += frameHeader + len(payload(i))
		ends = append(ends, at)
	}
	require.NoError(t, s.close())
	content, err = os.ReadFile(s.path(1))
	require.NoError(t, err)
	require.Len(t, content, at)
	return content, ends
}

// drain delivers everything that a folder with this one segment holds, after a record more.
func drain(t testing.TB, content []byte) (got [][]byte, dir string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d%s", 1, extension)), content, 0o600))
	s, err := openStore(dir, 1<<20)
	require.NoError(t, err)
	require.Equal(t, []error{nil}, s.append([][]byte{[]byte("later")}))
	for {
		b, ok, err := s.next(batchRecords)
		require.NoError(t, err)
		if !ok {
			break
		}
		got = append(got, b.payloads...)
		require.NoError(t, s.delivered(b.end))
	}
	require.Zero(t, s.pending())
	require.NoError(t, s.finish())
	left := segments(t, dir)
	require.Empty(t, left)
	return got, dir
}

// TestTheApplicationMayAskWhileItIsTold: its error handler looks how much is pending.
func TestTheApplicationMayAskWhileItIsTold(t *testing.T) {
	quiet(t)
	content, ends := written(t)
	content[ends[0]+8] ^= 0xff
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d%s", 1, extension)), content, 0o600))
	s, err := openStore(dir, 1<<20)
	require.NoError(t, err)
	told := make(chan int64, 1)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { told <- s.pending() }))
	b, _, err := s.next(batchRecords)
	require.NoError(t, err)
	go func() { _ = s.delivered(b.end) }()
	select {
	case n := <-told:
		require.Zero(t, n)
	case <-time.After(patience):
		t.Fatal("it waits for itself")
	}
	require.NoError(t, s.finish())
}

// TestTheApplicationMayGoElsewhere: its folder was given from where it stood at first.
func TestTheApplicationMayGoElsewhere(t *testing.T) {
	top := t.TempDir()
	t.Chdir(top)
	s, err := openStore("made/on/the way/", 1<<20)
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.Equal(t, []error{nil}, s.append([][]byte{payload(0)}))
	require.FileExists(t, filepath.Join(top, "made", "on", "the way", fmt.Sprintf("%020d%s", 1, extension)))
	b, _, err := s.next(batchRecords)
	require.NoError(t, err)
	require.Len(t, b.payloads, 1)
	require.NoError(t, s.close())
}

func TestALostCursorRepeatsAndNeverSkips(t *testing.T) {
	quiet(t)
	dir := t.TempDir()
	s, err := openStore(dir, 1<<20)
	require.NoError(t, err)
	s.append([][]byte{payload(0), payload(1)})
	b, _, err := s.next(batchRecords)
	require.NoError(t, err)
	require.NoError(t, s.delivered(b.end))
	s.append([][]byte{payload(2)})
	require.NoError(t, s.close())
	cursor := filepath.Join(dir, "cursor")
	good, err := os.ReadFile(cursor)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		content []byte
		want    int
	}{"whole": {good, 1}, "empty": {nil, 3}, "torn": {good[:10], 3}, "zeros": {make([]byte, cursorSize), 3}} {
		require.NoError(t, os.WriteFile(cursor, c.content, 0o600))
		s, err := openStore(dir, 1<<20)
		require.NoError(t, err)
		b, ok, err := s.next(batchRecords)
		require.NoError(t, err)
		require.True(t, ok)
		require.Len(t, b.payloads, c.want, name)
		require.NoError(t, s.close())
	}
}

// TestACursorAheadOfTheFolder: the names of new segments were lost with the power, the cursor was not. What is written next must
// not count as delivered.
func TestACursorAheadOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	s, err := openStore(dir, 1<<20)
	require.NoError(t, err)
	require.NoError(t, s.delivered(position{7, 1000}))
	require.NoError(t, s.close())
	s, err = openStore(dir, 1<<20)
	require.NoError(t, err)
	require.Equal(t, []error{nil}, s.append([][]byte{payload(0)}))
	b, ok, err := s.next(batchRecords)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, [][]byte{payload(0)}, b.payloads)
	require.NoError(t, s.finish())
}

// TestAFailedSyncIsWrittenElsewhere: a pipe takes writes and refuses fsync.
func TestAFailedSyncIsWrittenElsewhere(t *testing.T) {
	s, err := openStore(t.TempDir(), 1<<20)
	require.NoError(t, err)
	require.Equal(t, []error{nil}, s.append([][]byte{payload(0)}))
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	require.NoError(t, s.active.Close())
	s.active = w
	require.ErrorContains(t, s.append([][]byte{payload(1)})[0], "the spool cannot be written")
	require.Equal(t, []error{nil}, s.append([][]byte{payload(1)}))
	require.Len(t, s.segments, 2)
	var got [][]byte
	for range 2 {
		b, _, err := s.next(batchRecords)
		require.NoError(t, err)
		got = append(got, b.payloads...)
		require.NoError(t, s.delivered(b.end))
	}
	require.Equal(t, [][]byte{payload(0), payload(1)}, got)
	require.NoError(t, s.finish())
}

// TestAFailedWriteLeavesNothing: a disk that refuses fsync for an hour must not be filled meanwhile, and whoever was refused
// should not be told to have logged in after the next start.
func TestAFailedWriteLeavesNothing(t *testing.T) {
	s, err := openStore(t.TempDir(), 1<<20)
	require.NoError(t, err)
	for _, granted := range []int{1, 0} {
		for i := range granted {
			require.Equal(t, []error{nil}, s.append([][]byte{payload(i)}))
		}
		s.buf = appendFrame(s.buf[:0], []byte("refused"))
		seg, size, err := s.turn()
		require.NoError(t, err)
		_, err = s.active.Write(s.buf)
		require.NoError(t, err)
		s.abandon(seg)
		left, err := os.ReadFile(s.path(seg.number))
		if granted == 0 {
			require.ErrorIs(t, err, os.ErrNotExist)
			continue
		}
		require.NoError(t, err)
		require.Len(t, left, int(size))
		require.Equal(t, size, seg.onDisk)
	}
	require.Len(t, s.segments, 1)
	b, _, err := s.next(batchRecords)
	require.NoError(t, err)
	require.Equal(t, [][]byte{payload(0)}, b.payloads)
	require.NoError(t, s.delivered(b.end))
	require.NoError(t, s.finish())
}

func FuzzSegment(f *testing.F) {
	content, _ := written(f)
	f.Add(content)
	f.Add(content[:len(content)-3])
	f.Add([]byte(magic))
	f.Add([]byte{})
	quiet(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		got, _ := drain(t, content)
		require.Equal(t, "later", string(got[len(got)-1]))
	})
}

// segments are the files of a spool.
func segments(t testing.TB, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		if strings.HasSuffix(f.Name(), extension) {
			names = append(names, f.Name())
		}
	}
	return names
}
