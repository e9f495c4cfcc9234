package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

const maxSegmentBytes = 4 << 20

// segmentStore is the folder: segments that grow at one end and are deleted at the other. One goroutine appends, another reads.
type segmentStore struct {
	dir              string
	maxBytes         int64
	segmentBytes     int64
	lock, cursorFile *os.File // marker is the cursor's file

	activeFile  *os.File // of the last segment, for the appender alone; nil: the next append begins a segment
	frameBuffer []byte

	mu         sync.Mutex
	segments   []*spoolSegment // oldest first
	cursor     framePosition   // the first frame that was not delivered
	lastNumber uint64          // the highest number ever given

	changedMutex sync.Mutex // of changed alone: mu is held while files come and go, and a login must not hang with a disk
	changed      chan struct{}
}

func openStore(dir string, maxBytes int64) (*segmentStore, error) {
	dir, err := filepath.Abs(dir) // the application may go elsewhere
	if err != nil {
		return nil, err
	}
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockExclusively(lock); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("another process has this folder: give each process its own: %w", err)
	}
	s := &segmentStore{
		dir: dir, maxBytes: maxBytes, segmentBytes: min(maxBytes/4, maxSegmentBytes), lock: lock,
		changed: make(chan struct{}),
	}
	if err := s.recoverState(); err != nil {
		_ = s.closeFiles()
		return nil, err
	}
	return s, nil
}

func makeFolder(dir string) error {
	var above []string
	for d := dir; ; {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) || d == filepath.Dir(d) {
			break
		}
		d = filepath.Dir(d)
		above = append(above, d)
	}
	err := os.MkdirAll(dir, 0o700)
	// A name that is not on the disk is lost with all it holds.
	for _, d := range above {
		if err == nil {
			err = syncDirectory(d)
		}
	}
	return err
}

func (s *segmentStore) recoverState() (err error) {
	if s.cursorFile, s.cursor, err = openCursor(s.dir); err != nil {
		return err
	}
	if s.segments, err = s.findSegments(); err != nil {
		return err
	}
	s.lastNumber = s.cursor.segment
	for _, seg := range s.segments {
		s.lastNumber = max(s.lastNumber, seg.number)
	}
	if err := errors.Join(syncDirectory(s.dir), syncDirectory(filepath.Dir(s.dir))); err != nil {
		return err
	}
	_ = writeCursor(s.cursorFile, s.cursor) // takes the room that it needs; without, a full disk would have records delivered again
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deleteDelivered()
}

// signalChange wakes everybody who waits for a change. The caller holds mu.
func (s *segmentStore) signalChange() {
	s.changedMutex.Lock()
	defer s.changedMutex.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// nextChange returns a channel that is closed at the next change. Get it before reading the state.
func (s *segmentStore) nextChange() <-chan struct{} {
	s.changedMutex.Lock()
	defer s.changedMutex.Unlock()
	return s.changed
}

// diskBytes is the room that the segments take. The caller holds mu.
func (s *segmentStore) diskBytes() (n int64) {
	for _, seg := range s.segments {
		n += seg.onDisk
	}
	return n
}

func (s *segmentStore) pendingBytes() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		n += seg.size - s.deliveredOffset(seg)
	}
	return n
}

func (s *segmentStore) endPosition() framePosition {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.segments) == 0 {
		return framePosition{}
	}
	seg := s.segments[len(s.segments)-1]
	return framePosition{seg.number, seg.size}
}

func (s *segmentStore) isDeliveredUpTo(p framePosition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		if from := (framePosition{seg.number, s.deliveredOffset(seg)}); from.isBeforePosition(p) && from.offset < seg.size {
			return false
		}
	}
	return true
}

func (s *segmentStore) finishAndClose() error {
	s.mu.Lock()
	if s.activeFile != nil {
		s.closeActive()
	}
	err := s.deleteDelivered()
	s.mu.Unlock()
	return errors.Join(err, s.closeFiles())
}

// closeFiles unlocks the folder. Nobody appends or reads any more.
func (s *segmentStore) closeFiles() error {
	var errs []error
	for _, f := range []*os.File{s.activeFile, s.cursorFile, s.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	s.activeFile, s.cursorFile, s.lock = nil, nil, nil
	return errors.Join(errs...)
}
