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
	content, ends := written(t)
	for cut := range len(content) + 1 {
		var want [][]byte
		for i, end := range ends {
			if end <= cut {
				want = append(want, payload(i))
			}
		}
		got, _ := drain(t, content[:cut:cut])
		require.Equal(t, append(want, []byte("later")), got, "cut at %d", cut)
	}
}

// TestZerosBehindTheLastFrame: a file system may have made the file longer before it wrote.
func TestZerosBehindTheLastFrame(t *testing.T) {
	quiet(t)
	content, ends := written(t)
	for _, cut := range []int{0, len(magic), ends[0], ends[0] + 3, ends[4]} {
		for _, zeros := range []int{1, frameHeader, 100} {
			got, _ := drain(t, append(content[:cut:cut], make([]byte, zeros)...))
			for i, end := range ends {
				if end <= cut {
					require.Equal(t, payload(i), got[i])
				}
			}
			require.Equal(t, "later", string(got[len(got)-1]))
		}
	}
}

// TestZerosBeforeWholeFrames: a block that the disk has lost hides what stands behind it, which is kept for people.
func TestZerosBeforeWholeFrames(t *testing.T) {
	reports := quiet(t)
	_, ends := written(t)
	for name, where := range map[string]struct{ at, whole int }{"a frame's header": {ends[1], 2}, "the segment's": {0, 0}} {
		content, _ := written(t)
		clear(content[where.at : where.at+frameHeader])
		before := *reports
		got, dir := drain(t, content)
		require.Len(t, got, where.whole+1, name)
		require.Equal(t, "later", string(got[where.whole]))
		kept, err := filepath.Glob(filepath.Join(dir, "*"+aside))
		require.NoError(t, err)
		require.Len(t, kept, 1, name)
		require.Equal(t, before+1, *reports)
	}
}

// TestASegmentThatWasCutShort: somebody has emptied it under the running application, which says so once and goes on.
func TestASegmentThatWasCutShort(t *testing.T) {
	reports := quiet(t)
	for _, size := range []int64{start, start + 3, start + frameHeader} {
		before := *reports
		s, err := openStore(t.TempDir(), 1<<20)
		require.NoError(t, err)
		s.append([][]byte{payload(0), payload(1)})
		require.NoError(t, os.Truncate(s.path(1), size))
		b, _, err := s.next(batchRecords)
		require.NoError(t, err)
		require.Empty(t, b.payloads)
		require.NoError(t, s.delivered(b.end))
		require.Zero(t, s.pending())
		require.Equal(t, []error{nil}, s.append([][]byte{[]byte("later")}))
		b, _, err = s.next(batchRecords)
		require.NoError(t, err)
		require.Equal(t, [][]byte{[]byte("later")}, b.payloads)
		require.NoError(t, s.delivered(b.end))
		require.NoError(t, s.finish())
		require.Equal(t, before+1, *reports)
	}
}

// TestDamageCostsItsOwnFrame turns every byte of two frames over in turn.
func TestDamageCostsItsOwnFrame(t *testing.T) {
	reports := quiet(t)
	content, ends := written(t)
	for i := len(magic); i < ends[1]; i++ {
		bad := bytes.Clone(content)
		bad[i] ^= 0xff
		before := *reports
		got, dir := drain(t, bad)
		begin, at := len(magic), 0
		for n, end := range ends {
			if i >= end {
				begin, at = end, n+1
			}
		}
		var want [][]byte
		for n := range ends {
			// A frame whose length cannot be trusted hides those behind it.
			if n < at || n > at && i >= begin+8 {
				want = append(want, payload(n))
			}
		}
		require.Equal(t, append(want, []byte("later")), got, "byte %d", i)
		kept, err := filepath.Glob(filepath.Join(dir, "*"+aside))
		require.NoError(t, err)
		require.Len(t, kept, 1, "what cannot be read is kept for people")
		require.Equal(t, before+1, *reports)
	}
}
