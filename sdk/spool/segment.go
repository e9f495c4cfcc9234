package spool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const segmentExtension = ".spool"

type spoolSegment struct {
	number  uint64
	size    int64 // up to where it is read: its frames are on the disk, whole but for damaged ones
	onDisk  int64 // of the file
	damaged bool  // something in it or beyond size cannot be read, and is not the torn end of a write
}

func (s *segmentStore) segmentPath(number uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%020d%s", number, segmentExtension))
}

func (s *segmentStore) findSegments() ([]*spoolSegment, error) {
	files, err := os.ReadDir(s.dir) // in the order of their names
	if err != nil {
		return nil, err
	}
	var list []*spoolSegment
	for _, file := range files {
		digits, ours := strings.CutSuffix(file.Name(), segmentExtension)
		number, err := strconv.ParseUint(digits, 10, 64)
		if !ours || err != nil {
			continue
		}
		seg, err := examineSegment(s.segmentPath(number), number)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name(), err)
		}
		list = append(list, seg)
	}
	return list, nil
}

func examineSegment(name string, number uint64) (*spoolSegment, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	seg := &spoolSegment{number: number, onDisk: info.Size()}
	r := bufio.NewReader(file)
	head := make([]byte, segmentHeader)
	if _, err := io.ReadFull(r, head); err != nil {
		return seg, seg.classifyEnd(eofAsTorn(err)) // a crash while it was made leaves a short header
	}
	switch {
	case string(head) == segmentMagic:
		seg.size = segmentHeader
		return seg, seg.readFrames(r)
	case strings.Trim(string(head), "\x00") == "":
		return seg, seg.classifyEnd(classifyZeros(r))
	}
	seg.damaged = true // not a segment
	return seg, nil
}

func (seg *spoolSegment) readFrames(r *bufio.Reader) error {
	for {
		_, size, err := readFrame(r, seg.onDisk-seg.size)
		if size == 0 {
			return seg.classifyEnd(err)
		}
		seg.size += size
		seg.damaged = seg.damaged || err != nil
	}
}

// classifyEnd sets damaged by what is beyond size.
func (seg *spoolSegment) classifyEnd(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, errTorn):
		return nil
	case errors.Is(err, errDamaged):
		seg.damaged = true
		return nil
	}
	return err
}
