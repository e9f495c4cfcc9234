// Package tail reads texts as they grow: it finds them again under other names, notices rotation and truncation, hands what
// parsers make of them to the pipeline, and remembers how far it was taken. Where the texts lie is a [Folder]'s business, what
// they mean a [logformat.Format]'s.
package tail

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// Settings say what is read, and how. All but Format and FallbackFormat must be set.
type Settings struct {
	Folder Folder
	Where  string // of the folder, for the log: what was configured
	// Remedy says what to do about a file that cannot be read, where it knows; it may be nil.
	Remedy  func(path string, err error) string
	Formats []logformat.Format
	// Format is one of Formats; empty looks at each text to tell. FallbackFormat is then that of texts which none knows.
	Format, FallbackFormat string
	Options                logformat.Options // Name, Written and Shared are filled in for each text

	Follow       bool // read on as texts grow; otherwise each is read once to its end
	PollInterval time.Duration
	BatchSize    int  // most events that are handed on together
	MaxLineBytes int  // a longer record is skipped and counted
	SkipExisting bool // what is there at the very first start is not told
	HoldOpen     int  // how many files stay open between polls, so that their rest can be read after a rotation
}

// Run reads until ctx ends; without Follow, until every text has been read and delivered.
func Run(ctx context.Context, s Settings, host source.Host) error {
	h := newHealth(host.Status)
	known := loadPatiently(ctx, host, h)
	if known == nil {
		return nil // ctx ended
	}
	d := newDeliverer(host, h, s.BatchSize)
	var delivering sync.WaitGroup
	delivering.Go(func() { d.run(ctx) })
	newReader(s, host, known, d).run(ctx)
	close(d.pages)
	delivering.Wait()
	d.save(ctx)
	return nil
}

// loadPatiently reads the cursors. Without them everything would be told again, so it waits for a store that fails.
func loadPatiently(ctx context.Context, host source.Host, h *health) *cursorStore {
	for attempt := 0; ; attempt++ {
		l, err := load(ctx, host.Store)
		h.set("storage", err)
		if err == nil {
			return l
		}
		if ctx.Err() == nil {
			host.Log.Warn("the cursors cannot be read: trying again", zap.Error(err))
		}
		if !wait(ctx, pause(attempt)) {
			return nil
		}
	}
}
