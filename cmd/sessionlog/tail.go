package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
	"github.com/otel-sessionlog/sessionlog/query"
)

func newTailCommand(s commandEnvironment, target *storeTarget) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tail [COLUMN=VALUE ...]",
		Short: "Shows events as they arrive, until it is interrupted",
		Long: "tail shows the newest events, and then each that arrives, until it is interrupted. What arrives more than five minutes late, by its own time, is not\n" +
			"shown.\n\n" + conditionsHelp,
		Example: "  sessionlog tail --sqlite session_log.db --outcome failure",
	}
	filters := addFilterFlags(cmd)
	lines := cmd.Flags().IntP("lines", "n", 10, "how many events of before are shown first")
	interval := cmd.Flags().Duration("interval", time.Second, "how often the store is asked")
	output := ""
	cmd.Flags().StringVarP(&output, "output", "o", printing.Table, "`FORMAT`: table or ndjson")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if output != printing.Table && output != printing.NDJSON {
			return usageErrorf("--output %q is none of table, ndjson: an answer without an end is written line by line", output)
		}
		if *lines < 0 || *interval <= 0 {
			return usageErrorf("--lines must not be negative, and --interval must be longer than 0")
		}
		filter, zone, err := filters.parseFilter(args, s.now())
		if err != nil {
			return err
		}
		store, err := target.openStore(cmd.Context(), s.variable)
		if err != nil {
			return err
		}
		defer func() { _ = store.Close() }()
		return followEvents(cmd.Context(), query.NewFollower(store, filter, *lines), *interval, s.newPrinter(output, zone))
	}
	return cmd
}

func followEvents(ctx context.Context, follower *query.Follower, interval time.Duration, p *printing.Printer) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		events, err := follower.Poll(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // interrupted
		}
		if err != nil {
			return err
		}
		if err := p.PrintArrived(events); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
