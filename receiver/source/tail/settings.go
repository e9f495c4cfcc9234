// Package tail reads texts as they grow: it finds them again under other names, notices rotation and truncation, delivers what
// parsers make of them, and remembers how far. Where the texts lie is a [Folder]'s business, what they mean a [logformat.Format]'s.
package tail

import (
	"context"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
)

// Settings say what is read, and how. All but Format, FallbackFormat and the functions must be set.
type Settings struct {
	Folder Folder
	Where  string // of the folder, for the log: what was configured
	// Siblings gives the files that rotations of path may have made, whether Folder lists them or not.
	Siblings func(path string) []File
	// Unmatched gives the parts of the key `include` under which Folder found nothing when it was listed last.
	Unmatched func() []string
	// Remedy says what to do about a file that cannot be read, "" where it does not know.
	Remedy func(path string, err error) string

	Formats []logformat.Format
	// Format is one of Formats; empty detects that of each text. FallbackFormat is then that of texts which none knows.
	Format, FallbackFormat string
	Options                logformat.Options // Name, Written and Shared are filled in for each text

	Follow       bool // read on as texts grow; otherwise each is read once to its end
	PollInterval time.Duration
	BatchSize    int  // most events that are delivered at once
	MaxLineBytes int  // a longer record is skipped and counted
	SkipExisting bool // what exists at the very first start is not delivered
	HoldOpen     int  // how many files stay open between scans, so that their rest can be read after a rotation
}

// Run reads until ctx ends; without Follow, until every text has been read and delivered.
func Run(ctx context.Context, s Settings, host source.Host) error {
	status := delivery.NewStatus(host)
	var cursors *cursorStore
	if !delivery.LoadUntilDone(ctx, host, status, func(ctx context.Context) (err error) {
		cursors, err = readCursors(ctx, host.Store)
		return err
	}) {
		return nil
	}
	queue := delivery.New(ctx, host, status, s.BatchSize, func() *cursorBatch { return &cursorBatch{stats: host.Stats} })
	defer queue.Close()
	newReader(s, host, cursors, queue, status).runScans(ctx)
	return nil
}
