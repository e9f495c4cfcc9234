package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
)

// The exit statuses of verify beside 0, which says that every record is sealed and intact.
const (
	statusTampering   = 1
	statusUnverified  = 2
	statusUnprotected = 3
)

// defaultSealWait is longer than a collector takes to seal what it has stored.
const defaultSealWait = 10 * time.Second

// verifyFlags are those of the command verify.
type verifyFlags struct {
	keys, heads      []string
	acknowledged     []string
	acknowledgements string
	witnesses        []string
	maxAge, sealWait time.Duration
	output           string
}

func newVerifyCommand(s commandEnvironment, target *storeTarget) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Holds the stored records against their seals",
		Long: "verify reads every record and every seal of a store, and names what was altered, removed or put in between by somebody who has no key. It needs the public\n" +
			"key that keygen printed, and asks nobody but the database. Give it heads that were kept elsewhere (a file of heads of the collector's seal::directory): a log\n" +
			"whose end was cut off looks like a shorter one.\n\n" +
			"Exit status: 0 every record is sealed and intact; 1 something was tampered with; 2 it could not be verified; 3 intact, but something is not protected.",
		Example: "  sessionlog verify --sqlite session_log.db --key 'audit.example.net/logins+5d2bb3d1+BA…' --heads heads.txt --max-age 15m",
		Args:    noArguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStatus(statusUnverified, f.runVerify(cmd.Context(), s, target))
		},
	}
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "a public `KEY`, as keygen prints it; several after a rotation")
	cmd.Flags().StringArrayVar(&f.heads, "heads", nil, "a `FILE` of heads that was kept elsewhere, or JSON that has them, as a backend of logs gives it")
	cmd.Flags().StringArrayVar(&f.acknowledged, "acknowledge", nil, "an alarm that you know the cause of, such as a restore of your own: the `ID` that verify prints with it")
	cmd.Flags().StringVar(&f.acknowledgements, "acknowledgements", "", "a `FILE` of such ids, one a line; behind an id stands what you like")
	cmd.Flags().StringArrayVar(&f.witnesses, "witness", nil, "a public `KEY` of a witness: a head among those of --heads has to be cosigned by it")
	cmd.Flags().DurationVar(&f.maxAge, "max-age", 0, "how old the last head may be, in the table and among --heads, as 15m; 0: any age")
	cmd.Flags().DurationVar(&f.sealWait, "seal-wait", defaultSealWait, "how long records without a seal may wait for it, where a collector writes meanwhile")
	cmd.Flags().StringVarP(&f.output, "output", "o", printing.Table, "`FORMAT`: table, or ndjson with an object for each finding and one for the summary")
	return cmd
}

func (f *verifyFlags) runVerify(ctx context.Context, s commandEnvironment, target *storeTarget) error {
	if f.output != printing.Table && f.output != printing.NDJSON {
		return usageErrorf("--output %q is none of table, ndjson", f.output)
	}
	o := verify.Options{MaxAge: f.maxAge, SealWait: f.sealWait, At: s.now(), Progress: s.newRecordCounter()}
	var err error
	if o.Keys, err = parsePublicKeys(f.keys); err != nil {
		return err
	}
	if o.Witnesses, err = seal.ParseKeys(f.witnesses...); err != nil {
		return usageErrorf("--witness: %s", err)
	}
	if o.Heads, err = readHeadFiles(f.heads); err != nil {
		return err
	}
	if o.Acknowledged, err = f.readAcknowledged(); err != nil {
		return err
	}
	store, err := target.openStore(ctx, s.variable)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	known := map[string]bool{}
	summary, err := verify.Run(ctx, store, o, func(found verify.Finding) {
		known[found.Acknowledge] = true
		f.printFinding(s.out, found)
	})
	if err != nil {
		return err
	}
	for _, id := range f.acknowledged {
		if !known[id] {
			fmt.Fprintf(s.errors, "--acknowledge %s: no alarm has this id\n", id)
		}
	}
	return f.conclude(s.out, &summary)
}

