package tail

import "bytes"

// fileIdentity is by what a file is known again: it belongs to the file itself, not to the path, which a rotation changes.
type fileIdentity struct {
	path       string
	info       FileInfo // of the last scan
	compressed bool

	opening  []byte // the first openingSize bytes of the text, as far as they were seen
	start    []byte // the beginning of the text, as far as it was read, up to maxHead
	headHash string // of headSize bytes of it
	headSize int
}

// openingSize is how much of a text shows which other texts may be its copies.
const openingSize = 64

func (i *fileIdentity) keepStart(offset int64, data []byte) {
	if offset == 0 && len(i.opening) < openingSize {
		i.opening = bytes.Clone(data[:min(len(data), openingSize)])
	}
	if have := int64(len(i.start)); i.headSize < maxHead && offset <= have {
		i.start = append(i.start[:offset], data[:min(len(data), maxHead-int(offset))]...)
	}
}

func (i *fileIdentity) hashHead(offset int64) (hash string, size int) {
	size = int(min(offset, maxHead))
	if size != i.headSize && size <= len(i.start) {
		i.headHash, i.headSize = hashText(i.start[:size]), size
		if size == maxHead {
			i.start = nil
		}
	}
	return i.headHash, i.headSize
}

// trustCursor takes over the hash of the beginning that the file's cursor has.
func (f *trackedFile) trustCursor() {
	f.headHash, f.headSize = f.record.cursor.Head, f.record.cursor.HeadSize
	if f.headSize == maxHead {
		f.start = nil
	}
}

// mayBeginLike reports whether two texts may be of the same content, as far as both go.
func (f *trackedFile) mayBeginLike(text []byte) bool {
	n := min(len(f.opening), len(text))
	if n == 0 || !bytes.Equal(f.opening[:n], text[:n]) {
		return false
	}
	if c := &f.record.cursor; c.HeadSize > 0 && len(text) >= c.HeadSize {
		return hashText(text[:c.HeadSize]) == c.Head
	}
	n = min(len(f.start), len(text))
	return bytes.Equal(f.start[:n], text[:n])
}
