package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
)

// The exit statuses beside 0.
const (
	statusError = 1
	statusUsage = 2
)

// commandEnvironment are what a command is run in.
type commandEnvironment struct {
	out, errors   io.Writer
	width         int  // of the terminal that out is; 0 where it is not one
	errorTerminal bool // errors is a terminal
	variable      func(name string) string
	now           func() time.Time
}

func processSurroundings() commandEnvironment {
	s := commandEnvironment{out: os.Stdout, errors: os.Stderr, variable: os.Getenv, now: time.Now, errorTerminal: isTerminal(os.Stderr)}
	if isTerminal(os.Stdout) {
		s.width = 80
		if width, _, err := term.GetSize(descriptorOf(os.Stdout)); err == nil && width > 0 {
			s.width = width
		}
	}
	return s
}

func (s commandEnvironment) newPrinter(format string, zone *time.Location) *printing.Printer {
	return &printing.Printer{Out: s.out, Errors: s.errors, Width: s.width, Variable: s.variable, Format: format, Zone: zone}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(descriptorOf(f)) }

func descriptorOf(f *os.File) int { return int(f.Fd()) } //nolint:gosec // a small number

// usageError is a mistake in how the command was called.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usageErrorf(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitError is an error with an exit status of its own.
type exitError struct {
	error
	status int
}

func (e exitError) Unwrap() error { return e.error }

// withStatus gives an error a status, unless it has one.
func withStatus(status int, err error) error {
	var known exitError
	if err == nil || errors.As(err, &known) {
		return err
	}
	return exitError{err, status}
}

// noArguments refuses arguments; hint says what is written in their place.
func noArguments(hint string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageErrorf("%s takes no arguments%s", cmd.Name(), hint)
		}
		return nil
	}
}

func oneArgument(missing string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageErrorf("%s", missing)
		}
		return nil
	}
}

// newRecordCounter shows on a terminal how many records a command has dealt with; it is nil elsewhere.
func (s commandEnvironment) newRecordCounter() func(more int) {
	if !s.errorTerminal {
		return nil
	}
	records := 0
	return func(more int) {
		records += more
		fmt.Fprintf(s.errors, "\r%d records", records)
	}
}

func runCommand(ctx context.Context, args []string, s commandEnvironment) int {
	root, running := newRootCommand(s)
	root.SetArgs(args)
	called, err := root.ExecuteContextC(ctx)
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage), !*running:
		fmt.Fprintf(s.errors, "sessionlog: %s\nHow it is used: %s --help\n", printing.VisibleLines(err.Error()), called.CommandPath())
		return statusUsage
	}
	fmt.Fprintf(s.errors, "sessionlog: %s\n", printing.VisibleLines(err.Error()))
	var exit exitError
	if errors.As(err, &exit) {
		return exit.status
	}
	return statusError
}

// newRootCommand also gives what says whether a command has begun: errors before that are of its arguments.
func newRootCommand(s commandEnvironment) (root *cobra.Command, running *bool) {
	running = new(bool)
	root = &cobra.Command{
		Use:   "sessionlog",
		Short: "Shows what is stored about logins, and brings files there",
		Long: "sessionlog asks the store that the exporter sessionlog of an OpenTelemetry Collector writes: who logged in, who failed, from where and with what.\n" +
			"It only reads; import, adopt, acknowledge and forget alone write.\n\n" +
			"Where the logins are: --config names the collector's configuration (and --exporter one of its exporters), or one of --sqlite, --postgresql and\n" +
			"--clickhouse names a store. Which of them: --from, --to and conditions as COLUMN=VALUE.",
		Example:       "  sessionlog search --config collector.yaml --from -24h --user alice\n  sessionlog failures --sqlite session_log.db",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageErrorf("there is no command %q", args[0])
			}
			return nil
		},
	}
	root.SetOut(s.out)
	root.SetErr(s.errors)
	root.SetFlagErrorFunc(explainFlagError)
	target := addTargetFlags(root)
	views := storeViews()
	sql := newSQLCommand()
	for i := range views {
		root.AddCommand(newViewCommand(s, target, &views[i], false))
		sql.AddCommand(newViewCommand(s, target, &views[i], true))
	}
	root.AddCommand(sql, newTailCommand(s, target), newImportCommand(s, target), newDoctorCommand(s, target), newVerifyCommand(s, target), newProveCommand(s, target), newCheckCommand(s), newHeadsCommand(s, target), newAdoptCommand(s, target), newAcknowledgeCommand(s, target), newForgetCommand(s, target), newKeygenCommand(s), newManualCommand(s))
	noteRunning(root, running)
	return root, running
}

// noteRunning sets running when a command begins: cobra checks groups of flags after its hooks.
func noteRunning(cmd *cobra.Command, running *bool) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*running = true
			return run(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		noteRunning(sub, running)
	}
}

func explainFlagError(_ *cobra.Command, err error) error {
	// Whoever excludes as in the explorer's query string writes -COLUMN=VALUE.
	if strings.Contains(err.Error(), "unknown shorthand flag") {
		err = fmt.Errorf("%w; what is to be left out is written COLUMN!=VALUE", err)
	}
	return usageError{err}
}

func newSQLCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "sql",
		Short:   "Prints the SQL of a view, as it has just run",
		Long:    "sql runs a view and prints, in place of its answer, the statements that gave it: of a long range the slices of time, newest first.",
		Example: "  sessionlog sql search --sqlite session_log.db --user alice",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("name a view, as in: sessionlog sql search")
			}
			return usageErrorf("there is no view %q", args[0])
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
}