func (f *verifyFlags) readAcknowledged() ([]string, error) {
	if f.acknowledgements == "" {
		return f.acknowledged, nil
	}
	content, err := os.ReadFile(f.acknowledgements)
	all := f.acknowledged
	for line := range strings.Lines(string(content)) {
		if words := strings.Fields(line); len(words) > 0 {
			all = append(all, words[0])
		}
	}
	return all, err
}

func parsePublicKeys(public []string) (seal.Keys, error) {
	if len(public) == 0 {
		return nil, usageErrorf("name the public key with --key: `sessionlog keygen` printed it")
	}
	keys, err := seal.ParseKeys(public...)
	if err != nil {
		return nil, usageErrorf("--key: %s", err)
	}
	return keys, nil
}

func (f *verifyFlags) printFinding(out io.Writer, found verify.Finding) {
	if f.output == printing.NDJSON {
		_ = json.NewEncoder(out).Encode(found) // who reads has gone: the status still tells
		return
	}
	words := []string{string(found.Kind)}
	if found.Kind == verify.KindErasure {
		found.Detail = countText(found.Records, "record")
	}
	if found.Signer != "" {
		found.Detail += ", signed by " + found.Signer + ": " + found.Reason
	}
	for _, word := range []string{found.Record, found.Table, timeText(found.Time), found.Log, found.Detail} {
		if word != "" {
			words = append(words, word)
		}
	}
	line := strings.Join(words, "  ")
	if !found.Sealed.IsZero() {
		line += "  sealed at " + timeText(found.Sealed)
	}
	if found.Kind == verify.KindAlarm {
		line += "  (where you know the cause: --acknowledge " + found.Acknowledge + ")"
	}
	fmt.Fprintln(out, printing.VisibleLines(line))
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// conclude prints the summary, and is the error that gives the exit status.
func (f *verifyFlags) conclude(out io.Writer, summary *verify.Summary) error {
	if f.output == printing.NDJSON {
		_ = json.NewEncoder(out).Encode(map[string]*verify.Summary{"summary": summary})
	} else {
		adopted := ""
		if summary.Adopted > 0 {
			adopted = fmt.Sprintf(" (%d were adopted: found, not received)", summary.Adopted)
		}
		cosigned := ""
		if len(f.witnesses) > 0 {
			cosigned = fmt.Sprintf(", %d of them cosigned", summary.Cosigned)
		}
		fmt.Fprintf(out, "%s%s and %s are as they were sealed, in %s from %s to %s; %d have expired, %d were erased as it was stated; %s kept elsewhere match%s\n",
			countText(summary.Records, "record"), adopted, countText(summary.Conflicts, "conflict"), countText(summary.Logs, "log"), timeText(summary.First), timeText(summary.Last),
			summary.Expired, summary.Erased, countText(summary.HeadsHeld, "head"), cosigned)
	}
	switch {
	case summary.Tampering > 0:
		return withStatus(statusTampering, errors.New(countText(summary.Tampering, "finding")+" of tampering"))
	case summary.Weak > 0:
		return withStatus(statusUnprotected, errors.New("intact, but something is not protected: see above"))
	}
	return nil
}

func countText(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

func newKeygenCommand(s commandEnvironment) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "keygen FILE",
		Short: "Makes a key that seals records",
		Long: "keygen writes a secret Ed25519 key into a new file, for seal::key_file of an exporter, and prints the public key, with which anybody can verify. Keep the file off the\n" +
			"database's host: who has both can seal what he has forged.",
		Example: "  sessionlog keygen --name audit.example.net/logins /etc/otelcol-sessionlog/seal.key",
		Args:    oneArgument("name the file for the secret key"),
		RunE: func(_ *cobra.Command, args []string) error {
			secret, public, err := seal.GenerateKey(name)
			if err != nil {
				return usageErrorf("--name: %s", err)
			}
			file, err := os.OpenFile(args[0], os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(file, secret)
			if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
				return err
			}
			fmt.Fprintln(s.out, public)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "sessionlog", "the key's `NAME`, which begins the names of its logs, as audit.example.net/logins")
	return cmd
}
