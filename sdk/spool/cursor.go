package spool

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
)

type framePosition struct {
	segment uint64
	offset  int64
}

func (p framePosition) isBeforePosition(q framePosition) bool {
	return p.segment < q.segment || p.segment == q.segment && p.offset < q.offset
}

const cursorSize = 20

// openCursor reads up to where was delivered. The file is written in place and never synced: what is lost of it is delivered
// again. It can never be ahead of the frames, since no segment is written that an earlier process could have written.
func openCursor(dir string) (*os.File, framePosition, error) {
	file, err := os.OpenFile(filepath.Join(dir, "cursor"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, framePosition{}, err
	}
	var b [cursorSize]byte
	if n, _ := file.ReadAt(b[:], 0); n < cursorSize || crc32.Checksum(b[:16], crcTable) != binary.LittleEndian.Uint32(b[16:]) {
		return file, framePosition{}, nil
	}
	return file, framePosition{binary.LittleEndian.Uint64(b[:]), int64(binary.LittleEndian.Uint64(b[8:]))}, nil
}

func writeCursor(file *os.File, p framePosition) error {
	b := make([]byte, 0, cursorSize)
	b = binary.LittleEndian.AppendUint64(b, p.segment)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.offset))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crcTable))
	_, err := file.WriteAt(b, 0)
	return err
}
