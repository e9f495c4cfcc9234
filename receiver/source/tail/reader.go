package tail

import (
	"context"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
)

type folderReader struct {
	Settings
	host     source.Host
	problems *problemReport
	cursors  *cursorStore
	queue    *delivery.Queue[*cursorBatch]
	batch    *cursorBatch // that is being filled; nil until one is needed
	stopped  bool         // the queue takes no more
	backlog  delivery.Backlog

	files     []*trackedFile
	formats   map[string]*formatState // by the name of the format
	copies    map[string]fileCopy     // by path
	rotations map[string]rotatedPath  // by path

	scans       int
	scannedAt   time.Time
	scanned     bool                    // one scan is over
	scannedLast bool                    // without Follow: once more, to be sure
	unreachable error                   // of this scan
	atPath      map[string]*trackedFile // of this scan
	unlisted    map[string]bool         // paths that rotations have left, of this scan
	notRead     map[string]FileInfo     // files that were not read in the scan before, by path

	buffer        []byte
	recordLengths []int // of a chunk; negative: too long
}

func newReader(s Settings, host source.Host, cursors *cursorStore, queue *delivery.Queue[*cursorBatch], status *delivery.Status) *folderReader {
	return &folderReader{
		Settings: s, host: host, problems: newProblemReport(host, status), cursors: cursors, queue: queue, backlog: delivery.NewBacklog(host),
		formats: map[string]*formatState{}, copies: map[string]fileCopy{}, rotations: map[string]rotatedPath{},
		atPath: map[string]*trackedFile{}, unlisted: map[string]bool{}, notRead: map[string]FileInfo{}, buffer: make([]byte, chunkSize),
	}
}

func (r *folderReader) runScans(ctx context.Context) {
	defer r.closeFiles()
	pauses := source.NewBackOff()
	for ctx.Err() == nil && !r.stopped {
		more := r.scanOnce(ctx)
		switch {
		case r.unreachable != nil:
			if !source.Wait(ctx, max(r.PollInterval, pauses.NextBackOff())) {
				return
			}
			continue
		case more:
		case r.Follow:
			if !source.Wait(ctx, r.PollInterval) {
				return
			}
		case r.isComplete():
			return
		}
		pauses.Reset()
	}
}

func (r *folderReader) isComplete() bool {
	if !slices.ContainsFunc(r.files, func(f *trackedFile) bool { return f.parsing.format.DecidesByTime && !f.activity.unchanged }) {
		return true
	}
	// A second scan, which shows that nothing was written while the texts were read.
	complete := r.scannedLast
	r.scannedLast = true
	return complete
}

func (r *folderReader) scanOnce(ctx context.Context) (more bool) {
	r.unreachable, r.scannedAt = nil, r.host.Now()
	clear(r.problems.current)
	defer func() {
		if ctx.Err() == nil {
			r.problems.reportReach(r.unreachable)
		}
	}()
	listed, err := r.Folder.List(ctx, r.reportProblem)
	if err != nil {
		r.unreachable = err
		return false
	}
	for _, f := range r.files {
		if f.activity.failed && f.activity.exhausted { // it is not read again, so nobody else says it
			r.problems.current[f.path] = true
		}
	}
	r.reportUnmatched(len(listed))
	unknown := r.recognizeFiles(ctx, listed)
	more = r.readMovedFiles(ctx)
	r.submitBatch(more)
	r.addNewFiles(ctx, unknown)
	more = r.readFiles(ctx) || more
	r.submitBatch(more)
	if r.unreachable != nil {
		return false
	}
	r.releaseMovedFiles()
	if !more {
		r.flushDecided(ctx)
		r.backlog.End()
	}
	r.scanned = true
	r.problems.endScan()
	return more && ctx.Err() == nil
}

func (r *folderReader) readMovedFiles(ctx context.Context) (more bool) {
	for _, f := range r.files {
		last := f.activity.idleScans >= idleLimit
		if f.activity.pathLost && r.unreachable == nil && (last || !f.activity.exhausted || f.parsing.heldBytes > 0) {
			more = r.readFile(ctx, f, last) || more
		}
	}
	return more
}

func (r *folderReader) readFiles(ctx context.Context) (more bool) {
	for _, f := range r.files {
		if !f.activity.pathLost && (!f.activity.exhausted || f.parsing.heldBytes > 0) && r.unreachable == nil {
			more = r.readFile(ctx, f, !r.Follow) || more
		}
	}
	return more
}

func (r *folderReader) closeFiles() {
	for _, f := range r.files {
		f.closeStream(false)
	}
}
