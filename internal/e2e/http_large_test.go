package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	largeSenders = 24
	largeCall    = 99_999 // events; one call may have 100,000
	largeAccess  = `  sessionlog/push:
    http: {endpoint: %q}
    instance: large
    storage: file_storage
    dead_letter: {directory: '$DIR/dead_letter'}
`
)

// BenchmarkManyLargeCalls has 24 senders push 99,999 events each, all at once, into SQLite. Each sends its call again until it is answered
// with 200, as it was told to. It reports the seconds until the last of them has ended, what a call that comes again costs after that, how many
// calls there were, and the collector's peak of memory. A call whose answer could not be read, or a row too many or too few, is an error.
func BenchmarkManyLargeCalls(b *testing.B) {
	address := freeAddress(b)
	col := newCollector(b, fmt.Sprintf(largeAccess, address), "sessionlog/push")
	col.start(b)
	waitFor(b, address)
	b.Logf("idle: peak %d MB", peakOf(b, col.cmd.Process.Pid)>>20)
	senders := make([]largeSender, largeSenders)
	begun := time.Now()
	var wait sync.WaitGroup
	for i := range senders {
		wait.Go(func() {
			s := &senders[i]
			s.address, s.body, s.answers = address, largeBody(i), map[string]int{}
			for s.post() != http.StatusOK {
				time.Sleep(s.after)
			}
			s.took = time.Since(begun)
			b.Logf("sender %d: %.0f s, %v", i, s.took.Seconds(), s.answers)
		})
	}
	wait.Wait()
	all := time.Since(begun)
	calls, answers := 0, map[string]int{}
	for _, s := range senders {
		for answer, n := range s.answers {
			calls, answers[answer] = calls+n, answers[answer]+n
		}
	}
	again := time.Now()
	require.Equal(b, http.StatusOK, senders[0].post())
	b.ReportMetric(time.Since(again).Seconds(), "again-s")
	b.ReportMetric(all.Seconds(), "all-s")
	b.ReportMetric(float64(calls), "calls")
	b.ReportMetric(float64(peakOf(b, col.cmd.Process.Pid)>>20), "peak-MB")
	b.ReportMetric(0, "ns/op")
	b.Logf("answers: %v", answers)
	for _, answer := range slices.Sorted(maps.Keys(answers)) {
		require.Regexp(b, `^(200|429|503)$`, answer)
	}
	col.stop(b)
	require.Equal(b, [][]string{{strconv.Itoa(largeSenders * largeCall)}}, query(b, col.database(), "SELECT count(*) FROM session_events"))
}

// largeSender is one client that sends one call.
type largeSender struct {
	address, body string
	after         time.Duration // until the call may come again
	took          time.Duration
	answers       map[string]int // by status, or by error
}

func (s *largeSender) post() (status int) {
	s.after = time.Second
	request, err := http.NewRequest(http.MethodPost, "http://"+s.address+"/v1/events", strings.NewReader(s.body))
	if err != nil {
		panic(err) // it is always the same request
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.answers[err.Error()]++
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	s.answers[strconv.Itoa(answer.StatusCode)]++
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil {
		s.after = time.Duration(seconds) * time.Second
	}
	return answer.StatusCode
}

func largeBody(sender int) string {
	var b strings.Builder
	for n := range largeCall {
		fmt.Fprintf(&b, `{"event_name":"sessionlog.login","timestamp":1763770001000000000,"sessionlog.outcome":"success","user.name":"sender-%d","client.address":"10.0.%d.7","sessionlog.source.event":"event %d"}`+"\n", sender, sender, n)
	}
	return b.String()
}
