package spool

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/otel-sessionlog/sessionlog/sdk/internal/receipt"
)

// errFull says that the spool holds as much as it may: whoever waits for room waits for a delivery.
var errFull = errors.New("the spool is full: its records are not being delivered")

// append makes payloads durable, in their order, with one write and one fsync, and gives an error for each. One goroutine calls
// it: active and buf are its own, and nobody else lets a segment grow.
func (s *store) append(payloads [][]byte) []error {
	errs := make([]error, len(payloads))
	taken := s.frame(payloads)
	for i := taken; i < len(payloads); i++ {
		errs[i] = errFull
	}
	if taken == 0 {
		return errs
	}
	if err := s.write(); err != nil {
		err = receipt.Broken{Err: fmt.Errorf("the spool cannot be written: %w", err)}
		for i := range taken {
			errs[i] = err
		}
	}
	return errs
}

// frame fills the buffer with as many frames as there is room for, and says how many.
func (s *store) frame(payloads [][]byte) (taken int) {
	room := s.room()
	if cap(s.buf) > 1<<20 {
		s.buf = nil
	}
	s.buf = s.buf[:0]
	for _, p := range payloads {
		if int64(len(s.buf)+frameHeader+len(p)) > room {
			break
		}
		s.buf = appendFrame(s.buf, p)
		taken++
	}
	return taken
}

// room is how many bytes may be added. A segment that is kept only because it is being written is given up for it.
func (s *store) room() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active != nil && len(s.segments) == 1 && s.onDisk() >= s.segmentBytes && s.from(s.segments[0]) == s.segments[0].size {
		s.retire()
		_ = s.discard() // what cannot be deleted now is deleted after the next delivery
	}
	return s.maxBytes - s.onDisk() - start
}

// write appends the buffer to the last segment, or to a new one. After an error nothing of it counts.
func (s *store) write() error {
	seg, whole, err := s.turn()
	if err != nil {
		return err
	}
	if _, err := s.active.Write(s.buf); err != nil {
		if s.active.Truncate(whole) != nil || !seek(s.active, whole) {
			s.abandon(seg)
		}
		return err
	}
	if err := s.active.Sync(); err != nil {
		// Linux reports a failed write once and may have thrown the pages away: nothing but writing everything again,
		// elsewhere, says anything about the disk.
		s.abandon(seg)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if seg.damaged { // the reader has given up on it meanwhile
		return errDamaged
	}
	seg.size += int64(len(s.buf))
	seg.onDisk = seg.size
	s.wake()
	return nil
}

func seek(file *os.File, to int64) bool {
	at, err := file.Seek(to, io.SeekStart)
	return err == nil && at == to
}

// turn gives the segment to write to, and its size: a new one where there is none, or the last one has its size.
func (s *store) turn() (*segment, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active != nil {
		seg := s.segments[len(s.segments)-1]
		if !seg.damaged && (seg.size == start || seg.size+int64(len(s.buf)) <= s.segmentBytes) {
			return seg, seg.size, nil
		}
		s.retire()
	}
	number := s.last + 1
	file, err := os.OpenFile(s.path(number), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, err
	}
	s.last = number
	if _, err = file.WriteString(magic); err == nil {
		err = syncDir(s.dir)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close(), os.Remove(s.path(number)))
	}
	s.active = file
	seg := &segment{number: number, size: start, onDisk: start}
	s.segments = append(s.segments, seg)
	return seg, seg.size, nil
}

// abandon ends a segment with the remains of a failed write behind its size, and takes them away. Where it cannot, this process
// never reads them; another one may find whole frames there, whose callers have told them again meanwhile, with the same ids.
func (s *store) abandon(seg *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retire()
	switch path := s.path(seg.number); {
	case seg.size == start && !seg.damaged && os.Remove(path) == nil:
		s.segments = s.segments[:len(s.segments)-1]
	case seg.damaged || os.Truncate(path, seg.size) != nil: // people shall see what was damaged
		seg.onDisk += int64(len(s.buf))
	}
}

// retire ends the last segment. The caller holds mu.
func (s *store) retire() {
	_ = s.active.Close() // what counts was synced
	s.active = nil
}
