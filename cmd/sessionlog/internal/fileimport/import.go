// Package fileimport delivers files once to the exporter of a configuration, as its receiver would have read them, shows how far it is, and says what became
// of them.
package fileimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
	"github.com/otel-sessionlog/sessionlog/receiver/sessionlogreceiver"
)

// Settings say what is imported, whence and whereto.
type Settings struct {
	ReceiverName, ExporterName string // as the configuration has them
	Receiver                   *sessionlogreceiver.Config
	Exporter                   *sessionlogexporter.Config
	Paths                      []string                    // of the files
	Timezone                   string                      // of times that carry none, where the receiver has no key timezone; "": none
	StatePath                  string                      // of a file that remembers how far the import came; "": none
	Progress                   io.Writer                   // gets progress and warnings
	IsTerminal                 bool                        // Progress is one: it gets a bar
	Version                    string                      // of the program
	Telemetry                  component.TelemetrySettings // without a logger: warnings go to Progress
}

// FileImport is one run over the files.
type FileImport struct {
	Settings
	state    *importState // nil: none
	progress *importProgress
	summary  *importSummary
}

// New is an import whose files are there, and whose state is its own: else the error is [ErrOtherImport]. It is to be closed.
func New(s Settings) (*FileImport, error) {
	instance, err := s.Receiver.ImportInstance()
	if err != nil {
		return nil, fmt.Errorf("receivers::%s::%w", s.ReceiverName, err)
	}
	total, err := sizeOfFiles(s.Paths)
	if err != nil {
		return nil, err
	}
	i := &FileImport{Settings: s, progress: newImportProgress(s.Progress, s.IsTerminal, total), summary: newImportSummary()}
	if s.StatePath == "" {
		return i, nil
	}
	purpose := importPurpose{Instance: instance, Store: storeNameWithoutSecrets(s.Exporter)}
	for _, path := range s.Paths {
		whole, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		purpose.Files = append(purpose.Files, whole)
	}
	if i.state, err = openImportState(s.StatePath, purpose); err != nil {
		return nil, err
	}
	return i, nil
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

// Close leaves the state to other imports.
func (i *FileImport) Close() {
	if i.state != nil {
		_ = i.state.Close(context.Background()) // each change is on the disk already
	}
}

// Run delivers the files to the exporter, which has each record in its store, or in the dead letter, before the state moves past it.
func (i *FileImport) Run(ctx context.Context) (err error) {
	settings := i.Telemetry
	settings.Logger = i.progress.warningLogger()
	build := component.BuildInfo{Command: "sessionlog", Description: "import", Version: i.Version}
	out, err := i.Exporter.NewImporter(ctx, exporter.Settings{ID: importID(i.ExporterName), TelemetrySettings: settings, BuildInfo: build}, i.summary.countWritten)
	if err != nil {
		return fmt.Errorf("exporters::%s: %w", i.ExporterName, err)
	}
	// A context that has ended must not end writes under way: their records would be reported as lost.
	background := context.WithoutCancel(ctx)
	if err := out.Start(background, noHost{}); err != nil {
		return errors.Join(fmt.Errorf("exporters::%s: %w", i.ExporterName, err), out.Shutdown(background))
	}
	stopShowing := i.progress.showUntilStopped()
	var kept storage.Client
	if i.state != nil {
		kept = i.state
	}
	err = i.Receiver.Import(ctx, receiver.Settings{ID: importID(i.ReceiverName), TelemetrySettings: settings, BuildInfo: build}, out, sessionlogreceiver.FileImport{
		Paths: i.Paths, Timezone: i.Timezone, Storage: kept,
		Advance: i.progress.addProgress, Delivered: i.progress.countDelivered, Bad: i.summary.countBad,
	})
	stopShowing()
	i.summary.takeProgress(i.progress)
	if ctx.Err() != nil {
		err = i.explainInterruption()
	}
	return errors.Join(err, out.Shutdown(background))
}

func (i *FileImport) explainInterruption() error {
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
