package sessionlogreceiver

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	"github.com/otel-sessionlog/sessionlog/session"
)

// FileImport reads files once, as a receiver of a configuration would have read them: with its dialect, zone, instance and redaction, so that
// each record has the id that it would have had. All functions must be set.
type FileImport struct {
	Paths []string
	// Timezone is that of times without one, where the configuration's source has no such key; "" takes the configuration's.
	Timezone string
	// Storage remembers how far the files are delivered; nil: nothing does.
	Storage storage.Client
	// Advance gets how many bytes of the files were read, and how many were passed over since an earlier run has delivered them.
	Advance func(read, skipped int64)
	// Delivered gets the number of events that the pipeline has taken, or the dead letter. It is called from several goroutines.
	Delivered func(events int)
	// Bad gets the number of rows that cannot be read, or 1 for a file; neither place nor reason holds a value of them.
	Bad func(rows int, place string, reason error)
}

// ErrIncomplete is the error of an import that has not delivered everything.
var ErrIncomplete = errors.New("not everything was imported")

// ImportInstance is the instance of the records that [Config.Import] reads.
func (c *Config) ImportInstance() (string, error) {
	block, err := c.selectedSource()
	switch {
	case err != nil || c.Instance != "":
		return c.Instance, err
	case c.HTTP.HasValue(), c.S3.HasValue(), c.CloudWatch.HasValue(), c.Journald.HasValue():
		return "", errors.New("instance: without it each object, stream or host is an instance of its own, and which of them the files are of is not known: write instance")
	}
	return block.defaultInstance(), nil
}

// Import delivers the files to next, and returns when it has all of them, or ctx has ended. set names the import, whose dead letter has a file
// of its own.
func (c *Config) Import(ctx context.Context, set receiver.Settings, next consumer.Logs, files FileImport) error {
	instance, err := c.ImportInstance()
	if err != nil {
		return err
	}
	cfg := file.DefaultConfig()
	if own := c.File.Get(); c.File.HasValue() {
		cfg = *own
	}
	if files.Timezone != "" {
		cfg.Timezone = files.Timezone
	}
	src, err := file.NewImport(cfg, files.Paths, instance, files.Advance, set.TelemetrySettings)
	if err != nil {
		return err
	}
	r, err := newReceiver(set, c, "file", src, next)
	if err != nil {
		return err
	}
	return r.runImport(ctx, files)
}

func (r *logsReceiver) runImport(ctx context.Context, files FileImport) (err error) {
	if r.emitter.deadLetterWriter, err = r.openDeadLetter(); err != nil {
		return err
	}
	if r.client = files.Storage; files.Storage == nil {
		r.client = &memoryCursor{}
	}
	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.emitter.stopReceiver, r.health.host = cancel, hostWithoutExtensions{}
	host, state := r.sourceHost(hostWithoutExtensions{}), &importState{}
	emit := host.Emit
	host.Emit = func(ctx context.Context, batch []session.Event) error {
		err := emit(ctx, batch)
		if err == nil {
			files.Delivered(len(batch))
		}
		return err
	}
	host.Stats = importStats{host.Stats, files.Bad}
	host.Status = state.setResult
	err = r.source.Run(run, host)
	r.stats.occurrences.Flush()
	if r.emitter.deadLetterWriter != nil {
		err = errors.Join(err, r.emitter.deadLetterWriter.Close())
	}
	switch cause := context.Cause(run); {
	case err != nil:
		return err
	case cause != nil:
		return fmt.Errorf("%w: %w", ErrIncomplete, cause)
	case state.getResult() != nil:
		return fmt.Errorf("%w: %w", ErrIncomplete, state.getResult())
	}
	return nil
}

// importState is how the source was doing last.
type importState struct {
	mu  sync.Mutex
	err error
}

func (s *importState) setResult(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *importState) getResult() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// importStats reports what cannot be read.
type importStats struct {
	source.Stats
	bad func(rows int, place string, reason error)
}

func (s importStats) BadRows(n int, place string, reason error) {
	s.Stats.BadRows(n, place, reason)
	s.bad(n, place, reason)
}

type hostWithoutExtensions struct{}

func (hostWithoutExtensions) GetExtensions() map[component.ID]component.Component { return nil }
