package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/bundle"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
)

func newProveCommand(s commandEnvironment, target *storeTarget) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "prove RECORD_ID",
		Short: "Writes a proof of one record, which needs no database",
		Long: "prove writes a bundle that shows one record to whoever has the public key: when and as what it was sealed. `sessionlog check` checks it without the database,\n" +
			"and README.txt in it says how to do so with nothing of ours. It has the whole record; of its neighbours only hashes that tell nothing.",
		Example: "  sessionlog prove 019a0000-0000-8000-8000-000000000001 --config collector.yaml -o record.zip",
		Args:    oneArgument("name the record by its id, as search --columns record_id shows it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeProof(cmd.Context(), s, target, args[0], output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "record.zip", "the `FILE` to be written: one ending in .zip, or else a folder that is not there yet")
	return cmd
}

func writeProof(ctx context.Context, s commandEnvironment, target *storeTarget, record, output string) error {
	id, err := parseIdentity(record, "%q is no record's id: write its 32 hexadecimal digits, as search --columns record_id shows them")
	if err != nil {
		return err
	}
	store, err := target.openStore(ctx, s.variable)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	e, err := sealquery.ReadRecord(ctx, store, id)
	var proof seal.RecordProof
	if err == nil {
		proof, err = sealquery.Prove(ctx, store, e)
	}
	switch {
	case errors.Is(err, seal.ErrNotSealed):
		return fmt.Errorf("record %s is in no seal, or not as it was sealed: `sessionlog verify` says which", id)
	case err != nil:
		return fmt.Errorf("record %s: %w", id, err)
	}
	return bundle.Write(output, &proof)
}

func newCheckCommand(s commandEnvironment) *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Checks a proof that prove has written, without the database",
		Long: "check says what a bundle of `sessionlog prove` shows: the record, and when it was sealed. FILE is the bundle, or the folder that it was\n" +
			"unpacked into. It needs the public key that signed at that time, from whoever is trusted with it, and nothing else.\n\n" +
			"Exit status: 0 proven; 1 not what was sealed; 2 it could not be checked.",
		Example: "  sessionlog check record.zip --key 'audit.example.net/logins+5d2bb3d1+BA…'",
		Args:    oneArgument("name the file, or the folder, that prove has written"),
		RunE: func(_ *cobra.Command, args []string) error {
			return withStatus(statusUnverified, checkProof(s, args[0], keys))
		},
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "a public `KEY`, as keygen prints it; several after a rotation")
	return cmd
}

func checkProof(s commandEnvironment, path string, public []string) error {
	keys, err := parsePublicKeys(public)
	if err != nil {
		return err
	}
	proof, record, err := bundle.Read(path)
	if err != nil {
		return err
	}
	shown, err := proof.Check(keys)
	switch {
	case errors.Is(err, seal.ErrNewerRecord):
		return err
	case err != nil:
		return withStatus(statusTampering, err)
	case string(record) != bundle.RecordText(shown.Event):
		return withStatus(statusTampering, fmt.Errorf("%s does not say the same as %s", bundle.FileRecordText, bundle.FileRecord))
	}
	printProven(s.out, &shown)
	return nil
}

// sealedAs is what an entry says of a record.
var sealedAs = map[seal.Kind]string{
	seal.KindEvent:    "as it came to the collector",
	seal.KindConflict: "as a second version of a record, which was kept aside",
	seal.KindAdopted:  "as it was found in the table: no collector has received it",
}

func printProven(out io.Writer, shown *seal.Proven) {
	e := shown.Event
	for _, line := range [][2]string{
		{"proven", e.RecordID.String()},
		{"what", e.Kind.String() + " " + e.Outcome.String()},
		{"who", e.User},
		{"from", e.ClientAddress},
		{"when", timeText(time.Unix(0, e.Time))},
		{"sealed at", timeText(shown.Sealed) + ", " + sealedAs[shown.Kind]},
		{"log", fmt.Sprintf("%s, page %d", shown.Log, shown.Page)},
	} {
		if line[1] != "" {
			fmt.Fprintf(out, "%-10s %s\n", line[0], printing.VisibleText(line[1]))
		}
	}
}

func newHeadsCommand(s commandEnvironment, target *storeTarget) *cobra.Command {
	return &cobra.Command{
		Use:   "heads",
		Short: "Prints the last head of each log, to be kept elsewhere",
		Long: "heads prints the last signed head of each log in a store. Append it to a file where nobody can change it who may change the database: `verify --heads` finds\n" +
			"then whether the end of a log was cut off, or an older copy brought back.",
		Example: "  sessionlog heads --sqlite session_log.db >> heads.txt",
		Args:    noArguments(""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return printHeads(cmd.Context(), s, target) },
	}
}

func printHeads(ctx context.Context, s commandEnvironment, target *storeTarget) error {
	store, err := target.openStore(ctx, s.variable)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	last, err := sealquery.LastHeads(ctx, store)
	for _, one := range last {
		fmt.Fprintln(s.out, printing.VisibleLines(one.Head))
	}
	return err
}
