package tail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// textCursor says how far a file was delivered. The file is known by the beginning of its text, so it may be renamed,
// compressed and copied.
type textCursor struct {
	Path     string `json:"path"`     // where it was last; only a preference
	HeadSize int    `json:"headSize"` // how much of the beginning is hashed: never more than Offset or Skip, which is not going to change
	Head     string `json:"head"`
	TailSize int    `json:"tailSize"` // how much before Offset is hashed
	Tail     string `json:"tail"`
	Offset   int64  `json:"offset"` // just after the last record that was delivered, in bytes of text
	Anchor   int64  `json:"anchor"` // where a parser must start to go on there
	State    []byte `json:"state"`  // and what it must know
	Format   string `json:"format"`
	// Seq grows with every cursor that is made, of whatever file.
	Seq int64 `json:"seq,omitempty"`
	// Skip is how much text `initial: end` does not want, while that is not all passed over.
	Skip int64 `json:"skip,omitempty"`
	// DecideAfter is the time after which the parser decided. With another one it decides the records between Anchor and Offset
	// otherwise, so what comes of them is new.
	DecideAfter time.Duration `json:"patience,omitempty"`
}

const (
	maxHead = 4096 // enough to see the first rows after any line of column names
	maxTail = 512
)

func hashText(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// matchesHead reports whether a text begins as the one that the cursor knows.
func (c *textCursor) matchesHead(head *textHead) bool {
	return c.HeadSize > 0 && len(head.text) >= c.HeadSize && head.hashPrefix(c.HeadSize) == c.Head
}

// matchesTail reports whether the text before Offset still is the one that was read. An export that was rewritten may begin
// as the old one did and have other rows in the middle. Of a compressed file only the beginning is compared: nobody
// changes one in place. The error is [ErrUnreachable].
func (c *textCursor) matchesTail(ctx context.Context, folder Folder, path string, compressed bool) (bool, error) {
	if compressed || c.TailSize == 0 {
		return true, nil
	}
	f, err := folder.Open(ctx, path)
	if err != nil {
		return true, onlyUnreachable(err)
	}
	defer func() { _ = f.Close() }()
	text := make([]byte, c.TailSize)
	n, err := f.ReadAt(text, c.Offset-int64(c.TailSize))
	return n == c.TailSize && hashText(text) == c.Tail, onlyUnreachable(err)
}

// textHead is the first bytes of a text, whose hashes are computed once however many cursors are compared with it.
type textHead struct {
	text   []byte
	hashes map[int]string // by size
}

func (h *textHead) hashPrefix(size int) string {
	if hash, known := h.hashes[size]; known {
		return hash
	}
	if h.hashes == nil {
		h.hashes = map[int]string{}
	}
	h.hashes[size] = hashText(h.text[:size])
	return h.hashes[size]
}
