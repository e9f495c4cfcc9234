package spool

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/otel-sessionlog/sessionlog/sdk/internal/receipt"
)

// errFull lasts until something is delivered.
var errFull = errors.New("the spool is full: its records are not being delivered")

// appendPayloads makes payloads durable, in their order, with one write and one fsync, and gives an error for each. One goroutine calls
// it: active and buf are its own, and nobody else lets a segment grow.
func (s *segmentStore) appendPayloads(payloads [][]byte) []error {
	errs := make([]error, len(payloads))
	taken := s.bufferFrames(payloads)
	for i := taken; i < len(payloads); i++ {
		errs[i] = errFull
	}
	if taken == 0 {
		return errs
	}
	if err := s.writeBuffer(); err != nil {
		err = receipt.StorageError{Err: fmt.Errorf("the spool cannot be written: %w", err)}
		for i := range taken {
			errs[i] = err
		}
	}
	return errs
}

func (s *segmentStore) bufferFrames(payloads [][]byte) (taken int) {
	room := s.freeBytes()
	if cap(s.frameBuffer) > 1<<20 {
		s.frameBuffer = nil
	}
	s.frameBuffer = s.frameBuffer[:0]
	for _, p := range payloads {
		if int64(len(s.frameBuffer)+frameHeader+len(p)) > room {
			break
		}
		s.frameBuffer = appendFrame(s.frameBuffer, p)
		taken++
	}
	return taken
}

func (s *segmentStore) freeBytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.activeFile != nil && len(s.segments) == 1 && s.diskBytes() >= s.segmentBytes && s.deliveredOffset(s.segments[0]) == s.segments[0].size {
		s.closeActive()
		_ = s.deleteDelivered() // what cannot be deleted now is deleted after the next delivery
	}
	return s.maxBytes - s.diskBytes() - segmentHeader
}

func (s *segmentStore) writeBuffer() error {
	seg, whole, err := s.segmentToWrite()
	if err != nil {
		return err
	}
	if _, err := s.activeFile.Write(s.frameBuffer); err != nil {
		if s.activeFile.Truncate(whole) != nil || !seekToOffset(s.activeFile, whole) {
			s.abandonSegment(seg)
		}
		return err
	}
	if err := s.activeFile.Sync(); err != nil {
		// Linux reports a failed write once and may have thrown the pages away: nothing but writing everything again,
		// elsewhere, says anything about the disk.
		s.abandonSegment(seg)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if seg.damaged { // found by the reader meanwhile
		return errDamaged
	}
	seg.size += int64(len(s.frameBuffer))
	seg.onDisk = seg.size
	s.signalChange()
	return nil
}

func seekToOffset(file *os.File, to int64) bool {
	at, err := file.Seek(to, io.SeekStart)
	return err == nil && at == to
}

func (s *segmentStore) segmentToWrite() (*spoolSegment, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.activeFile != nil {
		seg := s.segments[len(s.segments)-1]
		if !seg.damaged && (seg.size == segmentHeader || seg.size+int64(len(s.frameBuffer)) <= s.segmentBytes) {
			return seg, seg.size, nil
		}
		s.closeActive()
	}
	number := s.lastNumber + 1
	file, err := os.OpenFile(s.segmentPath(number), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, err
	}
	s.lastNumber = number
	if _, err = file.WriteString(segmentMagic); err == nil {
		err = syncDirectory(s.dir)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close(), os.Remove(s.segmentPath(number)))
	}
	s.activeFile = file
	seg := &spoolSegment{number: number, size: segmentHeader, onDisk: segmentHeader}
	s.segments = append(s.segments, seg)
	return seg, seg.size, nil
}

// abandonSegment ends a segment with the remains of a failed write beyond its size, and truncates it. Where it cannot, this process
// never reads them; another one may find whole frames there, whose callers have emitted them again meanwhile, with the same ids.
func (s *segmentStore) abandonSegment(seg *spoolSegment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeActive()
	switch path := s.segmentPath(seg.number); {
	case seg.size == segmentHeader && !seg.damaged && os.Remove(path) == nil:
		s.segments = s.segments[:len(s.segments)-1]
	case seg.damaged || os.Truncate(path, seg.size) != nil: // what was damaged is kept for inspection
		seg.onDisk += int64(len(s.frameBuffer))
	}
}

// closeActive ends the last segment. The caller holds mu.
func (s *segmentStore) closeActive() {
	_ = s.activeFile.Close() // what counts was synced
	s.activeFile = nil
}
