package plogs

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// A record of very many attributes and settings comes back whole, in time that grows with their number and not with its
// square: a hundred thousand of each would take a minute.
func TestVeryManyAttributes(t *testing.T) {
	e := *sessiontest.Full()
	for i := range 100_000 {
		e.Extra = append(e.Extra, session.Attr{Key: fmt.Sprintf("app.attribute-%06d", i), Value: fmt.Sprint(i), Type: session.AttrType(i % 2)})
		e.Settings = append(e.Settings, session.Setting{Name: fmt.Sprintf("setting-%06d", i), Value: "x"})
	}
	got := roundTrip(t, e)
	require.Len(t, got, 1)
	require.Equal(t, e.Settings, got[0].Settings)
	want := map[session.Attr]bool{}
	for _, a := range e.Extra {
		want[a] = true
	}
	require.Len(t, got[0].Extra, len(want))
	for _, a := range got[0].Extra {
		require.True(t, want[a])
	}
	got[0].Extra, e.Extra = nil, nil
	require.True(t, sessiontest.SameContent(&got[0], &e))
}

// What is no value of a field, or has no word in JSON, is kept.
func TestOddValuesAreKept(t *testing.T) {
	e := decodeOne(t, senderLogs(func(_ plog.ScopeLogs, lr plog.LogRecord) {
		lr.Attributes().PutStr("sessionlog.outcome", "challenge")
		lr.Attributes().PutStr("otel.event.name", "user.login")
		m := lr.Attributes().PutEmptyMap("app")
		m.PutDouble("score", math.NaN())
		m.PutEmptySlice("more").AppendEmpty().SetDouble(math.Inf(-1))
		m.PutInt("tries", 3)
	}))
	require.Equal(t, session.OutcomeUnknown, e.Outcome)
	for _, want := range []session.Attr{
		{Key: "sessionlog.outcome", Value: "challenge"},
		{Key: "otel.event.name", Value: "user.login"},
		{Key: "app", Value: `{"more":["-Inf"],"score":"NaN","tries":3}`, Type: session.AttrJSON},
	} {
		require.Contains(t, e.Extra, want)
	}
	again := roundTrip(t, e)[0]
	require.True(t, sessiontest.SameContent(&again, &e))

	yes := session.Event{Kind: session.KindLogin, RecordID: session.ID{1}, Extra: []session.Attr{{Key: "app.sure", Value: "yes", Type: session.AttrBool}}}
	require.Equal(t, "yes", roundTrip(t, yes)[0].Extra[0].Value)
}

// A source's column is text, whatever bytes a client has put into it: it is not spelled in base64 behind a collector.
func TestAColumnThatIsNotUTF8(t *testing.T) {
	e := *sessiontest.Minimal()
	e.Extra = []session.Attr{{Key: session.SourceField + "username", Value: "\xff\xfe"}}
	require.Equal(t, e.Extra, roundTrip(t, e)[0].Extra)
}
