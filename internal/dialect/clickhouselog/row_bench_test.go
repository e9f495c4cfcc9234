package clickhouselog

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/otel-sessionlog/sessionlog/session"
)

// BenchmarkMapper fills pages as the sources do: three of 8192 events in turn, which no cache holds.
func BenchmarkMapper(b *testing.B) {
	const page = 8192
	events := make([]session.Event, 3*page)
	rows := make([]Row, 1024)
	for i := range rows {
		r := &rows[i]
		pair := i / 2
		*r = Row{
			Hostname: "ch-0.example.net", Type: EventType(1 + i%2), Micros: 1_750_000_000_000_000 + int64(i), User: "etl_writer", AuthType: "SHA256_PASSWORD",
			ClientAddress: netip.AddrFrom16(netip.AddrFrom4([4]byte{10, 0, byte(pair % 4), byte(pair % 250)}).As16()), ClientPort: uint16(1024 + pair),
			Interface: "TCP", Hostnames: ClientNames{"app-1", "ClickHouse clickhouse-go/2.50.0"}, Version: [3]uint32{2, 50, 0}, Revision: 54460,
		}
		if i%2 == 0 {
			r.Profiles, r.Roles = []string{"default", "analysts"}, []string{"analyst", "loader"}
			r.Settings = []session.Setting{{Name: "max_threads", Value: "2"}, {Name: "max_memory_usage", Value: "1000000000"}}
		}
	}
	m := NewMapper("warehouse")
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r := &rows[n%len(rows)]
		r.Micros += int64(len(rows)) // never twice the same time
		binary.BigEndian.PutUint64(r.AuthID[:], uint64(n/2)*0x9e3779b97f4a7c15)
		r.AuthIDText = "0f1e2d3c-0000-4000-8000-000000000000"
		m.Event(r, &events[n%len(events)])
		n++
	}
}
