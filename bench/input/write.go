package input

import (
	"bufio"
	"errors"
	"os"
	"slices"
	"time"
)

// meanStep is the time between two rows: a million of them is a busy half day.
const meanStep = 50 * time.Millisecond

// Written is what a file holds.
type Written struct {
	Rows, Events int
	Bytes        int64
}

// openSession is a session some of whose rows are still to come.
type openSession struct {
	session
	left [][]piece
}

// Write makes a file of at most so many rows: of whole sessions only, so it may have a few less.
func (f Format) Write(path, root string, rows int, seed uint64) (Written, error) {
	recorded, err := f.recordings(root)
	if err != nil {
		return Written{}, err
	}
	file, err := os.Create(path)
	if err != nil {
		return Written{}, err
	}
	to := bufio.NewWriterSize(file, 1<<20)
	written, err := f.write(to, recorded, rows, newDrawer(seed))
	return written, errors.Join(err, to.Flush(), file.Close())
}

func (f Format) write(to *bufio.Writer, recorded []recording, rows int, d *drawer) (written Written, err error) {
	shortest := slices.MinFunc(recorded, func(a, b recording) int { return len(a.rows) - len(b.rows) })
	open := make([]openSession, f.open)
	var row []byte
	begun := 0 // rows of the sessions that were opened
	for at := firstEvent; ; {
		s := &open[d.IntN(len(open))]
		if len(s.left) == 0 {
			next := recorded[d.IntN(len(recorded))]
			if begun+len(next.rows) > rows {
				next = shortest
			}
			if begun+len(next.rows) > rows {
				if written.Rows == begun {
					return written, nil
				}
				continue
			}
			*s = openSession{d.session(at), next.rows}
			begun, written.Events = begun+len(next.rows), written.Events+next.events
		}
		row = row[:0]
		for _, p := range s.left[0] {
			if row = append(row, p.text...); p.value != nil {
				row = p.value(row, &s.session, at)
			}
		}
		s.left = s.left[1:]
		written.Rows, written.Bytes = written.Rows+1, written.Bytes+int64(len(row))
		if _, err := to.Write(row); err != nil {
			return written, err
		}
		at = at.Add(time.Microsecond + time.Duration(d.ExpFloat64()*float64(meanStep)).Truncate(time.Microsecond))
	}
}
