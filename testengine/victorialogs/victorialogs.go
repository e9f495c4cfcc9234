// Package victorialogs runs VictoriaLogs, a log server that takes what Elasticsearch, Splunk, Loki and OpenTelemetry take.
package victorialogs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/engines"
	"github.com/otel-sessionlog/sessionlog/testengine/port"
)

const startTimeout = 20 * time.Second

// Server is one VictoriaLogs with its data in a temporary folder, on one address for as long as the test runs.
type Server struct {
	program string
	folder  string
	flags   []string
	address *port.Reservation
	process *exec.Cmd
}

// Start runs a server, with these flags too, until the test ends, and skips the test where it is not installed.
func Start(tb testing.TB, flags ...string) *Server {
	tb.Helper()
	program, err := engines.VictoriaLogs.Find()
	if errors.Is(err, engines.ErrMissing) {
		testengine.Missing(tb, "VictoriaLogs", "run 'make engines'")
	}
	failOnError(tb, err)
	s := &Server{program: program, folder: tb.TempDir(), flags: flags}
	s.address, err = port.ReserveWeakly(tb.Context(), netip.MustParseAddrPort("127.0.0.1:0"))
	failOnError(tb, err)
	tb.Cleanup(func() {
		s.Stop(tb, syscall.SIGKILL)
		_ = s.address.Close()
	})
	s.Run(tb)
	return s
}

func failOnError(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// URL is the server's address with this path.
func (s *Server) URL(path string) string { return "http://" + s.address.Addr().String() + path }

// Run starts the process and waits until it answers.
func (s *Server) Run(tb testing.TB) {
	tb.Helper()
	arguments := []string{
		"-storageDataPath=" + s.folder, "-httpListenAddr=" + s.address.Addr().String(),
		"-retentionPeriod=100y", "-loggerLevel=ERROR", "-memory.allowedBytes=64MB", "-defaultMsgValue=login",
	}
	s.process = exec.CommandContext(context.Background(), s.program, append(arguments, s.flags...)...)
	failOnError(tb, s.process.Start())
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		response, err := s.get("/health")
		if err == nil {
			_ = response.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("VictoriaLogs does not answer: %v", err)
		}
	}
}

// Stop ends the process: SIGTERM lets it write what it has answered, SIGKILL does not. A stopped server stays as it is.
func (s *Server) Stop(tb testing.TB, signal syscall.Signal) {
	tb.Helper()
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(signal)
	_ = s.process.Wait()
	s.process = nil
}

// Flush makes what was taken visible to queries.
func (s *Server) Flush(tb testing.TB) {
	tb.Helper()
	response, err := s.get("/internal/force_flush")
	failOnError(tb, err)
	_ = response.Body.Close()
}

// inMemory are the server's own numbers of records that a SIGKILL would take.
var inMemory = []string{`vl_storage_rows{type="storage/inmemory"}`, `vl_pending_rows{type="storage"}`}

// IsOnDisk tells whether all that the server has answered is on its disk.
func (s *Server) IsOnDisk(tb testing.TB) bool {
	tb.Helper()
	response, err := s.get("/metrics")
	failOnError(tb, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	failOnError(tb, err)
	return !slices.ContainsFunc(inMemory, func(metric string) bool { return !strings.Contains(string(text), "\n"+metric+" 0\n") })
}

// Query returns the records that a LogsQL query finds, each field as text.
func (s *Server) Query(tb testing.TB, query string) (records []map[string]string) {
	tb.Helper()
	response, err := s.get("/select/logsql/query?query=" + url.QueryEscape(query))
	failOnError(tb, err)
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		tb.Fatal(fmt.Errorf("query %s: %s: %s", query, response.Status, text))
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		record := map[string]string{}
		failOnError(tb, json.Unmarshal(lines.Bytes(), &record))
		records = append(records, record)
	}
	failOnError(tb, lines.Err())
	return records
}

func (s *Server) get(path string) (*http.Response, error) {
	call, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.URL(path), nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(call)
}
