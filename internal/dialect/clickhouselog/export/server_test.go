package export_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
	"github.com/otel-sessionlog/sessionlog/testengine/shared"
)

func TestMain(m *testing.M) { os.Exit(shared.EndAfter(m).Run()) }

// kolkata is the server of both tests, which have a table each.
var kolkata = shared.New(func(t testing.TB) *testengine.Server {
	s := testengine.ClickHouse(t, testengine.LogsOnDemand(), testengine.Timezone("Asia/Kolkata"))
	s.FlushLogs(t)
	return s
})

var recordExports = flag.Bool("record", false, "write the exports of the real rows into testdata")

// queryServer sends SQL over HTTP, with the settings of an export, and gives the answer as it stands.
func queryServer(t testing.TB, s *testengine.Server, sql, body string, settings ...string) string {
	t.Helper()
	query := url.Values{"query": {sql}}
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		query.Set(name, value)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.HTTP+"/?"+query.Encode(), strings.NewReader(body))
	require.NoError(t, err)
	request.SetBasicAuth(server.Admin.Name, server.Admin.Password)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s\n%s", sql, answer)
	return string(answer)
}

// exportVariants are the spellings that one format has for the same row.
var exportVariants = [][]string{
	nil,
	{"output_format_json_quote_64bit_integers=1", "output_format_json_escape_forward_slashes=0", "format_csv_null_representation=NULL"},
	{"output_format_json_array_of_rows=1", "output_format_tsv_crlf_end_of_line=1", "output_format_csv_crlf_end_of_line=1"},
	{"date_time_output_format=iso"},
	{"date_time_output_format=unix_timestamp"},
	{"session_timezone=UTC"},
}

// eachExport are all that a reader could be given of a table, by format and variant.
func eachExport(t *testing.T, s *testengine.Server, from string, read func(name, text string, zone *time.Location, format string)) {
	india, err := time.LoadLocation("Asia/Kolkata")
	require.NoError(t, err)
	for _, format := range []string{
		"JSONEachRow", "JSONStringsEachRow", "JSONCompactEachRowWithNames", "JSONCompactEachRowWithNamesAndTypes",
		"JSONCompactStringsEachRowWithNamesAndTypes", "CSVWithNames", "CSVWithNamesAndTypes", "TabSeparatedWithNames", "TSVWithNamesAndTypes",
	} {
		for _, settings := range exportVariants {
			zone := india
			if len(settings) > 0 && strings.HasPrefix(settings[0], "session_timezone") {
				zone = time.UTC
			}
			if len(settings) > 0 && strings.HasPrefix(settings[0], "date_time") {
				zone = nil // the times say it themselves
			}
			text := queryServer(t, s, "SELECT * FROM "+from+" ORDER BY event_time_microseconds, auth_id, type, user FORMAT "+format, "", settings...)
			read(fmt.Sprint(format, settings), text, zone, format)
		}
	}
}

func TestServerWritesTheSameRowsInEveryFormat(t *testing.T) {
	s := kolkata.Get(t)
	s.Exec(t, "CREATE TABLE default.real AS system.session_log")
	queryServer(t, s, "INSERT INTO default.real SETTINGS session_timezone = 'UTC' FORMAT JSONEachRow", sampleExport(t))
	want, bad := parseExport(t, "JSONEachRow", sampleExport(t), time.UTC)
	require.Empty(t, bad)
	if *recordExports {
		for _, f := range exportFiles[1:] {
			text := queryServer(t, s, "SELECT * FROM default.real ORDER BY event_time_microseconds SETTINGS session_timezone = 'UTC' FORMAT "+f.format, "")
			require.NoError(t, os.WriteFile(f.path, []byte(text), 0o644))
		}
	}
	eachExport(t, s, "default.real", func(name, text string, zone *time.Location, format string) {
		got, bad := parseExport(t, format, text, zone)
		require.Empty(t, bad, name)
		requireSameEvents(t, want, got, name)
		detected, _ := parseExport(t, "auto", text, zone)
		require.Len(t, detected, len(got), name)
	})
}

// requireSameEvents compares whatever the order: rows of one microsecond may come in any.
func requireSameEvents(t *testing.T, want, got []session.Event, name string) {
	t.Helper()
	require.Len(t, got, len(want), name)
	byID := map[session.ID]*session.Event{}
	for i := range want {
		byID[want[i].RecordID] = &want[i]
	}
	require.Len(t, byID, len(want), "two events share an id")
	for i := range got {
		w := byID[got[i].RecordID]
		require.NotNil(t, w, "%s: event %d has an id of its own", name, i)
		require.True(t, sessiontest.SameContent(w, &got[i]), "%s: event %d\n%+v\n%+v", name, i, *w, got[i])
		require.Equal(t, w.SessionKey, got[i].SessionKey, name)
	}
}

