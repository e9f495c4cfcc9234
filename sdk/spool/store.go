package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// mostSegment is where a segment is followed by another.
const mostSegment = 4 << 20

// store is the folder: segments that grow at one end and are deleted at the other. One goroutine appends, another reads.
type store struct {
	dir          string
	maxBytes     int64
	segmentBytes int64
	lock, marker *os.File // marker is the cursor's file

	active *os.File // of the last segment, for the appender alone; nil: the next append begins a segment
	buf    []byte

	mu       sync.Mutex
	segments []*segment // oldest first
	cursor   position   // the first frame that was not delivered
	last     uint64     // the highest number ever given

	bell    sync.Mutex // of changed alone: mu is held while files come and go, and a login must not hang with a disk
	changed chan struct{}
}

// openStore takes hold of the folder, and makes it when it is missing.
func openStore(dir string, maxBytes int64) (*store, error) {
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
	if err := lockFile(lock); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("another process has this folder: give each process its own: %w", err)
	}
	s := &store{
		dir: dir, maxBytes: maxBytes, segmentBytes: min(maxBytes/4, mostSegment), lock: lock,
		changed: make(chan struct{}),
	}
	if err := s.recover(); err != nil {
		_ = s.close()
		return nil, err
	}
	return s, nil
}

// makeFolder makes the folder, and those above it that are missing: a name that is not on the disk is lost with all it holds.
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
	for _, d := range above {
		if err == nil {
			err = syncDir(d)
		}
	}
	return err
}

func (s *store) recover() (err error) {
	if s.marker, s.cursor, err = openCursor(s.dir); err != nil {
		return err
	}
	if s.segments, err = s.found(); err != nil {
		return err
	}
	s.last = s.cursor.segment
	for _, seg := range s.segments {
		s.last = max(s.last, seg.number)
	}
	if err := errors.Join(syncDir(s.dir), syncDir(filepath.Dir(s.dir))); err != nil {
		return err
	}
	_ = writeCursor(s.marker, s.cursor) // takes the room that it needs; without, a full disk would have records told again
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.discard()
}

// wake tells everybody who waits for a change. The caller holds mu.
func (s *store) wake() {
	s.bell.Lock()
	defer s.bell.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// awaiting gives a channel that is closed at the next change; ask first for it, then for the state.
func (s *store) awaiting() <-chan struct{} {
	s.bell.Lock()
	defer s.bell.Unlock()
	return s.changed
}

// onDisk is the room that the segments take. The caller holds mu.
func (s *store) onDisk() (n int64) {
	for _, seg := range s.segments {
		n += seg.onDisk
	}
	return n
}

// pending is how many bytes of frames wait for their delivery.
func (s *store) pending() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		n += seg.size - s.from(seg)
	}
	return n
}

// end is where the next frame will stand, or later.
func (s *store) end() position {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.segments) == 0 {
		return position{}
	}
	seg := s.segments[len(s.segments)-1]
	return position{seg.number, seg.size}
}

// reached tells whether everything before p was delivered.
func (s *store) reached(p position) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		if from := (position{seg.number, s.from(seg)}); from.before(p) && from.offset < seg.size {
			return false
		}
	}
	return true
}

// finish ends the last segment, which is deleted if it was delivered, and closes the store.
func (s *store) finish() error {
	s.mu.Lock()
	if s.active != nil {
		s.retire()
	}
	err := s.discard()
	s.mu.Unlock()
	return errors.Join(err, s.close())
}

// close lets go of the folder. Nobody appends or reads any more.
func (s *store) close() error {
	var errs []error
	for _, f := range []*os.File{s.active, s.marker, s.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	s.active, s.marker, s.lock = nil, nil, nil
	return errors.Join(errs...)
}
