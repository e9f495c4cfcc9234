package rows

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/stretchr/testify/require"
)

// Texts are those that ch-go has written, and what stands behind the column is left to the next one.
func TestTextColumnReadsNoFurtherThanItsEnd(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var c textColumn
	for round := range 300 {
		var written proto.ColStr
		longest := []int{0, 1, 40, 200, 20_000}[round%5]
		for range r.IntN(80) {
			written.Append(strings.Repeat(string(rune('a'+r.IntN(26))), r.IntN(longest+1)))
		}
		var b proto.Buffer
		written.EncodeColumn(&b)
		reader := proto.NewReader(bytes.NewReader(append(b.Buf, 0xfe)))
		require.NoError(t, c.DecodeColumn(reader, written.Rows()))
		require.Equal(t, written.Rows(), c.Rows())
		for i := range c.Rows() {
			require.Equal(t, written.Row(i), c.valueAt(i))
		}
		next, err := reader.ReadByte()
		require.NoError(t, err)
		require.Equal(t, byte(0xfe), next)
		if written.Rows() > 0 {
			cut := b.Buf[:r.IntN(len(b.Buf))]
			require.Error(t, c.DecodeColumn(proto.NewReader(bytes.NewReader(cut)), written.Rows()))
		}
	}
}

func TestTextColumnRefusesALengthThatCannotBe(t *testing.T) {
	for _, length := range []string{"\xff\xff\xff\xff\x0f", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", strings.Repeat("\xff", 11)} {
		var c textColumn
		err := c.DecodeColumn(proto.NewReader(strings.NewReader(length+strings.Repeat("x", 20))), 3)
		require.Error(t, err)
		require.LessOrEqual(t, cap(c.Buf), 2*maxReadAhead)
	}
}
