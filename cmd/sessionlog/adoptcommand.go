package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

func newAdoptCommand(s commandEnvironment, target *storeTarget) *cobra.Command {
	var reason string
	var sealWait time.Duration
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Seals the records from before the log of seals began",
		Long: "adopt seals what was in the table before seal was turned on: as records that were found, not received, so that nobody can change them unseen from now on. Nothing is\n" +
			"adopted where verify finds evidence of tampering, nor what it calls inserted. It needs the configuration whose exporter has seal, and its key.\n\n" +
			"Exit status: as that of verify.",
		Example: "  sessionlog adopt --config collector.yaml --reason 'records of 2024 and 2025, compared with the backup of 2026-11-01'",
		Args:    noArguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reason == "" {
				return usageErrorf("say with --reason why these records can be trusted: it is signed with them")
			}
			return withStatus(statusUnverified, adoptRecords(cmd.Context(), s, target, reason, sealWait))
		},
	}
	cmd.Flags().DurationVar(&sealWait, "seal-wait", defaultSealWait, "how long records without a seal may wait for it, where a collector writes meanwhile")
	cmd.Flags().StringVar(&reason, "reason", "", "why these records can be trusted (`TEXT`)")
	return cmd
}

func adoptRecords(ctx context.Context, s commandEnvironment, target *storeTarget, reason string, sealWait time.Duration) error {
	cfg, err := target.sealedExporter(ctx, s.variable)
	if err != nil {
		return err
	}
	adoption, err := cfg.NewAdoption(silentTelemetry())
	if err != nil {
		return err
	}
	store, err := target.openStore(ctx, s.variable)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	left := 0
	summary, err := verifyWhatIsThere(ctx, s, store, verify.Options{
		Keys: adoption.Keys(), At: s.now(), SealWait: sealWait,
		Unprotected: func(e *session.Event) {
			if !adoption.Add(e) {
				left++
			}
		},
	})
	switch {
	case err != nil:
		return err
	case summary.Tampering > 0:
		return withStatus(statusTampering, fmt.Errorf("nothing is adopted: %d findings are evidence of tampering", summary.Tampering))
	}
	if err := adoption.Seal(ctx, store, reason); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "adopted %d records\n", adoption.Records())
	switch rest := summary.Unprotected - adoption.Records(); {
	case left > 0:
		return withStatus(statusUnprotected, errors.New("more are left: call adopt again"))
	case rest > 0:
		return withStatus(statusUnprotected, fmt.Errorf("%d records are left: they may have come after something was sealed already", rest))
	}
	return nil
}

// verifyWhatIsThere prints evidence of tampering alone.
func verifyWhatIsThere(ctx context.Context, s commandEnvironment, store query.Store, o verify.Options) (verify.Summary, error) {
	var f verifyFlags
	return verify.Run(ctx, store, o, func(found verify.Finding) {
		if found.Kind.IsTampering() {
			f.printFinding(s.out, found)
		}
	})
}