// hostileTexts are rows as no ordinary client leaves them, in SQL.
var hostileTexts = []string{
	`user = 'a\tb\nc\r\nd"e''f\\g\0h/\x1b[31mred\x7f,;{}[]()'`,
	`user = 'ᴺᵁᴸᴸ\xff\xfe'`, `user = '\\N'`, `user = 'NULL'`, `user = 'null'`, `user = ''`, `user = NULL`, `user = ' blank '`, `user = '\xEF\xBB\xBFmark'`,
	`user = '"quoted"'`, `user = '""'`, `user = ','`, `user = '\n'`, `user = '\t'`, `user = 'type'`, `user = '[]'`, `user = '12'`, `user = '🔥ü'`,
	`auth_type = NULL`, `profiles = ['it''s','\\','a\nb','"',',',')']`, `roles = ['','x']`, `settings = [('a''b','c\n"\\d'),('','')]`,
	`client_address = toIPv6('2001:db8::17')`, `client_address = toIPv6('::')`, `client_port = 65535`, `interface = 'Background'`,
	`client_hostname = 'a/b\\c'`, `failure_reason = 'Code: 516. line one\nline "two"'`, `type = 'Logout'`, `session_id = 'x\ty'`,
	`certificate_subjects = ['CN:é''s', 'SAN:*.example.net'], certificate_serial = '0A', certificate_issuer = 'CN=CA, O="x"', ` +
		`certificate_not_before = toDateTime64('2026-01-02 03:04:05', 0, 'UTC'), certificate_not_after = toDateTime64('2036-01-02 03:04:05', 0, 'UTC')`,
}

func TestServerWritesHostileRowsInEveryFormat(t *testing.T) {
	s := kolkata.Get(t)
	s.Exec(t, "CREATE TABLE default.hostile AS system.session_log")
	s.Exec(t, "ALTER TABLE default.hostile ADD COLUMN quotas Array(Tuple(LowCardinality(String), LowCardinality(String))), "+
		"ADD COLUMN http_user_agent String, ADD COLUMN later_text String, ADD COLUMN later_list Array(String), ADD COLUMN later_number UInt64")
	for i, row := range hostileTexts {
		if !strings.Contains(row, "type = ") || strings.HasPrefix(row, "auth_type") {
			row += ", type = 'LoginFailure'"
		}
		set := fmt.Sprintf(`%s, auth_id = toUUID('00000000-0000-4000-8000-%012d'), hostname = 'ch-0', http_user_agent = 'curl/8 "x"', later_text = 'it''s/\n', `+
			`later_list = ['a''b','c\n'], later_number = 18446744073709551615, quotas = [('default','k')], `+
			`event_time_microseconds = toDateTime64('2026-11-21 22:00:39.%06d', 6, 'UTC')`, row, i, i)
		names, values := "", ""
		for _, assignment := range strings.Split(set, ", ") {
			if name, value, ok := strings.Cut(assignment, " = "); ok && !strings.ContainsAny(name, "'(") {
				names, values = names+","+name, values+","+value
			} else {
				values += ", " + assignment
			}
		}
		s.Exec(t, "INSERT INTO default.hostile ("+names[1:]+") VALUES ("+values[1:]+")")
	}
	s.Exec(t, "OPTIMIZE TABLE default.hostile FINAL") // one part is read faster than one a row
	// Each value is asked for as bytes, past all formats.
	truth := s.Query(t, "SELECT hex(ifNull(user, '')), toString(isNull(user)), hex(failure_reason), hex(client_hostname), hex(session_id), "+
		"arrayStringConcat(arrayMap(x -> hex(x), profiles), ','), arrayStringConcat(arrayMap(x -> hex(x.1) || ':' || hex(x.2), settings), ',') "+
		"FROM default.hostile ORDER BY event_time_microseconds")
	require.Len(t, truth, len(hostileTexts))
	var want []session.Event
	eachExport(t, s, "default.hostile", func(name, text string, zone *time.Location, format string) {
		got, bad := parseExport(t, format, text, zone)
		require.Empty(t, bad, name)
		require.Len(t, got, len(hostileTexts), name)
		if want == nil {
			want = got
			for i := range got {
				require.Equal(t, truth[i], hexTexts(&got[i]), "%s: row %d, %s", name, i, hostileTexts[i])
			}
			requireExtras(t, &got[0])
		}
		requireSameEvents(t, want, got, name)
	})
}

func hexTexts(e *session.Event) []string {
	null := "0"
	if e.User == "" && !e.UserEmpty {
		null = "1"
	}
	var lists [2][]string
	for _, p := range e.Profiles {
		lists[0] = append(lists[0], fmt.Sprintf("%X", p))
	}
	for _, p := range e.Settings {
		lists[1] = append(lists[1], fmt.Sprintf("%X:%X", p.Name, p.Value))
	}
	return []string{
		fmt.Sprintf("%X", e.User), null, fmt.Sprintf("%X", e.FailureReason), fmt.Sprintf("%X", e.ClientHostname), fmt.Sprintf("%X", e.SessionName),
		strings.Join(lists[0], ","), strings.Join(lists[1], ","),
	}
}

func requireExtras(t *testing.T, e *session.Event) {
	t.Helper()
	require.Equal(t, `curl/8 "x"`, e.UserAgent)
	require.Equal(t, []session.Attr{
		{Key: session.SourceField + "quotas", Value: `[('default','k')]`},
		{Key: session.SourceField + "later_text", Value: "it's/\n"},
		{Key: session.SourceField + "later_list", Value: `['a\'b','c\n']`},
		{Key: session.SourceField + "later_number", Value: "18446744073709551615"},
	}, e.Extra)
}
