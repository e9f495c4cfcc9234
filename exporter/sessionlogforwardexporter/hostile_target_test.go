package sessionlogforwardexporter

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// A mapping, a pipeline or a limit that changes makes a target refuse everything: nothing is given up for that, and the search ends soon. Once it
// takes again, only what it refuses is given up.
func TestTargetThatChangesGetsNothingGivenUp(t *testing.T) {
	for name, edit := range map[string]func(*TargetConfig){"ndjson": nil, "splunk_hec": hec, "elasticsearch": bulk} {
		t.Run(name, func(t *testing.T) {
			hasChanged := false
			tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
				isRefused := hasChanged || hasPoison(lines)
				switch {
				case name == "elasticsearch" && isRefused:
					return http.StatusOK, bulkItems(lines, `{"status":400,"error":{"type":"illegal_argument_exception","reason":"pipeline with id [x] does not exist"}}`)
				case name == "elasticsearch":
					return http.StatusOK, bulkItems(lines, `{"status":201}`)
				case isRefused:
					return http.StatusBadRequest, ""
				}
				return http.StatusOK, `{"text":"Success","code":0}`
			})
			s := startSender(t, tg.URL, edit)
			_, err := s.Write(t.Context(), eventsOf("alice"))
			require.NoError(t, err)
			hasChanged = true
			for _, n := range []int{1, 1000} {
				before := len(tg.bodies)
				res, err := s.Write(t.Context(), eventsOf(users(n)...))
				require.ErrorContains(t, err, "the target has changed")
				var partial *backend.PartialError
				require.ErrorAs(t, err, &partial)
				require.Len(t, partial.Remaining, n)
				require.Empty(t, res.Rejected)
				require.Less(t, len(tg.bodies)-before, 100)
			}
			hasChanged = false
			poison := make([]string, 40)
			for i := range poison {
				poison[i] = fmt.Sprint("poison", i)
			}
			res, err := s.Write(t.Context(), eventsOf(poison...))
			require.NoError(t, err)
			require.Len(t, res.Rejected, len(poison), "records that are refused alone hold up nobody")
		})
	}
}

// bulkItems says the same of each record of a call.
func bulkItems(lines []string, item string) string {
	return `{"errors":true,"items":[` + strings.TrimSuffix(strings.Repeat(`{"create":`+item+`},`, len(lines)/2), ",") + `]}`
}

// A document that no try can deliver goes to the dead letter, so that it holds up nobody; what is mended at the target waits.
func TestVerdictsOfItems(t *testing.T) {
	for errorType, c := range map[string]struct {
		status int
		want   recordVerdict
	}{
		"x_content_parse_exception":           {400, recordRefused},
		"script_exception":                    {400, recordRefused},
		"max_bytes_length_exceeded_exception": {400, recordRefused},
		"fail_processor_exception":            {500, recordRefused}, // an ingest pipeline's own
		"SchemaConformance":                   {422, recordRefused}, // OpenObserve
		"validation_exception":                {400, recordLater},   // no shard is left
		"index_closed_exception":              {400, recordLater},
		"resource_already_exists_exception":   {400, recordLater},
		"version_conflict_engine_exception":   {409, recordKnown},
		"illegal_index_shard_state_exception": {409, recordLater},
		"security_exception":                  {403, recordLater},
		"es_rejected_execution_exception":     {429, recordLater},
		"unavailable_shards_exception":        {503, recordUnavailable},
	} {
		require.Equal(t, c.want, verdictOfItem(c.status, errorType), errorType)
	}
}

// What a target says may quote what somebody typed as user name.
func TestReasonsHoldNoWordOfTheTarget(t *testing.T) {
	const secret = "hunter2"
	for name, answer := range map[string]string{
		"type":   `{"status":400,"error":{"type":"bad user hunter2","reason":""}}`,
		"reason": `{"status":400,"error":{"type":"illegal_argument_exception","reason":"For input string: field [hunter2]"}}`,
		"later":  `{"status":403,"error":{"type":"hunter2 may not","reason":"hunter2"}}`,
	} {
		tg := newTarget(t, func(lines []string, _ http.Header) (int, string) { return http.StatusOK, bulkItems(lines, answer) })
		requireSecretIsKept(t, startSender(t, tg.URL, bulk), secret, name)
	}
	for code := range 20 {
		tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
			return http.StatusBadRequest, fmt.Sprintf(`{"text":"cannot read hunter2","code":%d}`, code)
		})
		requireSecretIsKept(t, startSender(t, tg.URL, hec), secret, fmt.Sprint("code ", code))
	}
}

