package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

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

// idlePolls is how often a file that was moved away must be found unchanged before it is let go: its writer may still hold it.
const idlePolls = 2

// recognise finds the files of the rounds before, under whatever path, and returns those that are new.
func (r *reader) recognise(files []seen) (strangers []seen) {
	paths := make(map[string]*tail, len(r.tails))
	for _, t := range r.tails {
		if !t.gone {
			paths[t.path] = t
		}
	}
	here := make(map[*tail]bool, len(r.tails))
	var moved []seen
	for _, f := range files {
		if t := paths[f.path]; t == nil || !os.SameFile(t.info, f.info) {
			moved = append(moved, f)
		} else if here[t] = true; !r.look(t, f) {
			strangers = append(strangers, f)
		}
	}
	for _, f := range moved {
		i := slices.IndexFunc(r.tails, func(t *tail) bool { return !here[t] && os.SameFile(t.info, f.info) })
		if i < 0 {
			strangers = append(strangers, f)
		} else if t := r.tails[i]; r.look(t, f) {
			here[t] = true
		} else {
			strangers = append(strangers, f)
		}
	}
	for _, t := range slices.Clone(r.tails) {
		if !here[t] && slices.Contains(r.tails, t) {
			r.leave(t)
		}
	}
	return strangers
}

// look notes what became of a known file. It tells whether its content still is the one that was read.
func (r *reader) look(t *tail, f seen) bool {
	changed := f.info.Size() != t.info.Size() || !f.info.ModTime().Equal(t.info.ModTime())
	if changed && t.pos > 0 {
		text, packed, err := head(f.path, maxHead)
		if err != nil {
			r.complain(f.path, err)
			return true
		}
		c := &t.record.cursor
		if !packed && f.info.Size() < t.pos || c.HeadSize > 0 && !c.begins(&beginning{text: text}) || !c.goesOn(f.path, packed) {
			r.host.Log.Info("the file was truncated or written anew: reading from its beginning", zap.String("file", f.path))
			r.forget(t)
			return false
		}
	}
	t.path, t.gone, t.idle = f.path, false, 0
	t.drained = t.drained && !changed
	t.info = f.info
	return true
}

// leave handles a file whose path leads elsewhere or nowhere now. What was not open is out of reach.
func (r *reader) leave(t *tail) {
	if t.stream == nil {
		if !t.drained {
			r.host.Log.Warn("a file was taken away before it was read to its end", zap.String("file", t.path))
		}
		r.forget(t)
		return
	}
	info, err := t.stream.file.Stat()
	if err != nil {
		r.complain(t.path, err)
		r.forget(t)
		return
	}
	t.idle++
	if info.Size() != t.info.Size() {
		t.idle = 0
	}
	t.gone, t.drained, t.info = true, t.drained && info.Size() == t.info.Size(), info
}

// forget lets a file go and keeps its cursor.
func (r *reader) forget(t *tail) {
	t.rest(false)
	if t.record.owner == t {
		t.record.owner = nil
	}
	r.tails = slices.DeleteFunc(r.tails, func(x *tail) bool { return x == t })
}

// dismiss forgets files that were moved away and read to their end.
func (r *reader) dismiss() {
	for _, t := range slices.Clone(r.tails) {
		if t.gone && (t.idle >= idlePolls || t.record.owner != t) {
			r.forget(t)
		}
	}
}

// adopt finds the cursors of new files: first those last seen at the same path, so that a copy does not take them.
func (r *reader) adopt(ctx context.Context, strangers []seen) {
	var fresh []*tail
	var texts []*beginning
	for _, f := range strangers {
		text, packed, err := head(f.path, maxHead)
		if err != nil {
			r.complain(f.path, err)
			continue
		}
		fresh = append(fresh, &tail{path: f.path, info: f.info, start: text, packed: packed})
		texts = append(texts, &beginning{text: text})
	}
	for _, samePath := range []bool{true, false} {
		for i, t := range fresh {
			if t.record == nil {
				t.record = r.known.claim(t, texts[i], samePath)
				if t.record != nil {
					t.record.owner = t
					t.startHash, t.startSize = t.record.cursor.Head, t.record.cursor.HeadSize
				}
			}
		}
	}
	for _, t := range fresh {
		if t.record == nil {
			t.record = r.known.add(t)
			t.skip = r.known.fresh && !r.started && r.cfg.Initial == initialEnd
			r.unsaved = true
		}
		r.tails = append(r.tails, t)
	}
	r.saveIndex(ctx)
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
