package postgreslog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

var berlin = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return zone
}()

// whatTheClientsDid is the same in each of testdata/prefix-*.
var whatTheClientsDid = []string{
	"login success postgres@postgres app=psql from [local]",
	"logout success postgres@postgres app=psql from [local]",
	"login success alice@postgres app=tls by password from 127.0.0.1",
	"logout success alice@postgres app=tls from 127.0.0.1",
	"login success alice@postgres app=plain by password from 127.0.0.1",
	"logout success alice@postgres app=plain from 127.0.0.1",
	"login success carol@postgres app=cert by certificate from 127.0.0.1",
	"logout success carol@postgres app=cert from 127.0.0.1",
	"login success alice@postgres app=otherscert by password from 127.0.0.1",
	"logout success alice@postgres app=otherscert from 127.0.0.1",
	"login failure carol@postgres by password invalid_credentials from 127.0.0.1",
	"login failure eve@postgres address_not_allowed from 127.0.0.1",
	"login success repl@ app=standby by password from 127.0.0.1",
	"logout success repl@ app=standby from 127.0.0.1",
	"login failure alice@postgres by password invalid_credentials from 127.0.0.1",
	"login failure alice@x y app=a b by password database_unknown from 127.0.0.1",
	"login failure al ice@x y by password user_unknown from 127.0.0.1",
	"login failure alice@app 127.0.0.1 [unknown] LOG:  connection authorized: user@postgres by password user_unknown from 127.0.0.1",
	"login failure alice@postgres app=psql by password _OTHER from 127.0.0.1",
	"login failure alice@postgres by password _OTHER from 127.0.0.1",
	"login success postgres@postgres app=psql from [local]",
	"logout success postgres@postgres app=psql from [local]",
	"login success alice@postgres app=after by password from 127.0.0.1",
	"logout success alice@postgres app=after from 127.0.0.1",
	"login success alice@postgres app=crash by password from 127.0.0.1", // killed: no logout
}

// bare leaves out what a log_line_prefix of time and pid alone does not tell.
func bare(line string) string {
	at, app := strings.LastIndex(line, "@"), strings.Index(line, " app=")
	by, from := strings.Index(line, " by"), strings.Index(line, " from")
	switch {
	case strings.Contains(line, "_OTHER"), strings.Contains(line, "@x y app"):
		return line
	case strings.Contains(line, "failure") && !strings.Contains(line, "eve@"):
		return line[:at+1] + line[by:]
	case strings.HasPrefix(line, "logout"):
		return line[:app] + line[from:]
	}
	return line
}

func TestEveryPrefix(t *testing.T) {
	for _, test := range []struct {
		folder, prefix string
		zone           *time.Location
		bare           func(string) string
	}{
		{"prefix-c", "%m [%p] %c %l %q%u@%d %r %a %e ", berlin, func(s string) string { return s }},
		{"prefix-rds", "%t:%r:%u@%d:[%p]:", nil, func(s string) string {
			if strings.HasPrefix(s, "logout") { // no %a
				before, _, _ := strings.Cut(s, " app=")
				_, after, _ := strings.Cut(s, " from")
				return before + " from" + after
			}
			return s
		}},
		{"prefix-rds", "", nil, nil},
		{"prefix-min", "%n %p ", nil, bare},
	} {
		o := logformat.Options{Instance: "pg", LinePrefix: test.prefix, Zone: test.zone}
		csv, bad := parse(t, newTextParser(t, "csvlog", o), content(t, test.folder, "pg.csv"))
		require.Empty(t, bad)
		text, bad := parse(t, newTextParser(t, "stderr", o), content(t, test.folder, "pg.log"))
		if test.prefix == "" {
			require.Len(t, bad, 7, "names with blanks in them make a guessed prefix uncertain")
			continue
		}
		require.Empty(t, bad, test.folder)
		require.ElementsMatch(t, whatTheClientsDid, briefs(csv))
		var want []string
		for _, line := range whatTheClientsDid {
			want = append(want, test.bare(line))
		}
		require.ElementsMatch(t, want, briefs(text), test.folder)
		logins := map[session.ID]bool{}
		for i, e := range text {
			logins[e.SessionKey] = logins[e.SessionKey] || e.Kind == session.KindLogin
			if e.Kind == session.KindLogout {
				require.True(t, logins[e.SessionKey], brief(&e))
			}
			require.WithinDuration(t, time.Unix(0, csv[i].Time), time.Unix(0, e.Time), time.Second)
			if strings.Contains(test.prefix, "%c") {
				require.Equal(t, csv[i], e, "a prefix with all escapes tells what csvlog does")
			}
		}
	}
}

func briefs(events []session.Event) (lines []string) {
	for i := range events {
		lines = append(lines, brief(&events[i]))
	}
	return lines
}

func TestEncryptionAndCertificates(t *testing.T) {
	events, _ := parse(t, newTextParser(t, "csvlog", logformat.Options{Instance: "pg", Zone: berlin}), content(t, "prefix-c", "pg.csv"))
	tls, plain, cert, repl := events[2], events[4], events[6], events[12]
	require.Equal(t, "1.3", tls.TLSVersion)
	require.Equal(t, "TLS_AES_256_GCM_SHA384", tls.TLSCipher)
	require.Contains(t, tls.Extra, session.Attr{Key: session.SourceField + "sslversion", Value: "TLSv1.3"})
	require.Contains(t, tls.Extra, session.Attr{Key: session.SourceField + "ssl_bits", Value: "256", Type: session.AttrInt})
	require.Empty(t, plain.TLSVersion)
	require.Contains(t, cert.Extra, session.Attr{Key: session.SourceField + "identity", Value: "CN=carol"})
	require.Equal(t, "replication", repl.Interface)
	require.Equal(t, time.Date(2026, 11, 22, 0, 10, 25, 225e6, time.UTC).UnixNano(), tls.Time, "CET is an hour ahead")
}

// The abbreviation of a zone says too little: without its name the whole text is refused, and with a wrong one each line.
func TestZonesMustBeKnown(t *testing.T) {
	for _, f := range []struct{ format, file string }{{"csvlog", "pg.csv"}, {"stderr", "pg.log"}} {
		text := content(t, "prefix-c", f.file)
		p := newTextParser(t, f.format, logformat.Options{LinePrefix: "%m [%p] %c %l %q%u@%d %r %a %e "})
		err := p.Parse(records(p, text)[0], 0, &logformat.EventBatch{})
		require.True(t, logformat.IsRefusal(err))
		require.ErrorContains(t, err, "timezone")
		events, bad := parse(t, newTextParser(t, f.format, logformat.Options{Zone: time.UTC, LinePrefix: "%m [%p] %c %l %q%u@%d %r %a %e "}), text)
		require.Empty(t, events)
		require.NotEmpty(t, bad)
		require.Contains(t, bad[0], "abbreviation")
	}
}

func TestPrefixWithoutProcess(t *testing.T) {
	p := newTextParser(t, "stderr", logformat.Options{LinePrefix: "%m %u "})
	err := p.Parse("2026-11-21 21:47:39.355 UTC x LOG:  y\n", 0, &logformat.EventBatch{})
	require.True(t, logformat.IsRefusal(err))
	require.ErrorContains(t, err, "%p")
}
