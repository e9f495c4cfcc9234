package httpsource

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

// TestRefusalsAreReadByRealClients: each sends six megabytes, and all of them before it looks at the answer.
func TestRefusalsAreReadByRealClients(t *testing.T) {
	r := startSource(t, func(c *Config) {
		*c = loadConfig(t, map[string]any{"endpoint": c.Server.NetAddr.Endpoint, "max_buffered_bytes": 8 << 20, "max_request_body_size": 8 << 20})
	})
	body := filepath.Join(t.TempDir(), "body")
	text := eventLines(0, 60_000)
	require.Greater(t, len(text), 6<<20)
	require.NoError(t, os.WriteFile(body, []byte(text), 0o600))
	holdMemory(t, r, 4<<20)

	full := "http://" + r.address + "/v1/events"
	other := "http://" + r.address + "/v1/events/nothing"
	python := `import sys, urllib.request, urllib.error
request = urllib.request.Request(sys.argv[1], data=open(sys.argv[2], "rb").read(), headers={"Content-Type": "application/x-ndjson"})
try:
    print(urllib.request.urlopen(request).status)
except urllib.error.HTTPError as refused:
    print(refused.code, refused.headers.get("Retry-After"))`
	for _, c := range []struct {
		program string
		args    []string
		want    string
	}{
		{"curl", []string{"-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: " + ndjson, "-H", "Expect:", "--data-binary", "@" + body, full}, "429"},
		{"curl", []string{"-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: " + ndjson, "--data-binary", "@" + body, full}, "429"},
		{"curl", []string{"-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: " + ndjson, "--data-binary", "@" + body, other}, "404"},
		{"python3", []string{"-c", python, full, body}, `429 [1-9]\d?`},
		{"python3", []string{"-c", python, other, body}, "404 None"},
	} {
		t.Run(c.program+" "+c.want, func(t *testing.T) {
			program, err := exec.LookPath(c.program)
			if err != nil {
				testengine.Missing(t, c.program, "install the package "+c.program)
			}
			out, err := exec.Command(program, c.args...).CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Regexp(t, "^"+c.want+"$", strings.TrimSpace(string(out)))
		})
	}
	for range 10 { // Go's own client, which reads while it writes: a race that is lost seldom
		require.Equal(t, http.StatusTooManyRequests, r.postText(t, "/v1/events", text, "Content-Type", ndjson).status)
	}
}

// holdMemory takes bytes of the budget until the test ends.
func holdMemory(t testing.TB, r *runningSource, bytes int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.address+"/v1/events", &slowReader{head: strings.NewReader(strings.Repeat("\n", bytes)), ctx: ctx})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := r.client.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	require.Eventually(t, func() bool {
		r.handler.bodyMemory.mu.Lock()
		defer r.handler.bodyMemory.mu.Unlock()
		return r.handler.bodyMemory.bytesLeft <= r.handler.config.MaxBufferedBytes-int64(bytes)
	}, testTimeout, time.Millisecond)
}

// slowReader is a body that does not end before its context.
type slowReader struct {
	head *strings.Reader
	ctx  context.Context
}

func (s *slowReader) Read(p []byte) (int, error) {
	if s.head.Len() > 0 {
		return s.head.Read(p)
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}
