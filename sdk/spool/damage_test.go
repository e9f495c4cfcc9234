package spool

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATornEndCostsNoWholeFrame(t *testing.T) {
	quiet(t)
	content, ends := writtenSegment(t)
	for cut := range len(content) + 1 {
		var want [][]byte
		for i, end := range ends {
			if end <= cut {
				want = append(want, testPayload(i))
			}
		}
		got, _ := drainStore(t, content[:cut:cut])
		require.Equal(t, append(want, []byte("later")), got, "cut at %d", cut)
	}
}

// TestZerosBehindTheLastFrame: a file system may have made the file longer before it wrote.
func TestZerosBehindTheLastFrame(t *testing.T) {
	quiet(t)
	content, ends := writtenSegment(t)
	for _, cut := range []int{0, len(segmentMagic), ends[0], ends[0] + 3, ends[4]} {
		for _, zeros := range []int{1, frameHeader, 100} {
			got, _ := drainStore(t, append(content[:cut:cut], make([]byte, zeros)...))
			for i, end := range ends {
				if end <= cut {
					require.Equal(t, testPayload(i), got[i])
				}
			}
			require.Equal(t, "later", string(got[len(got)-1]))
		}
	}
}

// TestZerosBeforeWholeFrames: a block that the disk has lost hides what stands behind it, which is kept for people.
func TestZerosBeforeWholeFrames(t *testing.T) {
	reports := quiet(t)
	_, ends := writtenSegment(t)
	for name, where := range map[string]struct{ at, whole int }{"a frame's header": {ends[1], 2}, "the segment's": {0, 0}} {
		content, _ := writtenSegment(t)
		clear(content[where.at : where.at+frameHeader])
		before := *reports
		got, dir := drainStore(t, content)
		require.Len(t, got, where.whole+1, name)
		require.Equal(t, "later", string(got[where.whole]))
		kept, err := filepath.Glob(filepath.Join(dir, "*"+damagedSuffix))
		require.NoError(t, err)
		require.Len(t, kept, 1, name)
		require.Equal(t, before+1, *reports)
	}
}

// TestASegmentThatWasCutShort: somebody has emptied it under the running application, which says so once and goes on.
func TestASegmentThatWasCutShort(t *testing.T) {
	reports := quiet(t)
	for _, size := range []int64{segmentHeader, segmentHeader + 3, segmentHeader + frameHeader} {
		before := *reports
		s, err := openStore(t.TempDir(), 1<<20)
		require.NoError(t, err)
		s.appendPayloads([][]byte{testPayload(0), testPayload(1)})
		require.NoError(t, os.Truncate(s.segmentPath(1), size))
		b, _, err := s.nextBatch(batchRecords)
		require.NoError(t, err)
		require.Empty(t, b.payloads)
		require.NoError(t, s.markDelivered(b.end))
		require.Zero(t, s.pendingBytes())
		require.Equal(t, []error{nil}, s.appendPayloads([][]byte{[]byte("later")}))
		b, _, err = s.nextBatch(batchRecords)
		require.NoError(t, err)
		require.Equal(t, [][]byte{[]byte("later")}, b.payloads)
		require.NoError(t, s.markDelivered(b.end))
		require.NoError(t, s.finishAndClose())
		require.Equal(t, before+1, *reports)
	}
}

// TestDamageCostsItsOwnFrame turns every byte of two frames over in turn.
func TestDamageCostsItsOwnFrame(t *testing.T) {
	reports := quiet(t)
	content, ends := writtenSegment(t)
	for i := len(segmentMagic); i < ends[1]; i++ {
		bad := bytes.Clone(content)
		bad[i] ^= 0xff
		before := *reports
		got, dir := drainStore(t, bad)
		begin, at := len(segmentMagic), 0
		for n, end := range ends {
			if i >= end {
				begin, at = end, n+1
			}
		}
		var want [][]byte
		for n := range ends {
			// A frame whose length cannot be trusted hides those behind it.
			if n < at || n > at && i >= begin+8 {
				want = append(want, testPayload(n))
			}
		}
		require.Equal(t, append(want, []byte("later")), got, "byte %d", i)
		kept, err := filepath.Glob(filepath.Join(dir, "*"+damagedSuffix))
		require.NoError(t, err)
		require.Len(t, kept, 1, "what cannot be read is kept for people")
		require.Equal(t, before+1, *reports)
	}
}
