package sessionlogexplorer

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/extension/sessionlogexplorer/internal/explorertest"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TestExportsAreWhole: each event once, newest first, over many pages, with its id and the zone of its time.
func TestExportsAreWhole(t *testing.T) {
	s := startServer(t, nil)
	_, text := s.read(apiRoot + "/events.csv?tz=Asia/Kolkata")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, len(samples())+1)
	require.Equal(t, []string{"time (Asia/Kolkata)", "record_id", "kind"}, rows[0][:3])
	require.Contains(t, rows[0], "observed (Asia/Kolkata)")
	ids := map[string]bool{}
	last := ""
	for _, row := range rows[1:] {
		require.True(t, strings.HasSuffix(row[0], "+05:30"), row[0])
		at, err := time.Parse(time.RFC3339Nano, row[0])
		require.NoError(t, err)
		stamp := at.UTC().Format("2006-01-02T15:04:05.000000000")
		require.True(t, last == "" || stamp <= last)
		last = stamp
		ids[row[1]] = true
	}
	require.Len(t, ids, len(samples()))
	require.Contains(t, text, `"'=HYPERLINK(""http://evil"")"`)
	require.NotContains(t, text, `,"=HYPERLINK`)

	_, text = s.read(apiRoot + "/events.ndjson")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	require.Len(t, lines, len(samples()))
	for _, line := range lines {
		var event struct {
			RecordID string `json:"record_id"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &event))
		require.True(t, ids[event.RecordID])
	}
	require.Contains(t, text, `bad\\xff\\xfeutf8`)
	require.Contains(t, text, `nul\u0000nul`)
}

func TestCellsThatASpreadsheetComputes(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "a": "a", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "a=1": "a=1", "'=1": "'=1", "é": "é",
	} {
		require.Equal(t, want, query.SpreadsheetText(cell))
	}
}

// TestAnExportThatIsCutSaysSo, unless whoever asked wanted no more.
func TestAnExportThatIsCutSaysSo(t *testing.T) {
	s := startServer(t, func(c *Config) { c.MaxExportRows = 1500 })
	for ending, mark := range map[string]string{"csv": "cut after 1500 events, which is max_export_rows", "ndjson": `{"error":"cut after 1500 events`} {
		_, text := s.read(apiRoot + "/events." + ending)
		lines := strings.Split(strings.TrimSpace(text), "\n")
		require.True(t, strings.HasPrefix(strings.Trim(lines[len(lines)-1], `"`), strings.Trim(mark, `"`)), lines[len(lines)-1])
		_, text = s.read(apiRoot + "/events." + ending + "?limit=1500")
		require.NotContains(t, text, "cut after")
	}
}

// TestASlowReaderHoldsNothing: while somebody reads an export a byte at a time, the backend's only place is free.
func TestASlowReaderHoldsNothing(t *testing.T) {
	s := startServer(t, func(c *Config) { c.MaxQuestions = 1 })
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4096))
	_, err = conn.Write([]byte("GET /api/v1/events.ndjson HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	require.NoError(t, err)
	for range 5 {
		status, _ := s.read(apiRoot + "/events?limit=1")
		require.Equal(t, http.StatusOK, status)
	}
}

// TestStreamsAreFew: a page that opens one after the other is told to wait, and questions are answered all the same.
func TestStreamsAreFew(t *testing.T) {
	s := startServer(t, nil)
	for range maxStreams {
		s.streams <- struct{}{}
	}
	for _, path := range []string{"/tail", "/events.csv", "/events.ndjson"} {
		status, text := s.read(apiRoot + path)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Contains(t, text, `"reason":"busy"`)
	}
	status, _ := s.read(apiRoot + "/events")
	require.Equal(t, http.StatusOK, status)
}

// TestTail: events that are written while somebody looks come within seconds, those from before do not, and a stop of the collector ends it.
func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session_log.db")
	store, err := sqlite.New(sqliteConfig(path), componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	require.NoError(t, store.Start(t.Context()))
	all := explorertest.Generate(time.Now(), 200)
	write := func(events []session.Event) {
		_, err := store.Write(t.Context(), explorertest.AllEvents(events))
		require.NoError(t, err)
	}
	write(all[:len(all)-2])
	s := startServer(t, func(c *Config) { c.SQLite = configoptional.Some(sqliteConfig(path)) })
	answer := s.send(http.MethodGet, apiRoot+"/tail")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	lines := bufio.NewScanner(answer.Body)
	write(all[len(all)-2:])
	for _, want := range all[len(all)-2:] {
		for lines.Scan() && lines.Text() == "" {
		}
		require.NoError(t, lines.Err())
		require.Contains(t, lines.Text(), time.Unix(0, want.Time).UTC().Format(time.RFC3339Nano))
	}
	require.NoError(t, s.NotReady())
	for lines.Scan() {
	}
	require.NoError(t, answer.Body.Close())
	require.NoError(t, store.Shutdown(t.Context()))
}
