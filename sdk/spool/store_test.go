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

func testPayload(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, 1+i) }

// writtenSegment is a segment of five frames, and where each ends.
func writtenSegment(t testing.TB) (content []byte, ends []int) {
	t.Helper()
	dir := t.TempDir()
	s, err := openStore(dir, 1<<20)
	require.NoError(t, err)
	at := len(segmentMagic)
	for i := range 5 {
		require.Equal(t, []error{nil}, s.appendPayloads([][]byte{testPayload(i)}))
		at += frameHeader + len(testPayload(i))
		ends = append(ends, at)
	}
	require.NoError(t, s.closeFiles())
	content, err = os.ReadFile(s.segmentPath(1))
	require.NoError(t, err)
	require.Len(t, content, at)
	return content, ends
}

// drainStore delivers everything that a folder with this one segment holds, after a record more.
func drainStore(t testing.TB, content []byte) (got [][]byte, dir string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d%s", 1, segmentExtension)), content, 0o600))
	s, err := openStore(dir, 1<<20)
	require.NoError(t, err)
	require.Equal(t, []error{nil}, s.appendPayloads([][]byte{[]byte("later")}))
	for {
		b, ok, err := s.nextBatch(batchRecords)
		require.NoError(t, err)
		if !ok {
			break
		}
		got = append(got, b.payloads...)
		require.NoError(t, s.markDelivered(b.end))
	}
	require.Zero(t, s.pendingBytes())
	require.NoError(t, s.finishAndClose())
	left := segmentNames(t, dir)
	require.Empty(t, left)
	return got, dir
}

// TestTheApplicationMayAskWhileItIsTold: its error handler looks how much is pending.
func TestTheApplicationMayAskWhileItIsTold(t *testing.T) {
	quiet(t)
	content, ends := writtenSegment(t)
	content[ends[0]+8] ^= 0xff
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d%s", 1, segmentExtension)), content, 0o600))
	s, err := openStore(dir, 1<<20)
	require.NoError(t, err)
	told := make(chan int64, 1)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { told <- s.pendingBytes() }))
	b, _, err := s.nextBatch(batchRecords)
	require.NoError(t, err)
	go func() { _ = s.markDelivered(b.end) }()
	select {
	case n := <-told:
		require.Zero(t, n)
	case <-time.After(testTimeout):
		t.Fatal("it waits for itself")
	}
	require.NoError(t, s.finishAndClose())
}

// TestTheApplicationMayGoElsewhere: its folder was given from where it stood at first.
func TestTheApplicationMayGoElsewhere(t *testing.T) {
	top := t.TempDir()
	t.Chdir(top)
	s, err := openStore("made/on/the way/", 1<<20)
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.Equal(t, []error{nil}, s.appendPayloads([][]byte{testPayload(0)}))
	require.FileExists(t, filepath.Join(top, "made", "on", "the way", fmt.Sprintf("%020d%s", 1, segmentExtension)))
	b, _, err := s.nextBatch(batchRecords)
	require.NoError(t, err)
	require.Len(t, b.payloads, 1)
	require.NoError(t, s.closeFiles())
}

func TestALostCursorRepeatsAndNeverSkips(t *testing.T) {
	quiet(t)
	dir := t.TempDir()
	s, err := openStore(dir, 1<<20)
	require.NoError(t, err)
	s.appendPayloads([][]byte{testPayload(0), testPayload(1)})
	b, _, err := s.nextBatch(batchRecords)
	require.NoError(t, err)
	require.NoError(t, s.markDelivered(b.end))
	s.appendPayloads([][]byte{testPayload(2)})
	require.NoError(t, s.closeFiles())
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
		b, ok, err := s.nextBatch(batchRecords)
		require.NoError(t, err)
		require.True(t, ok)
		require.Len(t, b.payloads, c.want, name)
		require.NoError(t, s.closeFiles())
	}
}

// TestACursorAheadOfTheFolder: the names of new segments were lost with the power, the cursor was not. What is written next must
// not count as delivered.
func TestACursorAheadOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	s, err := openStore(dir, 1<<20)
	require.NoError(t, err)
	require.NoError(t, s.markDelivered(framePosition{7, 1000}))
	require.NoError(t, s.closeFiles())
	s, err = openStore(dir, 1<<20)
	require.NoError(t, err)
	require.Equal(t, []error{nil}, s.appendPayloads([][]byte{testPayload(0)}))
	b, ok, err := s.nextBatch(batchRecords)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, [][]byte{testPayload(0)}, b.payloads)
	require.NoError(t, s.finishAndClose())
}

// TestAFailedSyncIsWrittenElsewhere: a pipe takes writes and refuses fsync.
func TestAFailedSyncIsWrittenElsewhere(t *testing.T) {
	s, err := openStore(t.TempDir(), 1<<20)
	require.NoError(t, err)
	require.Equal(t, []error{nil}, s.appendPayloads([][]byte{testPayload(0)}))
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	require.NoError(t, s.activeFile.Close())
	s.activeFile = w
	require.ErrorContains(t, s.appendPayloads([][]byte{testPayload(1)})[0], "the spool cannot be written")
	require.Equal(t, []error{nil}, s.appendPayloads([][]byte{testPayload(1)}))
	require.Len(t, s.segments, 2)
	var got [][]byte
	for range 2 {
		b, _, err := s.nextBatch(batchRecords)
		require.NoError(t, err)
		got = append(got, b.payloads...)
		require.NoError(t, s.markDelivered(b.end))
	}
	require.Equal(t, [][]byte{testPayload(0), testPayload(1)}, got)
	require.NoError(t, s.finishAndClose())
}

// TestAFailedWriteLeavesNothing: a disk that refuses fsync for an hour must not be filled meanwhile, and whoever was refused
// should not be told to have logged in after the next start.
func TestAFailedWriteLeavesNothing(t *testing.T) {
	s, err := openStore(t.TempDir(), 1<<20)
	require.NoError(t, err)
	for _, granted := range []int{1, 0} {
		for i := range granted {
			require.Equal(t, []error{nil}, s.appendPayloads([][]byte{testPayload(i)}))
		}
		s.frameBuffer = appendFrame(s.frameBuffer[:0], []byte("refused"))
		seg, size, err := s.segmentToWrite()
		require.NoError(t, err)
		_, err = s.activeFile.Write(s.frameBuffer)
		require.NoError(t, err)
		s.abandonSegment(seg)
		left, err := os.ReadFile(s.segmentPath(seg.number))
		if granted == 0 {
			require.ErrorIs(t, err, os.ErrNotExist)
			continue
		}
		require.NoError(t, err)
		require.Len(t, left, int(size))
		require.Equal(t, size, seg.onDisk)
	}
	require.Len(t, s.segments, 1)
	b, _, err := s.nextBatch(batchRecords)
	require.NoError(t, err)
	require.Equal(t, [][]byte{testPayload(0)}, b.payloads)
	require.NoError(t, s.markDelivered(b.end))
	require.NoError(t, s.finishAndClose())
}

func FuzzSegment(f *testing.F) {
	content, _ := writtenSegment(f)
	f.Add(content)
	f.Add(content[:len(content)-3])
	f.Add([]byte(segmentMagic))
	f.Add([]byte{})
	quiet(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		got, _ := drainStore(t, content)
		require.Equal(t, "later", string(got[len(got)-1]))
	})
}

// segmentNames are the files of a spool.
func segmentNames(t testing.TB, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		if strings.HasSuffix(f.Name(), segmentExtension) {
			names = append(names, f.Name())
		}
	}
	return names
}
