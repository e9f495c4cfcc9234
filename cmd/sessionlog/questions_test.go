package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/extension/sessionlogexplorer"
	"github.com/otel-sessionlog/sessionlog/query/findings"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
	postgresqlengine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	postgresqlserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

const questionsFolder = "../../docs/questions"

// questionPage is a page of docs/questions.
type questionPage struct {
	links, commands []string
	statements      map[string][]string // by dialect
	told            toldOf
}

// toldOf is what an answer must have, and what it must not.
type toldOf struct{ yes, no string }

func (w toldOf) require(t *testing.T, answer, asked string) {
	t.Helper()
	require.Contains(t, answer, w.yes, asked)
	require.NotContains(t, answer, w.no, asked)
}

// answersOfQuestions are what is found in the logins of questionLogins, by the name of the page.
var answersOfQuestions = map[string]toldOf{
	"first-seen": {"203.0.113.99", "192.0.2.8"}, "failed-then-succeeded": {"203.0.113.99", "carol"}, "failure-bursts": {"198.51.100.66", "carol"}, "guessed-users": {"bob", "alice"},
	"returned-accounts": {"carol", "alice"}, "unusual-hours": {"alice", "carol"}, "open-sessions": {"alice", "carol"}, "login-of-a-trace": {"alice", "carol"}, "plain-passwords": {"libpq 9.6", "ssh_key"},
	"one-user": {"203.0.113.99", "carol"}, "last-failures": {"password authentication failed", "198.51.100"},
}

// TestQuestionsOfTheDocs asks each question of docs/questions in every way that its page shows: the explorer, the command, and SQL in all three stores.
func TestQuestionsOfTheDocs(t *testing.T) {
	pages := readQuestionPages(t)
	for _, q := range findings.DefaultQuestions {
		require.Contains(t, pages, q.Name)
	}
	logins := questionLogins(time.Now())
	file := filepath.Join(t.TempDir(), "session_log.db")
	writeEvents(t, file, logins)

	t.Run("explorer", func(t *testing.T) {
		address := startExplorer(t, file)
		for name, page := range pages {
			for _, link := range page.links {
				requireAnswerOfPage(t, address, name, link, page.told)
			}
		}
	})
	t.Run("command", func(t *testing.T) {
		for name, page := range pages {
			for _, command := range page.commands {
				requireAnswerOfCommand(t, file, name, command, page.told)
			}
		}
	})
	asked := map[string]func(*testing.T, string) string{"SQLite": askSQLite(t, file)}
	asked["PostgreSQL"], asked["ClickHouse"] = askPostgreSQL(t, logins), askClickHouse(t, logins)
	for dialect, ask := range asked {
		t.Run(dialect, func(t *testing.T) {
			for name, page := range pages {
				require.NotEmpty(t, page.statements[dialect], name)
				for _, statement := range page.statements[dialect] {
					page.told.require(t, ask(t, statement), name+": "+statement)
				}
			}
		})
	}
}

func readQuestionPages(t *testing.T) map[string]questionPage {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(questionsFolder, "*.md"))
	require.NoError(t, err)
	index, err := os.ReadFile(filepath.Join(questionsFolder, "README.md"))
	require.NoError(t, err)
	pages := map[string]questionPage{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		if name == "README" {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		title, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		require.Contains(t, string(index), "["+title+"]("+name+".md)", "the index")
		page := questionPage{statements: map[string][]string{}, told: answersOfQuestions[name]}
		require.Contains(t, answersOfQuestions, name)
		for _, link := range regexp.MustCompile(`<http://127\.0\.0\.1:8127(/[^>]*)>`).FindAllStringSubmatch(string(text), -1) {
			page.links = append(page.links, link[1])
		}
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			page.commands = append(page.commands, strings.Split(strings.TrimSpace(block[1]), "\n")...)
		}
		for _, block := range regexp.MustCompile("(?s)## ([^\n]*)\n\n```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			for dialect := range strings.SplitSeq(block[1], ", ") {
				page.statements[dialect] = append(page.statements[dialect], strings.TrimSuffix(strings.TrimSpace(block[2]), ";"))
			}
		}
		require.NotEmpty(t, page.links, name)
		require.NotEmpty(t, page.commands, name)
		pages[name] = page
	}
	require.Len(t, pages, len(answersOfQuestions))
	return pages
}

