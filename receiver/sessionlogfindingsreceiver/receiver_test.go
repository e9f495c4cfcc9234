package sessionlogfindingsreceiver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/session"
)

// rig is a receiver over a real store, a SQLite file unless the test sets another, whose clock the test turns and whose runs it starts.
type rig struct {
	t       *testing.T
	config  *Config
	db      backend.Backend
	now     time.Time
	storage component.Component
	logs    *observer.ObservedLogs
	*findingsReceiver

	told []told
	fail func(plog.Logs) error // of the pipeline
}

// told is a log record that the pipeline was given.
type told struct {
	id, question, user, address, sentence string
	record                                plog.LogRecord
}

func newRig(t *testing.T) *rig {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	file := sqlite.DefaultConfig()
	file.Path, file.Synchronous = filepath.Join(t.TempDir(), "session_log.db"), "normal"
	cfg.SQLite = configoptional.Some(file)
	return &rig{t: t, config: cfg, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
}

// write opens the backend at its first call.
func (r *rig) write(events ...session.Event) {
	r.t.Helper()
	if r.db == nil {
		chosen, err := r.config.chooseBackend()
		require.NoError(r.t, err)
		db, err := chosen.Open(componenttest.NewNopTelemetrySettings())
		require.NoError(r.t, err)
		require.NoError(r.t, db.Start(r.t.Context()))
		r.t.Cleanup(func() { require.NoError(r.t, db.Shutdown(context.Background())) })
		r.db = db
	}
	if len(events) == 0 {
		return
	}
	result, err := r.db.Write(r.t.Context(), func(yield func(int, *session.Event) bool) {
		for i := range events {
			if !yield(i, &events[i]) {
				return
			}
		}
	})
	require.NoError(r.t, err)
	require.Equal(r.t, len(events), result.Written)
}

// start makes a receiver, and a new one when it is called again.
func (r *rig) start() {
	r.t.Helper()
	require.NoError(r.t, r.config.Validate())
	core, logs := observer.New(zap.InfoLevel)
	set := receiver.Settings{ID: component.NewID(componentType), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	set.Logger, r.logs = zap.New(core), logs
	next, err := consumer.NewLogs(func(_ context.Context, logs plog.Logs) error {
		if r.fail != nil {
			if err := r.fail(logs); err != nil {
				return err
			}
		}
		r.collect(logs)
		return nil
	})
	require.NoError(r.t, err)
	made, err := NewFactory(WithClock(func() time.Time { return r.now })).CreateLogs(r.t.Context(), set, r.config, next)
	require.NoError(r.t, err)
	r.findingsReceiver = made.(*findingsReceiver)
	require.NoError(r.t, r.openAndLoad(r.t.Context(), storageHost{r.storage}))
}

func (r *rig) collect(logs plog.Logs) {
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				require.Equal(r.t, EventName, record.EventName())
				text := func(name string) string { v, _ := record.Attributes().Get(name); return v.AsString() }
				kept := plog.NewLogRecord()
				record.CopyTo(kept)
				r.told = append(r.told, told{text(AttrFindingID), text(AttrFindingQuestion), textOf(record, "user.name"), textOf(record, "client.address"), record.Body().AsString(), kept})
			}
		}
	}
}

func textOf(record plog.LogRecord, name string) string {
	if v, ok := record.Attributes().Get(name); ok {
		return v.AsString()
	}
	return ""
}

// run asks at a time, and gives what was told.
func (r *rig) run(at time.Time) []told {
	r.t.Helper()
	r.now, r.told = at, nil
	require.NoError(r.t, r.askAll(r.t.Context()))
	return r.told
}

type storageHost struct{ storage component.Component }

var storageID = component.MustNewID("kept")

func (h storageHost) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{storageID: h.storage}
}

// keptStorage keeps what is set while the process lasts, as a disk would.
type keptStorage struct {
	component.StartFunc
	component.ShutdownFunc
	mu     sync.Mutex
	values map[string][]byte
}

func (k *keptStorage) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	return k, nil
}

func (k *keptStorage) Get(_ context.Context, key string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.values[key], nil
}

func (k *keptStorage) Set(_ context.Context, key string, value []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.values == nil {
		k.values = map[string][]byte{}
	}
	k.values[key] = value
	return nil
}

func (k *keptStorage) Delete(context.Context, string) error               { return nil }
func (k *keptStorage) Batch(context.Context, ...*storage.Operation) error { return nil }
func (k *keptStorage) Close(context.Context) error                        { return nil }

// TestALabelledMonth replays a month of ordinary company life with five attacks in it: few findings on ordinary days, and each attack found.
func TestALabelledMonth(t *testing.T) {
	const most = 10
	events := newCompanyMonth()
	r := newRig(t)
	r.config.Ignore = companyNetworks
	r.write(events[0]) // of an account that was used long before
	r.start()
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	next, ids, ordinary, total := 1, map[string]bool{}, 0, 0
	for day := range daysOfMonth {
		var all []told
		for part := range partsOfDay {
			until := begin.AddDate(0, 0, day).Add(time.Duration(part+1) * 24 * time.Hour / time.Duration(partsOfDay))
			first := next
			for next < len(events) && events[next].Time < until.UnixNano() {
				next++
			}
			r.write(events[first:next]...)
			all = append(all, r.run(until)...)
		}
		isAttacked, counts := false, map[string]int{}
		for _, a := range attacks {
			if a.day != day {
				continue
			}
			isAttacked = true
			found := false
			for _, f := range all {
				found = found || f.question == a.question && f.user == a.user && f.address == a.address
			}
			require.True(t, found, "day %d: %+v is not among %v", day, a, sentences(all))
		}
		for _, f := range all {
			counts[f.question]++
			require.False(t, ids[f.id], "told twice: %s", f.sentence)
			ids[f.id] = true
		}
		t.Logf("day %2d %s attacked=%-5v %2d findings %v", day, begin.AddDate(0, 0, day).Weekday().String()[:3], isAttacked, len(all), counts)
		if testing.Verbose() {
			for _, s := range sentences(all) {
				t.Log("    " + s)
			}
		}
		if !isAttacked {
			ordinary, total = ordinary+1, total+len(all)
			require.Less(t, len(all), most, "day %d: %v", day, sentences(all))
		}
	}
	require.Equal(t, len(events), next)
	t.Logf("%d events; %.1f findings on an ordinary day", len(events), float64(total)/float64(ordinary))
}

// partsOfDay is how often a day is asked about. More is as it runs in life, and takes longer: FINDINGS_PARTS_OF_DAY=24.
var partsOfDay = max(1, numberOf(os.Getenv("FINDINGS_PARTS_OF_DAY")))

func numberOf(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

func sentences(all []told) (texts []string) {
	for _, f := range all {
		texts = append(texts, fmt.Sprintf("%s: %s", f.question, f.sentence))
	}
	return texts
}
