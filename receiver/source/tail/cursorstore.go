package tail

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// cursorRecord is a cursor in the store, and the file of this run that it belongs to.
type cursorRecord struct {
	number  int
	cursor  textCursor
	owner   *trackedFile
	unsaved bool // the cursor was made without reading, and is not in the store
}

func (r *cursorRecord) storageKey() string { return "file." + strconv.Itoa(r.number) }

// cursorStore is all cursors. The store cannot list its keys, so their numbers are under a key of their own: written before a
// cursor is, so that every cursor is found again; a number without cursor does no harm.
type cursorStore struct {
	store      source.Store
	records    map[int]*cursorRecord
	nextNumber int
	lastSeq    int64
	firstStart bool // there was no index
	indexDirty bool
}

const (
	indexKey = "files"
	// maxAbsent is how many files that are no longer there are remembered, in case they come back.
	maxAbsent = 1000
)

type cursorIndex struct {
	Next    int   `json:"next"`
	Numbers []int `json:"numbers"`
}

func readCursors(ctx context.Context, store source.Store) (*cursorStore, error) {
	s := &cursorStore{store: store, records: map[int]*cursorRecord{}}
	var index cursorIndex
	found, err := readJSON(ctx, store, indexKey, &index)
	if err != nil {
		return nil, err
	}
	s.firstStart, s.nextNumber = !found, index.Next
	for _, number := range index.Numbers {
		r := &cursorRecord{number: number}
		found, err := readJSON(ctx, store, r.storageKey(), &r.cursor)
		if err != nil {
			return nil, err
		}
		if found {
			s.records[number] = r
			s.lastSeq = max(s.lastSeq, r.cursor.Seq)
		}
	}
	return s, nil
}

func readJSON(ctx context.Context, store source.Store, key string, value any) (found bool, err error) {
	text, err := store.Get(ctx, key)
	if err != nil {
		return false, fmt.Errorf("storage: %w", err)
	}
	if text == nil {
		return false, nil
	}
	if err := json.Unmarshal(text, value); err != nil {
		return false, fmt.Errorf("storage: key %s: %w", key, err)
	}
	return true, nil
}

// newestRecords are, of each format, the record whose cursor was made last. It knows what all texts of its format share.
func (s *cursorStore) newestRecords() map[string]*cursorRecord {
	newest := map[string]*cursorRecord{}
	for _, r := range s.records {
		if known := newest[r.cursor.Format]; known == nil || r.cursor.Seq > known.cursor.Seq {
			newest[r.cursor.Format] = r
		}
	}
	return newest
}

func (s *cursorStore) saveIndex(ctx context.Context) error {
	// First, since once there is an index a file without cursor is delivered from its beginning.
	if err := s.saveUnread(ctx); err != nil {
		return err
	}
	changes := map[string][]byte{}
	var absent []*cursorRecord
	newest := s.newestRecords()
	for _, r := range s.records {
		if r.owner == nil && r != newest[r.cursor.Format] {
			absent = append(absent, r)
		}
	}
	slices.SortFunc(absent, func(a, b *cursorRecord) int { return cmp.Compare(a.number, b.number) })
	for _, r := range absent[:max(0, len(absent)-maxAbsent)] {
		delete(s.records, r.number)
		changes[r.storageKey()] = nil
	}
	index := cursorIndex{Next: s.nextNumber}
	for number := range s.records {
		index.Numbers = append(index.Numbers, number)
	}
	slices.Sort(index.Numbers)
	changes[indexKey], _ = json.Marshal(index) // integers always can
	if err := s.store.SetAll(ctx, changes); err != nil {
		return err
	}
	s.indexDirty = false
	return nil
}

func (s *cursorStore) saveUnread(ctx context.Context) error {
	changes := map[string][]byte{}
	for _, r := range s.records {
		if r.unsaved {
			changes[r.storageKey()], _ = json.Marshal(r.cursor) // texts and numbers always can
		}
	}
	if len(changes) == 0 {
		return nil
	}
	if err := s.store.SetAll(ctx, changes); err != nil {
		return err
	}
	for _, r := range s.records {
		r.unsaved = false
	}
	return nil
}

// findRecord gives a new file the record that knows it, of those that no other file of this run has. samePath asks for one
// that was last seen there.
func (s *cursorStore) findRecord(ctx context.Context, folder Folder, f *trackedFile, head *textHead, samePath bool) (best *cursorRecord, err error) {
	for _, r := range s.records {
		taken := r.owner != nil && !r.owner.isReadOut()
		shorter := !f.compressed && f.info.Size() < r.cursor.Offset
		worse := best != nil && best.cursor.Offset >= r.cursor.Offset
		if taken || shorter || worse || samePath && r.cursor.Path != f.path || !r.cursor.matchesHead(head) {
			continue
		}
		same, err := r.cursor.matchesTail(ctx, folder, f.path, f.compressed)
		if err != nil {
			return nil, err
		}
		if same {
			best = r
		}
	}
	return best, nil
}

// addRecord makes a record for a file that no cursor knows. A cursor of which the store can make use is saved with the index.
func (s *cursorStore) addRecord(f *trackedFile, start textCursor) {
	f.record = &cursorRecord{number: s.nextNumber, cursor: start, owner: f, unsaved: start.HeadSize > 0}
	s.records[s.nextNumber] = f.record
	s.nextNumber++
	s.indexDirty = true
	f.trustCursor()
}
