package redshift

import "strings"

// texts makes strings of cells without an allocation each. Those that come again and again are kept; the others lie side
// by side in chunks, which live as long as an event refers to them.
type texts struct {
	chunk strings.Builder
	last  [lastColumns]string // of each column: most often the next is the same
	kept  [cacheSize]keptText
}

type keptText struct {
	text   string
	misses uint8
}

const (
	lastColumns = 64   // a power of two, more than there are
	cacheSize   = 1024 // a power of two
	chunkSize   = 64 << 10
	// longest of the texts that are kept, so that a cache stays small.
	longest = 256
	// patience is how many other texts a kept one outlives in its place.
	patience = 8
)

// unique is the string of a cell that is hardly ever met again.
func (t *texts) unique(cell []byte) string {
	if len(cell) == 0 {
		return ""
	}
	if t.chunk.Cap()-t.chunk.Len() < len(cell) {
		t.chunk.Reset() // leaves the old chunk to its strings
		t.chunk.Grow(max(chunkSize, len(cell)))
	}
	from := t.chunk.Len()
	t.chunk.Write(cell)
	return t.chunk.String()[from:]
}

// common is the string of a cell whose column, the nth, has few values.
func (t *texts) common(column int, cell []byte) string {
	if len(cell) == 0 {
		return ""
	}
	last := &t.last[column%lastColumns]
	if *last != string(cell) {
		*last = t.find(cell)
	}
	return *last
}

func (t *texts) find(cell []byte) string {
	k := &t.kept[slot(cell)]
	if k.text == string(cell) {
		k.misses = 0
		return k.text
	}
	if k.misses++; len(cell) <= longest && (k.text == "" || k.misses >= patience) {
		k.text, k.misses = string(cell), 0
		return k.text
	}
	return t.unique(cell)
}

// slot is FNV-1a, folded.
func slot(b []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return (h ^ h>>16) % cacheSize
}
