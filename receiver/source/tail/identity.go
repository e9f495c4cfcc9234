package tail

import (
	"bytes"
	"context"
	"math"
	"slices"

	"go.uber.org/zap"
)

// idlePolls is how often a file that was moved away must be found unchanged before it is let go: its writer may still hold it.
const idlePolls = 2

// recognise finds the files of the rounds before, under whatever path, and returns those that are new.
func (r *reader) recognise(ctx context.Context, files []File) (strangers []File) {
	r.rounds++
	var moved []File
	for i, t := range r.readUnder(files) {
		f := files[i]
		if t == nil || t.info != f.Info && t.info.Key() != f.Info.Key() {
			moved = append(moved, f)
		} else if t.found = r.rounds; !r.look(ctx, t, f) {
			strangers = append(strangers, f)
		}
	}
	for _, t := range r.tails {
		if t.found != r.rounds && !t.gone && !t.sibling {
			r.noteRotation(t)
		}
	}
	moved = append(moved, r.siblings(files)...)
	elsewhere := map[any]*tail{}
	if len(moved) > 0 {
		for _, t := range r.tails {
			if t.found != r.rounds {
				elsewhere[t.info.Key()] = t
			}
		}
	}
	for _, f := range moved {
		if t := elsewhere[f.Info.Key()]; t != nil && t.found != r.rounds && r.look(ctx, t, f) {
			t.found = r.rounds
		} else {
			strangers = append(strangers, f)
		}
	}
	Order(strangers)
	for _, t := range slices.Clone(r.tails) {
		if r.away == nil && t.found != r.rounds {
			r.leave(t)
		}
	}
	return strangers
}

// readUnder gives for each file what was read under its path, nil where nothing was. Mostly that is what it was in the round
// before: a map of thousands of paths is made only where it is not.
func (r *reader) readUnder(files []File) []*tail {
	var paths map[string]*tail
	for i, f := range files {
		if i == len(r.under) {
			r.under = append(r.under, nil)
		}
		if t := r.under[i]; t != nil && t.path == f.Path && !t.gone && !t.forgotten {
			continue
		}
		if paths == nil {
			paths = r.paths()
		}
		r.under[i] = paths[f.Path]
	}
	clear(r.under[len(files):])
	r.under = r.under[:len(files)]
	return r.under
}

// paths gives the files that are read, by path, but for those that left it.
func (r *reader) paths() map[string]*tail {
	paths := make(map[string]*tail, len(r.tails))
	for _, t := range r.tails {
		if !t.gone {
			paths[t.path] = t
		}
	}
	return paths
}

// look notes what became of a known file. It tells whether its content still is the one that was read.
func (r *reader) look(ctx context.Context, t *tail, f File) bool {
	changed := f.Info != t.info && (f.Info.Size() != t.info.Size() || !f.Info.ModTime().Equal(t.info.ModTime()))
	if changed && t.pos == 0 && len(t.opening) < len(zstdMagic) && r.becameCopy(ctx, t, f) {
		return true
	}
	if changed && t.pos > 0 {
		same, err := r.goesOn(ctx, t, f)
		if err != nil {
			r.complain(f.Path, err)
			return true
		}
		if !same {
			r.host.Log.Info("the file was truncated or written anew: reading from its beginning", zap.String("file", f.Path))
			r.forget(t)
			r.noteRotation(t)
			return false
		}
	}
	t.path, t.gone, t.idle, t.still, t.sibling = f.Path, false, 0, !changed, r.besides[f.Path]
	t.drained = t.drained && !changed
	t.info = f.Info
	return true
}

func (r *reader) goesOn(ctx context.Context, t *tail, f File) (bool, error) {
	text, packed, err := head(ctx, r.Folder, f.Path)
	if err != nil {
		return false, err
	}
	c := &t.record.cursor
	if !packed && f.Info.Size() < t.pos || c.HeadSize > 0 && !c.begins(&beginning{text: text}) {
		return false, nil
	}
	return c.goesOn(ctx, r.Folder, f.Path, packed)
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
	t.still = info.Size() == t.info.Size()
	t.gone, t.drained, t.info = true, t.drained && t.still, info
}

