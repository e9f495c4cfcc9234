package redshiftlog_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat/logformattest"
	"github.com/otel-sessionlog/sessionlog/session"
)

var complaints = logformattest.ErrorText(
	"field 2 (recordtime) is not a time of the form Mon, 21 May 2018 05:20:10:123",
	"field 5 (pid) is not a number",
	"fields 9 (duration) and 12 (mtu) are not numbers: not a line of connectionlog, or a torn one",
	"%d fields, of which connectionlog has %d to %d",
)

// FuzzConnectionLog takes any text: it is read the same at once, in pieces and after a kill; what stands left of the names is
// never misread, lines that look alike have ids of their own, and no error tells a value. As the name in a failed login it is one
// failure, and nobody else's login.
func FuzzConnectionLog(f *testing.F) {
	one := recordLine("authenticated", "Sun, 01 Jan 2023 01:05:07:120", "::ffff:10.0.0.7", "50112", 4711, "a|b", "IAM", 0, guid)
	f.Add(uint16(0), one)
	f.Add(uint16(900), one+one+one)
	f.Add(uint16(7), recordLine("authentication failure", "Mon, 21 May 2018 05:20:10:123", "[local]", "", 1, "x|0|0|0|0|", "", 0, ""))
	f.Add(uint16(80), "disconnecting session |Sun, 01 Jan 2023 00:02:21:471|[local] | |12324|testdb |testuser |Ident |7460885| | |0| | | | \r\n|\n")
	f.Add(uint16(80), one+recordLine("disconnecting session", "Sun, 01 Jan 2023 01:05:07:120", "10.0.0.7", "66790", 4711, "IAM:\xff\x00", "IAM", -1, ""))
	f.Fuzz(func(t *testing.T, cut uint16, text string) {
		format := logformattest.Format{New: func() logformat.Parser { return newLineParser(objectName) }, Errors: complaints, Silent: true}
		ids := map[session.ID]bool{}
		last := int64(-1)
		for _, e := range format.Check(t, text, int(cut)) {
			if !strings.Contains(text, e.User) || !strings.Contains(text, e.SourceEvent) || !strings.Contains(text, e.ClientAddress) {
				t.Fatalf("a value that is not in the text: %q, %q, %q", e.User, e.SourceEvent, e.ClientAddress)
			}
			if e.Time != last {
				clear(ids) // lines out of order may come from one that was appended again
			}
			last = e.Time
			if ids[e.RecordID] {
				t.Fatalf("two lines of one millisecond share an id: %+v", e)
			}
			ids[e.RecordID] = true
		}
		if name := text[:min(len(text), 120)]; !inLine.MatchString(name) {
			forge(t, name)
		}
	})
}

// inLine finds a name of which a line is a record's beginning. Behind one that is a record's end nobody can tell.
var inLine = regexp.MustCompile(`\n[^|]*\|\w{3}, `)

// forge has a client fail to log in under a name, between two logins.
func forge(t *testing.T, name string) {
	events, bad := parse(t, newLineParser(""), good("alice")+recordLine("authentication failure", "Sun, 01 Jan 2023 01:05:07:121", "10.6.6.6", "5", 9, name, "", 0, "")+good("bob"))
	told, failed := map[string]int{}, 0
	for i := range events {
		switch e := &events[i]; {
		case e.Outcome == session.OutcomeSuccess && (e.User == "alice" || e.User == "bob"):
			told[e.User]++
		case e.Outcome == session.OutcomeFailure && e.ClientAddress == "10.6.6.6":
			failed++
		default:
			t.Fatalf("the name %q makes %s of %q", name, e.SourceEvent, e.User)
		}
	}
	if told["alice"] != 1 || told["bob"] != 1 || failed+len(bad) < 1 || failed > 1 {
		t.Fatalf("the name %q makes %v and %d failures", name, told, failed)
	}
}
