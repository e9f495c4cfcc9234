package mariadblog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat/logformattest"
)

var complaints = logformattest.Says(
	"not a time that server_audit writes: 20261121 22:01:32, or microseconds since 1970",
	"not a record of server_audit, or a torn one",
	localtime.ErrSkipped.Error(), localtime.ErrRange.Error(),
)

// FuzzServerAudit takes any text: it is read the same at once, in pieces and after a kill, and no error tells a value.
func FuzzServerAudit(f *testing.F) {
	text := sample(f)
	for i := 0; i+3000 < len(text); i += 3000 {
		f.Add(uint8(i), uint16(i), text[i:i+3000])
	}
	f.Add(uint8(2), uint16(30), "20261121 22:01:33,vm,a\nb,127.0.0.1:1,14,0,FAILED_CONNECT,,,1045,SSL\n1795298492123456,ip-10,alice,10.0.0.1,6,0,CONNECT,app,,0\n")
	f.Add(uint8(1), uint16(0), "2026-11-21T23:01:32.5+01:00 vm x: vm,alice,[::1]:3,6,0,CONNECT,app,,0\r\n")
	f.Add(uint8(3), uint16(9), "\uFEFFNov 21 22:01:32 vm x:  vm,\xff\x00,h,6,0,CONNECT,,,0\nNov 21 22:01:33 vm x:  vm,\xff\x00,h,6,0,DISCONNECT,,,0\n")
	f.Add(uint8(2), uint16(99), "20261025 02:30:00,vm,a,h,1,0,CONNECT,,,0\n20261025 02:10:00,vm,a,h,1,0,DISCONNECT,,,0\n20260329 02:30:00,vm,a,h,1,0,CONNECT,,,0\n")
	f.Fuzz(func(t *testing.T, zone uint8, cut uint16, text string) {
		o := options()
		o.Zone = logformattest.Zone(zone)
		if zone > 127 {
			o.Written = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		}
		format := logformattest.Format{New: func() logformat.Parser { return newParser(o) }, Errors: complaints, Silent: true}
		for _, e := range format.Check(t, text, int(cut)) {
			if !strings.Contains(text, e.User) || !strings.Contains(text, e.Database) {
				t.Fatalf("a name that is not in the text: %q, %q", e.User, e.Database)
			}
		}
	})
}
