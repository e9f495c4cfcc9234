package export_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

const testAuthID = "94d22223-5d67-41ef-a59e-48c95812a97b"

// jsonObject is a row of JSONEachRow with these members beside the three that every row must have.
func jsonObject(members string) string {
	return `{"type":"LoginSuccess","auth_id":"` + testAuthID + `","event_time_microseconds":"2026-11-21 22:00:39.455319"` + members + "}\n"
}

// briefEvent is what the tables below expect of an event.
func briefEvent(e *session.Event) string {
	return fmt.Sprintf("%s user=%q empty=%t roles=%q settings=%q from=%s:%d by=%s/%s v=%s r=%d", e.SourceEvent, e.User, e.UserEmpty, e.Roles,
		e.Settings, e.ClientAddress, e.ClientPort, e.AuthType, e.Interface, e.ClientVersion, e.ClientRevision)
}

func TestSpellingsInJSON(t *testing.T) {
	for in, want := range map[string]string{
		// numbers, quoted and not; enums by name and number
		`,"client_port":36988,"client_revision":"54460","client_version_major":2,"client_version_minor":"50","client_version_patch":0`: `LoginSuccess user="" empty=false roles=[] settings=[] from=:36988 by=/ v=2.50.0 r=54460`,
		`,"auth_type":2,"interface":10`:                        `LoginSuccess user="" empty=false roles=[] settings=[] from=:0 by=SHA256_PASSWORD/ArrowFlight v= r=0`,
		`,"auth_type":"99","interface":"New"`:                  `LoginSuccess user="" empty=false roles=[] settings=[] from=:0 by=99/New v= r=0`,
		`,"auth_type":null,"interface":"TCP"`:                  `LoginSuccess user="" empty=false roles=[] settings=[] from=:0 by=/TCP v= r=0`,
		`,"user":null`:                                         `LoginSuccess user="" empty=false roles=[] settings=[] from=:0 by=/ v= r=0`,
		`,"user":""`:                                           `LoginSuccess user="" empty=true roles=[] settings=[] from=:0 by=/ v= r=0`,
		`,"user":"ᴺᵁᴸᴸ"`:                                       `LoginSuccess user="ᴺᵁᴸᴸ" empty=false roles=[] settings=[] from=:0 by=/ v= r=0`,
		`,"user":"ᴺᵁᴸᴸ","roles":"[]"`:                          `LoginSuccess user="" empty=false roles=[] settings=[] from=:0 by=/ v= r=0`,
		`,"user":"a\/b\\c\"d\u00e9\ud83d\udd25\u0000\b\f"`:     `LoginSuccess user="a/b\\c\"dé🔥\x00\b\f" empty=false roles=[] settings=[] from=:0 by=/ v= r=0`,
		`,"user":"\ud83d"`:                                     `LoginSuccess user="` + "\uFFFD" + `" empty=false roles=[] settings=[] from=:0 by=/ v= r=0`,
		`,"user":"\ud83dx\udd25"`:                              `LoginSuccess user="` + "\uFFFDx\uFFFD" + `" empty=false roles=[] settings=[] from=:0 by=/ v= r=0`,
		`,"user":"` + "\xff\xfe" + `"`:                         `LoginSuccess user="\xff\xfe" empty=false roles=[] settings=[] from=:0 by=/ v= r=0`,
		`,"roles":["a","b\/c"],"settings":[["x","1"],["y",2]]`: `LoginSuccess user="" empty=false roles=["a" "b/c"] settings=[{"x" "1"} {"y" "2"}] from=:0 by=/ v= r=0`,
		`,"roles":"['a','b\\'c']","settings":"[('x','1')]"`:    `LoginSuccess user="" empty=false roles=["a" "b'c"] settings=[{"x" "1"}] from=:0 by=/ v= r=0`,
		`,"settings":[{"name":"x","value":"1"}]`:               `LoginSuccess user="" empty=false roles=[] settings=[{"x" "1"}] from=:0 by=/ v= r=0`,
		`,"settings":{"x":"1","y":"2"}`:                        `LoginSuccess user="" empty=false roles=[] settings=[{"x" "1"} {"y" "2"}] from=:0 by=/ v= r=0`,
		`,"settings":"{'x':'1'}"`:                              `LoginSuccess user="" empty=false roles=[] settings=[{"x" "1"}] from=:0 by=/ v= r=0`,
		`,"client_address":"::ffff:10.0.0.7"`:                  `LoginSuccess user="" empty=false roles=[] settings=[] from=10.0.0.7:0 by=/ v= r=0`,
		`,"client_address":"10.0.0.7"`:                         `LoginSuccess user="" empty=false roles=[] settings=[] from=10.0.0.7:0 by=/ v= r=0`,
		`,"client_address":"2001:db8::17"`:                     `LoginSuccess user="" empty=false roles=[] settings=[] from=2001:db8::17:0 by=/ v= r=0`,
		`, "user" : "bob" , "x" : {"a":[1,"]}"]} , "y" : true`: `LoginSuccess user="bob" empty=false roles=[] settings=[] from=:0 by=/ v= r=0`,
		`,"us\u0065r":"bob"`:                                   `LoginSuccess user="bob" empty=false roles=[] settings=[] from=:0 by=/ v= r=0`,
	} {
		events, bad := parseExport(t, "JSONEachRow", jsonObject(in), time.UTC)
		require.Empty(t, bad, in)
		require.Len(t, events, 1, in)
		require.Equal(t, want, briefEvent(&events[0]), in)
	}
}

