package httpsource

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

const ndjson = "application/x-ndjson"

func TestBodiesOfEveryKind(t *testing.T) {
	r := startSource(t, nil)
	for i, c := range []struct {
		body    string
		headers []string
	}{
		{eventJSON(0, ""), nil},
		{"[" + eventJSON(1, "") + "]", []string{"Content-Type", "application/json; charset=UTF-8"}},
		{eventJSON(2, "") + "\n", []string{"Content-Type", ndjson}},
		{compressText(t, "gzip", eventJSON(3, "")), []string{"Content-Encoding", "gzip"}},
		{compressText(t, "zstd", eventJSON(4, "")+"\n"), []string{"Content-Encoding", "zstd", "Content-Type", ndjson}},
		{`{"specversion":"1.0","id":"5","source":"/s","type":"t","data":` + eventJSON(5, "") + `}`, []string{"Content-Type", "application/cloudevents+json"}},
		{`[{"specversion":"1.0","id":"6","source":"/s","type":"t","data":` + eventJSON(6, "") + `}]`, []string{"Content-Type", "application/cloudevents-batch+json"}},
		{eventJSON(7, ""), []string{"ce-specversion", "1.0", "ce-id", "7", "ce-source", "/s", "ce-type", "t"}},
	} {
		a := r.postText(t, "/v1/events", c.body, c.headers...)
		require.Equal(t, http.StatusOK, a.status, a.text)
		require.Equal(t, callReport{Accepted: 1}, a.report)
		events := r.emit.Delivered()
		require.Len(t, events, i+1)
		require.Equal(t, "user-"+strconv.Itoa(i), events[i].User)
		require.Equal(t, "door", events[i].Instance)
		require.NotZero(t, events[i].Observed)
	}
	require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", "[]").status)
}

func TestDialects(t *testing.T) {
	r := startSource(t, nil)
	for _, name := range push.DialectNames() {
		sample, err := os.ReadFile(filepath.Join("../../../internal/dialect/push/testdata", name+".json"))
		require.NoError(t, err)
		before := len(r.emit.Delivered())
		a := r.postText(t, "/v1/events/"+name, string(sample))
		require.Equal(t, http.StatusOK, a.status, a.text)
		require.GreaterOrEqual(t, a.report.Accepted, 3)
		require.Len(t, r.emit.Delivered(), before+a.report.Accepted)
		if name != "sessionlog" {
			require.Equal(t, 1, a.report.Ignored)
		}
	}
	require.Equal(t, len(push.DialectNames())-1, r.stats.Counts().Excluded)
}

// TestGoodNeighboursOfBadItemsAreDeliveredAndNamed is the report of a 400.
func TestGoodNeighboursOfBadItemsAreDeliveredAndNamed(t *testing.T) {
	r := startSource(t, nil)
	body := eventJSON(0, "") + "\n{broken\n" + eventJSON(2, "") + "\n" + eventJSON(3, `,"user.name":"twice"`) + "\n"
	a := r.postText(t, "/v1/events", body, "Content-Type", ndjson)
	require.Equal(t, http.StatusBadRequest, a.status)
	delivered := r.emit.Delivered()
	require.Len(t, delivered, 2)
	require.Equal(t, callReport{Accepted: 2, Rejected: 2, Items: []itemReport{
		{Index: 0, RecordID: delivered[0].RecordID.String()},
		{Index: 1, Error: "not JSON at byte 1"},
		{Index: 2, RecordID: delivered[1].RecordID.String()},
		{Index: 3, Error: "an object has the same key twice"},
	}}, a.report)
	counts := r.stats.Counts()
	require.Equal(t, 2, counts.BadRows)
	require.Equal(t, []string{"POST /v1/events/sessionlog"}, counts.Places)
	require.NotContains(t, counts.Reasons[0], "user-")
}

