package sessionlogforwardexporter

import (
	"context"
	"fmt"
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

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// openObserved is an exporter of NDJSON that tries again after a millisecond, its dead letter's folder, and what it logs.
func openObserved(t *testing.T, url string, edits ...func(*TargetConfig)) (e exporter.Logs, letters string, logs *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	factory := NewFactory()
	c := factory.CreateDefaultConfig().(*Config)
	c.Client.Endpoint, c.Protocol = url, protocolNDJSON
	c.DeadLetter.Directory = filepath.Join(t.TempDir(), "letters")
	c.BackOffConfig.InitialInterval, c.BackOffConfig.MaxInterval = time.Millisecond, time.Millisecond
	for _, edit := range edits {
		edit(&c.TargetConfig)
	}
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

// bulkWith answers a bulk call: status for the records that are like this, and 201 for others.
func bulkWith(lines []string, status int, isLike func(document string) bool) string {
	var items []string
	for i := 1; i < len(lines); i += 2 {
		item := `{"create":{"status":201}}`
		if isLike(lines[i]) {
			item = fmt.Sprintf(`{"create":{"status":%d,"error":{"type":"odd_exception","reason":"hunter2"}}}`, status)
		}
		items = append(items, item)
	}
	return `{"errors":true,"items":[` + strings.Join(items, ",") + `]}`
}

func isPoison(document string) bool { return strings.Contains(document, "poison") }

// An item of a bulk answer that fails for ever while others are taken is told by its id, and ends in the dead letter.
func TestBulkItemThatFailsForEverIsGivenUp(t *testing.T) {
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
		return http.StatusOK, bulkWith(lines, http.StatusInternalServerError, isPoison)
	})
	e, letters, logs := openObserved(t, tg.URL, bulk)
	names := users(100)
	names[0], names[37] = "poison0", "poison37"
	batch := batchOf(names...)
	require.NoError(t, e.ConsumeLogs(t.Context(), plogs.NewEncoder("test").Encode(batch)))
	require.Equal(t, 1, countWith(tg.taken, `"_id":"`+batch[50].RecordID.String()+`"`), "neighbours are sent once")
	written := deadLetters(t, letters)
	require.Equal(t, 2, strings.Count(written, "odd_exception (HTTP 500) to this record alone, and takes others (10 tries)"), written)
	for _, i := range []int{0, 37} {
		id := batch[i].RecordID.String()
		require.Contains(t, written, id)
		given := logs.FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("it goes to the dead letter").FilterField(zap.Stringer("log.record.uid", batch[i].RecordID)).All()
		require.NotEmpty(t, given, id)
		require.Equal(t, "elasticsearch", given[0].ContextMap()["key"])
		require.Contains(t, given[0].ContextMap()["remedy"], "log")
	}
	require.Len(t, logs.FilterMessageSnippet("its neighbours are delivered").All(), 1)
	for _, entry := range logs.All() {
		require.NotContains(t, fmt.Sprint(entry.Message, entry.ContextMap()), "hunter2")
	}
}

// Where many items fail, or the target takes nothing else either, it is the target's trouble: nothing is given up.
func TestBulkItemsOfATargetInTroubleWait(t *testing.T) {
	for name, isLike := range map[string]func(string) bool{"many": func(d string) bool { return !strings.Contains(d, "user0000") }, "all": func(string) bool { return true }} {
		t.Run(name, func(t *testing.T) {
			inTrouble := false
			tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
				return http.StatusOK, bulkWith(lines, http.StatusInternalServerError, func(d string) bool { return inTrouble && isLike(d) })
			})
			s := startSender(t, tg.URL, bulk)
			_, err := s.Write(t.Context(), eventsOf("user0000"))
			require.NoError(t, err)
			inTrouble = true
			for range 2 * triesBeforeRefusal {
				res, err := s.Write(t.Context(), eventsOf(users(mostRefusals+2)...))
				require.ErrorContains(t, err, "odd_exception (HTTP 500)")
				require.Empty(t, res.Rejected)
				res, err = s.Write(t.Context(), eventsOf("alone"))
				if name == "all" {
					require.ErrorContains(t, err, "odd_exception (HTTP 500)")
					require.Empty(t, res.Rejected)
				}
			}
			inTrouble = false
			res, err := s.Write(t.Context(), eventsOf(users(mostRefusals+2)...))
			require.NoError(t, err)
			require.Equal(t, mostRefusals+2, res.Written)
		})
	}
}

// A record whose shard is away has more patience, and is told long before that is over.
func TestBulkItemWithoutItsShardWaitsLonger(t *testing.T) {
	tg := newTarget(t, func(lines []string, _ http.Header) (int, string) {
		return http.StatusOK, bulkWith(lines, http.StatusServiceUnavailable, isPoison)
	})
	s := startSender(t, tg.URL, bulk)
	core, logs := observer.New(zapcore.WarnLevel)
	s.conditions = conditionlog.New(zap.New(core), time.Now)
	for i := range triesOfUnavailable - 1 {
		res, err := s.Write(t.Context(), eventsOf("alice", "poison"))
		require.ErrorContains(t, err, "odd_exception (HTTP 503)")
		require.Empty(t, res.Rejected)
		require.Equal(t, i+1 >= triesBeforeSplit, logs.Len() > 0, i)
	}
	require.Equal(t, limitsOfShard.remedy, logs.All()[0].ContextMap()["remedy"])
	res, err := s.Write(t.Context(), eventsOf("alice", "poison"))
	require.NoError(t, err)
	require.Len(t, res.Rejected, 1)
}

// What is known of suspects has a bound.
func TestSuspectsAreBounded(t *testing.T) {
	var s suspectRecords
	for i := range 3 * maxSuspects {
		s.countCall(session.ID{byte(i), byte(i >> 8)})
		require.LessOrEqual(t, len(s.tries), maxSuspects)
	}
}