func TestColumnsThatNobodyKnowsAreKept(t *testing.T) {
	events, bad := parseExport(t, "JSONEachRow", jsonObject(`,"a":"it's","b":["it's",1,null],"c":[["k","v"]],"quotas":[["k","v"]],"d":{"k":"v"},"e":18446744073709551615,"f":null,"g":true`), time.UTC)
	require.Empty(t, bad)
	var got []string
	for _, x := range events[0].Extra {
		got = append(got, strings.TrimPrefix(x.Key, session.SourceField)+"="+x.Value)
	}
	require.Equal(t, []string{
		"a=it's", `b=['it\'s',1,NULL]`, "c=[['k','v']]", "quotas=[('k','v')]", "d={'k':'v'}", "e=18446744073709551615", "g=true",
	}, got)
}

// Each bad row stands between two good ones, which pass.
func TestBadRowsAndTheirNeighbours(t *testing.T) {
	const before, after = `,"user":"before"`, `,"user":"after"`
	for bad, reason := range map[string]string{
		`{"hostname":"vm","type":"LoginSu`: "column type: not JSON, or only a part of it",
		`{"hostname":"vm","ty`:             "not JSON, or only a part of it",
		`{"hostname":"vm"`:                 "not JSON, or only a part of it",
		`{`:                                "not JSON, or only a part of it",
		`{}`:                               "not JSON, or only a part of it",
		`torn`:                             "not a JSON object",
		"\x00\x00\x00":                     "not a JSON object",
		`"text"`:                           "not a JSON object",
		`{"type":"Logout"}`:                "column auth_id is missing",
		`{"auth_id":"` + testAuthID + `"}`: "column type is missing",
		`{"type":"Logout","auth_id":"` + testAuthID + `"}`:             "columns event_time_microseconds and event_time are missing",
		strings.TrimSpace(jsonObject(`,"type":"Login"`)):               "column type: neither LoginFailure, LoginSuccess nor Logout",
		strings.TrimSpace(jsonObject(`,"type":7`)):                     "column type: neither LoginFailure, LoginSuccess nor Logout",
		strings.TrimSpace(jsonObject(`,"auth_id":"secret"`)):           "column auth_id: not a UUID",
		strings.TrimSpace(jsonObject(`,"client_port":70000`)):          "column client_port: not a number of this column's size",
		strings.TrimSpace(jsonObject(`,"client_port":-1`)):             "column client_port: not a number of this column's size",
		strings.TrimSpace(jsonObject(`,"client_address":"secret"`)):    "column client_address: not an IP address",
		strings.TrimSpace(jsonObject(`,"roles":["a"`)):                 "column roles: not JSON, or only a part of it",
		strings.TrimSpace(jsonObject(`,"roles":"secret"`)):             "column roles: neither an array nor a tuple as ClickHouse writes them",
		strings.TrimSpace(jsonObject(`,"user":"\x"`)):                  "column user: a broken escape sequence",
		strings.TrimSpace(jsonObject(`,"user":secret`)):                "column user: not JSON, or only a part of it",
		strings.TrimSpace(jsonObject(`,"secret":bad`)):                 "column 4: not JSON, or only a part of it",
		strings.TrimSpace(jsonObject(`,"event_time_microseconds":1.`)): "column event_time_microseconds: not a time that ClickHouse writes (YYYY-MM-DD hh:mm:ss[.ffffff], ISO 8601, or seconds since 1970)",
		strings.TrimSpace(jsonObject("") + jsonObject("")):             "more than one JSON value in a line",
	} {
		bad = strings.ReplaceAll(bad, "\n", " ")
		events, reasons := parseExport(t, "JSONEachRow", jsonObject(before)+bad+"\n"+jsonObject(after), time.UTC)
		require.Equal(t, []string{reason}, reasons, bad)
		require.Len(t, events, 2, bad)
		require.Equal(t, "before", events[0].User)
		require.Equal(t, "after", events[1].User)
		require.NotContains(t, reasons[0], "secret")
	}
}

