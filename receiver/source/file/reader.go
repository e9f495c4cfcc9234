package file

import (
	"context"
	"errors"
	"io/fs"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// reader looks for files and reads them one after another.
type reader struct {
	*fileSource
	host    source.Host
	known   *ledger
	deliver *deliverer

	tails    []*tail
	problems map[string]string // what was last complained of, by path
	current  map[string]bool   // paths complained of in this round
	unsaved  bool              // the index of the ledger
	started  bool              // the first scan is over

	buf  []byte
	ends []int // lengths of the records in a chunk; negative: too long
	page *page
}

const (
	chunk    = 256 << 10
	maxOpen  = 200      // files that stay open between polls, so that their rest can be read after a rotation
	turnSize = 64 << 20 // text of one growing file that is read before the others have their turn
)

func newReader(s *fileSource, host source.Host, known *ledger, d *deliverer) *reader {
	return &reader{
		fileSource: s, host: host, known: known, deliver: d,
		problems: map[string]string{}, current: map[string]bool{}, buf: make([]byte, chunk),
	}
}

func (r *reader) run(ctx context.Context) {
	defer r.close()
	for ctx.Err() == nil {
		more := r.round(ctx)
		switch {
		case more:
		case !r.cfg.Follow:
			return
		case !wait(ctx, r.cfg.PollInterval):
			return
		}
	}
}

// round looks at the folder once and reads what is new. It tells whether there is more to read at once.
func (r *reader) round(ctx context.Context) (more bool) {
	clear(r.current)
	for _, t := range r.tails {
		if t.problem && t.drained {
			r.current[t.path] = true
		}
	}
	files := scan(r.cfg, r.complain)
	if len(files) == 0 && !r.started {
		r.host.Log.Warn("no file matches `include` yet", zap.Strings("include", r.cfg.Include))
	}
	strangers := r.recognise(files)
	for _, t := range r.tails {
		if t.gone {
			more = r.turn(ctx, t, t.idle >= idlePolls) || more
		}
	}
	r.adopt(ctx, strangers)
	for _, t := range r.tails {
		if !t.gone && !t.drained {
			more = r.turn(ctx, t, !r.cfg.Follow) || more
		}
	}
	r.dismiss()
	r.started = true
	r.report()
	return more && ctx.Err() == nil
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
	r.current[path] = true
	reason := err.Error()
	if r.problems[path] != reason {
		r.problems[path] = reason
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
			continue
		}
		if err := errors.New(path + ": " + r.problems[path]); first == nil || err.Error() < first.Error() {
			first = err
		}
	}
	r.deliver.health.set("files", first)
}

func (r *reader) close() {
	for _, t := range r.tails {
		t.rest(false)
	}
}
