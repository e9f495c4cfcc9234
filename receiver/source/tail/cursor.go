package tail

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// cursor says how far a file was delivered. The file is known by the beginning of its text, so it may be renamed,
// compressed and copied.
type cursor struct {
	Path     string `json:"path"`     // where it was last; only a preference
	HeadSize int    `json:"headSize"` // how much of the beginning is hashed: never more than Offset or Skip, which is settled
	Head     string `json:"head"`
	TailSize int    `json:"tailSize"` // how much before Offset is hashed
	Tail     string `json:"tail"`
	Offset   int64  `json:"offset"` // behind the last record that was delivered, in bytes of text
	Anchor   int64  `json:"anchor"` // where a parser must start to go on there
	State    []byte `json:"state"`  // and what it must know
	Format   string `json:"format"`
	// Seq grows with every cursor that is made, of whatever file.
	Seq int64 `json:"seq,omitempty"`
	// Skip is how much text is not told because `initial: end` does not want it, while that is not all passed over.
	Skip int64 `json:"skip,omitempty"`
	// Patience is the time after which the parser decided. With another one it decides the records between Anchor and Offset
	// otherwise, so what it tells of them is new.
	Patience time.Duration `json:"patience,omitempty"`
}

const (
	maxHead = 4096 // enough to see the first rows behind any line of column names
	maxTail = 512
)

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// begins tells whether a text is the one that the cursor knows.
func (c *cursor) begins(text *beginning) bool {
	return c.HeadSize > 0 && len(text.text) >= c.HeadSize && text.hash(c.HeadSize) == c.Head
}

// beginning is the first bytes of a text, whose hashes are computed once however many cursors are compared with it.
type beginning struct {
	text []byte
	sums map[int]string // by size
}

func (b *beginning) hash(size int) string {
	sum, ok := b.sums[size]
	if !ok {
		if b.sums == nil {
			b.sums = map[int]string{}
		}
		sum = hash(b.text[:size])
		b.sums[size] = sum
	}
	return sum
}

// goesOn tells whether the text before Offset is still the one that was read. An export that was written anew may begin
// as the old one did and have other rows in the middle. Of a compressed file only the beginning is looked at: nobody
// changes one in place. The error is [ErrUnreachable]; of any other, whoever reads the file next will say so.
func (c *cursor) goesOn(ctx context.Context, folder Folder, path string, packed bool) (bool, error) {
	if packed || c.TailSize == 0 {
		return true, nil
	}
	f, err := folder.Open(ctx, path)
	if err != nil {
		return true, unreachable(err)
	}
	defer func() { _ = f.Close() }()
	text := make([]byte, c.TailSize)
	n, err := f.ReadAt(text, c.Offset-int64(c.TailSize))
	return n == c.TailSize && hash(text) == c.Tail, unreachable(err)
}

func unreachable(err error) error {
	if errors.Is(err, ErrUnreachable) {
		return err
	}
	return nil
}

// record is a cursor in the store, and the file of this run that it belongs to.
type record struct {
	number int
	cursor cursor
	owner  *tail
	fresh  bool // the cursor was made without reading, and is not in the store
}

func (r *record) key() string { return "file." + strconv.Itoa(r.number) }

// cursorStore is all cursors. The store cannot list its keys, so their numbers are under a key of their own: written before a
// cursor is, so that every cursor is found again; a number without cursor does no harm.
type cursorStore struct {
	store   source.Store
	records map[int]*record
	next    int
	seq     int64 // of the last cursor
	fresh   bool  // there was none: this is the first start
}

const (
	indexKey = "files"
	// maxAbsent is how many files that are no longer there are remembered, in case they come back.
	maxAbsent = 1000
)

type index struct {
	Next    int   `json:"next"`
	Numbers []int `json:"numbers"`
}