func TestLinesAroundTheRows(t *testing.T) {
	for _, text := range []string{
		"\n" + jsonObject("") + "\r\n\n  \n" + jsonObject(`,"user":"b"`),
		"[\n" + strings.TrimSpace(jsonObject("")) + ",\n" + jsonObject(`,"user":"b"`) + "]\n",
		"[" + strings.TrimSpace(jsonObject("")) + ",\n" + strings.TrimSpace(jsonObject(`,"user":"b"`)) + "]",
		logformat.ByteOrderMark + strings.TrimSpace(jsonObject("")) + "\r\n" + strings.TrimSpace(jsonObject(`,"user":"b"`)),
	} {
		events, bad := parseExport(t, "auto", text, time.UTC)
		require.Empty(t, bad, text)
		require.Len(t, events, 2, text)
		require.Equal(t, "b", events[1].User)
	}
}

const csvNames = `"type","auth_id","event_time_microseconds","user","roles"` + "\n"

func csvRow(user string) string {
	return `"LoginSuccess","` + testAuthID + `","2026-11-21 22:00:39.455319",` + user + `,"['a']"` + "\n"
}

func TestRowsWithNames(t *testing.T) {
	tsvNames := strings.ReplaceAll(strings.ReplaceAll(csvNames, `"`, ""), ",", "\t")
	tsv := strings.ReplaceAll(strings.ReplaceAll(csvRow("%s"), `"`, ""), ",", "\t")
	for _, test := range []struct {
		format, text string
		users        []string
		bad          []string
	}{
		{"CSVWithNames", csvNames + csvRow(`"a"`) + csvRow(`"b ""quoted"", with`+"\r\n"+`lines"`), []string{"a", "b \"quoted\", with\r\nlines"}, nil},
		{"CSVWithNames", csvNames + csvRow(`\N`) + csvRow(`NULL`) + csvRow(`"NULL"`) + csvRow(`"\N"`), []string{"", "", "NULL", `\N`}, nil},
		// exports that were appended to one another, one of them with its columns in another order
		{"CSVWithNames", csvNames + csvRow(`"a"`) + csvNames + csvRow(`"b"`), []string{"a", "b"}, nil},
		{"CSVWithNames", csvNames + csvRow(`"a"`) + "\"auth_id\",\"type\",\"user\",\"event_time\"\n\"" + testAuthID + "\",\"Logout\",\"b\",\"2026-11-21 22:00:40\"\n", []string{"a", "b"}, nil},
		// a line that was torn inside a quoted cell
		{"CSVWithNames", csvNames + csvRow(`"a"`) + `"LoginSuccess","94d2` + "\n" + csvRow(`"b"`), []string{"a", "b"}, []string{"a quote that is not closed where its cell ends"}},
		{"CSVWithNames", csvNames + csvRow(`"a"`) + `"LoginSuccess","` + "\n" + csvRow(`"b"`), []string{"a", "b"}, []string{"a quote that is not closed where its cell ends"}},
		{"CSVWithNames", csvNames + csvRow(`"a"`) + `"LoginSuccess"` + "\n" + csvRow(`"b"`), []string{"a", "b"}, []string{"1 cells, and the table has 5 columns"}},
		{"CSVWithNames", csvNames + csvRow(`"a"`) + `"x"y` + "\n" + csvRow(`"b"`), []string{"a", "b"}, []string{"a quote that is not closed where its cell ends"}},
		{"CSVWithNames", logformat.ByteOrderMark + csvNames + csvRow(`"a"`), []string{"a"}, nil},
		{"TSVWithNames", tsvNames + fmt.Sprintf(tsv, `a`) + fmt.Sprintf(tsv, `b\tc\\\n\'\0\x41`), []string{"a", "b\tc\\\n'\x00A"}, nil},
		{"TSVWithNames", tsvNames + fmt.Sprintf(tsv, `\N`) + fmt.Sprintf(tsv, `NULL`) + fmt.Sprintf(tsv, `\\N`) + fmt.Sprintf(tsv, `ᴺᵁᴸᴸ`), []string{"", "NULL", `\N`, "ᴺᵁᴸᴸ"}, nil},
		{"TSVWithNames", tsvNames + fmt.Sprintf(tsv, `a`) + "LoginSucc\n" + fmt.Sprintf(tsv, `b`), []string{"a", "b"}, []string{"1 cells, and the table has 5 columns"}},
		{"JSONCompactEachRowWithNames", "[" + strings.TrimSpace(csvNames) + "]\n[\"Logout\", \"" + testAuthID + "\", \"2026-11-21 22:00:39\", \"a\", []]\n[\"Logout\"\n", []string{"a"}, []string{"not JSON, or only a part of it"}},
	} {
		events, bad := parseExport(t, test.format, test.text, time.UTC)
		var users []string
		for i := range events {
			users = append(users, events[i].User)
		}
		require.Equal(t, test.users, users, test.text)
		require.Equal(t, test.bad, bad, test.text)
		detected, _ := parseExport(t, "auto", test.text, time.UTC)
		require.Len(t, detected, len(events), test.text)
	}
}

