package httpsource

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/iotest"
	"time"

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
				b := &memoryBudget{bytesLeft: limit}
				text, done, err := b.readBody(reader, announced, limit)
				if n > limit {
					require.ErrorIs(t, err, errTooLarge, "%d %s %d", n, name, announced)
				} else {
					require.NoError(t, err, "%d %s %d", n, name, announced)
					require.True(t, bytes.Equal(body, text), "%d %s %d", n, name, announced)
				}
				done()
				require.EqualValues(t, limit, b.bytesLeft)
			}
		}
	}
	b := &memoryBudget{bytesLeft: 10_000}
	_, done, err := b.readBody(bytes.NewReader(make([]byte, 20_000)), -1, limit)
	require.ErrorIs(t, err, errMemoryFull)
	done()
	require.EqualValues(t, 10_000, b.bytesLeft)
}

// failingReader is a body that breaks off.
type failingReader struct{ left int }

func (b *failingReader) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := min(b.left, len(p))
	b.left -= n
	return n, nil
}

// TestTheBudgetAfterBrokenBodies: what they took is given back, whatever their length.
func TestTheBudgetAfterBrokenBodies(t *testing.T) {
	const limit = 300_000
	b := &memoryBudget{bytesLeft: limit}
	for _, n := range []int{0, 1, 8191, 8192, 8193, 100_000, limit - 1, limit} {
		_, done, err := b.readBody(&failingReader{n}, -1, limit)
		require.ErrorIs(t, err, errUnreadableBody, "%d", n)
		require.Less(t, b.bytesLeft, int64(limit), "%d", n)
		done()
		done()
		require.EqualValues(t, limit, b.bytesLeft, "%d", n)
	}
}

// TestTheBudgetAfterBrokenCalls: of every kind, over real sockets, and more of them than the budget holds.
func TestTheBudgetAfterBrokenCalls(t *testing.T) {
	const limit = 1 << 20
	r := startSource(t, func(c *Config) { c.Server.MaxRequestBodySize, c.MaxBufferedBytes = limit, limit })
	whole := eventLines(0, 5000)
	for range 3 {
		for _, head := range []string{
			"Content-Length: 900000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n7a120\r\n", "Content-Encoding: gzip\r\nContent-Length: 900000\r\n\r\n",
			"Content-Encoding: zstd\r\nContent-Length: 900000\r\n\r\n",
		} {
			conn, err := net.Dial("tcp", r.address)
			require.NoError(t, err)
			_, err = io.WriteString(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\n"+head+whole[:400_000])
			require.NoError(t, err)
			require.NoError(t, conn.Close())
		}
		for _, encoding := range []string{"gzip", "zstd"} {
			text := compressText(t, encoding, whole)
			require.Equal(t, http.StatusBadRequest, r.postText(t, "/v1/events", text[:len(text)/2], "Content-Encoding", encoding).status)
			require.Equal(t, http.StatusBadRequest, r.postText(t, "/v1/events", whole, "Content-Encoding", encoding).status)
		}
	}
	require.Eventually(t, func() bool {
		r.handler.bodyMemory.mu.Lock()
		defer r.handler.bodyMemory.mu.Unlock()
		return r.handler.bodyMemory.bytesLeft == limit
	}, testTimeout, time.Millisecond, "what broken bodies took is given back")
	require.Eventually(t, func() bool { // the budget for what is packed in zstd has no other window
		return r.postText(t, "/v1/events", compressText(t, "zstd", whole), "Content-Encoding", "zstd", "Content-Type", ndjson).status == http.StatusOK
	}, testTimeout, time.Millisecond)
}