// TestNothingIsAnsweredBeforeItIsDelivered: 2xx comes after Emit, and a call that comes again brings the same ids.
func TestNothingIsAnsweredBeforeItIsDelivered(t *testing.T) {
	emit := &sourcetest.Recorder{}
	emit.Fate = func(ctx context.Context, call int, _ []session.Event) error {
		if call == 1 || call == 3 {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return nil
	}
	r := startWith(t, func(c *Config) { c.DeliveryTimeout = 200 * time.Millisecond }, emit, nil)
	const n = batchSize + 10 // two pages: of the second call the second fails
	for i, want := range []int{http.StatusServiceUnavailable, http.StatusServiceUnavailable, http.StatusOK} {
		a := r.postText(t, "/v1/events", eventLines(0, n), "Content-Type", ndjson)
		require.Equal(t, want, a.status, "call %d: %s", i, a.text)
		if want != http.StatusOK {
			require.Equal(t, "5", a.header.Get("Retry-After"))
		}
	}
	ids := map[session.ID]string{}
	for _, e := range emit.Delivered() {
		if user, again := ids[e.RecordID]; again {
			require.Equal(t, user, e.User)
		}
		ids[e.RecordID] = e.User
	}
	require.Len(t, ids, n)
	require.Len(t, emit.Delivered(), n, "what was delivered of a call is not told again")
}

func TestADeliveryThatDoesNotEndIsAnsweredWithRetry(t *testing.T) {
	emit := &sourcetest.Recorder{Fate: func(ctx context.Context, _ int, _ []session.Event) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}}
	r := startWith(t, func(c *Config) { c.DeliveryTimeout = 50 * time.Millisecond }, emit, nil)
	require.Equal(t, http.StatusServiceUnavailable, r.postText(t, "/v1/events", eventJSON(1, "")).status)
}

func TestTracesAndKeysOfTheCall(t *testing.T) {
	r := startSource(t, nil)
	const body = `[{"event_name":"sessionlog.login","timestamp":1763770001},{"event_name":"sessionlog.login","timestamp":1763770001}]`
	headers := []string{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Idempotency-Key", "k1"}
	require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", body, headers...).status)
	require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", body, headers...).status)
	events := r.emit.Delivered()
	require.EqualValues(t, 0x0a, events[0].TraceID[0])
	require.EqualValues(t, 0xb7, events[0].SpanID[0])
	require.NotEqual(t, events[0].RecordID, events[1].RecordID)
	require.Equal(t, events[0].RecordID, events[2].RecordID)
	require.Equal(t, events[1].RecordID, events[3].RecordID)
}

func TestRefusals(t *testing.T) {
	r := startSource(t, func(c *Config) { c.MaxItems = 3; c.Server.MaxRequestBodySize = 1 << 20 })
	big := strings.Repeat(" ", 1<<20) + eventJSON(1, "")
	for _, c := range []struct {
		name, path, body string
		status           int
		headers          []string
	}{
		{"another dialect", "/v1/events/splunk", "{}", http.StatusNotFound, nil},
		{"another path", "/v2/events", "{}", http.StatusNotFound, nil},
		{"a slash at the end", "/v1/events/okta/", "{}", http.StatusNotFound, nil},
		{"a sender where none is named", "/v1/events/okta/somebody", "{}", http.StatusNotFound, nil},
		{"a form", "/v1/events", "{}", http.StatusUnsupportedMediaType, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"a charset", "/v1/events", "{}", http.StatusUnsupportedMediaType, []string{"Content-Type", "application/json; charset=latin1"}},
		{"no media type", "/v1/events", "{}", http.StatusUnsupportedMediaType, []string{"Content-Type", ";"}},
		{"an encoding", "/v1/events", "{}", http.StatusUnsupportedMediaType, []string{"Content-Encoding", "br"}},
		{"not what the encoding says", "/v1/events", "{}", http.StatusBadRequest, []string{"Content-Encoding", "gzip"}},
		{"cut off gzip", "/v1/events", compressText(t, "gzip", eventLines(0, 9))[:60], http.StatusBadRequest, []string{"Content-Encoding", "gzip"}},
		{"cut off zstd", "/v1/events", compressText(t, "zstd", eventLines(0, 9))[:60], http.StatusBadRequest, []string{"Content-Encoding", "zstd"}},
		{"half an envelope", "/v1/events", "{}", http.StatusBadRequest, []string{"ce-specversion", "1.0"}},
		{"a key like a novel", "/v1/events", eventJSON(1, ""), http.StatusBadRequest, []string{"Idempotency-Key", strings.Repeat("x", push.MaxKey+1)}},
		{"too large", "/v1/events", big, http.StatusRequestEntityTooLarge, nil},
		{"too large when unpacked", "/v1/events", compressText(t, "gzip", big), http.StatusRequestEntityTooLarge, []string{"Content-Encoding", "gzip"}},
		{"too large when unpacked", "/v1/events", compressText(t, "zstd", big), http.StatusRequestEntityTooLarge, []string{"Content-Encoding", "zstd"}},
		{"no body", "/v1/events", "", http.StatusBadRequest, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := r.postText(t, c.path, c.body, c.headers...)
			require.Equal(t, c.status, a.status, a.text)
			require.Contains(t, a.text, `"error":`)
		})
	}
	require.Empty(t, r.emit.Delivered())

	a := r.postText(t, "/v1/events", eventLines(0, 5), "Content-Type", ndjson)
	require.Equal(t, http.StatusRequestEntityTooLarge, a.status)
	require.Equal(t, 3, a.report.Accepted)
	require.Len(t, r.emit.Delivered(), 3, "those before the limit are delivered")
	require.Equal(t, "more than 3 items in one call: this one and those after it are not read", a.report.Items[3].Error)

	resp, err := r.client.Get("http://" + r.address + "/v1/events")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
}

