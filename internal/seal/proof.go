package seal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	checkpoint "github.com/transparency-dev/formats/log"
	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/otel-sessionlog/sessionlog/session"
)

// RecordProof proves one record to whoever has a public key, without the table. Other programs can check it: docs/evidence.md has the format.
type RecordProof struct {
	Record    []byte // canonical bytes, and the nonce, 16 bytes: the first half of their SHA-256 is in the record's entry
	Page      []byte // the page that has the entry: a leaf of the tree
	Inclusion []byte // of the page in the tree of its seal's head, with that head: c2sp.org/tlog-proof
}

// Errors of a proof.
var (
	ErrNotSealed = errors.New("no entry of the seal is of this record")
	// ErrSealedOtherwise is an ErrNotSealed: the record was sealed with another content.
	ErrSealedOtherwise = fmt.Errorf("%w as it is: it was sealed with another content", ErrNotSealed)
	ErrNotProven       = errors.New("not what was sealed")
)

// Prove makes the proof of a record that is in a seal, which follows the tip before. Without an entry of what e holds the error is ErrNotSealed.
func (s *Seal) Prove(before Tip, e *session.Event) (p RecordProof, err error) {
	nonce := NewCommitter(s.Seed).Nonce(e.RecordID)
	p.Record = append(e.AppendCanonical(nil), nonce[:]...)
	tree, err := before.tree()
	if err != nil {
		return p, err
	}
	nodes := map[compact.NodeID][]byte{}
	for i, id := range compact.RangeNodes(0, before.Size, nil) {
		nodes[id] = tree.Hashes()[i]
	}
	index, missing := before.Size, ErrNotSealed
	for page, err := range pagesOf(s.Manifest) {
		if err != nil {
			return p, fmt.Errorf("%w: %w", ErrPagesAltered, err)
		}
		entry, found := findEntry(page, p.Record, e.RecordID)
		switch {
		case found && p.Page == nil:
			p.Page, index = bytes.Clone(page), tree.End()
		case entry.Kind == KindEvent || entry.Kind == KindAdopted:
			missing = ErrSealedOtherwise
		}
		if err := tree.Append(leafHash(page), func(id compact.NodeID, hash []byte) { nodes[id] = hash }); err != nil {
			return p, err
		}
	}
	next, root, err := tipOf(tree)
	var head checkpoint.Checkpoint
	switch {
	case err != nil:
		return p, err
	case p.Page == nil:
		return p, missing
	}
	if _, err := head.Unmarshal([]byte(s.Head)); err != nil || head.Size != next.Size || !bytes.Equal(head.Hash, root[:]) {
		return p, fmt.Errorf("%w: the seal's head is not that of its pages", ErrPagesAltered)
	}
	p.Inclusion, err = proveInclusion(index, next.Size, nodes, s.Head)
	return p, err
}

func proveInclusion(index, size uint64, nodes map[compact.NodeID][]byte, head string) ([]byte, error) {
	path, err := proof.Inclusion(index, size)
	if err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(path.IDs))
	for i, id := range path.IDs {
		hashes[i] = nodes[id]
	}
	if hashes, err = path.Rehash(hashes, treeFactory.Hash); err != nil {
		return nil, err
	}
	p := tlogproof.TLogProof{Index: index, Checkpoint: []byte(head)}
	for _, h := range hashes {
		p.Hashes = append(p.Hashes, Hash(h))
	}
	return p.Marshal(), nil
}

// findEntry finds the one of a record in a page, or else one that has its id.
func findEntry(page, record []byte, id session.ID) (other Entry, found bool) {
	sum := sha256.Sum256(record)
	for e, err := range Entries(page) {
		if err != nil || !e.Kind.IsRecord() || e.ID != id {
			continue
		}
		if bytes.Equal(e.Hash[:], sum[:len(e.Hash)]) {
			return e, true
		}
		other = e
	}
	return other, false
}

// Proven is what a proof shows.
type Proven struct {
	Event  *session.Event
	Kind   Kind // of the entry
	Log    string
	Page   uint64
	Sealed time.Time
}

// Check says what a proof shows. An error is ErrNotProven, ErrForgedHead or ErrNewerRecord.
func (p *RecordProof) Check(keys Keys) (Proven, error) { return p.checkHead(keys.Open) }

// Show is Check for who has no key: whoever may write into the table may have signed it.
func (p *RecordProof) Show() (Proven, error) {
	return p.checkHead(func(signed, _ string) (Head, time.Time, error) { return ReadHead(signed) })
}

func (p *RecordProof) checkHead(open func(signed, origin string) (Head, time.Time, error)) (shown Proven, err error) {
	inclusion, err := parseInclusion(p.Inclusion)
	if err != nil {
		return shown, fmt.Errorf("%w: the proof: %w", ErrNotProven, err)
	}
	origin, _, _ := strings.Cut(string(inclusion.Checkpoint), "\n")
	head, sealed, err := open(string(inclusion.Checkpoint), origin)
	if err != nil {
		return shown, err
	}
	hashes := make([][]byte, len(inclusion.Hashes))
	for i := range inclusion.Hashes {
		hashes[i] = inclusion.Hashes[i][:]
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, inclusion.Index, head.Size, leafHash(p.Page), hashes, head.Root[:]); err != nil {
		return shown, fmt.Errorf("%w: the page is not in the tree of the signed head", ErrNotProven)
	}
	e, err := p.ParseRecord()
	switch {
	case errors.Is(err, ErrNewerRecord):
		return shown, err
	case err != nil:
		return shown, fmt.Errorf("%w: %w", ErrNotProven, err)
	}
	entry, found := findEntry(p.Page, p.Record, e.RecordID)
	if !found {
		return shown, fmt.Errorf("%w: the page has no entry of this record", ErrNotProven)
	}
	return Proven{Event: e, Kind: entry.Kind, Log: origin, Page: inclusion.Index, Sealed: sealed}, nil
}

// ParseRecord is the record that is proven.
func (p *RecordProof) ParseRecord() (*session.Event, error) {
	if len(p.Record) < NonceBytes {
		return nil, errNotCanonical
	}
	return ParseCanonical(p.Record[:len(p.Record)-NonceBytes])
}

var errNoInclusion = errors.New("it is not in the form of c2sp.org/tlog-proof")

// parseInclusion refuses what reads alike in another way of writing.
func parseInclusion(text []byte) (p tlogproof.TLogProof, err error) {
	if err := p.Unmarshal(text); err != nil {
		return p, err
	}
	if p.ExtraData != nil || !bytes.Equal(p.Marshal(), text) {
		return p, errNoInclusion
	}
	return p, nil
}

// InclusionSteps are the nodes from a page up to the root of its tree, in hexadecimal digits: L before one that is on the left, R before one on the right.
func (p *RecordProof) InclusionSteps() (steps []string, err error) {
	inclusion, err := parseInclusion(p.Inclusion)
	if err != nil {
		return nil, err
	}
	var head checkpoint.Checkpoint
	if _, err := head.Unmarshal(inclusion.Checkpoint); err != nil {
		return nil, err
	}
	at, last := inclusion.Index, head.Size-1
	for _, hash := range inclusion.Hashes {
		for at == last && at&1 == 0 { // a right edge that has no sibling at this height
			at, last = at>>1, last>>1
		}
		side := "R"
		if at&1 == 1 {
			side = "L"
		}
		steps = append(steps, fmt.Sprintf("%s%x", side, hash))
		at, last = at>>1, last>>1
	}
	return steps, nil
}
