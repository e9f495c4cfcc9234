package configclickhouse_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// blocks hands out the next of several blocks of numbers; last tells whether the end comes with the last one or after it.
func blocks(column *proto.ColUInt64, last bool, sizes ...int) (next func() error) {
	n := uint64(0)
	return func() error {
		column.Reset()
		if len(sizes) == 0 {
			return io.EOF
		}
		for range sizes[0] {
			column.Append(n)
			n++
		}
		if sizes = sizes[1:]; last && len(sizes) == 0 {
			return io.EOF
		}
		return nil
	}
}

func TestInsert(t *testing.T) {
	s := quiet.Get(t)
	s.Exec(t, "CREATE TABLE numbers (n UInt64) ENGINE = Memory")
	everyDoor(t, s, func(t *testing.T, cfg configclickhouse.ClientConfig) {
		cfg.Username, cfg.Password = server.Admin.Name, configopaque.String(server.Admin.Password)
		conn := connect(t, cfg)
		const insert = "INSERT INTO numbers (n) FORMAT Native"
		f := func(last bool, filled int, sizes ...int) {
			t.Helper()
			require.NoError(t, conn.Exec(t.Context(), "TRUNCATE TABLE numbers"))
			var n proto.ColUInt64
			next := blocks(&n, last, sizes...)
			want := filled
			for range filled {
				n.Append(1 << 40)
			}
			for _, size := range sizes {
				want += size
			}
			require.NoError(t, conn.Insert(t.Context(), insert, proto.Input{{Name: "n", Data: &n}}, next))
			rows, err := numbers(t.Context(), conn, "SELECT n FROM numbers")
			require.NoError(t, err)
			require.Equal(t, want, rows)
		}
		f(false, 0)
		f(false, 3)
		f(false, 0, 5)
		f(true, 0, 5)
		f(true, 3, 5)
		f(true, 0, 5, 100_000, 7)
		f(false, 2, 5, 100_000, 7)

		require.NoError(t, conn.Exec(t.Context(), "TRUNCATE TABLE numbers"))
		own := errors.New("no more")
		var n proto.ColUInt64
		n.Append(1)
		begun := time.Now()
		require.ErrorIs(t, conn.Insert(t.Context(), insert, proto.Input{{Name: "n", Data: &n}}, func() error { return own }), own)
		require.Less(t, time.Since(begun), cfg.ReadTimeout/2, "nobody waits for the other")
		rows, err := numbers(t.Context(), connect(t, cfg), "SELECT n FROM numbers")
		require.NoError(t, err)
		require.Zero(t, rows, "what has no end is not stored")
		err = connect(t, cfg).Insert(t.Context(), "INSERT INTO nowhere (n) FORMAT Native", proto.Input{{Name: "n", Data: &n}}, blocks(&n, true, 10))
		require.True(t, configclickhouse.HasCode(err, configclickhouse.CodeUnknownTable), "%v", err)
	})
}

func TestATableThatGoesAlong(t *testing.T) {
	everyDoor(t, quiet.Get(t), func(t *testing.T, cfg configclickhouse.ClientConfig) {
		conn := connect(t, cfg)
		var mine proto.ColUInt64
		for n := range uint64(10_000) {
			mine.Append(n * 1000)
		}
		var n proto.ColUInt64
		rows := 0
		err := conn.QueryWith(t.Context(), "SELECT number AS n FROM numbers(1000000) WHERE number IN (SELECT id FROM mine)",
			configclickhouse.ExternalTable{Name: "mine", Columns: proto.Input{{Name: "id", Data: &mine}}}, proto.Results{{Name: "n", Data: &n}},
			func(more int) error { rows += more; return nil })
		require.NoError(t, err)
		require.Equal(t, 1000, rows)
		err = conn.Exec(t.Context(), "DROP TABLE nowhere")
		require.True(t, configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied, configclickhouse.CodeUnknownTable), "%v", err)
	})
}
