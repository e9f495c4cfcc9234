package httpsource

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

func TestMain(m *testing.M) {
	if target := os.Getenv(envPoster); target != "" {
		fmt.Fprintln(os.Stderr, runPoster(target))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// testTimeout is for what must come, on any machine.
const testTimeout = 30 * time.Second

// runningSource is a source that listens on a real port.
type runningSource struct {
	address string
	handler *eventsHandler
	emit    *sourcetest.Recorder
	stats   *sourcetest.Stats
	client  *http.Client
	cancel  context.CancelFunc
	done    chan error
}

// startSource runs the source with the defaults, but for a port of its own and what change does.
func startSource(t testing.TB, change func(*Config)) *runningSource {
	return startWith(t, change, &sourcetest.Recorder{}, nil)
}

func startWith(t testing.TB, change func(*Config), emit *sourcetest.Recorder, extensions map[component.ID]component.Component) *runningSource {
	t.Helper()
	stats := &sourcetest.Stats{}
	host := sourcetest.Host(t, emit, &sourcetest.Store{}, stats)
	host.Extensions = extensions
	r := startOnHost(t, change, host)
	r.emit, r.stats = emit, stats
	return r
}

// startDiscarding hands events to a pipeline that takes them and remembers nothing.
func startDiscarding(t testing.TB) *runningSource {
	t.Helper()
	host := quietHost(t)
	host.Emit = func(context.Context, []session.Event) error { return nil }
	return startOnHost(t, nil, host)
}

func quietHost(t testing.TB) source.Host {
	return sourcetest.Host(t, &sourcetest.Recorder{}, &sourcetest.Store{}, nil)
}

func startOnHost(t testing.TB, change func(*Config), host source.Host) *runningSource {
	t.Helper()
	config := DefaultConfig()
	config.Server.NetAddr.Endpoint = freeAddress(t)
	if change != nil {
		change(&config)
	}
	require.NoError(t, config.Validate())
	src, err := New(config, "door", nopSettings())
	require.NoError(t, err)
	r := &runningSource{address: config.Server.NetAddr.Endpoint, client: &http.Client{Transport: &http.Transport{}}, done: make(chan error, 1)}
	listening := make(chan struct{})
	host.Status = func(error) { close(listening) }
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	require.NoError(t, src.(source.Starter).Start(ctx, host))
	r.handler = src.(*pushSource).handler
	go func() { r.done <- src.Run(ctx, host) }()
	select {
	case <-listening:
	case err := <-r.done:
		t.Fatalf("the source has ended: %v", err)
	}
	t.Cleanup(func() { r.stopSource(t) })
	return r
}

func nopSettings() component.TelemetrySettings { return componenttest.NewNopTelemetrySettings() }

// stopSource ends the source, which has a second for it, and the noise of a busy machine. A second stop does nothing.
func (r *runningSource) stopSource(t testing.TB) {
	t.Helper()
	r.cancel()
	select {
	case err, first := <-r.done:
		require.NoError(t, err)
		if first {
			close(r.done)
		}
	case <-time.After(testTimeout):
		t.Error("the source does not end")
	}
	r.client.CloseIdleConnections()
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// postResponse is what came back.
type postResponse struct {
	status int
	header http.Header
	report callReport
	text   string
}

// post sends a body; headers are pairs.
func (r *runningSource) post(t testing.TB, path string, body io.Reader, headers ...string) postResponse {
	t.Helper()
	a, err := r.tryPost(path, body, headers...)
	require.NoError(t, err)
	return a
}

func (r *runningSource) tryPost(path string, body io.Reader, headers ...string) (a postResponse, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+r.address+path, body)
	if err != nil {
		return a, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	a = postResponse{status: resp.StatusCode, header: resp.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.report)
	return a, err
}

func (r *runningSource) postText(t testing.TB, path, body string, headers ...string) postResponse {
	t.Helper()
	return r.post(t, path, strings.NewReader(body), headers...)
}

// eventJSON is one of ours with an id.
func eventJSON(id int, more string) string {
	return fmt.Sprintf(`{"event_name":"sessionlog.login","timestamp":"2025-11-22T00:06:41Z","log.record.uid":"%d","user.name":"user-%d"%s}`, id, id, more)
}

// eventLines are n events with ids from first on, as NDJSON.
func eventLines(first, n int) string {
	var b bytes.Buffer
	for i := range n {
		b.WriteString(eventJSON(first+i, "") + "\n")
	}
	return b.String()
}
