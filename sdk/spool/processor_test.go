package spool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
)

// TestALoginDoesNotHangWithTheDisk: a file is being made or deleted, and the disk does not answer.
func TestALoginDoesNotHangWithTheDisk(t *testing.T) {
	dir, table := spoolDir(t), &memoryTable{}
	a := startApp(t, dir, table)
	refused := make(chan error, 1)
	a.processor.store.mu.Lock()
	go func() {
		refused <- a.Login(t.Context(), sessionlog.User("alice"), sessionlog.DurableWithin(50*time.Millisecond))
	}()
	select {
	case err := <-refused:
		require.ErrorIs(t, err, context.DeadlineExceeded)
	case <-time.After(testTimeout):
		t.Error("the login hangs")
	}
	a.processor.store.mu.Unlock()
	require.NoError(t, a.Login(t.Context(), sessionlog.User("bob"), sessionlog.Durable()))
	a.shutdownApp(t)
}

func TestMistakesAreNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for says, open := range map[string]func() (*Processor, error){
		"no folder":         func() (*Processor, error) { return NewProcessor("", noExporter{}) },
		"no exporter":       func() (*Processor, error) { return NewProcessor(t.TempDir(), nil) },
		"WithMaxBytes":      func() (*Processor, error) { return NewProcessor(t.TempDir(), noExporter{}, WithMaxBytes(1)) },
		"WithExportTimeout": func() (*Processor, error) { return NewProcessor(t.TempDir(), noExporter{}, WithExportTimeout(0)) },
		"not a directory":   func() (*Processor, error) { return NewProcessor(file, noExporter{}) },
	} {
		_, err := open()
		require.ErrorContains(t, err, says)
	}
}

// noExporter is an exporter that is never reached.
type noExporter struct{}

func (noExporter) Export(context.Context, []sdklog.Record) error { return errors.New("nobody is here") }
func (noExporter) ForceFlush(context.Context) error              { return nil }
func (noExporter) Shutdown(context.Context) error                { return nil }
