package httpsource

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// endlessBlanks is a body that never ends.
type endlessBlanks struct{}

func (endlessBlanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// allocatedBytes is how many bytes do made the process ask for, client and all.
func allocatedBytes(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

const gigabyte = 1 << 30

// TestAGigabyteIsTurnedAway, plain, with its length told and not, and packed into a few kilobytes: after 20 MiB at the latest, and with a
// small multiple of that in memory.
func TestAGigabyteIsTurnedAway(t *testing.T) {
	r := startSource(t, nil)
	var frame bytes.Buffer
	w, err := zstd.NewWriter(&frame)
	require.NoError(t, err)
	const frames = 32 // that follow each other are one text
	_, err = io.CopyN(w, endlessBlanks{}, gigabyte/frames)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	const bound = 150 << 20
	for name, c := range map[string]struct {
		body    io.Reader
		headers []string
	}{
		"chunked": {io.LimitReader(endlessBlanks{}, gigabyte), nil},
		"zstd":    {bytes.NewReader(bytes.Repeat(frame.Bytes(), frames)), []string{"Content-Encoding", "zstd"}},
	} {
		var a postResponse
		spent := allocatedBytes(func() { a, err = r.tryPost("/v1/events", c.body, c.headers...) })
		if err == nil { // the server answers and hangs up: a client that still writes may see only the latter
			require.Equal(t, http.StatusRequestEntityTooLarge, a.status, name)
		}
		require.Less(t, spent, uint64(bound), name)
	}
	conn, err := net.Dial("tcp", r.address)
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", gigabyte)
	written := make(chan int64, 1)
	go func() {
		n, _ := io.CopyN(conn, endlessBlanks{}, gigabyte)
		written <- n
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	conn.Close()
	require.Less(t, <-written, int64(100<<20))
	require.Empty(t, r.emit.Delivered())
}

func TestBombsOfJSON(t *testing.T) {
	r := startDiscarding(t)
	const size = 19 << 20
	for name, body := range map[string]string{
		"brackets":          strings.Repeat("[", size),
		"objects":           strings.Repeat(`{"a":`, size/5),
		"a deep value":      `[` + eventJSON(1, `,"x":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)) + `]`,
		"a wide value":      `{"x":[` + strings.Repeat("1,", size/2) + "1]}",
		"a wide object":     `{` + strings.Repeat(`"x":1,`, size/6) + `"y":1}`,
		"one long string":   `{"x":"` + strings.Repeat("x", size) + `"}`,
		"a string of ends":  `{"x":"` + strings.Repeat(`\"`, size/2) + `"}`,
		"invalid UTF-8":     "{\"x\":\"" + strings.Repeat("\xff", size) + "\"}",
		"the same key":      eventJSON(1, `,"user.name":"x"`),
		"a number of bytes": strings.Repeat("1", size),
	} {
		t.Run(name, func(t *testing.T) {
			var a postResponse
			spent := allocatedBytes(func() { a = r.postText(t, "/v1/events", body) })
			require.Equal(t, http.StatusBadRequest, a.status)
			require.Less(t, spent, uint64(250<<20))
			require.Less(t, len(a.text), 1000)
		})
	}
	// Many items, each of them bad or small: pages and the limit of items bound what they take.
	for name, body := range map[string]string{
		"empty objects": strings.Repeat("{}\n", size/3),
		"tiny events":   strings.Repeat(`{"event_name":"sessionlog.login","timestamp":1763770001}`+"\n", size/48),
	} {
		t.Run(name, func(t *testing.T) {
			var a postResponse
			spent := allocatedBytes(func() { a = r.postText(t, "/v1/events", body, "Content-Type", ndjson) })
			require.Equal(t, http.StatusRequestEntityTooLarge, a.status)
			require.Less(t, spent, uint64(400<<20))
		})
	}
}

// TestSlowSendersAreHungUpOn: one that never ends its header, one that never ends its body, and one that sends nothing.
func TestSlowSendersAreHungUpOn(t *testing.T) {
	r := startSource(t, func(c *Config) {
		c.Server.ReadHeaderTimeout, c.Server.ReadTimeout, c.Server.WriteTimeout = 200*time.Millisecond, 300*time.Millisecond, time.Minute
	})
	for name, c := range map[string]struct {
		head   string
		status string
	}{
		"header":  {"POST /v1/events HTTP/1.1\r\nHost: x\r\n", ""},
		"body":    {"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{", "408"},
		"nothing": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", r.address)
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetDeadline(time.Now().Add(testTimeout)))
			_, err = io.WriteString(conn, c.head)
			require.NoError(t, err)
			answer, err := io.ReadAll(conn) // until the server hangs up
			require.NoError(t, err)
			require.Contains(t, string(answer), c.status)
		})
	}
	require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", eventJSON(1, "")).status)
}

// TestSendersThatTrickleKeepNobodyOut: what they announce costs nothing, and only what has come counts.
func TestSendersThatTrickleKeepNobodyOut(t *testing.T) {
	r := startSource(t, nil)
	for range 200 {
		conn, err := net.Dial("tcp", r.address)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		_, err = io.WriteString(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n{")
		require.NoError(t, err)
	}
	require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", eventLines(0, 1000), "Content-Type", ndjson).status)
}

// TestEventsOfManyAttributesGoInSmallBatches: in the pipeline an attribute takes ten times what it took in the body.
func TestEventsOfManyAttributesGoInSmallBatches(t *testing.T) {
	most := 0
	r := startWith(t, nil, &sourcetest.Recorder{Fate: func(_ context.Context, _ int, page []session.Event) error {
		n := 0
		for i := range page {
			n += len(page[i].Extra)
		}
		most = max(most, n)
		return nil
	}}, nil)
	var attrs strings.Builder
	for i := range 900 {
		fmt.Fprintf(&attrs, `,"a%d":1`, i)
	}
	const n = 60
	require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", strings.Repeat(eventJSON(1, attrs.String())+"\n", n), "Content-Type", ndjson).status)
	require.Len(t, r.emit.Delivered(), n)
	require.Less(t, most, batchAttributes+1000)
}

// TestNothingIsKeptOfALargeCall: pages wait for the next call without what only this one needed.
func TestNothingIsKeptOfALargeCall(t *testing.T) {
	r := startDiscarding(t)
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var attrs strings.Builder
	for i := range 900 {
		fmt.Fprintf(&attrs, `,"a%d":1`, i)
	}
	var body strings.Builder
	for i := range 1000 {
		body.WriteString(eventJSON(i, attrs.String()) + "\n")
	}
	before := held()
	require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", body.String(), "Content-Type", ndjson).status)
	require.Less(t, held(), before+16<<20)
}

// TestSendersThatTrickleZstdHoldNoWindow: a frame says at once how much memory its reader needs, and gets it when all of it has come.
func TestSendersThatTrickleZstdHoldNoWindow(t *testing.T) {
	r := startDiscarding(t)
	var frame bytes.Buffer
	w, err := zstd.NewWriter(&frame, zstd.WithWindowSize(maxZstdWindow), zstd.WithEncoderConcurrency(1))
	require.NoError(t, err)
	for i := range 2 {
		_, err = io.WriteString(w, eventLines(i*100, 100))
		require.NoError(t, err)
		require.NoError(t, w.Flush()) // a block of its own: the frame does not say how long it is
	}
	require.NoError(t, w.Close())
	spent := allocatedBytes(func() {
		for range 40 {
			conn, err := net.Dial("tcp", r.address)
			require.NoError(t, err)
			t.Cleanup(func() { conn.Close() })
			_, err = fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Encoding: zstd\r\nContent-Length: %d\r\n\r\n%s",
				frame.Len(), frame.String()[:frame.Len()-10])
			require.NoError(t, err)
		}
		for range 2 * freeListSize { // who has sent all is served
			a := r.postText(t, "/v1/events", frame.String(), "Content-Encoding", "zstd", "Content-Type", ndjson)
			require.Equal(t, http.StatusOK, a.status, a.text)
		}
	})
	require.Less(t, spent, uint64(100<<20))
}

func TestBodiesOfAllCallsAreBoundedTogether(t *testing.T) {
	const limit = 256 << 10
	r := startSource(t, func(c *Config) { c.Server.MaxRequestBodySize, c.MaxBufferedBytes = limit, limit })
	full := eventLines(0, 1500) // needs all of it for itself
	probe := func() postResponse { return r.postText(t, "/v1/events", full, "Content-Type", ndjson) }
	for {
		// One call holds most of the memory, unless a probe was there first and it is itself the one that must come again.
		body, more := io.Pipe()
		held := make(chan postResponse, 1)
		go func() {
			a, _ := r.tryPost("/v1/events", body, "Content-Type", ndjson)
			_ = body.Close()
			held <- a
		}()
		_, _ = io.WriteString(more, strings.Repeat("\n", 200<<10))
		var turnedAway postResponse
		for turnedAway.status != http.StatusTooManyRequests && len(held) == 0 {
			turnedAway = probe()
		}
		_, _ = io.WriteString(more, eventJSON(1, ""))
		_ = more.Close()
		if a := <-held; a.status != http.StatusOK || turnedAway.status != http.StatusTooManyRequests {
			continue
		}
		require.Regexp(t, `^([1-9]|[12]\d|30)$`, turnedAway.header.Get("Retry-After"))
		break
	}
	require.Equal(t, http.StatusOK, probe().status, "what was held is given back")
}

func TestCallsInFlightAreBounded(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{}, 1)
	emit := &sourcetest.Recorder{Fate: func(_ context.Context, call int, _ []session.Event) error {
		if call == 1 {
			entered <- struct{}{}
			<-release
		}
		return nil
	}}
	r := startWith(t, func(c *Config) { c.MaxInFlight = 1 }, emit, nil)
	held := make(chan postResponse, 1)
	go func() {
		a, _ := r.tryPost("/v1/events", strings.NewReader(eventJSON(1, "")))
		held <- a
	}()
	<-entered
	a := r.postText(t, "/v1/events", eventJSON(2, ""))
	require.Equal(t, http.StatusTooManyRequests, a.status)
	require.Equal(t, "1", a.header.Get("Retry-After"))
	close(release)
	require.Equal(t, http.StatusOK, (<-held).status)
	require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", eventJSON(2, "")).status)
}

// TestAStopAnswersWhoIsInside ends the source while the pipeline holds a call: within the second, with 503, and without a leak.
func TestAStopAnswersWhoIsInside(t *testing.T) {
	entered := make(chan struct{})
	emit := &sourcetest.Recorder{Fate: func(ctx context.Context, _ int, _ []session.Event) error {
		close(entered)
		<-ctx.Done()
		return context.Cause(ctx)
	}}
	r := startWith(t, nil, emit, nil)
	held := make(chan postResponse, 1)
	go func() {
		a, _ := r.tryPost("/v1/events", strings.NewReader(eventJSON(1, "")))
		held <- a
	}()
	slow, err := net.Dial("tcp", r.address)
	require.NoError(t, err)
	defer slow.Close()
	_, err = io.WriteString(slow, "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	<-entered
	r.stopSource(t)
	require.Equal(t, http.StatusServiceUnavailable, (<-held).status)
	_, err = net.Dial("tcp", r.address)
	require.Error(t, err)
}

// TestARestartTakesThePortAgain, at once and with connections of the last run still there.
func TestARestartTakesThePortAgain(t *testing.T) {
	address := freeAddress(t)
	for i := range 5 {
		r := startSource(t, func(c *Config) { c.Server.NetAddr.Endpoint = address })
		require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", eventJSON(i, "")).status)
		r.stopSource(t)
	}
}
