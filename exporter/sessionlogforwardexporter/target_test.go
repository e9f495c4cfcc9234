package sessionlogforwardexporter

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// target answers as its test says, and keeps the lines of the calls that were answered with 200.
type target struct {
	*httptest.Server
	mu     sync.Mutex
	taken  []string
	bodies []string
	paths  []string
}

// answerTo gives status, body and headers of the answer to the lines of a call.
type answerTo func(lines []string, header http.Header) (status int, body string)

func newTarget(t *testing.T, answer answerTo) *target {
	t.Helper()
	tg := &target{}
	tg.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := readBody(t, r)
		lines := splitLines(body)
		tg.mu.Lock()
		defer tg.mu.Unlock()
		tg.paths = append(tg.paths, r.URL.Path)
		status, text := answer(lines, w.Header())
		if status == http.StatusOK {
			tg.taken = append(tg.taken, lines...)
		}
		if len(lines) > 0 {
			tg.bodies = append(tg.bodies, body)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(tg.Close)
	return tg
}

func readBody(t *testing.T, r *http.Request) string {
	var from io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return ""
		}
		from = unzipped
	}
	body, err := io.ReadAll(from)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}

func splitLines(body string) (lines []string) {
	scanner := bufio.NewScanner(strings.NewReader(body))
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	return lines
}

func startSender(t *testing.T, url string, edit func(*TargetConfig)) *documentSender {
	t.Helper()
	c := defaultTargetConfig()
	c.Client.Endpoint, c.Protocol = url, protocolNDJSON
	if edit != nil {
		edit(&c)
	}
	require.NoError(t, c.validateTarget())
	s := newSender(c, componenttest.NewNopTelemetrySettings(), "test")
	require.NoError(t, s.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, s.Shutdown(t.Context())) })
	return s
}

// eventsOf are logins of these users.
func eventsOf(users ...string) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		for i, user := range users {
			var e session.Event
			sessiontest.Typical(&e, i)
			e.Kind, e.User = session.KindLogin, user
			if !yield(i, &e) {
				return
			}
		}
	}
}

func users(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("user%04d", i))
	}
	return list
}

func countWith(lines []string, text string) (n int) {
	for _, line := range lines {
		n += strings.Count(line, text)
	}
	return n
}

func hasPoison(lines []string) bool {
	return bytes.Contains([]byte(strings.Join(lines, "\n")), []byte("poison"))
}
