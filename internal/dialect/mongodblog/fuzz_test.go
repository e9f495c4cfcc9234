package mongodblog_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat/logformattest"
	"github.com/otel-sessionlog/sessionlog/session"
)

var complaints = logformattest.ErrorText(
	"not a line of the structured log of MongoDB 4.4 and later, or a torn one: a JSON object with t, id and ctx, and nothing before it",
	"not a time that MongoDB writes: 2026-11-21T22:01:32.123+00:00",
	"a record of a login or a connection without the client's address or the connection's number",
)

func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

// FuzzMongoDB takes any text: it is read the same at once, in pieces and after a kill, and no error tells a value. As the name in a
// failed login it is one failure, and nobody else's login.
func FuzzMongoDB(f *testing.F) {
	for _, line := range strings.SplitAfter(sample(f), "\n") {
		f.Add(uint16(len(line)/2), line)
	}
	f.Add(uint16(300), sample(f)[:6000])
	f.Add(uint16(700), accepted(1, 7)+succeeded(1, 7, "a\xff", "admin")+succeeded(2, 7, "\x00", "x")+ended(3, 7))
	f.Add(uint16(9), "\uFEFF"+failed(1, 7, "a", true, 11, "UserNotFound: x")+failed(1, 7, "a", false, 11, "UserNotFound: x"))
	f.Add(uint16(40), "2026-03-23T08:20:15.774123456Z stdout F "+succeeded(1, 7, "a", "admin")+`{"log":`+quoted(ended(2, 7))+`,"stream":"stdout"}`)
	f.Add(uint16(1), `x","db":"admin"}}`+"\n"+succeeded(1, 7, "root", "admin"))
	f.Fuzz(func(t *testing.T, cut uint16, text string) {
		format := logformattest.Format{New: func() logformat.Parser { return newRecordParser(options()) }, Errors: complaints, Silent: true}
		format.Check(t, text, int(cut))
		if utf8.ValidString(text) {
			forge(t, text[:min(len(text), 120)])
		}
	})
}

// forge has a client fail to log in under a name, between two logins of alice.
func forge(t *testing.T, name string) {
	name = strings.ToValidUTF8(name, "")
	events, bad := parse(newRecordParser(options()), succeeded(1, 7, "alice", "admin")+failed(2, 8, name, false, 18, "AuthenticationFailed: "+name)+succeeded(3, 9, "alice", "admin"))
	if len(bad) != 0 || len(events) != 3 || events[1].Outcome != session.OutcomeFailure || events[1].User != name || events[0].User != "alice" || events[2].User != "alice" {
		t.Fatalf("the name %q makes %q and %q", name, briefs(events), bad)
	}
}
