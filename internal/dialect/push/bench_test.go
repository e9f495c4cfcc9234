package push

import (
	"bytes"
	"os"
	"testing"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

const benchLines = 1000

// benchBody is a typical event of ours, again and again.
var benchBody = func() []byte {
	line, err := os.ReadFile("testdata/bench.ndjson")
	if err != nil {
		panic(err)
	}
	return bytes.Repeat(line, benchLines)
}()

// count keeps nothing.
type count struct {
	slot session.Event
	n    int
}

func (c *count) Slot(int) (*session.Event, error) { return &c.slot, nil }
func (c *count) Keep(int)                         { c.n++; c.slot.Reset() }
func (c *count) Bad(int, error)                   {}
func (c *count) Other(int)                        {}

func perLine(b *testing.B) {
	b.SetBytes(int64(len(benchBody)))
	b.ReportAllocs()
	b.Cleanup(func() { b.ReportMetric(float64(b.N)*benchLines/b.Elapsed().Seconds(), "records/s") })
}

// BenchmarkRead is NDJSON to events, ids and all.
func BenchmarkRead(b *testing.B) {
	perLine(b)
	var r Reader
	sink := &count{}
	for b.Loop() {
		if err := r.Read(Own, Lines, benchBody, origin, sink); err != nil {
			b.Fatal(err)
		}
	}
	require.Equal(b, b.N*benchLines, sink.n)
}

// BenchmarkLimit is the JSON library alone on the same bytes: "decode" hands out every key and value as a Go value, as a program that
// uses it must; "walk" looks at them and makes nothing.
func BenchmarkLimit(b *testing.B) {
	for _, c := range []struct {
		name string
		str  func(*jx.Decoder) (int, error)
	}{
		{"decode", func(d *jx.Decoder) (int, error) { s, err := d.Str(); return len(s), err }},
		{"walk", func(d *jx.Decoder) (int, error) { s, err := d.StrBytes(); return len(s), err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			perLine(b)
			var d jx.Decoder
			for b.Loop() {
				for rest := benchBody; len(rest) > 0; {
					i := bytes.IndexByte(rest, '\n')
					d.ResetBytes(rest[:i])
					rest = rest[i+1:]
					if err := walk(&d, c.str); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func walk(d *jx.Decoder, str func(*jx.Decoder) (int, error)) error {
	switch d.Next() {
	case jx.String:
		_, err := str(d)
		return err
	case jx.Number:
		_, err := d.Int64()
		return err
	case jx.Array:
		it, err := d.ArrIter()
		for err == nil && it.Next() {
			err = walk(d, str)
		}
		return err
	case jx.Object:
		it, err := d.ObjIter()
		for err == nil && it.Next() {
			err = walk(d, str)
		}
		return err
	}
	return d.Skip()
}

func TestReadingDoesNotAllocate(t *testing.T) {
	var r Reader
	sink := &count{}
	read := func() { require.NoError(t, r.Read(Own, Lines, benchBody, origin, sink)) }
	read() // the scratch grows once
	require.Less(t, testing.AllocsPerRun(5, read)/benchLines, 0.05, "allocations per record")
}
