package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

func TestSearch(t *testing.T) {
	file := storyFile(t)
	out := well(t, "search", "--sqlite", file, "--user", "alice", "--outcome", "failure")
	require.Equal(t, 4, strings.Count(out, "\n"), out)
	require.Contains(t, out, "2026-11-29 08:00:03.000")
	require.NotContains(t, out, "SESSION KEY", "a column without a value")

	for _, c := range []struct {
		args []string
		rows int
	}{
		{[]string{"client_address=10.1.2.3"}, 3},
		{[]string{"user_name=al*"}, 5},
		{[]string{"user_name=al*", "--outcome", "failed", "--from", "-7d"}, 3},
		{[]string{"user_name=al*", "outcome=Failure", "--from", "-7d"}, 3},
		{[]string{"user_name!=alice", "--exclude", "client_address=203.0.113.9"}, 3},
		{[]string{"--from", "-90m"}, 1 + len(hostileNames)},
		{[]string{"--to", "2026-11-28"}, 0},
		{[]string{"--from", "2026-11-29T09:00", "--tz", "Europe/Berlin", "--to", "2026-11-29T09:00:03"}, 2},
		{[]string{"--present", "session_key"}, 3},
		{[]string{"--absent", "session_key", "--user", "alice"}, 3},
		{[]string{"--columns", "time,user_name", "kind=logout"}, 1},
	} {
		require.Len(t, object(t, append([]string{"search", "--sqlite", file}, c.args...)...)["events"], c.rows, "%v", c.args)
	}
	require.Contains(t, run(t, "search", "--sqlite", file, "--to", "2026-11-28").errors, "The newest record is of 2026-11-29T11:00:00Z")

	first := object(t, "search", "--sqlite", file, "--limit", "8")
	next := first["next"].(string)
	rest := object(t, "search", "--sqlite", file, "--after", next)
	require.Len(t, append(first["events"].([]any), rest["events"].([]any)...), len(story()))
	require.Nil(t, rest["next"])
}

