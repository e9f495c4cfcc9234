package formats_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/syslogline"
)

func newLineReader() *syslogline.Reader {
	return &syslogline.Reader{Clock: localtime.Syslog{
		Clock: localtime.New(time.UTC), Written: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).Unix(),
	}}
}

// TestSyslogLines are parts that the dialects' own tests do not show.
func TestSyslogLines(t *testing.T) {
	at := time.Date(2026, 11, 21, 22, 3, 47, 0, time.UTC).UnixNano()
	for record, want := range map[string]syslogline.Line{
		"Nov 21 22:03:47 h1 mysqld(audit)[7]: a: b":            {Nanos: at, Host: "h1", Program: "mysqld", Module: "audit", PID: 7, Text: "a: b"},
		"Nov 21 22:03:47 h1 last message repeated 2 times":     {Nanos: at, Host: "h1", Text: "last message repeated 2 times"},
		"Nov 21 22:03:47 fe80::1 su: x":                        {Nanos: at, Host: "fe80::1", Program: "su", Text: "x"},
		"Nov 21 22:03:47 h1 user.debug x[1]:":                  {Nanos: at, Host: "h1", Program: "x", PID: 1},
		"Nov 21 22:03:47 h1 user.nothing x":                    {Nanos: at, Host: "h1", Text: "user.nothing x"},
		"<999>Nov 21 22:03:47 h1 x: y":                         {Nanos: at, Host: "h1", Program: "x", Text: "y"},
		"<38>1 2026-11-21T22:03:47Z h1 app":                    {Nanos: at},
		`<38>1 2026-11-21T22:03:47Z h1 app 1 - [a b="] x`:      {Nanos: at},
		`<38>1 2026-11-21T22:03:47Z h1 app 1x - [a]`:           {Nanos: at, Host: "h1", Program: "app"},
		"Sat 2026-11-21 22:03:47 UTC h1 session-3.scope[9]: y": {Nanos: at, Host: "h1", Program: "session-3.scope", Unit: "session-3.scope", PID: 9, Text: "y"},
		`{"__REALTIME_TIMESTAMP":"1795298627000000","_PID":"x","SYSLOG_PID":"7","MESSAGE":["a","b"],"_SYSTEMD_UNIT":"u","__CURSOR":"c","_UID":"5"}`: {
			Nanos: at, PID: 7, Text: "a", Unit: "u", Cursor: "c", UID: "5", Journal: true,
		},
	} {
		got, err := newLineReader().Read(record)
		require.NoError(t, err, record)
		require.Equal(t, want, got, record)
	}
}

// FuzzSyslogLines: any line is a line or an error, and what Frames says of it is what Read says.
func FuzzSyslogLines(f *testing.F) {
	for _, record := range []string{
		"Nov 21 22:03:47 h1 mysqld(audit)[7]: a: b", `<38>1 2026-11-21T22:03:47Z h1 sshd 100 ID7 [x@1 y="a\"] \\b"] text`,
		"99 <38>Nov 21 22:03:47 h1 auth.info sshd[1]: x", "Sat 2026-11-21 22:03:47 UTC h1 ssh.service[100]: x", "[1795298627.123] auth.info x: y",
		`{"__REALTIME_TIMESTAMP":"1795298627000000","MESSAGE":[104,105]}`, "2026-11-21 22:03:47.123456+0000 0x3f2 Default 0x0 100 0 sshd: (sshd) x",
		"Nov 21 22:03:47 h1 x: [ID 800047 auth.info] y", "2026-11-21 22:03:47.123 Df sshd[100:3f2] x",
	} {
		f.Add(record)
	}
	f.Fuzz(func(t *testing.T, record string) {
		l, err := newLineReader().Read(record)
		program, framed := syslogline.LooksLikeRecord(record)
		if err == nil && l.Nanos != 0 && !framed {
			t.Fatalf("read, but no frame: %q", record)
		}
		if err == nil && l.Cursor == "" && record[0] != '{' && record[0] != 'd' && record[0] != 0x1e && framed && l.Nanos != 0 && program != l.Program {
			t.Fatalf("%q: %q, %q", record, program, l.Program)
		}
		if l.PID < 0 {
			t.Fatalf("%q: %d", record, l.PID)
		}
	})
}
