//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/query"
)

// visitEvery is how often the visitor clicks.
const visitEvery = time.Second

// visit clicks at one thing a second in a SQLite file that somebody else writes, from when it has a login until it is told to end.
func visit(ctx context.Context, path string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	cfg := sqlite.DefaultConfig()
	cfg.Path = path
	store, err := waitForLogins(ctx, cfg)
	if err != nil {
		return err
	}
	var count int
	var all, longest time.Duration
	ticks := time.NewTicker(visitEvery)
	defer ticks.Stop()
	for ctx.Err() == nil {
		_, newest, _, err := store.Extent(ctx)
		if err != nil {
			break
		}
		now = time.Unix(0, newest).UTC()
		some, _, err := query.Events(ctx, store, over(""), nil, 1, budget)
		if err != nil || len(some) == 0 {
			break
		}
		list := everyClick(some[0].SessionKey, some[0].RecordID, time.Unix(0, some[0].Time))
		begin := time.Now()
		if _, _, err := list[count%len(list)].ask(ctx, store); err != nil {
			break
		}
		took := time.Since(begin)
		count, all, longest = count+1, all+took, max(longest, took)
		select {
		case <-ticks.C:
		case <-ctx.Done():
		}
	}
	fmt.Printf("the visitor clicked %d times, once a second: %s ms on average, %s at most\n", count, milliseconds(all/time.Duration(max(1, count))), milliseconds(longest))
	return store.Close()
}

func waitForLogins(ctx context.Context, cfg sqlite.Config) (query.Store, error) {
	for {
		store, err := sqlite.OpenQueryStore(ctx, cfg)
		if err == nil {
			if _, _, found, err := store.Extent(ctx); err == nil && found {
				return store, nil
			}
			err = store.Close()
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
