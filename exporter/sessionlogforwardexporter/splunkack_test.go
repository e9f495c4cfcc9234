package sessionlogforwardexporter

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
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

// restartedSplunk numbers the calls of each channel from 0, forgets all at a restart, and keeps what came after it.
type restartedSplunk struct {
	restarted bool
	numbers   map[string]int
	kept      []string
}

func (r *restartedSplunk) answer(lines []string, channel string) (int, string) {
	switch {
	case len(lines) == 0:
		return http.StatusBadRequest, `{"text":"No data","code":5}`
	case strings.HasPrefix(lines[0], `{"acks"`):
		id, _ := strconv.Atoi(strings.Trim(lines[0], `{"acks:[]}`))
		return http.StatusOK, fmt.Sprintf(`{"acks":{"%d":%t}}`, id, r.restarted && id < r.numbers[channel])
	}
	if hasPoison(lines) && !r.restarted { // it goes down, with the call that came before in its memory
		r.restarted, r.numbers = true, map[string]int{}
	}
	if r.restarted {
		r.kept = append(r.kept, lines...)
	}
	r.numbers[channel]++
	return http.StatusOK, fmt.Sprintf(`{"text":"Success","code":0,"ackId":%d}`, r.numbers[channel]-1)
}

// A Splunk that was restarted numbers its calls from 0 again. What it had not acknowledged before is sent again under its id, though another
// call has the same number now.
func TestCallThatARestartedSplunkHasForgottenIsSentAgain(t *testing.T) {
	splunk := restartedSplunk{numbers: map[string]int{}}
	var mu sync.Mutex
	taken := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines := splitLines(readBody(t, r))
		mu.Lock()
		defer mu.Unlock()
		status, text := splunk.answer(lines, r.Header.Get(hecChannel))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
		taken <- struct{}{}
	}))
	t.Cleanup(server.Close)
	s := startSender(t, server.URL, func(c *TargetConfig) {
		hec(c)
		c.SplunkHEC.Acknowledgement = true
	})
	s.client.ackTimeout = 700 * time.Millisecond
	for len(taken) > 0 {
		<-taken
	}
	first := make(chan error)
	go func() {
		_, err := s.Write(context.Background(), eventsOf("alice"))
		first <- err
	}()
	<-taken
	_, err := s.Write(t.Context(), eventsOf("poison"))
	require.NoError(t, err)
	err = <-first
	var partial *backend.PartialError
	require.ErrorAs(t, err, &partial)
	require.Equal(t, []int{0}, partial.Remaining)
	require.ErrorContains(t, err, "did not acknowledge the call within 700ms, and it is sent again: it was restarted")
	require.ErrorContains(t, err, "(key splunk_hec::acknowledgement)")
	_, err = s.Write(t.Context(), eventsOf("alice"))
	require.NoError(t, err)
	require.Equal(t, 1, countWith(splunk.kept, `"user":"alice"`))
	require.Equal(t, 2, countWith(splunk.kept, `"fields":{"log_record_uid":"`))
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
