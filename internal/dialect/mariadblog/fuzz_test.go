package mariadblog_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat/logformattest"
	"github.com/otel-sessionlog/sessionlog/session"
)

var complaints = logformattest.ErrorText(
	"not a time that server_audit writes: 20261121 22:01:32, or microseconds since 1970",
	"not a record of server_audit, or a torn one",
	localtime.ErrSkipped.Error(), localtime.ErrRange.Error(),
)

// FuzzServerAudit takes any text: it is read the same at once, in pieces and after a kill, and no error tells a value. As the
// name in a failed login it is one failure, and nobody else's login.
func FuzzServerAudit(f *testing.F) {
	text := sample(f)
	for i := 0; i+3000 < len(text); i += 3000 {
		f.Add(uint8(i), uint16(i), text[i:i+3000])
	}
	f.Add(uint8(2), uint16(30), "20261121 22:01:33,vm,a\nb,127.0.0.1:1,14,0,FAILED_CONNECT,,,1045,SSL\n1795298492123456,ip-10,alice,10.0.0.1,6,0,CONNECT,app,,0\n")
	f.Add(uint8(1), uint16(0), "2026-11-21T23:01:32.5+01:00 vm x: vm,alice,[::1]:3,6,0,CONNECT,app,,0\r\n")
	f.Add(uint8(3), uint16(9), "\uFEFFNov 21 22:01:32 vm x:  vm,\xff\x00,h,6,0,CONNECT,,,0\nNov 21 22:01:33 vm x:  vm,\xff\x00,h,6,0,DISCONNECT,,,0\n")
	f.Add(uint8(2), uint16(99), "20261025 02:30:00,vm,a,h,1,0,CONNECT,,,0\n20261025 02:10:00,vm,a,h,1,0,DISCONNECT,,,0\n20260329 02:30:00,vm,a,h,1,0,CONNECT,,,0\n")
	f.Add(uint8(1), uint16(20), "root,10.1.1.1,3,0,CONNECT,app,,0\n")
	f.Add(uint8(1), uint16(20), "root,10.1.1.1,3,0,CONNECT,app,,0\n\n,,\nx")
	f.Fuzz(func(t *testing.T, zone uint8, cut uint16, text string) {
		o := options()
		o.Zone = logformattest.Zone(zone)
		if zone > 127 {
			o.Written = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		}
		format := logformattest.Format{New: func() logformat.Parser { return newAuditParser(o) }, Errors: complaints, Silent: true}
		for _, e := range format.Check(t, text, int(cut)) {
			if !strings.Contains(text, e.User) || !strings.Contains(text, e.Database) {
				t.Fatalf("a name that is not in the text: %q, %q", e.User, e.Database)
			}
		}
		if name := text[:min(len(text), 120)]; !inLine.MatchString(name) {
			forge(t, name)
		}
	})
}

// inLine finds a name of which a line can be a record's beginning: the log does not show where such a record ends.
var inLine = regexp.MustCompile(`\n(?:\d{4}|[A-Z][a-z][a-z] )`)

// forge has a client fail to log in under a name, between two logins of alice.
func forge(t *testing.T, name string) {
	events, bad := parse(newAuditParser(options()), login+"20261121 22:01:33,vm,"+name+",10.6.6.6,14,0,FAILED_CONNECT,,,1045\n"+login)
	alice, failed := 0, 0
	for i := range events {
		switch e := &events[i]; {
		case e.User == "alice" && e.Outcome == session.OutcomeSuccess:
			alice++
		case e.Outcome == session.OutcomeFailure && strings.HasSuffix(name, e.User):
			failed++
		default:
			t.Fatalf("the name %q makes %s", name, brief(e))
		}
	}
	if alice != 2 || failed+len(bad) < 1 || failed > 1 {
		t.Fatalf("the name %q makes %d logins of alice and %d failures", name, alice, failed)
	}
}