func requireSecretIsKept(t *testing.T, s *documentSender, secret, name string) {
	t.Helper()
	for range 2 {
		res, err := s.Write(t.Context(), eventsOf(secret))
		require.NotContains(t, fmt.Sprint(res.Rejected, err), secret, name)
		body := []byte("x")
		s.lastTaken.CompareAndSwap(nil, &body)
	}
}

// A page of HTML is a login's or a proxy's, whatever its status.
func TestPageInPlaceOfAnAnswerIsNoYes(t *testing.T) {
	for name, edit := range map[string]func(*TargetConfig){"ndjson": nil, "splunk_hec": hec, "elasticsearch": bulk} {
		tg := newTarget(t, func([]string, http.Header) (int, string) {
			return http.StatusOK, "\n<!DOCTYPE html><title>Sign in</title>"
		})
		res, err := startSender(t, tg.URL, edit).Write(t.Context(), eventsOf("alice"))
		require.Error(t, err, name)
		require.Zero(t, res.Written, name)
	}
	for _, body := range []string{"", "ok", `{}`, `[]`, `{"code":200,"status":[{"name":"default","successful":1,"failed":0}]}`, `{"status":"ok"}`, `{"status":[`} {
		tg := newTarget(t, func([]string, http.Header) (int, string) { return http.StatusOK, body })
		res, err := startSender(t, tg.URL, nil).Write(t.Context(), eventsOf("alice"))
		require.NoError(t, err, body)
		require.Equal(t, 1, res.Written, body)
	}
}

// An answer that breaks off may have said which records failed: nobody knows what became of them.
func TestAnswerThatIsCutOffIsNoYes(t *testing.T) {
	for name, edit := range map[string]func(*TargetConfig){"ndjson": nil, "splunk_hec": hec, "elasticsearch": bulk} {
		tg := newTarget(t, func(_ []string, header http.Header) (int, string) {
			header.Set("Content-Length", "1000")
			return http.StatusOK, `{"code":200,"status":[{"name":"default","successful":0,`
		})
		s := startSender(t, tg.URL, edit)
		res, err := s.Write(t.Context(), eventsOf("alice"))
		require.Error(t, err, name)
		require.Zero(t, res.Written, name)
	}
}

// OpenObserve answers 200 and counts what it has thrown away: records of yesterday, for instance.
func TestRecordsCountedAsFailedAreNotWritten(t *testing.T) {
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
		failed := countWith(lines, `"poison`)
		return http.StatusOK, fmt.Sprintf(`{"code":200,"status":[{"name":"default","successful":%d,"failed":%d,"error":"Too old data"}]}`, len(lines)-failed, failed)
	})
	s := startSender(t, tg.URL, nil)
	res, err := s.Write(t.Context(), eventsOf("alice", "poison", "carol"))
	require.NoError(t, err)
	require.Equal(t, 2, res.Written)
	require.Equal(t, []backend.Rejection{{Index: 1, Reason: "the target counts the record as failed"}}, res.Rejected)
	before := len(tg.bodies)
	res, err = s.Write(t.Context(), eventsOf("poison0", "poison1", "poison2", "poison3"))
	require.NoError(t, err)
	require.Len(t, res.Rejected, 4)
	require.Len(t, tg.bodies, before+2, "the call, and the question whether the target takes others")
}

func TestPauseOfATargetHasABound(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7": 7 * time.Second, "31536000": maxPause, "9223372036854775807": maxPause, "99999999999999999999": 0, "-5": 0, "0": 0, "soon": 0, "": 0,
		"Fri, 31 Dec 2999 23:59:59 GMT": maxPause, "Sat, 01 Jan 2000 00:00:00 GMT": 0,
	} {
		require.Equal(t, want, retryAfter(&http.Response{Header: http.Header{"Retry-After": {text}}}), text)
	}
}

