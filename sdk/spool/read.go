package spool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/otel"
)

// batch is what is delivered at once. It may be empty, where nothing could be read.
type batch struct {
	payloads [][]byte
	end      position // of what stands behind it
}

const (
	batchRecords = 512
	batchBytes   = 1 << 20
)

// next reads what comes after what was delivered, most records of it; ok says that there was anything.
func (s *store) next(most int) (b batch, ok bool, err error) {
	number, from, size := s.front()
	if from == size {
		return b, false, nil
	}
	file, err := os.Open(s.path(number))
	if err != nil {
		return b, false, err
	}
	defer file.Close()
	b.end = position{number, from}
	r := bufio.NewReader(io.NewSectionReader(file, from, size-from))
	for bytes := int64(0); len(b.payloads) < most && bytes < batchBytes; {
		payload, n, err := readFrame(r, size-b.end.offset)
		b.end.offset += n
		bytes += n
		switch {
		case err == nil:
			b.payloads = append(b.payloads, payload)
		case errors.Is(err, io.EOF):
			return b, true, nil
		case errors.Is(err, errDamaged), errors.Is(err, errTorn): // it may be older than this process
			s.damage(number, b.end.offset, n > 0)
			if n == 0 {
				return b, true, nil
			}
		default:
			return b, false, err
		}
	}
	return b, true, nil
}

// front finds the first frame that was not delivered, in the first segment that has one. Without any, from and size are equal.
func (s *store) front() (number uint64, from, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		if from := s.from(seg); from < seg.size {
			return seg.number, from, seg.size
		}
	}
	return 0, 0, 0
}

// from is up to where a segment was delivered. The caller holds mu.
func (s *store) from(seg *segment) int64 {
	switch {
	case seg.number < s.cursor.segment:
		return seg.size
	case seg.number == s.cursor.segment:
		return min(max(start, s.cursor.offset), seg.size)
	}
	return min(start, seg.size)
}

// damage has a segment put aside once the rest of it is delivered. If it cannot be read on, it ends there.
func (s *store) damage(number uint64, at int64, goesOn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		if seg.number == number {
			seg.damaged = true
			if !goesOn {
				seg.size = at
			}
		}
	}
}

// delivered moves the cursor, and deletes what it has passed.
func (s *store) delivered(to position) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor = to
	return errors.Join(writeCursor(s.marker, to), s.discard())
}

// discard deletes segments that were delivered as a whole, but not the one that is being written: then every event would cost a
// new file. The caller holds mu, which is let go of while the application is told of damage: it may ask for Pending.
func (s *store) discard() error {
	defer s.wake()
	for len(s.segments) > 0 {
		seg := s.segments[0]
		if s.from(seg) < seg.size || s.active != nil && len(s.segments) == 1 {
			return nil
		}
		if err := s.remove(seg); err != nil {
			return err
		}
		s.segments = s.segments[1:]
		if seg.damaged {
			s.mu.Unlock()
			otel.Handle(fmt.Errorf("spool: %s%s: a part of it is not what was written, and was not delivered: kept aside", s.path(seg.number), aside))
			s.mu.Lock()
		}
	}
	return nil
}

// remove deletes a segment, or puts aside one of which something could not be read.
func (s *store) remove(seg *segment) error {
	path := s.path(seg.number)
	if !seg.damaged {
		return os.Remove(path)
	}
	return os.Rename(path, path+aside)
}

// aside is added to the name of a segment that somebody should look at.
const aside = ".damaged"
