package sessionlogforwardexporter

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// statusHost keeps what the exporter reports of itself.
type statusHost struct {
	mu   sync.Mutex
	said []string
}

func (*statusHost) GetExtensions() map[component.ID]component.Component { return nil }

func (h *statusHost) Report(e *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = append(h.said, fmt.Sprint(e.Status(), e.Err()))
}

// TestPasswordTypedAsUserNameIsToldToNobody but the target: whatever that answers, no log line, error, status or reason has it, and with redact not
// even the dead letter.
func TestPasswordTypedAsUserNameIsToldToNobody(t *testing.T) {
	const secret = "hunter2"
	for name, edit := range map[string]func(*TargetConfig){"ndjson": nil, "splunk_hec": hec, "elasticsearch": bulk} {
		t.Run(name, func(t *testing.T) {
			quotes := fmt.Sprintf(`{"text":"%[1]s","code":6,"error":{"type":"%[1]s","reason":"field [%[1]s]"},"status":400}`, secret)
			step := 0
			tg := newTarget(t, func(lines []string, header http.Header) (int, string) {
				header.Set("Location", "https://example.com/"+secret)
				header.Set("X-Error", secret)
				if len(lines) == 0 || countWith(lines, "isRefused") == 0 {
					return http.StatusOK, `{"text":"Success","code":0,"errors":false}`
				}
				statuses := []int{500, 301, 401, 429, 200, 400}
				step++
				status := statuses[min(step, len(statuses))-1]
				if status == 200 {
					return status, "<html>" + quotes
				}
				if name == "elasticsearch" && status == 400 {
					return http.StatusOK, bulkItems(lines, quotes)
				}
				return status, quotes
			})
			core, logs := observer.New(zapcore.DebugLevel)
			host := &statusHost{}
			factory := NewFactory()
			c := factory.CreateDefaultConfig().(*Config)
			c.Client.Endpoint, c.Protocol, c.Format = tg.URL, protocolNDJSON, shape.Flat
			c.DeadLetter.Directory = filepath.Join(t.TempDir(), "letters")
			c.BackOffConfig.InitialInterval, c.BackOffConfig.MaxInterval = time.Millisecond, time.Millisecond
			c.Redact = redaction.Config{Preset: redaction.PresetEvidence, Key: "0123456789abcdef0123456789abcdef"}
			if edit != nil {
				edit(&c.TargetConfig)
			}
			set := exportertest.NewNopSettings(factory.Type())
			set.Logger = zap.New(core)
			e, err := factory.CreateLogs(t.Context(), set, c)
			require.NoError(t, err)
			require.NoError(t, e.Start(t.Context(), host))
			good, bad := eventsWith("alice", ""), eventsWith(secret, "isRefused")
			require.NoError(t, e.ConsumeLogs(t.Context(), plogs.NewEncoder("test").Encode(good)))
			require.NoError(t, e.ConsumeLogs(t.Context(), plogs.NewEncoder("test").Encode(bad)))
			require.NoError(t, e.Shutdown(t.Context()))
			require.Greater(t, step, 5)
			for _, entry := range logs.All() {
				text, err := json.Marshal(entry.ContextMap())
				require.NoError(t, err)
				require.NotContains(t, entry.Message+string(text), secret)
			}
			require.NotContains(t, strings.Join(host.said, "\n"), secret)
			files, err := filepath.Glob(filepath.Join(c.DeadLetter.Directory, "*"))
			require.NoError(t, err)
			require.Len(t, files, 1)
			letter, err := os.ReadFile(files[0])
			require.NoError(t, err)
			require.Contains(t, string(letter), "isRefused")
			require.NotContains(t, string(letter), secret)
		})
	}
}

func eventsWith(user, attribute string) (list []session.Event) {
	for _, e := range eventsOf(user) {
		list = append(list, session.Event{})
		e.CopyTo(&list[0])
		list[0].Outcome = session.OutcomeFailure
		list[0].Extra = append(list[0].Extra, session.Attr{Key: "note", Value: attribute})
	}
	return list
}

// A time that Splunk cannot take is left to it, and names of hosts cannot break out of the line.
func TestHostileEventsOfTheCollector(t *testing.T) {
	w := openSplunkHEC(TargetConfig{SplunkHEC: SplunkHECConfig{SourceType: "a\"b\n"}}, shape.CIM)
	for _, at := range []int64{0, -1, -1 << 63, 1<<63 - 1} {
		for _, host := range []string{"a\"},\n{\"event\":1", "\xff\x00", strings.Repeat("h", 1<<20)} {
			body := w.appendRecord(nil, &session.Event{Time: at, Host: host}, []byte(`{}`))
			require.Equal(t, 1, strings.Count(string(body), "\n"))
			var got map[string]any
			require.NoError(t, json.Unmarshal(body, &got))
			require.Equal(t, at > 0, got["time"] != nil)
			require.Len(t, got["fields"], 1)
		}
	}
}
