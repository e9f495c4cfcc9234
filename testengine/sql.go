package testengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	queryLimit = time.Minute
	waitLimit  = time.Minute
	waitPause  = 20 * time.Millisecond // and half as long again after each answer, for to flush the logs costs a server much
	longPause  = 300 * time.Millisecond
)

// client holds no connections: a test that checks for leaked goroutines finds none.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// Exec runs a statement over HTTP, as a user with all rights. The test fails when the server refuses it.
//
// Like every request over HTTP, it is a login of its own: it leaves two rows of the user Admin() in session_log.
func (s *Server) Exec(tb testing.TB, sql string) {
	tb.Helper()
	_ = s.Query(tb, sql)
}

// Query is Exec with the answer: each cell as the server writes it in JSONCompactStringsEachRow, so a NULL is ᴺᵁᴸᴸ.
func (s *Server) Query(tb testing.TB, sql string) [][]string {
	tb.Helper()
	rows, err := s.TryQuery(tb.Context(), sql)
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

// Admin is the user that Exec and Query work as.
func (s *Server) Admin() string { return s.admin.Name }

// FlushLogs writes out what the server's system logs hold in memory, and makes their tables where they do not exist yet.
func (s *Server) FlushLogs(tb testing.TB) {
	tb.Helper()
	s.Exec(tb, "SYSTEM FLUSH LOGS")
}

// WaitQuery flushes the logs and asks until the answer satisfies done. The server writes a Logout after it has answered the client,
// so a test that just logged out must wait for the row.
func (s *Server) WaitQuery(tb testing.TB, sql string, done func(rows [][]string) bool) [][]string {
	tb.Helper()
	deadline := time.Now().Add(waitLimit)
	for pause := waitPause; ; pause = min(pause*3/2, longPause) {
		s.FlushLogs(tb)
		rows := s.Query(tb, sql)
		if done(rows) {
			return rows
		}
		if time.Now().After(deadline) {
			tb.Fatalf("after %s the answer is still not the expected one: %s\n%q", waitLimit, sql, rows)
		}
		time.Sleep(pause)
	}
}

// TryQuery is Query for those who expect an error; the error carries the server's message.
func (s *Server) TryQuery(ctx context.Context, sql string) ([][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	address := url.URL{Scheme: "http", Host: s.HTTP, Path: "/", RawQuery: "default_format=JSONCompactStringsEachRow&wait_end_of_query=1"}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), strings.NewReader(sql))
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-ClickHouse-User", s.admin.Name)
	request.Header.Set("X-ClickHouse-Key", s.admin.Password)
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		message, _ := io.ReadAll(response.Body)
		return nil, fmt.Errorf("%s\n%s: %s", sql, response.Status, message)
	}
	return decodeRows(response.Body)
}

func decodeRows(r io.Reader) ([][]string, error) {
	var rows [][]string
	for decoder := json.NewDecoder(r); ; {
		var row []string
		err := decoder.Decode(&row)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("answer of the server: %w", err)
		}
		rows = append(rows, row)
	}
}
