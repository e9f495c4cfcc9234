// Command install puts the real servers that the tests need into the engines folder ($SESSIONLOG_ENGINES, by default
// sessionlog/engines in the user's cache folder). It needs npm, and does nothing when they are there.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/otel-sessionlog/sessionlog/testengine/engines"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := install(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "install:", err)
		os.Exit(1)
	}
}

func install(ctx context.Context) error {
	for _, e := range engines.All {
		if err := e.Install(ctx, os.Stdout); err != nil {
			return err
		}
	}
	return nil
}
