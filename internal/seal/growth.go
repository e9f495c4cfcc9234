package seal

import (
	"errors"
	"fmt"
	"strings"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"golang.org/x/mod/sumdb/note"
)

// Growth is what a log has grown by since a head that somebody has seen: as much of its tree as proves that what was there is still there. It has some dozens of hashes,
// however much the log grows.
type Growth struct {
	seen  Tip
	right *compact.Range
}

// GrowthFrom begins where a log ended when it was seen.
func GrowthFrom(seen Tip) *Growth { return &Growth{seen, treeFactory.NewEmptyRange(seen.Size)} }

// SeenSize and End are the sizes between which it proves.
func (g *Growth) SeenSize() uint64 { return g.seen.Size }

// End is the size of the log now.
func (g *Growth) End() uint64 { return g.right.End() }

// Append takes up the next seal of the log.
func (g *Growth) Append(s *Seal) error {
	if s.First != g.End() {
		return fmt.Errorf("%w: pages %d to %d are missing", ErrPagesAltered, g.End(), s.First)
	}
	for page, err := range pagesOf(s.Manifest) {
		if err != nil {
			return err
		}
		if err := g.right.Append(leafHash(page), nil); err != nil {
			return err
		}
	}
	return nil
}

// Prove is the consistency proof of RFC 6962, section 2.1.2. What it needs lies in the perfect subtrees before, and in those of what came since.
func (g *Growth) Prove() ([]Hash, error) {
	path, err := proof.Consistency(g.SeenSize(), g.End())
	if err != nil {
		return nil, err
	}
	left, err := g.seen.tree()
	if err != nil {
		return nil, err
	}
	nodes := map[compact.NodeID][]byte{}
	for _, part := range []*compact.Range{left, g.right} {
		for i, id := range compact.RangeNodes(part.Begin(), part.End(), nil) {
			nodes[id] = part.Hashes()[i]
		}
	}
	hashes := make([][]byte, len(path.IDs))
	for i, id := range path.IDs {
		if hashes[i] = nodes[id]; hashes[i] == nil {
			return nil, errEdge
		}
	}
	if hashes, err = path.Rehash(hashes, treeFactory.Hash); err != nil {
		return nil, err
	}
	all := make([]Hash, len(hashes))
	for i, h := range hashes {
		all[i] = Hash(h)
	}
	return all, nil
}

// logSigner signs the heads of a log in the plain form (0x01 of c2sp.org/signed-note), under the log's own name: witnesses look for that.
func (k *Key) logSigner(log string) (note.Signer, error) {
	public, err := k.LogKey(log)
	if err != nil {
		return nil, err
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(public, log+"+"), "+")
	parts := strings.SplitN(k.secret, "+", 5)
	return note.NewSigner(strings.Join([]string{parts[0], parts[1], log, id, parts[4]}, "+"))
}

// LogKey is the public key of a log for witnesses.
func (k *Key) LogKey(log string) (string, error) { return plainKeyOf(k.secret, log) }

var errNoSecret = errors.New("it holds no secret key, as `sessionlog keygen` writes it")

// ForWitness adds the plain signature to a signed head.
func (k *Key) ForWitness(head string) (string, error) {
	text, _, found := strings.Cut(head, "\n\n")
	log, _, _ := strings.Cut(text, "\n")
	if !found {
		return "", ErrForgedHead
	}
	signer, err := k.logSigner(log)
	if err != nil {
		return "", err
	}
	signed, err := note.Sign(&note.Note{Text: text + "\n"}, signer)
	return head + strings.TrimPrefix(string(signed), text+"\n\n"), err
}

// Cosigned are the lines of a witness's answer that one of the keys has signed for a head.
func (k Keys) Cosigned(head, answer string) (lines string) {
	log, _, _ := strings.Cut(head, "\n")
	text, _, _ := strings.Cut(head, "\n\n")
	for line := range strings.Lines(answer) {
		if _, _, err := k.Open(text+"\n\n"+strings.TrimSuffix(line, "\n")+"\n", log); err == nil {
			lines += strings.TrimSuffix(line, "\n") + "\n"
		}
	}
	return lines
}
