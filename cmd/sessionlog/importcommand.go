package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/receiver"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
	"github.com/otel-sessionlog/sessionlog/receiver/sessionlogreceiver"
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
	cmd.Flags().StringVarP(&f.output, "output", "o", outputTable, "`FORMAT` of the summary: table or json")
	_ = cmd.RegisterFlagCompletionFunc("receiver", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		config, err := readCollectorConfig(cmd.Context(), target.configs)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return config.namesOf(receiversSection, receiverType), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.output != outputTable && f.output != outputJSON {
			return usageErrorf("--output %q is none of table, json", f.output)
		}
		i, err := newFileImport(cmd.Context(), s, target, &f, args)
		if err != nil {
			return err
		}
		defer i.closeState()
		err = i.runImport(cmd.Context())
		return errors.Join(err, i.summary.printSummary(&answerPrinter{s, f.output, time.UTC}))
	}
	return cmd
}

// fileImport is one run of the command import.
type fileImport struct {
	commandEnvironment
	receiverName, exporterName string
	receiver                   *sessionlogreceiver.Config
	exporter                   *sessionlogexporter.Config
	paths                      []string
	timezone                   string
	state                      *importState // nil: none
	progress                   *importProgress
	summary                    *importSummary
}

func newFileImport(ctx context.Context, s commandEnvironment, target *storeTarget, f *importFlags, paths []string) (*fileImport, error) {
	config, err := readCollectorConfig(ctx, target.configs)
	if err != nil {
		return nil, err
	}
	i := &fileImport{commandEnvironment: s, paths: paths, timezone: f.timezone, summary: newImportSummary()}
	if i.receiverName, err = config.chooseName(receiversSection, receiverType, "receiver", f.receiver); err != nil {
		return nil, err
	}
	if i.exporterName, err = config.chooseExporter(target.exporter); err != nil {
		return nil, err
	}
	if i.receiver, err = config.receiverConfig(i.receiverName); err != nil {
		return nil, err
	}
	if i.exporter, err = config.exporterConfig(i.exporterName); err != nil {
		return nil, err
	}
	instance, err := i.receiver.ImportInstance()
	if err != nil {
		return nil, fmt.Errorf("%s::%s::%w", receiversSection, i.receiverName, err)
	}
	total, err := sizeOfFiles(paths)
	if err != nil {
		return nil, err
	}
	i.progress = newImportProgress(s, total)
	if f.state != "" {
		purpose := importPurpose{Instance: instance, Store: storeNameWithoutSecrets(i.exporter)}
		for _, path := range paths {
			whole, err := filepath.Abs(path)
			if err != nil {
				return nil, err
			}
			purpose.Files = append(purpose.Files, whole)
		}
		i.state, err = openImportState(f.state, purpose)
	}
	return i, err
}

func sizeOfFiles(paths []string) (total int64, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return 0, err
		}
		total += info.Size()
	}
	return total, nil
}

func (i *fileImport) closeState() {
	if i.state != nil {
		_ = i.state.Close(context.Background()) // each change is on the disk already
	}
}

// runImport delivers the files to the exporter, which has each record in its store, or in the dead letter, before the state moves past it.
func (i *fileImport) runImport(ctx context.Context) (err error) {
	settings := silentTelemetry(i.progress.warningLogger())
	build := component.BuildInfo{Command: "sessionlog", Description: "import", Version: version}
	out, err := i.exporter.NewImporter(ctx, exporter.Settings{ID: importID(i.exporterName), TelemetrySettings: settings, BuildInfo: build}, i.summary.countWritten)
	if err != nil {
		return fmt.Errorf("%s::%s: %w", exportersSection, i.exporterName, err)
	}
	// A context that has ended must not end writes under way: their records would be reported as lost.
	background := context.WithoutCancel(ctx)
	if err := out.Start(background, noHost{}); err != nil {
		return errors.Join(fmt.Errorf("%s::%s: %w", exportersSection, i.exporterName, err), out.Shutdown(background))
	}
	stopShowing := i.progress.showUntilStopped()
	var kept storage.Client
	if i.state != nil {
		kept = i.state
	}
	err = i.receiver.Import(ctx, receiver.Settings{ID: importID(i.receiverName), TelemetrySettings: settings, BuildInfo: build}, out, sessionlogreceiver.FileImport{
		Paths: i.paths, Timezone: i.timezone, Storage: kept,
		Advance: i.progress.addProgress, Delivered: i.progress.countDelivered, Bad: i.summary.countBad,
	})
	stopShowing()
	i.summary.takeProgress(i.progress)
	if ctx.Err() != nil {
		err = i.explainInterruption()
	}
	return errors.Join(err, out.Shutdown(background))
}

func (i *fileImport) explainInterruption() error {
	if i.state == nil {
		return errors.New("interrupted: called again, it begins anew, and writes nothing twice; with --state it would go on from here")
	}
	return errors.New("interrupted: called again with the same --state, it goes on from here")
}

// importID names a component whose dead letter is this process' own.
func importID(name string) component.ID {
	var id component.ID
	_ = id.UnmarshalText([]byte(name)) // it was one of the configuration
	own := fmt.Sprintf("import_%d", os.Getpid())
	if id.Name() != "" {
		own = id.Name() + "_" + own
	}
	return component.NewIDWithName(id.Type(), own)
}

type noHost struct{}

func (noHost) GetExtensions() map[component.ID]component.Component { return nil }

func silentTelemetry(log *zap.Logger) component.TelemetrySettings {
	return component.TelemetrySettings{Logger: log, TracerProvider: tracenoop.NewTracerProvider(), MeterProvider: metricnoop.NewMeterProvider(), Resource: pcommon.NewResource()}
}