// startExplorer gives the address of an explorer over a file.
func startExplorer(t *testing.T, file string) string {
	t.Helper()
	factory := sessionlogexplorer.NewFactory()
	cfg := factory.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{"endpoint": "127.0.0.1:0", "sqlite": map[string]any{"path": file}}).Unmarshal(cfg))
	core, told := observer.New(zap.InfoLevel)
	set := extension.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	set.Logger = zap.New(core)
	explorer, err := factory.Create(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, explorer.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, explorer.Shutdown(t.Context()))
	})
	started := told.FilterFieldKey("address").All()
	require.Len(t, started, 1)
	return started[0].ContextMap()["address"].(string)
}

// pathsOfPages is what the explorer's pages ask its API for.
var pathsOfPages = map[string]string{"now": "/now", "search": "/events", "user": "/users", "inventory": "/inventory", "new": "/new"}

func requireAnswerOfPage(t *testing.T, address, name, link string, told toldOf) {
	t.Helper()
	require.Contains(t, readPage(t, address+link), "<html", link)
	parsed, err := url.Parse(link)
	require.NoError(t, err)
	page, subject, hasSubject := strings.Cut(strings.TrimPrefix(parsed.Path, "/"), "/")
	require.Contains(t, pathsOfPages, page)
	path := pathsOfPages[page]
	if hasSubject {
		path += "/" + url.PathEscape(subject)
	}
	text := readPage(t, address+"/api/v1"+path+"?"+parsed.RawQuery)
	if page == "new" {
		text = findingsOf(t, text, name)
	}
	told.require(t, withoutSQL(t, text), link)
}

func readPage(t *testing.T, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s: %s", address, text)
	return string(text)
}

// findingsOf are what one question has found.
func findingsOf(t *testing.T, text, question string) string {
	t.Helper()
	var answer struct {
		Questions []struct {
			Name     string
			Findings json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &answer))
	for _, q := range answer.Questions {
		if q.Name == question {
			return `{"findings":` + string(q.Findings) + `}`
		}
	}
	require.Fail(t, "there is no question "+question)
	return ""
}

// withoutSQL leaves out the statements, which have the texts of the question in them.
func withoutSQL(t *testing.T, text string) string {
	t.Helper()
	var o map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &o))
	delete(o, "sql")
	for _, finding := range listOf(o["findings"]) {
		delete(finding.(map[string]any), "sql")
	}
	left, err := json.Marshal(o)
	require.NoError(t, err)
	return string(left)
}

func listOf(value any) []any {
	list, _ := value.([]any)
	return list
}

// requireAnswerOfCommand runs a line of a page over the file.
func requireAnswerOfCommand(t *testing.T, file, name, line string, told toldOf) {
	t.Helper()
	words := shellWords(line)
	require.Equal(t, "sessionlog", words[0], line)
	at := slices.Index(words, "session_log.db")
	require.Positive(t, at, line)
	words[at] = file
	var out, errors bytes.Buffer
	status := runCommand(t.Context(), append(words[1:], "--output", "json"), commandEnvironment{out: &out, errors: &errors, now: time.Now, variable: func(string) string { return "" }})
	require.Equal(t, 0, status, "%s: %s", line, &errors)
	text := out.String()
	if words[1] == "new" {
		var answer struct{ Findings []map[string]any }
		require.NoError(t, json.Unmarshal(out.Bytes(), &answer))
		answer.Findings = slices.DeleteFunc(answer.Findings, func(f map[string]any) bool { return f["question"] != name })
		left, err := json.Marshal(map[string]any{"findings": answer.Findings})
		require.NoError(t, err)
		text = string(left)
	}
	told.require(t, withoutSQL(t, text), line)
}