// The text is refused as a whole, so that its rows wait until the configuration or the export is right.
func TestTextsThatCannotBeRead(t *testing.T) {
	for _, test := range []struct {
		format, text, reason string
		zone                 *time.Location
	}{
		{"JSONEachRow", jsonObject(""), "key `timezone` is not set", nil},
		{"CSVWithNames", csvRow(`"a"`), "does not name the columns", time.UTC},
		{"TSVWithNames", "a\tb\n", "does not name the columns", time.UTC},
		{"JSONCompactEachRowWithNames", `["vm","Logout"]` + "\n", "does not name the columns", time.UTC},
	} {
		p := newTestParser(t, test.format)
		if test.zone == nil {
			p = zonelessParser(t, test.format)
		}
		err := p.Parse(test.text, 0, &logformat.EventBatch{})
		require.True(t, logformat.IsRefusal(err), "%v", err)
		require.ErrorContains(t, err, test.reason)
	}
}

func TestFormatsAreRecognised(t *testing.T) {
	for text, want := range map[string]logformat.Verdict{
		"": logformat.VerdictWait, " \n": logformat.VerdictWait, "\uFEFF": logformat.VerdictWait, "[": logformat.VerdictWait, "type,auth": logformat.VerdictWait,
		`{`: logformat.VerdictWait, `{"type":"Logout","event_time":"x`: logformat.VerdictYes, "[\n{\"auth_id\":\"x\"": logformat.VerdictYes, `["type"`: logformat.VerdictYes, "type\tauth_id\n": logformat.VerdictYes, "\"type\",\"auth_id\"\r\n": logformat.VerdictYes,
		"hello world\n": logformat.VerdictNo, "2026-11-21 22:00:39 [1] LOG: x\n": logformat.VerdictNo, "type\n": logformat.VerdictNo, "[1,2]\n": logformat.VerdictNo,
		"[\n{ \"timestamp\": \"2026-10-03 14:21:56\", \"id\": 0, \"class\": \"connection\", \"event\": \"connect\" },\n": logformat.VerdictNo, // MySQL Enterprise Audit
		"{\"audit_record\":{\"name\":\"Connect\",\"user\":\"alice\"}}\n":                                                 logformat.VerdictNo, // Percona's
	} {
		_, got := logformat.Detect(allFormats(), []byte(text), false)
		require.Equal(t, want, got, "%q", text)
		if want == logformat.VerdictWait {
			_, got = logformat.Detect(allFormats(), []byte(text), true)
			require.Equal(t, logformat.VerdictNo, got, "%q", text)
		}
	}
	for _, name := range []string{"jsoneachrow", "NDJSON", "TabSeparatedWithNames", "CSVWithNamesAndTypes"} {
		_, ok := logformat.FindFormat(allFormats(), name)
		require.True(t, ok, name)
	}
}
