package tail

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// reader looks for files and reads them one after another.
type reader struct {
	Settings
	host    source.Host
	known   *cursorStore
	deliver *deliverer

	tails      []*tail
	under      []*tail // of each file of the last look, by its path; nil where nothing was read
	rounds     int
	copies     map[string]fileCopy // by path
	looks      map[string]Info     // of files that are not read, in the round before, by path
	remedies   map[string]string   // of problems, by path
	unmatched  map[string]bool     // what of the configuration found nothing
	conditions *conditionlog.Logger
	besides    map[string]bool     // siblings of rotated files in this look, by path
	rotations  map[string]rotation // by path
	problems   map[string]string   // what was last complained of, by path
	current    map[string]bool     // paths complained of in this round
	unsaved    bool                // the index of the cursor store
	started    bool                // the first scan is over
	looked     time.Time           // when the folder was last looked at
	again      bool                // it was looked at once more

	away     error                // the folder is out of reach in this round
	failures int                  // rounds in a row in which it was
	settlers map[string]*settling // by format

	buf  []byte
	ends []int // lengths of the records in a chunk; negative: too long
	page *page
}

const (
	chunk    = 256 << 10
	turnSize = 64 << 20 // text of one growing file that is read before the others have their turn
)

func newReader(s Settings, host source.Host, known *cursorStore, d *deliverer) *reader {
	return &reader{
		Settings: s, host: host, known: known, deliver: d,
		copies: map[string]fileCopy{}, looks: map[string]Info{},
		remedies: map[string]string{}, unmatched: map[string]bool{}, conditions: conditionlog.New(host.Log, host.Now),
		besides: map[string]bool{}, rotations: map[string]rotation{},
		problems: map[string]string{}, current: map[string]bool{}, settlers: map[string]*settling{}, buf: make([]byte, chunk),
	}
}

func (r *reader) run(ctx context.Context) {
	defer r.close()
	for ctx.Err() == nil {
		more := r.round(ctx)
		switch {
		case r.away != nil:
			r.failures++
			if !wait(ctx, max(r.PollInterval, pause(r.failures))) {
				return
			}
			continue
		case more:
		case !r.Follow && r.sure():
			return
		case !r.Follow:
		case !wait(ctx, r.PollInterval):
			return
		}
		r.failures = 0
	}
}

// sure tells whether reading once is over. What is decided by time takes a second look, which shows that nothing was written
// while the texts were read.
func (r *reader) sure() bool {
	if !slices.ContainsFunc(r.tails, func(t *tail) bool { return t.format.DecidesByTime && !t.still }) {
		return true
	}
	again := r.again
	r.again = true
	return again
}

// round looks at the folder once and reads what is new. It tells whether there is more to read at once.
func (r *reader) round(ctx context.Context) (more bool) {
	clear(r.current)
	r.away, r.looked = nil, r.host.Now()
	defer r.tellReach(ctx)
	files, err := r.Folder.List(ctx, r.complain)
	if err != nil {
		r.away = err
		return false
	}
	for _, t := range r.tails {
		if t.problem && t.drained {
			r.current[t.path] = true
		}
	}
	r.tellUnmatched(len(files))
	strangers := r.recognise(ctx, files)
	for _, t := range r.tails {
		if t.gone && r.away == nil {
			more = r.turn(ctx, t, t.idle >= idlePolls) || more
		}
	}
	_ = r.flush(ctx, more) // it fails only when ctx ends, and then the round ends too
	r.adopt(ctx, strangers)
	for _, t := range r.tails {
		if !t.gone && (!t.drained || t.held > 0) && r.away == nil {
			more = r.turn(ctx, t, !r.Follow) || more
		}
	}
	_ = r.flush(ctx, more)
	if r.away != nil {
		return false
	}
	r.dismiss()
	if !more {
		r.settle(ctx)
	}
	r.started = true
	r.report()
	return more && ctx.Err() == nil
}

// tellReach says whether the folder could be looked at in this round.
func (r *reader) tellReach(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	if r.away != nil {
		r.conditions.Raise("folder", "the log folder is out of reach: trying again", zap.Error(r.away))
	} else {
		r.conditions.Clear("folder", "the log folder is in reach")
	}
	r.deliver.health.set("folder", r.away)
}

func (r *reader) saveIndex(ctx context.Context) {
	if !r.unsaved {
		return
	}
	err := r.known.save(ctx)
	r.deliver.health.set("storage", err)
	r.unsaved = err != nil
}

// complain counts and logs what is wrong with a path, once until it changes.
func (r *reader) complain(path string, err error) {
	if errors.Is(err, ErrUnreachable) {
		r.away = err
		return
	}
	if r.Follow && errors.Is(err, fs.ErrNotExist) {
		return // gone since the folder was looked at: the next look decides
	}
	r.current[path] = true
	reason := err.Error()
	if r.problems[path] != reason {
		r.problems[path] = reason
		if r.Remedy != nil {
			r.remedies[path] = r.Remedy(path, err)
		}
		r.host.Stats.BadRows(1, path, cause(err))
	}
}

// cause leaves the path out of an error that is told beside it.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// report tells the status of all files together.
func (r *reader) report() {
	var first error
	for path := range r.problems {
		if !r.current[path] {
			delete(r.problems, path)
			delete(r.remedies, path)
			r.conditions.Clear("file "+path, "the file can be read", zap.String("file", path))
			continue
		}
		if err := errors.New(path + ": " + r.problems[path]); first == nil || err.Error() < first.Error() {
			first = err
		}
	}
	r.tellProblems()
	r.deliver.health.set("files", first)
}

func (r *reader) close() {
	for _, t := range r.tails {
		t.rest(false)
	}
}
