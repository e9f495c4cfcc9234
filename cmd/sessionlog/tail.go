package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
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
	cmd.Flags().StringVarP(&output, "output", "o", outputTable, "`FORMAT`: table or ndjson")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if output != outputTable && output != outputNDJSON {
			return usageErrorf("--output %q is none of table, ndjson: what goes on for ever is written in lines", output)
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
		return followEvents(cmd.Context(), query.NewFollower(store, filter, *lines), *interval, &answerPrinter{s, output, zone})
	}
	return cmd
}

func followEvents(ctx context.Context, follower *query.Follower, interval time.Duration, p *answerPrinter) error {
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
		if err := p.printArrived(events); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (p *answerPrinter) printArrived(events []session.Event) error {
	out := bufio.NewWriter(p.out)
	for i := range events {
		e := &events[i]
		if p.format == outputNDJSON {
			_, _ = out.Write(append(query.AppendEvent(nil, e), '\n')) // Flush reports the error
			continue
		}
		fmt.Fprintf(out, "%s  %-14s %s  %s", p.cellText(time.Unix(0, e.Time), tableTime), e.Kind, p.colorCell(fmt.Sprintf("%-7s", e.Outcome), "outcome"), visibleText(e.User))
		for _, column := range []string{"client_address", "client_name", "database_name", "instance", "error_type"} {
			if value := eventValue(e, fieldsByColumn[column]); value != nil {
				fmt.Fprintf(out, "  %s", p.shownText(value))
			}
		}
		fmt.Fprintln(out)
	}
	return errors.Join(out.Flush())
}