func askSQLite(t *testing.T, file string) func(*testing.T, string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return func(t *testing.T, statement string) string {
		t.Helper()
		rows, err := db.QueryContext(t.Context(), statement)
		require.NoError(t, err, statement)
		defer func() { _ = rows.Close() }()
		columns, err := rows.Columns()
		require.NoError(t, err)
		var all []string
		for rows.Next() {
			cells, places := make([]sql.NullString, len(columns)), make([]any, len(columns))
			for i := range cells {
				places[i] = &cells[i]
			}
			require.NoError(t, rows.Scan(places...))
			for _, cell := range cells {
				all = append(all, cell.String)
			}
		}
		require.NoError(t, rows.Err(), statement)
		return strings.Join(all, "\n")
	}
}

func askPostgreSQL(t *testing.T, logins []session.Event) func(*testing.T, string) string {
	t.Helper()
	server := postgresqlengine.Start(t)
	_, _, open := inPostgreSQL(t, server)
	writeOpened(t, open, logins)
	return func(t *testing.T, statement string) string {
		t.Helper()
		return textOfRows(server.QueryIn(t, postgresqlserver.AppDB, "SET search_path = "+postgresqlserver.Alice.Name+"; "+statement))
	}
}

func askClickHouse(t *testing.T, logins []session.Event) func(*testing.T, string) string {
	t.Helper()
	server := testengine.ClickHouse(t, testengine.LogsOnDemand())
	_, _, open := inClickHouse(t, server, "default")
	writeOpened(t, open, logins)
	return func(t *testing.T, statement string) string {
		t.Helper()
		return textOfRows(server.Query(t, statement))
	}
}

func writeOpened(t *testing.T, open func() (backend.Backend, error), logins []session.Event) {
	t.Helper()
	store, err := open()
	require.NoError(t, err)
	writeInto(t, store, logins)
}

func textOfRows(rows [][]string) string {
	var all []string
	for _, row := range rows {
		all = append(all, strings.Join(row, "\t"))
	}
	return strings.Join(all, "\n")
}

// questionLogins end a moment before they are asked about: alice, who comes at one hour for weeks, fails at another from elsewhere, gets in and stays;
// an address tries many users, many addresses try bob; carol comes back.
func questionLogins(asked time.Time) (logins []session.Event) {
	add := func(before time.Duration, user, address string, outcome session.Outcome) *session.Event {
		e := session.Event{
			Kind: session.KindLogin, Outcome: outcome, Time: asked.Add(-before).UnixNano(), System: "postgresql", Instance: "db-1", User: user, ClientAddress: address,
			ClientName: "psql", Driver: "libpq 9.6", ClientVersion: "9.6", AuthMethod: "password", RecordID: session.ID{6: 0x80, 8: 0x80, 15: byte(len(logins))},
		}
		milliseconds := uint64(e.Time / int64(time.Millisecond))
		for i := range 6 {
			e.RecordID[i] = byte(milliseconds >> (8 * (5 - i)))
		}
		e.Observed = e.Time
		if outcome == session.OutcomeFailure {
			e.ErrorType, e.FailureReason = session.ErrorInvalidCredentials, "password authentication failed"
		}
		logins = append(logins, e)
		return &logins[len(logins)-1]
	}
	add(200*oneDay, "carol", "192.0.2.8", session.OutcomeSuccess)
	for n := range 40 {
		add(time.Duration(n+1)*oneDay+12*time.Hour, "alice", "192.0.2.7", session.OutcomeSuccess)
	}
	for n := range 12 {
		add(3*time.Hour-time.Duration(n)*20*time.Second, "user"+string(rune('a'+n)), "198.51.100.66", session.OutcomeFailure)
	}
	for n := range 6 {
		add(2*time.Hour-time.Duration(n)*time.Minute, "bob", "198.51.100."+string(rune('1'+n)), session.OutcomeFailure)
	}
	add(90*time.Minute, "carol", "192.0.2.8", session.OutcomeSuccess)
	byKey := add(80*time.Minute, "dave", "192.0.2.9", session.OutcomeSuccess)
	byKey.AuthMethod, byKey.Driver = "ssh_key", ""
	for n := range 3 {
		add(time.Hour+time.Duration(n+1)*time.Minute, "alice", "203.0.113.99", session.OutcomeFailure)
	}
	login := add(time.Hour, "alice", "203.0.113.99", session.OutcomeSuccess)
	login.SessionKey = session.ID{6: 0x80, 8: 0x80, 15: 1}
	login.TraceID = session.ID{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c}
	return logins
}
