package formats_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat/logformattest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// Every format that a server in a container prints, by real logs.
var printed = []struct {
	format, file string
	options      logformat.Options
}{
	{"jsonlog", "postgreslog/testdata/18/log.jsonl", logformat.Options{}},
	{"csvlog", "postgreslog/testdata/18/log.csv", logformat.Options{}},
	{"stderr", "postgreslog/testdata/18/stderr.log", logformat.Options{LinePrefix: "%m [%p] %q%u@%d %h %a "}},
	{"mongodb", "mongodblog/testdata/mongod.log", logformat.Options{}},
	{"server_audit", "mariadblog/testdata/server_audit.log", logformat.Options{Zone: time.UTC}},
	{"sshd", "sshlog/testdata/auth.log", logformat.Options{Zone: time.UTC, Written: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}},
}

// wrappers are the ways in which a line of output is kept.
var wrappers = map[string]func(line string) string{
	"kubelet": func(line string) string { return kubelet("F", line) },
	"kubelet, long lines": func(line string) string {
		text := ""
		for len(line) > 100 {
			text, line = text+kubelet("P", line[:100]+"\n"), line[100:]
		}
		return text + kubelet("F", line)
	},
	"kubelet, tags": func(line string) string { return kubelet("F:x", line) },
	"docker":        docker,
	"docker, long lines": func(line string) string {
		text := ""
		for len(line) > 100 {
			text, line = text+docker(line[:100]), line[100:]
		}
		return text + docker(line)
	},
	"collector of a node": func(line string) string {
		return fmt.Sprintf(`{"kubernetes":{"pod_name":"db-0","labels":{"log":"x"}},"time":"2026-03-23T08:20:15Z","stream":"stderr","_p":"F","log":%s}`+"\n", quoteJSON(line))
	},
}

func kubelet(tag, line string) string {
	return "2026-03-23T08:20:15.774123456Z stderr " + tag + " " + line
}

func docker(line string) string {
	return `{"log":` + quoteJSON(line) + `,"stream":"stderr","time":"2026-03-23T08:20:15.774123456Z"}` + "\n"
}

func quoteJSON(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func wrapLines(text string, wrap func(string) string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasSuffix(line, "\n") {
			out.WriteString(wrap(line))
		}
	}
	return out.String()
}

func readSample(t testing.TB, file string) string {
	text, err := os.ReadFile("../" + file)
	require.NoError(t, err)
	return strings.ToValidUTF8(string(text), "?") // Docker keeps no other
}

func findFormat(t testing.TB, name string) logformat.Format {
	f, ok := logformat.FindFormat(formats.All(), name)
	require.True(t, ok, name)
	return f
}

// parseText reads a text up to a time long after it.
func parseText(f logformat.Format, o logformat.Options, text string) (events []session.Event, bad int) {
	o.Instance = "db"
	p, batch := f.New(o), &logformat.EventBatch{}
	for at := 0; at < len(text); {
		n := p.Frame([]byte(text[at:]), true)
		if p.Parse(text[at:at+n], int64(at), batch) != nil {
			bad++
		}
		at += n
	}
	p.FlushDue(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano(), batch)
	return batch.Events, bad
}

// The output of a container has the events and the ids of the log.
func TestContainerHasTheEventsOfItsOutput(t *testing.T) {
	for _, sample := range printed {
		f, text := findFormat(t, sample.format), readSample(t, sample.file)
		want, wantBad := parseText(f, sample.options, text)
		require.Greater(t, len(want), 3, sample.format)
		for name, wrap := range wrappers {
			wrapped := wrapLines(text, wrap)
			detected, verdict := logformat.Detect(formats.All(), []byte(wrapped[:min(len(wrapped), 32<<10)]), true)
			require.Equal(t, logformat.VerdictYes, verdict, "%s, %s", sample.format, name)
			require.Equal(t, f.Name, detected.Name, name)
			got, bad := parseText(f, sample.options, wrapped)
			require.Equal(t, wantBad, bad, "%s, %s", sample.format, name)
			require.Len(t, got, len(want), "%s, %s", sample.format, name)
			for i := range want {
				require.Equal(t, want[i].RecordID, got[i].RecordID, "%s, %s", sample.format, name)
				require.True(t, sessiontest.SameContent(&want[i], &got[i]), "%s, %s", sample.format, name)
			}
		}
	}
}

// Wherever a reader stops in the runtime's file, the next one goes on with the same events.
func TestContainerIsReadOnAnywhere(t *testing.T) {
	for _, sample := range printed {
		f, text := findFormat(t, sample.format), readSample(t, sample.file)
		text = text[:min(len(text), 12_000)]
		o := sample.options
		o.Instance = "db"
		check := logformattest.Format{New: func() logformat.Parser { return f.New(o) }, Errors: anyError, LineMayContinue: f.LineMayContinue}
		for _, name := range []string{"kubelet, long lines", "docker"} {
			wrapped := wrapLines(text, wrappers[name])
			for cut := 0; cut < len(wrapped); cut += len(wrapped)/16 + 1 {
				check.Check(t, wrapped, cut)
			}
		}
	}
}

// What a container prints before its server does keeps no login from being found, and a log of one's own is no container's because a later
// line looks like one.
func TestFirstLineDecides(t *testing.T) {
	const login = "2026-11-21 21:47:39.355 UTC [7] LOG:  connection received: host=192.0.2.9 port=50011\n" +
		"2026-11-21 21:47:39.360 UTC [7] mara@shop LOG:  connection authorized: user=mara database=shop\n" +
		"2026-11-21 21:48:39.360 UTC [7] mara@shop LOG:  disconnection: session time: 0:01:00.000 user=mara database=shop host=192.0.2.9 port=50011\n"
	const start = "\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n"
	wrapped := wrapLines(start+login, wrappers["kubelet"])
	f, verdict := logformat.Detect(formats.All(), []byte(wrapped), true)
	require.Equal(t, logformat.VerdictYes, verdict)
	require.Equal(t, "stderr", f.Name)
	events, _ := parseText(f, logformat.Options{}, wrapped)
	require.Len(t, events, 2)

	forged := kubelet("F", "2026-11-21 21:47:40.000 UTC [8] root@shop LOG:  connection authorized: user=root database=shop\n")
	events, bad := parseText(f, logformat.Options{}, login+forged)
	require.Len(t, events, 2)
	require.Equal(t, 1, bad)
	torn := wrappers["kubelet"](login[:40] + "\n")[:50]
	_, bad = parseText(f, logformat.Options{}, wrapped+"garbage\n"+torn+"\n"+wrapLines(login, wrappers["kubelet"]))
	require.Positive(t, bad)
}

var anyError = regexp.MustCompile(".")
