// Command write makes a SQLite database of made-up logins, to look at with the explorer:
//
//	go run ./extension/sessionlogexplorer/internal/explorertest/write -path data/session_log.db
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/extension/sessionlogexplorer/internal/explorertest"
)

func main() {
	path := flag.String("path", "data/session_log.db", "the database, which is made where there is none")
	count := flag.Int("events", 20_000, "how many")
	flag.Parse()
	if err := writeDatabase(context.Background(), *path, *count); err != nil {
		log.Fatal(err)
	}
}

func writeDatabase(ctx context.Context, path string, count int) (err error) {
	cfg := sqlite.DefaultConfig()
	cfg.Path = path
	db, err := sqlite.New(cfg, componenttest.NewNopTelemetrySettings())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Shutdown(ctx)) }()
	if err = db.Start(ctx); err != nil {
		return err
	}
	for part := range slices.Chunk(explorertest.Generate(time.Now(), count), 20_000) {
		result, err := db.Write(ctx, explorertest.AllEvents(part))
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d events\n", path, result.Written)
	}
	return nil
}