// A token without acknowledgement takes every call and acknowledges none: each would be sent again and again.
func TestTokenWithoutAcknowledgementGetsNoRecord(t *testing.T) {
	tg := newHECTarget(t, http.StatusBadRequest, `{"text":"ACK is disabled","code":14}`)
	c := defaultTargetConfig()
	c.Client.Endpoint = tg.URL
	hec(&c)
	c.SplunkHEC.Acknowledgement = true
	findings := (&Config{TargetConfig: c}).CheckConnection(t.Context())
	require.False(t, findings[0].OK)
	require.Equal(t, "splunk_hec::acknowledgement", findings[0].Key)
}

// newHECTarget takes events, and answers to questions for acknowledgements as told.
func newHECTarget(t *testing.T, status int, body string) *target {
	return newTarget(t, func(lines []string, _ http.Header) (int, string) {
		switch {
		case len(lines) == 0:
			return http.StatusBadRequest, `{"text":"No data","code":5}`
		case strings.HasPrefix(lines[0], `{"acks"`):
			return status, body
		}
		return http.StatusOK, `{"text":"Success","code":0,"ackId":0}`
	})
}

// A question that fails says nothing of the call: it is asked again, and the call is not sent again.
func TestQuestionThatFailsIsAskedAgain(t *testing.T) {
	questions, calls := 0, 0
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
		switch {
		case len(lines) == 0:
			return http.StatusBadRequest, `{"text":"No data","code":5}`
		case strings.HasPrefix(lines[0], `{"acks"`):
			if questions++; questions == 2 {
				return http.StatusServiceUnavailable, `{"text":"Server is busy","code":9}`
			}
			return http.StatusOK, fmt.Sprintf(`{"acks":{"0":%t}}`, questions > 2)
		}
		calls++
		return http.StatusOK, `{"text":"Success","code":0,"ackId":0}`
	})
	s := startSender(t, tg.URL, func(c *TargetConfig) {
		hec(c)
		c.SplunkHEC.Acknowledgement = true
	})
	res, err := s.Write(t.Context(), eventsOf("alice"))
	require.NoError(t, err)
	require.Equal(t, 1, res.Written)
	require.Equal(t, 1, calls)
}

func TestSecretsOfAddressesAreKept(t *testing.T) {
	tg := newTarget(t, func([]string, http.Header) (int, string) { return http.StatusOK, "" })
	c, err := load(t, map[string]any{"protocol": "ndjson", "endpoint": tg.URL + "/x?token=hunter2"})
	require.NoError(t, err)
	findings := c.CheckConnection(t.Context())
	require.True(t, findings[0].OK)
	require.NotContains(t, findings[0].Detail, "hunter2")
	_, err = load(t, map[string]any{"protocol": "ndjson", "endpoint": "http://a", "proxy_url": "http://user:hunter2@proxy:80a80"})
	require.ErrorContains(t, err, "proxy_url")
	require.NotContains(t, err.Error(), "hunter2")
}

// A target that sees the length of a call, answers and does not read it: the answer counts, though the call cannot be written to its end.
func TestCallThatIsTooLargeIsHalvedThoughNobodyReadsIt(t *testing.T) {
	taken := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 1<<20 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		body, _ := io.ReadAll(r.Body)
		taken += strings.Count(string(body), "\n")
	}))
	t.Cleanup(server.Close)
	s := startSender(t, server.URL, func(c *TargetConfig) { c.Client.Compression = "" })
	names := users(2000)
	for i := range names {
		names[i] += strings.Repeat(string(rune('a'+rand.IntN(26))), 500)
	}
	res, err := s.Write(t.Context(), eventsOf(names...))
	require.NoError(t, err)
	require.Equal(t, len(names), res.Written)
	require.Equal(t, len(names), taken)
}

// An answer that names more records than were sent, without end, is read no further.
func TestEndlessAnswerIsNotRead(t *testing.T) {
	var written atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); len(body) == 0 {
			return
		}
		_, _ = io.WriteString(w, `{"errors":true,"items":[`)
		for r.Context().Err() == nil && written.Load() < 256<<20 {
			n, err := io.WriteString(w, strings.Repeat(`{"create":{"status":201}},`, 1000))
			if written.Add(int64(n)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	s := startSender(t, server.URL, func(c *TargetConfig) {
		bulk(c)
		c.Client.Compression = ""
	})
	_, err := s.Write(t.Context(), eventsOf("alice"))
	require.ErrorContains(t, err, "more records")
	require.Less(t, written.Load(), int64(16<<20))
}
