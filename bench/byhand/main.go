// Command byhand does in one goroutine what the pipeline json-nop does, with nothing around it: a line is read by jx, and made a log record
// with the same ids. It keeps no cursor, reads on past no bad line, and knows one version of one format. What our collector takes beyond
// this is what files that grow, delivery and every other format cost.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

const (
	batchRows   = 1024
	longestLine = 1 << 20
)

// rows is served as the collector serves its counter.
var rows atomic.Int64

func main() {
	http.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "otelcol_receiver_accepted_log_records %d\n", rows.Load())
	})
	server := http.Server{Addr: "127.0.0.1:" + os.Getenv("METRICS_PORT"), ReadHeaderTimeout: time.Second}
	go func() { exit(server.ListenAndServe()) }()
	file, err := os.Open(os.Getenv("INPUT"))
	exit(err)
	exit(convert(file, func(plog.Logs) {}))
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM)
	<-stopped
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "byhand:", err)
		os.Exit(1)
	}
}

func convert(text io.Reader, consume func(plog.Logs)) error {
	lines := bufio.NewReaderSize(text, longestLine)
	var c converter
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			if err := c.add(line); err != nil {
				return err
			}
		}
		if c.records > 0 && (err != nil || c.records == batchRows) {
			rows.Add(int64(c.records))
			consume(c.logs)
			c.records = 0
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
