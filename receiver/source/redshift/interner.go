package redshift

import "strings"

// stringInterner makes strings of cells without an allocation each: repeated ones are cached, others are cut from chunks, which live
// as long as an event refers to them.
type stringInterner struct {
	chunk        strings.Builder
	lastOfColumn [lastColumns]string // by column: the next row often has the same value
	cache        [cacheSize]cachedText
}

type cachedText struct {
	text   string
	misses uint8
}

const (
	lastColumns = 64   // a power of two, more than there are
	cacheSize   = 1024 // a power of two
	chunkSize   = 64 << 10
	// longestCached is in bytes.
	longestCached = 256
	// missesToEvict is how many other texts a cached one outlives in its slot.
	missesToEvict = 8
)

// copyUnique is for cells that nearly all differ.
func (t *stringInterner) copyUnique(cell []byte) string {
	if len(cell) == 0 {
		return ""
	}
	if t.chunk.Cap()-t.chunk.Len() < len(cell) {
		t.chunk.Reset() // strings that were cut from the old chunk keep it
		t.chunk.Grow(max(chunkSize, len(cell)))
	}
	from := t.chunk.Len()
	t.chunk.Write(cell)
	return t.chunk.String()[from:]
}

// internCommon is for cells of a column with few values.
func (t *stringInterner) internCommon(column int, cell []byte) string {
	if len(cell) == 0 {
		return ""
	}
	last := &t.lastOfColumn[column%lastColumns]
	if *last != string(cell) {
		*last = t.internCached(cell)
	}
	return *last
}

func (t *stringInterner) internCached(cell []byte) string {
	k := &t.cache[cacheSlot(cell)]
	if k.text == string(cell) {
		k.misses = 0
		return k.text
	}
	if k.misses++; len(cell) <= longestCached && (k.text == "" || k.misses >= missesToEvict) {
		k.text, k.misses = string(cell), 0
		return k.text
	}
	return t.copyUnique(cell)
}

func cacheSlot(b []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return (h ^ h>>16) % cacheSize
}