// TestGitLabCallsItsEventsAForm: that is the Content-Type of its streams unless a custom header says another.
func TestGitLabCallsItsEventsAForm(t *testing.T) {
	r := startSource(t, nil)
	sample, err := os.ReadFile("../../../internal/dialect/push/testdata/gitlab.json")
	require.NoError(t, err)
	a := r.postText(t, "/v1/events/gitlab", string(sample), "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusOK, a.status, a.text)
	require.Len(t, r.emit.Delivered(), 3)
}

// TestPagesOfOtherSitesCannotPush: a browser sends a page's simple request without asking, to this machine's own port too.
func TestPagesOfOtherSitesCannotPush(t *testing.T) {
	r := startSource(t, nil)
	for _, headers := range [][]string{
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site"},
	} {
		a := r.postText(t, "/v1/events", eventJSON(1, ""), headers...)
		require.Equal(t, http.StatusForbidden, a.status, headers)
		require.Contains(t, a.text, `"error":`)
	}
	require.Empty(t, r.emit.Delivered())
	require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", eventJSON(1, ""), "Origin", "http://"+r.address, "Content-Type", "application/json").status)

	open := startSource(t, func(c *Config) {
		endpoint := c.Server.NetAddr.Endpoint
		*c = loadConfig(t, map[string]any{"endpoint": endpoint, "cors": map[string]any{"allowed_origins": []any{"https://shop.example"}}})
	})
	const mediaType = "application/json" // which makes a browser ask first
	require.Equal(t, http.StatusOK, open.postText(t, "/v1/events", eventJSON(1, ""), "Origin", "https://shop.example", "Content-Type", mediaType).status)
	require.Equal(t, http.StatusUnsupportedMediaType, open.postText(t, "/v1/events", eventJSON(2, ""), "Origin", "https://evil.example").status)
	require.Len(t, open.emit.Delivered(), 1)
}

func compressText(t testing.TB, how, text string) string {
	t.Helper()
	var b bytes.Buffer
	if how == "gzip" {
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.String()
	}
	w, err := zstd.NewWriter(&b)
	require.NoError(t, err)
	_, err = w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}
