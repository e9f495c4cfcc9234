package tail

import (
	"bytes"
	"fmt"
)

// A writer that does not append goes on where it stood after its file was truncated: the file then begins with a hole, which
// reads as NULs. After a loss of power a file may have one in its middle, too.

// holeInLine is how many NULs within a line are a hole: no format has so many.
var holeInLine = make([]byte, 8)

// leadingNULs is the length of the hole that data begins with.
func leadingNULs(data []byte) int { return len(data) - len(bytes.TrimLeft(data, "\x00")) }

// beforeHole is how much of data lies before the next hole.
func beforeHole(data []byte) int {
	if i := bytes.Index(data, holeInLine); i >= 0 {
		return i
	}
	return len(data)
}

// passHole goes over NULs at t.pos. They are counted once it is known that text follows: a file may be made longer than what is
// written to it yet.
func (r *reader) passHole(t *tail, n int) {
	if t.hole == 0 {
		t.holeAt = t.pos
	}
	t.pos += int64(n)
	t.hole += int64(n)
	t.before = ""
}

// endHole counts a hole that text follows.
func (r *reader) endHole(t *tail) {
	if t.hole == 0 {
		return
	}
	if t.holeAt >= max(t.told, t.skip) {
		r.host.Stats.BadRows(1, place(t.path, t.holeAt), fmt.Errorf("a hole of %d NULs, as copytruncate leaves where the writer does not append: "+
			"have it open its log to append, or rotate with create", t.hole))
	}
	t.hole = 0
}

// returnToHole makes the next turn look at a hole again that nothing follows yet.
func (t *tail) returnToHole() {
	if t.hole > 0 {
		t.pos, t.hole = t.holeAt, 0
	}
}
