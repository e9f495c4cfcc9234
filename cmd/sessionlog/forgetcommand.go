package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/erasure"
	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
	"github.com/otel-sessionlog/sessionlog/query"
)

// forgetFlags are those of the command forget.
type forgetFlags struct {
	before         string
	users, records []string
	reason         string
	dryRun         bool
}

func newForgetCommand(s commandEnvironment, target *storeTarget) *cobra.Command {
	var f forgetFlags
	cmd := &cobra.Command{
		Use:   "forget",
		Short: "Erases the records of a person, or old ones, and states it under seal",
		Long: "forget deletes records for good: from the table, what is kept aside and counted from it, and the exporter's dead letters. Where the exporter has seal, it signs before\n" +
			"which ids go and why, so that verify distinguishes it from tampering; no name is signed but what --reason says: name there a case, not a person. Where it is cut short,\n" +
			"call it again. A record that its source delivers once more comes back, which verify says: call forget again.\n\n" +
			"Exit status: 0 all that was chosen has gone; 2 it could not be done, or not all.",
		Example: "  sessionlog forget --config collector.yaml --user alice --reason 'request 4711, article 17' --dry-run\n" +
			"  sessionlog forget --config collector.yaml --before 2025-01-01 --reason 'retention of two years'",
		Args: noArguments(": choose with --user, --record or --before"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStatus(statusUnverified, f.runForget(cmd.Context(), s, target))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.before, "before", "", "records of events before this `TIME`, as 2025-01-01 or -8760h")
	flags.StringArrayVar(&f.users, "user", nil, "records of somebody with this `NAME`, user id, hash of a name, or name or id of an actor")
	flags.StringArrayVar(&f.records, "record", nil, "the record with this `ID`")
	flags.StringVar(&f.reason, "reason", "", "why they may be erased (`TEXT`), which is signed, and stays: name no person")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only list what would be erased")
	return cmd
}

func (f *forgetFlags) runForget(ctx context.Context, s commandEnvironment, target *storeTarget) error {
	cfg, _, err := target.exporterConfig(ctx, s.variable)
	if err != nil {
		return err
	}
	choice, err := f.parseChoice(cfg, s.now())
	if err != nil {
		return err
	}
	if f.reason == "" && !f.dryRun {
		return usageErrorf("say with --reason why these records may be erased: with seals it is signed and stays, so name a case, not a person")
	}
	store, err := target.openStore(ctx, s.variable)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if f.dryRun {
		return listErasable(ctx, s, cfg, choice, store)
	}
	return f.eraseChosen(ctx, s, cfg, choice, store)
}

func (f *forgetFlags) parseChoice(cfg *sessionlogexporter.Config, now time.Time) (*erasure.Choice, error) {
	choice := &erasure.Choice{}
	if f.before != "" {
		filter, err := query.ParseFilter(url.Values{fromKey: {f.before}}, now, time.UTC)
		if err != nil {
			return nil, usageErrorf("--before: %w", err)
		}
		choice.Before = filter.From
	}
	for _, name := range f.users {
		if name == "" {
			return nil, usageErrorf("--user: nobody is named")
		}
		choice.AddPerson(name)
		choice.AddRedacted(name, cfg.Redact)
	}
	for _, text := range f.records {
		id, err := parseIdentity(text, "--record %q is no record's id: write its 32 hexadecimal digits, as search --columns record_id shows them")
		if err != nil {
			return nil, err
		}
		choice.Records = append(choice.Records, id)
	}
	if f.before == "" && len(f.users)+len(f.records) == 0 {
		return nil, usageErrorf("choose what is to be erased with --user, --record or --before")
	}
	return choice, nil
}

func listErasable(ctx context.Context, s commandEnvironment, cfg *sessionlogexporter.Config, choice *erasure.Choice, store query.Store) error {
	rows := 0
	var first, last time.Time
	for _, table := range erasure.Tables {
		for some, err := range choice.Find(ctx, store, table) {
			if err != nil {
				return err
			}
			for _, row := range some {
				if rows++; rows == 1 || row.Time.Before(first) {
					first = row.Time
				}
				if last.Before(row.Time) {
					last = row.Time
				}
				fmt.Fprintf(s.out, "%s  %-17s  %s\n", row.ID, row.Table, timeText(row.Time))
			}
		}
	}
	letters, err := choice.EraseDeadLetters(ctx, cfg.DeadLetterDirectories(), true)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%d rows would be erased", rows)
	if rows > 0 {
		fmt.Fprintf(s.out, ", from %s to %s", timeText(first), timeText(last))
	}
	fmt.Fprintf(s.out, ", and %d dead letters\n", letters)
	return nil
}

func (f *forgetFlags) eraseChosen(ctx context.Context, s commandEnvironment, cfg *sessionlogexporter.Config, choice *erasure.Choice, store query.Store) error {
	backend, log, err := cfg.OpenErasure(silentTelemetry())
	if err != nil {
		return err
	}
	x := erasure.Erasure{Backend: backend, Store: store, Log: log, Reason: f.reason, Progress: s.newRecordCounter()}
	records := 0
	if err = backend.Start(ctx); err == nil {
		records, err = x.Run(ctx, choice)
	}
	err = errors.Join(err, backend.Shutdown(context.WithoutCancel(ctx)))
	fmt.Fprintf(s.out, "forgot %d records\n", records)
	if log == nil && records > 0 {
		fmt.Fprintln(s.out, "nothing is signed: the exporter has no seal")
	}
	if err != nil {
		return err
	}
	letters, err := choice.EraseDeadLetters(ctx, cfg.DeadLetterDirectories(), false)
	if letters > 0 || err != nil {
		fmt.Fprintf(s.out, "removed %d dead letters\n", letters)
	}
	return err
}
