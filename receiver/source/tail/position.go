package tail

import (
	"bytes"
	"fmt"
	"strings"
)

// readPosition is how far a text was read, in bytes of text.
type readPosition struct {
	next      int64 // of the next record
	delivered int64 // records before it were delivered, or are on their way, by this run or one before
	skip      int64 // records before it are not wanted: `initial: end`

	before    string // the text just before next, up to maxTail
	overlong  int64  // bytes after next that were passed over within a line that is too long
	holeSize  int64  // NULs that were passed just before next
	holeStart int64
}

// isUndeliveredOffset reports whether a record at this offset is to be delivered.
func (p *readPosition) isUndeliveredOffset(offset int64) bool {
	return offset >= max(p.delivered, p.skip)
}

// furthestRead is just after the last record that was delivered, by whichever run.
func (p *readPosition) furthestRead() int64 { return max(p.next, p.delivered) }

// keepBefore copies the end of what was read: a part would keep the whole text in memory.
func (p *readPosition) keepBefore(text string) {
	if text != "" {
		p.before = strings.Clone(text[max(0, len(text)-maxTail):])
	}
}

// A writer that does not append goes on where it was after its file was truncated: the file then begins with a hole, which
// reads as NULs. After a loss of power a file may have one in its middle, too.

// holeInLine is how many NULs within a line are a hole: no format has so many.
var holeInLine = make([]byte, 8)

func countLeadingNULs(data []byte) int { return len(data) - len(bytes.TrimLeft(data, "\x00")) }

func lengthBeforeHole(data []byte) int {
	if i := bytes.Index(data, holeInLine); i >= 0 {
		return i
	}
	return len(data)
}

func (p *readPosition) passHole(size int) {
	if p.holeSize == 0 {
		p.holeStart = p.next
	}
	p.next += int64(size)
	p.holeSize += int64(size)
	p.before = ""
}

func (r *folderReader) countHole(f *trackedFile) {
	p := &f.position
	if p.holeSize > 0 && p.isUndeliveredOffset(p.holeStart) { // only once text follows: a file may be made longer than what is written to it yet
		r.host.Stats.BadRows(1, recordPlace(f.path, p.holeStart), fmt.Errorf("a hole of %d NULs, as copytruncate leaves where the writer does not append: "+
			"have it open its log to append, or rotate with create", p.holeSize))
	}
	p.holeSize = 0
}

func (p *readPosition) returnToHole() {
	if p.holeSize > 0 {
		p.next, p.holeSize = p.holeStart, 0
	}
}

func recordPlace(path string, offset int64) string { return fmt.Sprintf("%s:%d", path, offset) }
