package sessionlogreceiver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// Two pipelines behind the collector's own fan-out, each of which names another record that it has not taken. The sender of a call hears
// 200 only when either has each record, or the dead letter has it; what both have taken is not told again.
func TestTwoPipelinesNameOtherFailedRecords(t *testing.T) {
	names := func(user string) func(plog.Logs) error {
		return func(logs plog.Logs) error { return consumererror.NewLogs(errBusy, only(logs, user)) }
	}
	refuses := func(user string) func(plog.Logs) error {
		return func(logs plog.Logs) error { return consumererror.NewPermanent(names(user)(logs)) }
	}
	all := []string{"alice", "bob", "carol"}
	for name, c := range map[string]struct {
		first, second func(plog.Logs) error
		again, kept   []string
	}{
		"both for now":          {names("alice"), names("bob"), []string{"alice", "bob"}, nil},
		"one names nothing":     {names("alice"), func(plog.Logs) error { return errBusy }, all, nil},
		"one names none of it":  {names("alice"), names("mallory"), all, nil},
		"both for good":         {refuses("alice"), refuses("bob"), nil, []string{"alice", "bob"}},
		"one for good":          {refuses("alice"), names("bob"), []string{"alice", "bob"}, nil},
		"one alone of the two":  {names("alice"), func(plog.Logs) error { return nil }, []string{"alice"}, nil},
		"the same one, of both": {names("carol"), names("carol"), []string{"carol"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			pipelines := [2]*testPipeline{once(c.first), once(c.second)}
			address, letters := listen(t, connector.NewLogsRouter(map[pipeline.ID]consumer.Logs{
				pipeline.NewIDWithName(pipeline.SignalLogs, "first"):  pipelines[0],
				pipeline.NewIDWithName(pipeline.SignalLogs, "second"): pipelines[1],
			}))
			var body strings.Builder
			for _, user := range all {
				fmt.Fprintf(&body, `{"event_name":"sessionlog.login","timestamp":"2026-11-21T22:03:57Z","user.name":%q}`+"\n", user)
			}
			answer, err := http.Post("http://"+address+"/v1/events", "application/x-ndjson", strings.NewReader(body.String()))
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, http.StatusOK, answer.StatusCode)
			want := [][]string{all}
			if c.again != nil {
				want = append(want, c.again)
			}
			for _, p := range pipelines {
				require.Equal(t, want, p.told())
			}
			require.Equal(t, c.kept, deadLetteredUsers(t, letters))
		})
	}
}

// once is a pipeline that does so at its first call and takes all further ones.
func once(fate func(plog.Logs) error) *testPipeline {
	return &testPipeline{respond: func(_ context.Context, call int, logs plog.Logs) error {
		if call > 1 {
			return nil
		}
		return fate(logs)
	}}
}

// listen starts a receiver with the source http before a pipeline, and gives its address and the folder of its dead letters.
func listen(t *testing.T, next consumer.Logs) (address, letters string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address, letters = free.Addr().String(), t.TempDir()
	require.NoError(t, free.Close())
	config := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"http": map[string]any{"endpoint": address}, "dead_letter": map[string]any{"directory": letters},
	}).Unmarshal(config))
	r, err := NewFactory().CreateLogs(t.Context(), receivertest.NewNopSettings(componentType), config, next)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), newTestHost()))
	t.Cleanup(func() { require.NoError(t, r.Shutdown(context.WithoutCancel(t.Context()))) })
	return address, letters
}
