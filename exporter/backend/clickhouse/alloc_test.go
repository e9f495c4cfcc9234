package clickhouse

import (
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
