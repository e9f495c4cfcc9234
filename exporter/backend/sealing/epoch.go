package sealing

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/session"
)

// openEpoch is what becomes one seal: the records of the writes that began in it, under a seed of its own. Its journal has their entries before they are
// committed, so that a collector that was killed knows what it was given.
type openEpoch struct {
	seed    seal.Seed
	pending *seal.Pending
	writes  int      // under way
	rotates bool     // the key says in it that the next one takes over
	journal *os.File // nil: it cannot be written
	path    string
	sealed  *seal.Seal // once it is signed
	next    seal.Tip
	done    chan struct{} // closed once the seal is stored
}

const journalPrefix = "pending-"

// newEpoch begins one. It goes on without a journal where that cannot be written.
func newEpoch(dir string, number uint64) (*openEpoch, error) {
	seed := seal.NewSeed()
	e := &openEpoch{seed: seed, pending: seal.NewPending(seed), path: filepath.Join(dir, fmt.Sprintf(journalPrefix+"%020d", number)), done: make(chan struct{})}
	file, err := os.OpenFile(e.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o600)
	if err == nil {
		if _, err = file.Write(seed[:]); err != nil {
			err = errors.Join(err, file.Close(), os.Remove(e.path))
			file = nil
		}
	}
	e.journal = file
	return e, err
}

func (e *openEpoch) isIdle() bool { return e.pending.IsEmpty() && e.writes == 0 }

func (e *openEpoch) removeJournal() error {
	if e.journal == nil {
		return nil
	}
	return errors.Join(e.journal.Close(), os.Remove(e.path))
}

// givenRecords are the entries of one write, by the places of its records.
type givenRecords struct {
	epoch     *openEpoch
	committer *seal.Committer
	entries   []seal.Entry
	unwritten []byte // entries that the journal does not have
	err       error  // of the journal
}

// givenMemory has the memory of writes that have ended: a record's entry costs half as much in memory that is not to be grown.
var givenMemory = sync.Pool{New: func() any { return new(givenRecords) }}

func newGivenRecords(ep *openEpoch) *givenRecords {
	t := givenMemory.Get().(*givenRecords)
	clear(t.entries)
	*t = givenRecords{epoch: ep, committer: seal.NewCommitter(ep.seed), entries: t.entries[:0], unwritten: t.unwritten[:0]}
	return t
}

// release lets another write have the memory, once nothing walks over these records any more.
func (t *givenRecords) release() {
	if cap(t.entries) <= fullEpoch {
		t.epoch, t.committer = nil, nil
		givenMemory.Put(t)
	}
}

// makeEntry makes the entry of a record, once, and gives its content hash.
func (t *givenRecords) makeEntry(i int, e *session.Event) [16]byte {
	entry, content := t.committer.EntryAndContent(seal.KindEvent, e)
	if i >= len(t.entries) {
		t.entries = slices.Grow(t.entries, i+1-len(t.entries))[:i+1]
	}
	if t.entries[i].Kind == 0 {
		t.entries[i] = entry
		t.unwritten = entry.Append(t.unwritten)
	}
	return content
}

// journalWalks has the entries in the journal when a walk ends, which is before its commit.
func (t *givenRecords) journalWalks(events iter.Seq2[int, *session.Event]) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		defer t.writeJournal()
		events(yield)
	}
}

func (t *givenRecords) writeJournal() {
	if t.epoch.journal != nil && len(t.unwritten) > 0 {
		if _, err := t.epoch.journal.Write(t.unwritten); err != nil {
			t.err = err
		}
	}
	t.unwritten = t.unwritten[:0]
}

// readJournals yields what journals of an earlier run have, each with its seed. A torn end is what was not committed.
func readJournals(dir string) iter.Seq2[string, *epochJournal] {
	return func(yield func(string, *epochJournal) bool) {
		files, err := os.ReadDir(dir) // in the order of their names
		if err != nil {
			yield(dir, &epochJournal{err: err})
			return
		}
		for _, file := range files {
			if !strings.HasPrefix(file.Name(), journalPrefix) {
				continue
			}
			path := filepath.Join(dir, file.Name())
			content, err := os.ReadFile(path)
			j := &epochJournal{err: err}
			if len(content) >= len(j.seed) {
				j.seed = seal.Seed(content[:len(j.seed)])
				for e, err := range seal.Entries(bytes.Clone(content[len(j.seed):])) {
					if err != nil {
						break
					}
					j.entries = append(j.entries, e)
				}
			}
			if !yield(path, j) {
				return
			}
		}
	}
}

type epochJournal struct {
	seed    seal.Seed
	entries []seal.Entry
	err     error
}
