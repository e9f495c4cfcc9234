package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"iter"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Kind is what an entry is about.
type Kind byte

// Kinds of entries. Those of records have a small letter where the event's time is in the entry, since the record's id does not begin with it.
const (
	KindEvent     Kind = 'E' // a row of session_events
	KindConflict  Kind = 'C' // a row of session_conflicts
	KindAdopted   Kind = 'A' // a row of session_events that was found, not written through the collector
	KindForgotten Kind = 'F' // what there is of an id is to be erased, lawfully
	KindPutAside  Kind = 'G' // only what session_conflicts has of an id is to be erased
	KindStatement Kind = 'S' // SHA-256 of a text
	KindSeed      Kind = 'B' // SHA-256 of the seed of the entries that follow

	withTime = 'a' - 'A'
)

const (
	entryBytes      = 33 // kind, id, hash; or kind, SHA-256
	timedEntryBytes = entryBytes + 8
	pageEntries     = 256
)

// IsRecord reports whether an entry is of a row that was stored.
func (k Kind) IsRecord() bool { return k == KindEvent || k == KindConflict || k == KindAdopted }

// IsErasure reports whether an entry is of what is to be erased. Its hash is zero: nothing of the record is in it.
func (k Kind) IsErasure() bool { return k == KindForgotten || k == KindPutAside }

// Entry is one of a log. One of a statement or a seed has a SHA-256 in place of id and hash.
type Entry struct {
	Kind Kind
	ID   session.ID
	Hash [16]byte // first half of SHA-256(canonical bytes, nonce)
	Time int64    // of the event, nanoseconds since 1970
}

// Sum is the SHA-256 of a statement or a seed.
func (e *Entry) Sum() (sum [32]byte) {
	copy(sum[copy(sum[:], e.ID[:]):], e.Hash[:])
	return sum
}

// Append appends the bytes of the entry.
func (e *Entry) Append(b []byte) []byte {
	if e.Kind == KindStatement || e.Kind == KindSeed {
		return append(append(append(b, byte(e.Kind)), e.ID[:]...), e.Hash[:]...)
	}
	kind, timed := byte(e.Kind), !idHasTime(e.ID, e.Time)
	if timed {
		kind += withTime
	}
	b = append(append(append(b, kind), e.ID[:]...), e.Hash[:]...)
	if timed {
		b = binary.BigEndian.AppendUint64(b, uint64(e.Time)) //nolint:gosec // bits, not a number
	}
	return b
}

// idHasTime reports whether an id begins with the event's millisecond. Retention judges by an entry alone: a sender that chooses an id must not choose
// how old its record seems.
func idHasTime(id session.ID, time int64) bool { return millisOf(id) == floorMillis(time) }

func millisOf(id session.ID) int64 {
	return int64(id[0])<<40 | int64(id[1])<<32 | int64(binary.BigEndian.Uint32(id[2:]))
}

func floorMillis(nanos int64) int64 {
	millis := nanos / 1_000_000
	if nanos%1_000_000 < 0 {
		millis--
	}
	return millis
}

var errTornManifest = errors.New("a manifest ends within an entry or has one of an unknown kind")

// cutEntry takes the first entry off a manifest.
func cutEntry(manifest []byte) (e Entry, rest []byte, err error) {
	if len(manifest) < entryBytes {
		return e, nil, errTornManifest
	}
	kind := Kind(manifest[0])
	timed := kind >= 'a'
	if timed {
		kind -= withTime
	}
	e = Entry{Kind: kind, ID: session.ID(manifest[1:17]), Hash: [16]byte(manifest[17:entryBytes])}
	switch {
	case !timed && (kind == KindStatement || kind == KindSeed):
		return e, manifest[entryBytes:], nil
	case !kind.IsRecord() && !kind.IsErasure(), timed && len(manifest) < timedEntryBytes:
		return e, nil, errTornManifest
	case timed:
		e.Time = int64(binary.BigEndian.Uint64(manifest[entryBytes:])) //nolint:gosec // bits, not a number
		return e, manifest[timedEntryBytes:], nil
	}
	e.Time = millisOf(e.ID) * 1_000_000
	return e, manifest[entryBytes:], nil
}

// Entries yields those of a manifest. The time of an entry whose id has it is that of its millisecond.
func Entries(manifest []byte) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for len(manifest) > 0 {
			e, rest, err := cutEntry(manifest)
			if !yield(e, err) || err != nil {
				return
			}
			manifest = rest
		}
	}
}

// pagesOf yields the pages of a manifest: 256 entries each, the last one what is left.
func pagesOf(manifest []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for len(manifest) > 0 {
			rest := manifest
			var err error
			for n := 0; n < pageEntries && len(rest) > 0 && err == nil; n++ {
				_, rest, err = cutEntry(rest)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(manifest[:len(manifest)-len(rest)], nil) {
				return
			}
			manifest = rest
		}
	}
}

// Seed makes the nonces of entries: what is given away of a page, in a proof, says nothing of a neighbour whose user or address somebody guesses,
// and nobody who writes records can prepare two with one hash.
type Seed [32]byte

// NewSeed is a random one.
func NewSeed() (s Seed) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

// Committer makes entries under one seed. It is not safe for concurrent use.
type Committer struct {
	block  cipher.Block
	nonce  [NonceBytes]byte
	hasher session.Hasher
}

// NewCommitter makes entries under seed.
func NewCommitter(seed Seed) *Committer {
	block, err := aes.NewCipher(seed[:])
	if err != nil {
		panic(err) // the length of a seed is that of a key
	}
	return &Committer{block: block}
}

// NonceBytes are those of a record's nonce, after its canonical bytes.
const NonceBytes = 16

// Entry commits to all that e holds.
func (c *Committer) Entry(kind Kind, e *session.Event) Entry {
	entry, _ := c.EntryAndContent(kind, e)
	return entry
}

// EntryAndContent is Entry, and session.Event.ContentHash.
func (c *Committer) EntryAndContent(kind Kind, e *session.Event) (entry Entry, content [16]byte) {
	content, record := e.ContentAndRecordHash(&c.hasher, c.Nonce(e.RecordID))
	return Entry{Kind: kind, ID: e.RecordID, Hash: record, Time: e.Time}, content
}

// Nonce is what follows a record's canonical bytes when they are hashed.
func (c *Committer) Nonce(id session.ID) [NonceBytes]byte {
	c.nonce = id
	c.block.Encrypt(c.nonce[:], c.nonce[:])
	return c.nonce
}