// forget lets a file go and keeps its cursor.
func (r *reader) forget(t *tail) {
	t.rest(false)
	t.forgotten = true
	if t.record.owner == t {
		t.record.owner = nil
	}
	if s := r.settlers[t.format.Name]; s != nil {
		s.orphans = true
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

// adopt finds the cursors of new files: first those last seen at the same path, so that a copy does not take them. Plain files come
// before compressed ones, which may be their copies.
func (r *reader) adopt(ctx context.Context, strangers []File) {
	fresh, texts := r.openStrangers(ctx, strangers)
	for _, t := range fresh {
		r.adoptCopy(t)
	}
	for _, samePath := range []bool{true, false} {
		for i, t := range fresh {
			if t.record == nil {
				r.claim(ctx, t, texts[i], samePath)
			}
		}
	}
	r.beginUnknown(ctx, fresh, texts)
	for _, t := range fresh { // in the order of their last change, which is that of reading
		if t.record != nil {
			r.tails = append(r.tails, t)
		}
	}
	r.saveIndex(ctx)
}

// beginUnknown reads those files that have no cursor from their beginning, unless they are copies.
func (r *reader) beginUnknown(ctx context.Context, fresh []*tail, texts []*beginning) {
	if !slices.ContainsFunc(fresh, func(t *tail) bool { return t.record == nil }) {
		return
	}
	var present textsByOpening
	for _, t := range slices.Concat(r.tails, fresh) {
		if t.record != nil {
			present.add(t)
		}
	}
	for _, packed := range []bool{false, true} {
		for i, t := range fresh {
			if t.record != nil || t.packed != packed {
				continue
			}
			like := present.like(texts[i].text)
			if !r.noteCopy(ctx, File{t.path, t.info}, texts[i].text, like) && r.away == nil {
				if !r.continueOutgrown(t) {
					r.begin(t)
				}
				present.add(t)
			}
		}
	}
}

// openStrangers looks at the beginnings of files that nobody knows, but for copies that are known as such.
func (r *reader) openStrangers(ctx context.Context, strangers []File) (fresh []*tail, texts []*beginning) {
	looks := make(map[string]Info, len(strangers))
	for _, f := range strangers {
		looks[f.Path] = f.Info
		if r.isKnownCopy(f) {
			continue
		}
		text, packed, err := head(ctx, r.Folder, f.Path)
		switch {
		case r.mayStillCome(f, text, packed, err):
			continue
		case err != nil:
			r.complain(f.Path, err)
			continue
		}
		fresh = append(fresh, &tail{
			path: f.Path, info: f.Info, sibling: r.besides[f.Path], start: text, opening: bytes.Clone(text[:min(len(text), openingSize)]), packed: packed,
		})
		texts = append(texts, &beginning{text: text})
	}
	r.looks = looks
	for path := range r.copies {
		if looks[path] == nil {
			delete(r.copies, path)
		}
	}
	return fresh, texts
}

// begin makes a record for a file that nobody knows.
func (r *reader) begin(t *tail) {
	r.unsaved = true
	t.record = r.known.add(t)
	if r.known.fresh && !r.started && r.SkipExisting {
		t.skip = existing(t)
		size := int(min(t.skip, int64(len(t.start))))
		t.record.cursor, t.record.fresh = cursor{Path: t.path, HeadSize: size, Head: hash(t.start[:size]), Skip: t.skip}, size > 0
	}
}

// existing is how much text a file had when it was found: all of a packed one, whose text nobody has measured.
func existing(t *tail) int64 {
	if t.packed {
		return math.MaxInt64
	}
	return t.info.Size()
}

func (r *reader) claim(ctx context.Context, t *tail, text *beginning, samePath bool) {
	var err error
	if t.record, err = r.known.claim(ctx, r.Folder, t, text, samePath); err != nil {
		r.complain(t.path, err)
	}
	if t.record != nil {
		t.record.owner = t
		t.startHash, t.startSize = t.record.cursor.Head, t.record.cursor.HeadSize
		if t.startSize == maxHead {
			t.start = nil // no more of it is wanted
		}
	}
}