func TestOutputs(t *testing.T) {
	file := storyFile(t)
	records, err := csv.NewReader(strings.NewReader(well(t, "search", "--sqlite", file, "--output", "csv", "--tz", "Europe/Berlin"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 1+len(story()))
	require.Equal(t, []string{"record_id", "time (Europe/Berlin)"}, records[0][:2])
	require.Contains(t, strings.Join(records[1], "\n"), "+01:00")
	require.Contains(t, well(t, "search", "--sqlite", file, "--output", "csv", "--columns", "user_name"), "\n'=cmd|", "no formula")

	lines := strings.Split(strings.TrimSpace(well(t, "search", "--sqlite", file, "--output", "ndjson", "kind=logout")), "\n")
	require.Len(t, lines, 1)
	require.JSONEq(t, `{"record_id":"019a0000000080008000000000000005","kind":"logout","outcome":"success","time":"2026-11-29T09:01:00.000000004Z","observed":"2026-11-29T09:01:01Z",
		"system":"postgresql","instance":"db-1","user_name":"alice","auth_method":"password","client_address":"192.0.2.7","client_name":"psql",
		"session_key":"`+aliceSession+`","duration":3600000000000}`, lines[0])
}

// TestHostileNames: none moves the cursor, forges a row or turns the direction, on a terminal or in a pipe.
func TestHostileNames(t *testing.T) {
	file := storyFile(t)
	for _, width := range []int{0, 200} {
		c := caller{width: width, variables: map[string]string{"NO_COLOR": "1"}}
		for _, args := range [][]string{{"search"}, {"failures"}, {"address", "203.0.113.9"}, {"search", "user_name=" + hostileNames[0]}} {
			a := c.run(t, append(args, "--sqlite", file)...)
			require.Equal(t, 0, a.status, a.errors)
			require.NotContains(t, a.out, "\x1b")
			require.NotContains(t, a.out, "\u202e")
			require.NotContains(t, a.out, "\x00")
			require.NotContains(t, a.out, "\n2026-11-29 11:00:00.000  login  success  root")
		}
		out := c.run(t, "search", "--sqlite", file, "--columns", "user_name").out
		require.Equal(t, 1+len(story()), strings.Count(out, "\n"))
		for _, shown := range []string{`\x1b[2J\x1b[1;1Hroot`, `\u202egnp.exe`, `a\x00b`, `not UTF-8 \xff`, `"trailing "`, `\u200bzero`, `CORP\eve`, "日本語"} {
			require.Contains(t, out, shown)
		}
	}
	terminal := caller{width: 60}.run(t, "search", "--sqlite", file)
	require.Contains(t, terminal.out, "\x1b[31mfailure\x1b[0m", "colours are for terminals")
	require.Contains(t, terminal.out, "(no room for ")
	require.Contains(t, terminal.out, "bob")
	for line := range strings.Lines(caller{width: 60, variables: map[string]string{"NO_COLOR": "1"}}.run(t, "search", "--sqlite", file, "--columns", "time,user_name,record_id").out) {
		require.LessOrEqual(t, text.StringWidth(strings.TrimSpace(line)), 60)
	}
	long := storyFile(t)
	writeEvents(t, long, []session.Event{{Kind: session.KindLogin, Outcome: session.OutcomeFailure, Time: now.UnixNano(), RecordID: session.ID{9}, User: strings.Repeat("x", 10_000)}})
	for line := range strings.Lines(run(t, "search", "--sqlite", long, "--columns", "user_name,kind").out) {
		require.Less(t, len(line), 500, "one long name makes no row of others wide")
	}
	a := run(t, "search", "--sqlite", "no\x1b[2Jsuch")
	require.Equal(t, statusError, a.status)
	require.NotContains(t, a.errors, "\x1b")
}

func TestFailures(t *testing.T) {
	file := storyFile(t)
	groups := object(t, "failures", "--sqlite", file)["groups"].([]any)
	require.Len(t, groups, 1+len(hostileNames))
	first := groups[0].(map[string]any)
	require.Equal(t, "alice", first["user_name"])
	require.EqualValues(t, 3, first["failures"])
	require.Nil(t, first["first_success"])
	a := run(t, "failures", "--sqlite", file, "--limit", "2")
	require.Contains(t, a.errors, "Asked from 2026-11-22T11:00:00Z")
	require.Contains(t, a.errors, "11 further rows")
}

func TestUserAndAddress(t *testing.T) {
	file := storyFile(t)
	alice := object(t, "user", "alice", "--sqlite", file)
	require.EqualValues(t, 5, alice["count"])
	require.EqualValues(t, 3, alice["failures"])
	require.Equal(t, "2026-11-29T08:00:01Z", alice["first"])
	require.Len(t, alice["pairs"], 1)
	require.Len(t, alice["events"], 5)
	require.EqualValues(t, 4, alice["hours"].([]any)[6].([]any)[8], "a Sunday at eight")
	out := well(t, "user", "alice", "--sqlite", file)
	require.Contains(t, out, "Failed logins    3")
	require.Contains(t, out, "Sunday     ...... ..92.. ......")
	require.EqualValues(t, 3, object(t, "address", "10.1.2.3", "--sqlite", file)["count"])
}

func TestSession(t *testing.T) {
	file := storyFile(t)
	o := object(t, "session", aliceSession, "--sqlite", file)
	require.Len(t, o["events"], 2)
	require.Len(t, o["before"], 3)
	out := well(t, "session", aliceSession, "--sqlite", file)
	require.Contains(t, out, "reader")
	require.Contains(t, out, "libpq 18")
	require.Equal(t, statusUsage, run(t, "session", "nonsense", "--sqlite", file).status)
}

func TestInventory(t *testing.T) {
	groups := object(t, "inventory", "--sqlite", storyFile(t), "--outcome", "success")["groups"].([]any)
	require.Len(t, groups, 2)
	require.Equal(t, "psql", groups[0].(map[string]any)["client_name"])
}

func TestOpen(t *testing.T) {
	file := storyFile(t)
	require.Empty(t, object(t, "open", "--sqlite", file, "--user", "alice")["events"], "she has logged out")
	require.Len(t, object(t, "open", "--sqlite", file)["events"], 1)
}

func TestNew(t *testing.T) {
	file := storyFile(t)
	o := object(t, "new", "--sqlite", file, "--from", "2026-11-29")
	sentences := fmt.Sprint(o["findings"])
	require.Contains(t, sentences, "alice")
	out := well(t, "new", "--sqlite", file, "--from", "2026-11-29")
	require.Contains(t, out, "Who failed to log in, and then succeeded?\n", out)
	require.Contains(t, well(t, "new", "--sqlite", file, "--output", "csv"), "question,user,address")
}

// TestSQL prints statements that run by themselves.
func TestSQL(t *testing.T) {
	file := storyFile(t)
	out := well(t, "sql", "search", "--sqlite", file, "--user", "alice")
	require.True(t, strings.HasPrefix(out, "SELECT * FROM session_events WHERE time >= "), out)
	require.Contains(t, out, "user_name = 'alice'")
	require.Contains(t, well(t, "sql", "failures", "--sqlite", file), "GROUP BY 1, 2, 3")
}

// TestMistakes of a call have the status 2 and name what is wrong; others 1.
func TestMistakes(t *testing.T) {
	file := storyFile(t)
	for _, c := range []struct {
		args   []string
		status int
		text   string
	}{
		{[]string{"search"}, statusUsage, "--config"},
		{[]string{"serach"}, statusUsage, `"serach"`},
		{[]string{"search", "--sqlite", file, "--nonsense"}, statusUsage, "--nonsense"},
		{[]string{"search", "--sqlite", file, "-user_name=alice"}, statusUsage, "COLUMN!=VALUE"},
		{[]string{"search", "--sqlite", file, "alice"}, statusUsage, "COLUMN=VALUE"},
		{[]string{"search", "--sqlite", file, "usr_name=alice"}, statusUsage, "user_name"},
		{[]string{"search", "--sqlite", file, "--from", "yesterday"}, statusUsage, "-24h"},
		{[]string{"search", "--sqlite", file, "--outcome", "broken"}, statusUsage, "none of success, failure, unknown"},
		{[]string{"search", "--sqlite", file, "outcome!=broken"}, statusUsage, "none of success, failure, unknown"},
		{[]string{"search", "--sqlite", file, "client_address=10.0.0.0/33"}, statusUsage, "no network"},
		{[]string{"search", "--sqlite", file, "--tz", "Middle/Earth"}, statusUsage, "Europe/Berlin"},
		{[]string{"search", "--sqlite", file, "--output", "xml"}, statusUsage, "ndjson"},
		{[]string{"search", "--sqlite", file, "--limit", "0"}, statusUsage, "--limit"},
		{[]string{"search", "--sqlite", file, "--after", "x"}, statusUsage, "--after"},
		{[]string{"search", "--sqlite", file, "--columns", "usr"}, statusUsage, "user_name"},
		{[]string{"search", "--sqlite", file, "--clickhouse", "clickhouse://x"}, statusUsage, "sqlite"},
		{[]string{"search", "--sqlite", file, "--exporter", "sessionlog"}, statusUsage, "--config"},
		{[]string{"user", "--sqlite", file}, statusUsage, "NAME"},
		{[]string{"search", "--sqlite", filepath.Join(t.TempDir(), "none.db")}, statusError, "there is no file"},
		{[]string{"search", "--sqlite", t.TempDir()}, statusError, "is a folder"},
		{[]string{"search", "--sqlite", writeFile(t, "empty.db", "")}, statusError, "of an exporter that has run"},
		{[]string{"search", "--config", filepath.Join(t.TempDir(), "none.yaml")}, statusError, "none.yaml"},
		{[]string{"search", "--postgresql", "postgresql://audit:hunter2@[::1/logins"}, statusUsage, "no URL"},
		{[]string{"search", "--postgresql", "postgresql://audit:hunter2@127.0.0.1:1/logins?sslmod=x"}, statusUsage, "sslmod"},
		{[]string{"search", "--postgresql", "postgresql://audit:hunter2@127.0.0.1:1/logins"}, statusError, "127.0.0.1:1"},
		{[]string{"search", "--clickhouse", "clickhouse://audit:hunter2@127.0.0.1:1/logins"}, statusError, "127.0.0.1:1"},
		{[]string{"sql", "nonsense"}, statusUsage, "nonsense"},
		{[]string{"doctor", "x"}, statusUsage, "no arguments"},
		{[]string{"man"}, statusUsage, "folder"},
	} {
		a := run(t, c.args...)
		require.Equal(t, c.status, a.status, "%v: %s", c.args, a.errors)
		require.Contains(t, a.errors, c.text, "%v", c.args)
		require.NotContains(t, a.errors, "hunter2", "%v", c.args)
		require.Empty(t, a.out, "%v", c.args)
	}
}

// TestConfiguration: an exporter is found by its name, with what its variables say.
func TestConfiguration(t *testing.T) {
	folder := t.TempDir()
	writeStory(t, filepath.Join(folder, "a.db"))
	config := writeFile(t, filepath.Join(folder, "collector.yaml"), `
exporters:
  debug:
  sessionlog:
    sqlite: {path: "${env:STORY_FOLDER}/a.db"}
  sessionlog/archive:
    postgresql: {endpoints: [127.0.0.1:1], username: audit, password: hunter2}
  sessionlog/wrong:
    sqlite: {pth: x}
`)
	t.Setenv("STORY_FOLDER", folder)
	require.Len(t, object(t, "search", "--config", config, "--exporter", "sessionlog")["events"], len(story()))
	several := run(t, "search", "--config", config)
	require.Equal(t, statusUsage, several.status)
	require.Contains(t, several.errors, "choose one with --exporter: sessionlog, sessionlog/archive, sessionlog/wrong")
	unknown := run(t, "search", "--config", config, "--exporter", "sessionlog/x")
	require.Equal(t, statusUsage, unknown.status)
	away := run(t, "search", "--config", config, "--exporter", "sessionlog/archive")
	require.Equal(t, statusError, away.status)
	require.Contains(t, away.errors, "exporters::sessionlog/archive: postgresql")
	require.NotContains(t, away.errors, "hunter2")
	require.Contains(t, run(t, "search", "--config", config, "--exporter", "sessionlog/wrong").errors, "did you mean path?")
	none := writeFile(t, filepath.Join(folder, "none.yaml"), "exporters: {debug: }")
	require.Contains(t, run(t, "search", "--config", none).errors, "no exporter of type sessionlog")
}

// TestExamplesOfHelpRun in a folder that has what they name.
func TestExamplesOfHelpRun(t *testing.T) {
	exampleFolder(t)
	root, _ := newRootCommand(processSurroundings())
	ran := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		require.NotEmpty(t, cmd.Short, cmd.CommandPath())
		if cmd.Parent() == nil || cmd.Parent().Name() != "completion" && cmd.Name() != "completion" && cmd.Name() != "help" {
			require.NotEmpty(t, cmd.Example, cmd.CommandPath())
			for line := range strings.Lines(cmd.Example) {
				runExample(t, strings.TrimSpace(line))
				ran++
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
	require.Greater(t, ran, 10)
}

func TestCompletion(t *testing.T) {
	file := storyFile(t)
	require.Contains(t, well(t, "completion", "bash"), "__start_sessionlog")
	require.Contains(t, well(t, "__complete", "search", "--sqlite", file, "user_"), "user_name=")
	require.Contains(t, well(t, "__complete", "search", "--output", ""), "ndjson")
	folder := t.TempDir()
	config := writeFile(t, filepath.Join(folder, "collector.yaml"), "exporters: {sessionlog/a: , sessionlog/b: }")
	require.Contains(t, well(t, "__complete", "search", "--config", config, "--exporter", ""), "sessionlog/b")
}

func TestManual(t *testing.T) {
	folder := t.TempDir()
	run(t, "man", folder)
	pages, err := filepath.Glob(filepath.Join(folder, "*.1"))
	require.NoError(t, err)
	require.Contains(t, pages, filepath.Join(folder, "sessionlog-search.1"))
}

// TestDoctor: 0 where everything is as it must be, 1 where something is missing.
func TestDoctor(t *testing.T) {
	file := storyFile(t)
	a := run(t, "doctor", "--sqlite", file)
	require.Equal(t, 0, a.status, a.out)
	require.Contains(t, a.out, "--sqlite\n  ok")
	folder := t.TempDir()
	config := writeFile(t, filepath.Join(folder, "collector.yaml"), "receivers: {sessionlog/a: {file: {include: [/nowhere/*.jsonl]}}}\nexporters: {sessionlog: {sqlite: {path: "+file+"}}}")
	a = run(t, "doctor", "--config", config)
	require.Equal(t, statusError, a.status)
	require.Contains(t, a.out, "receiver sessionlog/a\n  missing")
	require.Contains(t, a.out, "exporter sessionlog\n  ok")
}

// TestTail shows what was there, then what arrives, and ends with the status 0 when it is interrupted.
func TestTail(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "session_log.db")
	writeStory(t, file)
	busy := make([]session.Event, 1200)
	for i := range busy {
		busy[i] = session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, User: "busy", Time: now.Add(-time.Hour).UnixNano() - int64(i), RecordID: session.ID{2, 6: 0x80, 8: 0x80, 14: byte(i >> 8), 15: byte(i)}}
	}
	writeEvents(t, file, busy)
	ctx, cancel := context.WithCancel(t.Context())
	var out lockedText
	ended := make(chan int, 1)
	go func() {
		ended <- runCommand(ctx, []string{"tail", "--sqlite", file, "-n", "2", "--interval", "20ms"}, commandEnvironment{out: &out, errors: &out, now: time.Now, variable: os.Getenv})
	}()
	lines := func() int { return strings.Count(out.String(), "\n") }
	require.Eventually(t, func() bool { return lines() == 2 }, 10*time.Second, 5*time.Millisecond)
	late := story()[0]
	late.User, late.RecordID, late.Time = "late\x1b", session.ID{1, 6: 0x80, 8: 0x80}, now.Add(-time.Hour).UnixNano()
	writeEvents(t, file, []session.Event{late})
	require.Eventually(t, func() bool { return strings.Contains(out.String(), `login          failure  late\x1b  192.0.2.7`) }, 10*time.Second, 5*time.Millisecond)
	time.Sleep(50 * time.Millisecond)
	require.Equal(t, 3, lines(), "each once, and what was there before is none of them: %s", out.String())
	cancel()
	require.Equal(t, 0, <-ended)
}

// TestCommandsOfTheDocs run.
func TestCommandsOfTheDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/companion.md")
	require.NoError(t, err)
	exampleFolder(t)
	ran := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if line, _, _ = strings.Cut(strings.TrimSpace(line), " #"); strings.HasPrefix(line, "sessionlog ") {
			runExample(t, strings.TrimSpace(line))
			ran[strings.Fields(line)[1]] = true
		}
	}
	root, _ := newRootCommand(processSurroundings())
	for _, cmd := range root.Commands() {
		require.True(t, ran[cmd.Name()], "docs/companion.md has no command %s", cmd.Name())
	}
}
