package sessionlogforwardexporter

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// openObserved is an exporter of NDJSON that tries again after a millisecond, its dead letter's folder, and what it logs.
func openObserved(t *testing.T, url string) (e exporter.Logs, letters string, logs *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	factory := NewFactory()
	c := factory.CreateDefaultConfig().(*Config)
	c.Client.Endpoint, c.Protocol = url, protocolNDJSON
	c.DeadLetter.Directory = filepath.Join(t.TempDir(), "letters")
	c.BackOffConfig.InitialInterval, c.BackOffConfig.MaxInterval = time.Millisecond, time.Millisecond
	set := exportertest.NewNopSettings(factory.Type())
	set.Logger = zap.New(core)
	e, err := factory.CreateLogs(t.Context(), set, c)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, e.Shutdown(context.Background())) })
	return e, c.DeadLetter.Directory, logs
}

func deadLetters(t *testing.T, directory string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "*"))
	require.NoError(t, err)
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}

func batchOf(names ...string) (list []session.Event) {
	for _, e := range eventsOf(names...) {
		list = append(list, session.Event{})
		e.CopyTo(&list[len(list)-1])
	}
	return list
}

// A record that alone makes the target fail holds up no neighbour, is told by its id, and ends in the dead letter: also where nothing was taken
// since the start.
func TestRecordThatMakesTheTargetFailIsIsolated(t *testing.T) {
	for _, status := range []int{http.StatusInternalServerError, http.StatusBadGateway} {
		tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
			if hasPoison(lines) {
				return status, "poison"
			}
			return http.StatusOK, ""
		})
		e, letters, logs := openObserved(t, tg.URL)
		names := users(100)
		names[0], names[37] = "poison0", "poison37"
		batch := batchOf(names...)
		require.NoError(t, e.ConsumeLogs(t.Context(), plogs.NewEncoder("test").Encode(batch)))
		for i, name := range names {
			if i != 0 && i != 37 {
				require.Positive(t, countWith(tg.taken, `"`+name+`"`), name)
			}
		}
		written := deadLetters(t, letters)
		require.Equal(t, 2, strings.Count(written, "to this record alone, and takes others (10 tries)"), written)
		for _, i := range []int{0, 37} {
			require.Contains(t, written, batch[i].RecordID.String())
		}
		warnings := logs.FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("its neighbours are delivered").All()
		require.Len(t, warnings, 1)
		require.Equal(t, "endpoint", warnings[0].ContextMap()["key"])
		require.Contains(t, []string{batch[0].RecordID.String(), batch[37].RecordID.String()}, warnings[0].ContextMap()["log.record.uid"])
	}
}

// A target that is down fails for every record: nothing is given up however long that lasts, few calls are made, and all arrive in the end.
func TestTargetThatIsDownGetsNothingGivenUp(t *testing.T) {
	for name, hasTaken := range map[string]bool{"from the start": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			failures, mostFailures := 0, 300
			isDown := false
			tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
				if isDown && len(lines) > 0 && failures < mostFailures {
					failures++
					return http.StatusInternalServerError, ""
				}
				return http.StatusOK, ""
			})
			e, letters, _ := openObserved(t, tg.URL)
			if hasTaken {
				require.NoError(t, e.ConsumeLogs(t.Context(), plogs.NewEncoder("test").Encode(batchOf("first"))))
			}
			isDown = true
			require.NoError(t, e.ConsumeLogs(t.Context(), plogs.NewEncoder("test").Encode(batchOf(users(4)...))))
			require.Equal(t, mostFailures, failures)
			for _, user := range users(4) {
				require.Equal(t, 1, countWith(tg.taken, `"`+user+`"`), user)
			}
			require.Empty(t, deadLetters(t, letters))
		})
	}
}

// A target that asks for patience is given it: the call stays whole.
func TestTargetThatAsksForPatienceGetsTheCallWhole(t *testing.T) {
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
		if hasPoison(lines) {
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, ""
	})
	s := startSender(t, tg.URL, nil)
	for range triesBeforeSplit + triesBeforeRefusal {
		res, err := s.Write(t.Context(), eventsOf("alice", "poison"))
		require.ErrorContains(t, err, "HTTP 503")
		require.Zero(t, res.Written)
	}
}

// A balancer in front of one target that works and one that does not: the records arrive.
func TestRecordBehindABalancerWithABrokenTargetArrives(t *testing.T) {
	turn := 0
	tg := newTarget(t, func([]string, http.Header) (int, string) {
		if turn++; turn%2 == 0 {
			return http.StatusBadGateway, ""
		}
		return http.StatusOK, ""
	})
	e, letters, _ := openObserved(t, tg.URL)
	for i := range 50 {
		require.NoError(t, e.ConsumeLogs(t.Context(), plogs.NewEncoder("test").Encode(batchOf(users(100)[i:i+2]...))))
	}
	require.Empty(t, deadLetters(t, letters))
}

// What is known of suspects has a bound.
func TestSuspectsAreBounded(t *testing.T) {
	var s suspectRecords
	for i := range 3 * maxSuspects {
		s.countCall(session.ID{byte(i), byte(i >> 8)})
		require.LessOrEqual(t, len(s.tries), maxSuspects)
	}
}
