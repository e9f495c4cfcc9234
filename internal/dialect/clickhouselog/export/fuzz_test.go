package export_test

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

// knownComplaints name a column of the table or its number, and never a value.
var knownComplaints = regexp.MustCompile(`^(?:` +
	`(?:column (?:\d+|hostname|type|auth_id|session_id|event_date|event_time|event_time_microseconds|user|auth_type|profiles|roles|settings|` +
	`client_address|client_port|interface|client_hostname|client_name|client_revision|client_version_(?:major|minor|patch)|failure_reason|` +
	`certificate_(?:subjects|serial|issuer|not_before|not_after)|http_user_agent|quotas): )?` +
	`(?:neither LoginFailure, LoginSuccess nor Logout|not a UUID|not an IP address|not a number of this column's size|` +
	`a broken escape sequence|not JSON, or only a part of it|neither an array nor a tuple as ClickHouse writes them|` +
	`not a time that ClickHouse writes \(YYYY-MM-DD hh:mm:ss\[\.ffffff\], ISO 8601, or seconds since 1970\)|` + regexp.QuoteMeta(localtime.ErrSkipped.Error()) + `|` +
	regexp.QuoteMeta(localtime.ErrRange.Error()) + `)|` +
	`a quote that is not closed where its cell ends|not a JSON object|not a JSON array|more than one JSON value in a line|` +
	`column (?:type|auth_id) is missing|columns event_time_microseconds and event_time are missing|` +
	`\d+ cells, and the table has \d+ columns)$`)

// FuzzExport takes any text in any of the formats: it is read the same at once, in pieces and after a kill; rows that look
// alike have ids of their own, and no error tells a value. As a user's name it comes back from every format.
func FuzzExport(f *testing.F) {
	for i, file := range exportFiles {
		text := parseFile(f, file.path)
		f.Add(uint8(i), uint8(i), uint16(i*1000), text[:min(len(text), 3000)])
	}
	for i := range uint8(4) {
		f.Add(i, uint8(1), uint16(60), csvNames+csvRow(`"a""b`+"\n"+`c"`)+csvRow(`\N`)+csvRow(`\N`))
		f.Add(i, uint8(2), uint16(200), jsonObject(`,"user":"\ud83d\u0000","settings":[{"a":1,"b":"x"}],"roles":"['\\'',NULL]","z":{"k":[[]]}`)+jsonObject(``)+jsonObject(``))
		f.Add(i, uint8(0), uint16(5), "\uFEFF[\"type\", \"auth_id\", \"event_time\"]\r\n[1, \""+testAuthID+"\", 5]\n")
	}
	f.Fuzz(func(t *testing.T, which, zone uint8, cut uint16, text string) {
		of := allFormats()[int(which)%4]
		o := logformat.Options{Instance: "i", Zone: logformattest.Zone(zone)}
		format := logformattest.Format{New: func() logformat.Parser { return of.New(o) }, Errors: knownComplaints, Silent: true}
		ids := map[session.ID]bool{}
		last := int64(-1)
		for _, e := range format.Check(t, text, int(cut)) {
			if e.Time != last {
				clear(ids) // an export must not scatter the rows of one timestamp
			}
			last = e.Time
			if ids[e.RecordID] {
				t.Fatalf("two rows of one microsecond share an id: %+v", e)
			}
			ids[e.RecordID] = true
		}
		checkRoundTrip(t, text[:min(len(text), 120)])
	})
}

var (
	inJSON = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\u0000`)
	inTSV  = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`)
)

// checkRoundTrip writes a row with a user's name as the server writes it, between two others, and reads it.
func checkRoundTrip(t *testing.T, name string) {
	const head = `"type","auth_id","event_time_microseconds","user"`
	row := func(user string) string { return `"Logout","` + testAuthID + `","2026-11-21 22:00:39.455319",` + user }
	bare := strings.NewReplacer(`"`, "", ",", "\t")
	inQuotes := `"` + inJSON.Replace(name) + `"`
	for format, text := range map[string]string{
		"JSONEachRow":                 jsonObject(`,"user":"a"`) + jsonObject(`,"user":`+inQuotes) + jsonObject(`,"user":"b"`),
		"JSONCompactEachRowWithNames": "[" + head + "]\n[" + row(`"a"`) + "]\n[" + row(inQuotes) + "]\n[" + row(`"b"`) + "]\n",
		"CSVWithNames":                head + "\n" + row(`"a"`) + "\n" + row(`"`+strings.ReplaceAll(name, `"`, `""`)+`"`) + "\n" + row(`"b"`) + "\n",
		"TSVWithNames":                bare.Replace(head) + "\n" + bare.Replace(row("a")) + "\n" + bare.Replace(row("")) + inTSV.Replace(name) + "\n" + bare.Replace(row("b")) + "\n",
	} {
		events, bad := parseExport(t, format, text, time.UTC)
		if len(bad) != 0 || len(events) != 3 || events[0].User != "a" || events[1].User != name || events[2].User != "b" {
			t.Fatalf("%s: the name %q does not come back: %d events, bad rows: %v", format, name, len(events), bad)
		}
	}
}