func load(ctx context.Context, store source.Store) (*cursorStore, error) {
	l := &cursorStore{store: store, records: map[int]*record{}}
	text, err := store.Get(ctx, indexKey)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	if text == nil {
		l.fresh = true
		return l, nil
	}
	var idx index
	if err := json.Unmarshal(text, &idx); err != nil {
		return nil, fmt.Errorf("storage: key %s: %w", indexKey, err)
	}
	l.next = idx.Next
	for _, number := range idx.Numbers {
		r := &record{number: number}
		text, err := store.Get(ctx, r.key())
		if err != nil {
			return nil, fmt.Errorf("storage: %w", err)
		}
		if text == nil {
			continue
		}
		if err := json.Unmarshal(text, &r.cursor); err != nil {
			return nil, fmt.Errorf("storage: key %s: %w", r.key(), err)
		}
		l.records[number] = r
		l.seq = max(l.seq, r.cursor.Seq)
	}
	return l, nil
}

// newest is the record whose cursor was made last, of files of this format; nil when there is none.
func (l *cursorStore) newest(format string) (newest *record) {
	for _, r := range l.records {
		if r.cursor.Format == format && r.cursor.Offset > 0 && (newest == nil || r.cursor.Seq >= newest.cursor.Seq) {
			newest = r
		}
	}
	return newest
}

// save writes the index, and forgets those files that are absent for longest when they are too many. Cursors that say what is not
// told come first: once there is an index, a file without one is told from its beginning.
func (l *cursorStore) save(ctx context.Context) error {
	if err := l.saveFresh(ctx); err != nil {
		return err
	}
	var idx index
	var absent []*record
	newest := map[string]*record{} // know what all texts of their format share
	for _, r := range l.records {
		if had := newest[r.cursor.Format]; had == nil || r.cursor.Seq > had.cursor.Seq {
			newest[r.cursor.Format] = r
		}
	}
	for number, r := range l.records {
		idx.Numbers = append(idx.Numbers, number)
		if r.owner == nil && r != newest[r.cursor.Format] {
			absent = append(absent, r)
		}
	}
	slices.SortFunc(absent, func(a, b *record) int { return cmp.Compare(a.number, b.number) })
	var errs []error
	for _, r := range absent[:max(0, len(absent)-maxAbsent)] {
		delete(l.records, r.number)
		idx.Numbers = slices.DeleteFunc(idx.Numbers, func(n int) bool { return n == r.number })
		errs = append(errs, l.store.Delete(ctx, r.key()))
	}
	slices.Sort(idx.Numbers)
	idx.Next = l.next
	text, _ := json.Marshal(idx) // integers always can
	return errors.Join(append(errs, l.store.Set(ctx, indexKey, text))...)
}

func (l *cursorStore) saveFresh(ctx context.Context) error {
	fresh := map[string][]byte{}
	for _, r := range l.records {
		if r.fresh {
			fresh[r.key()], _ = json.Marshal(r.cursor) // texts and numbers always can
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := l.store.SetAll(ctx, fresh); err != nil {
		return err
	}
	for _, r := range l.records {
		r.fresh = false
	}
	return nil
}

// claim gives the file at path the record that knows it, of those that no other file of this run has. samePath asks for one
// that was last seen there.
func (l *cursorStore) claim(ctx context.Context, folder Folder, t *tail, text *beginning, samePath bool) (best *record, err error) {
	for _, r := range l.records {
		if r.owner != nil && !r.owner.drainedAway() || samePath && r.cursor.Path != t.path {
			continue
		}
		if t.packed || t.info.Size() >= r.cursor.Offset {
			if best != nil && best.cursor.Offset >= r.cursor.Offset || !r.cursor.begins(text) {
				continue
			}
			same, err := r.cursor.goesOn(ctx, folder, t.path, t.packed)
			if err != nil {
				return nil, err
			}
			if same {
				best = r
			}
		}
	}
	return best, nil
}

// add makes a record for a file that nobody knows.
func (l *cursorStore) add(t *tail) *record {
	r := &record{number: l.next, owner: t}
	l.next++
	l.records[r.number] = r
	return r
}
