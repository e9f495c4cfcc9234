// Command record makes the data of the quick start: it starts a real ClickHouse, logs in to it in many ways, right and
// wrong, and exports what the server wrote into system.session_log.
//
//	go run ./examples/quickstart/record > examples/quickstart/data/session_log.jsonl
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := record(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func record(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "sessionlog-record-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := server.Start(ctx, server.Config{Dir: dir, Timezone: "UTC"})
	if err != nil {
		return err
	}
	defer s.Close()
	client := logins.New(s.Native, s.HTTP)
	defer client.Close()
	if _, err := client.Mix(ctx, 32, 1, 4); err != nil {
		return err
	}
	if err := query(ctx, s.HTTP, "SYSTEM FLUSH LOGS session_log", io.Discard); err != nil {
		return err
	}
	return query(ctx, s.HTTP, "SELECT * FROM system.session_log ORDER BY event_time_microseconds, type FORMAT JSONEachRow", out)
}

// query runs one statement over HTTP as the administrator and copies the answer.
func query(ctx context.Context, address, sql string, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/", strings.NewReader(sql))
	if err != nil {
		return err
	}
	req.SetBasicAuth(server.Admin.Name, server.Admin.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s: %s", sql, text)
	}
	_, err = io.Copy(out, resp.Body)
	return err
}
