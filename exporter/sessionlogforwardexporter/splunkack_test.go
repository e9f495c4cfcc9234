package sessionlogforwardexporter

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The target is Splunk's own page "About HTTP Event Collector Indexer Acknowledgment" in a few lines: a call gets an ackId, and a question
// for it is answered with true once, and then forgotten.
func TestYesWaitsForTheIndexers(t *testing.T) {
	calls, questions := 0, 0
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
		switch {
		case len(lines) == 0:
			return http.StatusBadRequest, `{"text":"No data","code":5}`
		case calls == 0 && strings.HasPrefix(lines[0], `{"acks"`): // whether there are any
			return http.StatusOK, `{"acks":{}}`
		case strings.HasPrefix(lines[0], `{"acks"`):
			require.Equal(t, fmt.Sprintf(`{"acks":[%d]}`, calls), lines[0])
			questions++
			return http.StatusAccepted, fmt.Sprintf(`{"acks":{"%d":%t}}`, calls, questions == 2)
		}
		calls++
		return http.StatusOK, fmt.Sprintf(`{"text":"Success","code":0,"ackId":%d}`, calls)
	})
	s := startSender(t, tg.URL+"/hec", func(c *TargetConfig) {
		hec(c)
		c.SplunkHEC.Acknowledgement = true
	})
	res, err := s.Write(t.Context(), eventsOf("alice", "bob"))
	require.NoError(t, err)
	require.Equal(t, 2, res.Written)
	require.Equal(t, 2, questions)
	require.Equal(t, []string{"/hec/services/collector/event", "/hec/services/collector/ack", "/hec/services/collector/event", "/hec/services/collector/ack", "/hec/services/collector/ack"}, tg.paths)
}

func TestTokenWithoutAcknowledgementIsNamed(t *testing.T) {
	tg := newTarget(t, func([]string, http.Header) (int, string) { return http.StatusOK, `{"text":"Success","code":0}` })
	s := startSender(t, tg.URL, func(c *TargetConfig) {
		hec(c)
		c.SplunkHEC.Acknowledgement = true
	})
	_, err := s.Write(t.Context(), eventsOf("alice"))
	require.ErrorContains(t, err, "(key splunk_hec::acknowledgement)")
}

func TestErrorsHoldNoAddressWithASecret(t *testing.T) {
	s := startSender(t, newTarget(t, func([]string, http.Header) (int, string) { return http.StatusOK, "" }).URL, nil)
	s.client.url = "http://127.0.0.1:1/x?token=hunter2"
	_, err := s.Write(t.Context(), eventsOf("alice"))
	require.ErrorContains(t, err, "127.0.0.1:1")
	require.NotContains(t, err.Error(), "hunter2")
}
