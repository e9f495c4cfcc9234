package spool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/otel"
)

// deliveryBatch is what is delivered at once. It may be empty, where nothing could be read.
type deliveryBatch struct {
	payloads [][]byte
	end      framePosition // of what follows it
}

const (
	batchRecords = 512
	batchBytes   = 1 << 20
)

func (s *segmentStore) nextBatch(most int) (b deliveryBatch, ok bool, err error) {
	number, from, size := s.firstPending()
	if from == size {
		return b, false, nil
	}
	file, err := os.Open(s.segmentPath(number))
	if err != nil {
		return b, false, err
	}
	defer file.Close()
	b.end = framePosition{number, from}
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
			s.markDamaged(number, b.end.offset, n > 0)
			if n == 0 {
				return b, true, nil
			}
		default:
			return b, false, err
		}
	}
	return b, true, nil
}

func (s *segmentStore) firstPending() (number uint64, from, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		if from := s.deliveredOffset(seg); from < seg.size {
			return seg.number, from, seg.size
		}
	}
	return 0, 0, 0
}

// deliveredOffset is up to where a segment was delivered. The caller holds mu.
func (s *segmentStore) deliveredOffset(seg *spoolSegment) int64 {
	switch {
	case seg.number < s.cursor.segment:
		return seg.size
	case seg.number == s.cursor.segment:
		return min(max(segmentHeader, s.cursor.offset), seg.size)
	}
	return min(segmentHeader, seg.size)
}

// markDamaged has a segment kept aside once the rest of it is delivered. If it cannot be read on, it ends there.
func (s *segmentStore) markDamaged(number uint64, at int64, goesOn bool) {
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

func (s *segmentStore) markDelivered(to framePosition) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor = to
	return errors.Join(writeCursor(s.cursorFile, to), s.deleteDelivered())
}

// deleteDelivered deletes segments that were delivered as a whole, but not the one that is being written: then every event would cost a
// new file. The caller holds mu, which is unlocked while damage is reported: the application's handler may call Pending.
func (s *segmentStore) deleteDelivered() error {
	defer s.signalChange()
	for len(s.segments) > 0 {
		seg := s.segments[0]
		if s.deliveredOffset(seg) < seg.size || s.activeFile != nil && len(s.segments) == 1 {
			return nil
		}
		if err := s.removeSegment(seg); err != nil {
			return err
		}
		s.segments = s.segments[1:]
		if seg.damaged {
			s.mu.Unlock()
			otel.Handle(fmt.Errorf("spool: %s%s: a part of it is not what was written, and was not delivered: kept aside", s.segmentPath(seg.number), damagedSuffix))
			s.mu.Lock()
		}
	}
	return nil
}

func (s *segmentStore) removeSegment(seg *spoolSegment) error {
	path := s.segmentPath(seg.number)
	if !seg.damaged {
		return os.Remove(path)
	}
	return os.Rename(path, path+damagedSuffix)
}

// damagedSuffix is added to the name of a segment that somebody should inspect.
const damagedSuffix = ".damaged"
