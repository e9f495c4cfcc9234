package sessionlogforwardexporter

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/shape"
)

func hec(c *TargetConfig) {
	c.Protocol, c.SplunkHEC.Token = protocolSplunkHEC, "11111111-2222-3333-4444-555555555555"
}

func TestEventsOfTheCollector(t *testing.T) {
	for _, format := range forwardProtocols[protocolSplunkHEC].formats {
		tg := newTarget(t, func([]string, http.Header) (int, string) { return http.StatusOK, `{"text":"Success","code":0}` })
		s := startSender(t, tg.URL, func(c *TargetConfig) {
			hec(c)
			c.Format, c.SplunkHEC.Index = format, "main"
		})
		_, err := s.Write(t.Context(), eventsOf("alice"))
		require.NoError(t, err)
		var got map[string]any
		require.NoError(t, json.Unmarshal([]byte(tg.taken[0]), &got))
		require.Equal(t, "main", got["index"])
		require.Equal(t, "sessionlog:"+string(format), got["sourcetype"])
		require.Regexp(t, `"time":\d{10}\.\d{9},`, tg.taken[0])
		require.Equal(t, format == shape.CEF, isString(got["event"]))
		for _, e := range eventsOf("alice") {
			require.Equal(t, map[string]any{"log_record_uid": e.RecordID.String()}, got["fields"])
		}
	}
}

func isString(v any) bool {
	_, is := v.(string)
	return is
}

// Codes and texts are of Splunk's page "Troubleshoot HTTP Event Collector", possible error codes.
func TestAnswersOfTheCollector(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"token":   {http.StatusForbidden, `{"text":"Invalid token","code":4}`, "(key splunk_hec::token)"},
		"index":   {http.StatusBadRequest, `{"text":"Incorrect index","code":7,"invalid-event-number":0}`, "(key splunk_hec::index)"},
		"channel": {http.StatusBadRequest, `{"text":"Data channel is missing","code":10}`, "(key splunk_hec::acknowledgement)"},
		"busy":    {http.StatusServiceUnavailable, `{"text":"Server is busy","code":9}`, "HTTP 503"},
		"no json": {http.StatusBadGateway, `<html>`, "HTTP 502"},
	} {
		t.Run(name, func(t *testing.T) {
			started := false
			tg := newTarget(t, func([]string, http.Header) (int, string) {
				if !started {
					return http.StatusBadRequest, `{"text":"No data","code":5}`
				}
				return c.status, c.body
			})
			s := startSender(t, tg.URL, hec)
			started = true
			_, err := s.Write(t.Context(), eventsOf("alice", "bob"))
			var partial *backend.PartialError
			require.ErrorAs(t, err, &partial)
			require.Equal(t, []int{0, 1}, partial.Remaining)
			require.ErrorContains(t, err, c.want)
		})
	}
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
		if hasPoison(lines) {
			return http.StatusBadRequest, `{"text":"Invalid data format","code":6,"invalid-event-number":1}`
		}
		return http.StatusOK, `{"text":"Success","code":0}`
	})
	s := startSender(t, tg.URL, hec)
	res, err := s.Write(t.Context(), eventsOf("alice", "poison", "carol"))
	require.NoError(t, err)
	require.Equal(t, 2, res.Written)
	require.Equal(t, []backend.Rejection{{Index: 1, Reason: "Invalid data format (code 6, HTTP 400)"}}, res.Rejected)
}
