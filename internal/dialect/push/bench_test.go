package push

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

const line = `{"event_name":"sessionlog.login","timestamp":"2026-11-22T02:21:16.123456789Z","log.record.uid":"5b1f2a1e-6f0e-4c57-9c0a-6f6a3c2f7a10",` +
	`"sessionlog.outcome":"success","service.name":"webshop","user.name":"alice.smith@example.com","user.id":"00u1abcd2345","user.roles":["reader","writer"],` +
	`"client.address":"203.0.113.42","client.port":51544,"sessionlog.auth.method":"password","sessionlog.auth.type":"SHA256_PASSWORD",` +
	`"user_agent.original":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","session.id":"s-9f2c8d11","sessionlog.source.event":"LOGIN","tenant":"eu-1"}` + "\n"

const benchLines = 1000

var benchBody = []byte(strings.Repeat(line, benchLines))

// count keeps nothing.
type count struct {
	slot session.Event
	n    int
}

func (c *count) Slot(int) (*session.Event, error) { return &c.slot, nil }
func (c *count) Keep(int)                         { c.n++ }
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
