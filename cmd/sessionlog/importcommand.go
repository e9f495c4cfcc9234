package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/fileimport"
	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
)

// importFlags are those of the command import.
type importFlags struct {
	receiver, state, timezone, output string
}

func newImportCommand(s commandEnvironment, target *storeTarget) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE ...",
		Short: "Brings files into a store, as a receiver would have read them",
		Long: "import reads exports, audit files and logs once, also compressed ones (.gz, .zst), straight into the store of an exporter. Dialect, timezone,\n" +
			"instance and redaction are those of a receiver of the configuration, so that each record has the id that it has when that receiver reads it: what is\n" +
			"there already is not written again, and a collector may go on beside it.\n\n" +
			"With --state an import that was interrupted, or killed, goes on where it was. Without, it begins anew, which writes nothing twice either.\n" +
			"What cannot be read is counted and listed at the end; records that the store refuses are in the exporter's dead letter.",
		Example: "  sessionlog import --config collector.yaml --receiver sessionlog/warehouse --exporter sessionlog --state import.state exports/*.jsonl",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("name the files to import")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&f.receiver, "receiver", "", "the receiver that the files are of (`ID`), as sessionlog/warehouse")
	cmd.Flags().StringVar(&f.state, "state", "", "a `FILE` that remembers how far the import came")
	cmd.Flags().StringVar(&f.timezone, "timezone", "", "`ZONE` of times that carry none, where the receiver has no key timezone")
	cmd.Flags().StringVarP(&f.output, "output", "o", printing.Table, "`FORMAT` of the summary: table or json")
	_ = cmd.RegisterFlagCompletionFunc("receiver", target.completeNames(receiversSection, receiverType))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.output != printing.Table && f.output != printing.JSON {
			return usageErrorf("--output %q is none of table, json", f.output)
		}
		i, err := newFileImport(cmd.Context(), s, target, &f, args)
		if err != nil {
			return err
		}
		defer i.Close()
		err = i.Run(cmd.Context())
		if a := i.Answer(); a != nil {
			err = errors.Join(err, s.newPrinter(f.output, time.UTC).PrintAnswer(a))
		}
		return err
	}
	return cmd
}

func newFileImport(ctx context.Context, s commandEnvironment, target *storeTarget, f *importFlags, paths []string) (*fileimport.FileImport, error) {
	config, err := readCollectorConfig(ctx, target.configs)
	if err != nil {
		return nil, err
	}
	settings := fileimport.Settings{Paths: paths, Timezone: f.timezone, StatePath: f.state, Progress: s.errors, IsTerminal: s.errorTerminal, Version: version, Telemetry: silentTelemetry()}
	if settings.ReceiverName, err = config.chooseName(receiversSection, receiverType, "receiver", f.receiver); err != nil {
		return nil, err
	}
	if settings.ExporterName, err = config.chooseExporter(target.exporter); err != nil {
		return nil, err
	}
	if settings.Receiver, err = config.receiverConfig(settings.ReceiverName); err != nil {
		return nil, err
	}
	if settings.Exporter, err = config.exporterConfig(settings.ExporterName); err != nil {
		return nil, err
	}
	i, err := fileimport.New(settings)
	if errors.Is(err, fileimport.ErrOtherImport) {
		err = usageError{err}
	}
	return i, err
}
