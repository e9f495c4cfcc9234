// Package seal makes stored records provable: what was written becomes entries of an append-only log, whose head is signed. Somebody who has the
// table, the log and a public key can say which record was changed, removed or put in between, without asking whoever runs the database.
//
// An entry commits to the canonical bytes of one record (session.Event.AppendCanonical) without showing them. Up to 256 entries are a page, and a
// page is a leaf of a Merkle tree (RFC 6962); the head of the tree is a checkpoint (c2sp.org/tlog-checkpoint) with an Ed25519 signature that says
// its time (c2sp.org/tlog-cosignature). Each writer has a log of its own. The format is in docs/evidence.md.
package seal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Seal is what a log grew by: a row of session_seals and one of session_seal_pages.
type Seal struct {
	Log     string // origin of the log
	First   uint64 // pages before it
	Pages   uint64
	Entries uint64 // of records: statements and the seed's are not counted
	Head    string // signed checkpoint of the tree of First+Pages pages
	Edge    []byte // roots of the perfect subtrees of that tree, 32 bytes each, the largest first

	MinID, MaxID session.ID // of its records
	Seed         Seed
	Manifest     []byte // its entries
	Texts        string // of its statements, one a line
}

// Tip is the end of a log: what the next seal goes on from. The zero Tip is that of an empty log.
type Tip struct {
	Size uint64 // pages
	Edge []byte
}

// Pending gathers entries for the next seal, all under one seed. It is not safe for concurrent use.
type Pending struct {
	Seed     Seed
	manifest []byte
	records  uint64
	min, max session.ID
	texts    []string
}

// NewPending begins a manifest. Its first entry commits to the seed.
func NewPending(seed Seed) *Pending {
	hash := sha256.Sum256(seed[:])
	return &Pending{Seed: seed, manifest: append([]byte{byte(KindSeed)}, hash[:]...)}
}

// Records is how many records it has.
func (p *Pending) Records() uint64 { return p.records }

// IsEmpty reports whether there is nothing to seal.
func (p *Pending) IsEmpty() bool { return p.records == 0 && len(p.texts) == 0 }

// AddRecord adds an entry of a record.
func (p *Pending) AddRecord(e Entry) {
	p.manifest = e.Append(p.manifest)
	p.countRecord(e.ID)
}

func (p *Pending) countRecord(id session.ID) {
	if p.records == 0 || bytes.Compare(id[:], p.min[:]) < 0 {
		p.min = id
	}
	if p.records == 0 || bytes.Compare(id[:], p.max[:]) > 0 {
		p.max = id
	}
	p.records++
}

// AddStatement adds something that the writer states, as a line.
func (p *Pending) AddStatement(text string) {
	text = strings.ReplaceAll(text, "\n", " ")
	hash := sha256.Sum256([]byte(text))
	p.manifest = append(append(p.manifest, byte(KindStatement)), hash[:]...)
	p.texts = append(p.texts, text)
}

// Seal signs what is pending as the next pages of the log that ends at tip. Neither changes; the tip that is returned counts once the seal is stored.
func (p *Pending) Seal(tip Tip, key *Key, origin string) (Seal, Tip, error) {
	tree, err := tip.tree()
	if err != nil {
		return Seal{}, Tip{}, err
	}
	s := Seal{
		Log: origin, First: tip.Size, Entries: p.records, MinID: p.min, MaxID: p.max, Seed: p.Seed,
		Manifest: p.manifest, Texts: strings.Join(p.texts, "\n"),
	}
	for page, err := range pagesOf(p.manifest) {
		if err != nil {
			return Seal{}, Tip{}, err
		}
		if err := tree.Append(leafHash(page), nil); err != nil {
			return Seal{}, Tip{}, err
		}
		s.Pages++
	}
	next, root, err := tipOf(tree)
	if err != nil {
		return Seal{}, Tip{}, err
	}
	s.Edge = next.Edge
	s.Head, err = key.signHead(Head{Origin: origin, Size: next.Size, Root: root})
	return s, next, err
}

// Errors of a seal that was altered.
var (
	ErrPagesAltered     = errors.New("pages altered")
	ErrSeedAltered      = errors.New("seed altered")
	ErrStatementAltered = errors.New("statement altered")
	ErrForgedHead       = errors.New("forged head")
)

// Check says what is wrong with a seal that follows tip, and when it was signed. It goes on after an error as far as the rest can be trusted: the
// entries where err is nil or ErrSeedAltered or ErrStatementAltered.
func (s *Seal) Check(tip Tip, keys Keys) (sealed time.Time, err error) {
	head, sealed, err := keys.Open(s.Head, s.Log)
	if err != nil {
		return sealed, err
	}
	return sealed, s.CheckOpened(tip, head)
}

// CheckOpened is Check where the head is opened already, which costs more than all else of a small seal.
func (s *Seal) CheckOpened(tip Tip, head Head) error {
	if head.Size != s.First+s.Pages || s.First != tip.Size {
		return fmt.Errorf("%w: the head is one of %d pages, the seal ends at %d", ErrForgedHead, head.Size, s.First+s.Pages)
	}
	tree, err := tip.tree()
	if err != nil {
		return err
	}
	for page, err := range pagesOf(s.Manifest) {
		if err != nil {
			return fmt.Errorf("%w: %w", ErrPagesAltered, err)
		}
		if err := tree.Append(leafHash(page), nil); err != nil {
			return err
		}
	}
	next, root, err := tipOf(tree)
	if err != nil {
		return err
	}
	if root != head.Root || !bytes.Equal(next.Edge, s.Edge) {
		return ErrPagesAltered
	}
	return s.checkTexts()
}

// checkTexts holds seed and statements against the entries that commit to them.
func (s *Seal) checkTexts() error {
	var errs []error
	var texts []string
	if s.Texts != "" {
		texts = strings.Split(s.Texts, "\n")
	}
	seed := sha256.Sum256(s.Seed[:])
	var records Pending
	for e, err := range Entries(s.Manifest) {
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", ErrPagesAltered, err)
		case e.Kind == KindSeed && e.Sum() != seed:
			errs = append(errs, ErrSeedAltered)
		case e.Kind == KindStatement:
			if len(texts) == 0 || sha256.Sum256([]byte(texts[0])) != e.Sum() {
				return errors.Join(append(errs, ErrStatementAltered)...)
			}
			texts = texts[1:]
		case e.Kind != KindSeed:
			records.countRecord(e.ID)
		}
	}
	if records.records != s.Entries || records.min != s.MinID || records.max != s.MaxID {
		errs = append(errs, ErrPagesAltered)
	}
	if len(texts) > 0 {
		errs = append(errs, ErrStatementAltered)
	}
	return errors.Join(errs...)
}
