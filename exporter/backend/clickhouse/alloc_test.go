package clickhouse

import (
	"reflect"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// readyEvents are events ready made, so that only what becomes of them is measured.
func readyEvents(n int) []session.Event {
	all := make([]session.Event, n)
	for i := range all {
		sessiontest.Typical(&all[i], i)
		if i%100 == 0 {
			sessiontest.Full().CopyTo(&all[i])
		}
	}
	return all
}

// TestARecordAllocatesNothing fills and encodes a second block: the memory of the first one is enough.
func TestARecordAllocatesNothing(t *testing.T) {
	events, b, sent := readyEvents(10_000), newRowBlock(), &proto.Buffer{}
	var hasher session.Hasher
	fill := func() {
		b.resetColumns()
		for i := range events {
			b.appendRow(&events[i], events[i].ContentHash(&hasher))
		}
		sent.Reset()
		require.NoError(t, proto.Block{Columns: len(b.all), Rows: b.rows}.EncodeRawBlock(sent, 0, b.all))
	}
	fill()
	require.Less(t, testing.AllocsPerRun(5, fill), 100.0, "of %d records", len(events))
}

// TestEveryTextWeighs: a text that is not counted could make a block of any size.
func TestEveryTextWeighs(t *testing.T) {
	empty := eventWeight(&session.Event{})
	typ := reflect.TypeFor[session.Event]()
	for i := range typ.NumField() {
		var e session.Event
		f := reflect.ValueOf(&e).Elem().Field(i)
		heavy := strings.Repeat("x", 1000)
		switch f.Interface().(type) {
		case string:
			f.SetString(heavy)
		case []string:
			f.Set(reflect.ValueOf([]string{heavy}))
		case []session.Setting:
			e.Settings = []session.Setting{{Name: heavy}}
		case []session.Attr:
			e.Extra = []session.Attr{{Value: heavy}}
		default:
			continue
		}
		require.Equal(t, empty+1000, eventWeight(&e), typ.Field(i).Name)
	}
}
