package shape

import (
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/push"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// dialectEvents are those that the samples of all dialects give: logs in files, bodies that are pushed, rows of ClickHouse; and typical ones.
func dialectEvents(t testing.TB) map[string][]session.Event {
	t.Helper()
	all := map[string][]session.Event{"typical": make([]session.Event, 40), "rows": clickHouseRows()}
	for i := range all["typical"] {
		sessiontest.Typical(&all["typical"][i], i)
	}
	for _, f := range formats.All() {
		all[f.Name] = fileEvents(t, f)
	}
	samples, err := filepath.Glob("../dialect/push/testdata/*.json")
	require.NoError(t, err)
	for _, sample := range samples {
		name := strings.TrimSuffix(filepath.Base(sample), ".json")
		text, err := os.ReadFile(sample)
		require.NoError(t, err)
		all["push "+name] = pushedEvents(t, name, text)
	}
	for name, events := range all {
		require.NotEmpty(t, events, name)
		for i := range events {
			events[i].Observed = 1_795_000_000_123_456_789
		}
	}
	return all
}

// fileEvents reads the texts of which the dialect pins the ids, and the longer samples where there are any.
func fileEvents(t testing.TB, f logformat.Format) (events []session.Event) {
	t.Helper()
	names, err := filepath.Glob("../dialect/*/testdata/ids/" + f.Name)
	require.NoError(t, err)
	nested, err := filepath.Glob("../dialect/*/*/testdata/ids/" + f.Name)
	require.NoError(t, err)
	names = append(names, nested...)
	longer := map[string]string{"jsonlog": "postgreslog/testdata/18/log.jsonl", "server_audit": "mariadblog/testdata/server_audit.log", "mongodb": "mongodblog/testdata/mongod.log", "sshd": "sshlog/testdata/auth.log"}
	if name := longer[f.Name]; name != "" {
		names = append(names, "../dialect/"+name)
	}
	require.NotEmpty(t, names, f.Name)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		parser := f.New(logformat.Options{Instance: "golden", Zone: time.UTC, Name: f.Name, Written: time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC), LinePrefix: "%m [%p] %q%u@%d %h %a "})
		batch := &logformat.EventBatch{}
		for pos := 0; pos < len(text); {
			n := parser.Frame(text[pos:], true)
			require.NoError(t, parser.Parse(string(text[pos:pos+n]), int64(pos), batch))
			pos += n
		}
		parser.FlushDue(math.MaxInt64, batch)
		events = append(events, batch.Events...)
	}
	return events
}

type pushSink struct {
	slot   session.Event
	events []session.Event
	bad    []error
}

func (s *pushSink) Slot(int) (*session.Event, error) { return &s.slot, nil }
func (s *pushSink) Other(int)                        {}
func (s *pushSink) Bad(_ int, reason error)          { s.bad = append(s.bad, reason) }
func (s *pushSink) Keep(int) {
	s.events = append(s.events, session.Event{})
	s.slot.CopyTo(&s.events[len(s.events)-1])
	s.slot.Reset()
}

func pushedEvents(t testing.TB, dialect string, body []byte) []session.Event {
	t.Helper()
	sink := &pushSink{}
	require.NoError(t, new(push.Reader).Read(push.FindDialect(dialect), push.FramingDocument, body, push.Origin{Instance: "golden", Sender: "sender"}, sink))
	require.Empty(t, sink.bad, "%s", dialect)
	return sink.events
}

// readFlat is what the source http makes of a document of flat JSON.
func readFlat(t testing.TB, document []byte) (*session.Event, error) {
	t.Helper()
	sink := &pushSink{}
	require.NoError(t, new(push.Reader).Read(push.FindDialect("sessionlog"), push.FramingDocument, document, push.Origin{Instance: "golden", Sender: "sender"}, sink))
	if len(sink.bad) > 0 {
		return nil, sink.bad[0]
	}
	require.Len(t, sink.events, 1)
	return &sink.events[0], nil
}

func clickHouseRows() []session.Event {
	mapper := clickhouselog.NewMapper("golden")
	row := clickhouselog.Row{
		Hostname: "ch-0", Type: clickhouselog.TypeLoginSuccess, AuthID: session.ID{1, 15: 2}, AuthIDText: "01000000-0000-0000-0000-000000000002", Micros: 1_795_000_000_123_456,
		User: "alice", AuthType: "SHA256_PASSWORD", ClientAddress: netip.MustParseAddr("::ffff:10.0.0.7"), ClientPort: 50112, Interface: "TCP",
	}
	events := make([]session.Event, 3)
	mapper.Event(&row, &events[0])
	row.Type, row.Micros = clickhouselog.TypeLogout, row.Micros+1_000_000
	mapper.Event(&row, &events[1])
	row.Type = clickhouselog.TypeLoginSuccess
	mapper.Update(&row, clickhouselog.Trace{ID: [16]byte{1}, Span: [8]byte{2}}, &events[2])
	return events
}
