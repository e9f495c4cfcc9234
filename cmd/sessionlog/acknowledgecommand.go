package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
)

// acknowledgeFlags are those of the command acknowledge.
type acknowledgeFlags struct {
	keys, heads, witnesses []string
	reason                 string
	dryRun                 bool
}

func newAcknowledgeCommand(s commandEnvironment, target *storeTarget) *cobra.Command {
	var f acknowledgeFlags
	cmd := &cobra.Command{
		Use:   "acknowledge",
		Short: "Signs that kept heads are lost, after a restore of table and collector alike",
		Long: "acknowledge states under seal which of the heads that were kept elsewhere the table does not have any more, since table and seal::directory came back from one\n" +
			"snapshot: the collector remembers no other end, and raises no alarm. So it does of a log that you have removed, and that statements in the table name, without\n" +
			"--heads. verify names them as lost from then on, always, and counts them no more. Whatever is cut off later is a finding. It needs the configuration whose exporter has seal, and its key.\n\n" +
			"Exit status: 0 it is signed, or there is nothing to sign; 2 it could not be done.",
		Example: "  sessionlog acknowledge --config collector.yaml --heads heads.txt --reason 'the snapshot of 2026-11-01, after the disk had failed; ticket 815'",
		Args:    noArguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.reason == "" && !f.dryRun {
				return usageErrorf("say with --reason why they are lost: it is signed, and stays")
			}
			return withStatus(statusUnverified, f.acknowledgeLost(cmd.Context(), s, target))
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.keys, "key", nil, "a public `KEY` beside those of the configuration, which has signed some of the heads")
	flags.StringArrayVar(&f.heads, "heads", nil, "a `FILE` of heads that was kept elsewhere, as verify takes it")
	flags.StringArrayVar(&f.witnesses, "witness", nil, "a public `KEY` of a witness that has cosigned some of the heads")
	flags.StringVar(&f.reason, "reason", "", "why they are lost (`TEXT`), which is signed, and stays")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only list what is lost")
	return cmd
}

func (f *acknowledgeFlags) acknowledgeLost(ctx context.Context, s commandEnvironment, target *storeTarget) error {
	cfg, err := target.sealedExporter(ctx, s.variable)
	if err != nil {
		return err
	}
	log, err := cfg.OpenLossLog(silentTelemetry())
	if err != nil {
		return err
	}
	o, err := f.verifyOptions(log.Keys(), s.now())
	if err != nil {
		return err
	}
	store, err := target.openStore(ctx, s.variable)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	losses, err := verify.FindLost(ctx, store, o)
	if err != nil {
		return err
	}
	for _, l := range losses {
		fmt.Fprintf(s.out, "%s: %s lost, from page %d to %d, of until %s\n", printing.VisibleLines(l.Log), countText(l.Heads, "kept head"), l.From, l.To, timeText(l.Until))
	}
	switch {
	case len(losses) == 0:
		fmt.Fprintln(s.out, "no head that a key of the configuration or --key has signed is lost")
		if len(f.heads) == 0 {
			return usageErrorf("name with --heads the file of heads that were kept elsewhere: those of them are acknowledged that are lost")
		}
		return nil
	case f.dryRun:
		return nil
	}
	if err := log.Acknowledge(ctx, store, losses, f.reason); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "acknowledged")
	return nil
}

func (f *acknowledgeFlags) verifyOptions(own seal.Keys, at time.Time) (verify.Options, error) {
	o := verify.Options{At: at}
	more, err := seal.ParseKeys(f.keys...)
	if err != nil {
		return o, err
	}
	o.Keys = append(own, more.Without(own)...)
	if o.Witnesses, err = seal.ParseKeys(f.witnesses...); err != nil {
		return o, err
	}
	o.Heads, err = readHeadFiles(f.heads)
	return o, err
}

func readHeadFiles(paths []string) (heads []string, err error) {
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		heads = append(heads, seal.HeadsIn(string(content))...)
	}
	return heads, nil
}
