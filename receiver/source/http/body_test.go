package httpsource

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// TestBodiesOfEveryLength reads what is shorter than, as long as, and longer than each size that a buffer has, with a budget that is
// just enough, however the bytes come and whatever was announced. The budget is whole again afterwards.
func TestBodiesOfEveryLength(t *testing.T) {
	const limit = 300_000
	for _, n := range []int{0, 1, 8191, 8192, 8193, 32767, 32768, 32769, 131072, 131073, limit - 1, limit, limit + 1, 2 * limit} {
		body := bytes.Repeat([]byte("x"), n)
		for name, reader := range map[string]io.Reader{
			"at once": bytes.NewReader(body), "with the end": iotest.DataErrReader(bytes.NewReader(body)), "in halves": iotest.HalfReader(bytes.NewReader(body)),
		} {
			for _, announced := range []int64{-1, int64(n), 0, 3} {
				if n > 0 && announced == int64(n) && name != "at once" {
					continue
				}
				if seeker, ok := reader.(io.Seeker); ok {
					_, err := seeker.Seek(0, io.SeekStart)
					require.NoError(t, err)
				} else if announced != -1 {
					continue
				}
				b := &budget{left: limit}
				text, done, err := b.read(reader, announced, limit)
				if n > limit {
					require.ErrorIs(t, err, errTooLarge, "%d %s %d", n, name, announced)
				} else {
					require.NoError(t, err, "%d %s %d", n, name, announced)
					require.True(t, bytes.Equal(body, text), "%d %s %d", n, name, announced)
				}
				done()
				require.EqualValues(t, limit, b.left)
			}
		}
	}
	b := &budget{left: 10_000}
	_, done, err := b.read(bytes.NewReader(make([]byte, 20_000)), -1, limit)
	require.ErrorIs(t, err, errFull)
	done()
	require.EqualValues(t, 10_000, b.left)
}
