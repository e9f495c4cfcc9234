package spool

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// A segment is a file of frames after eight bytes of magic. Numbers are little endian:
//
//	uint32  length of the payload
//	uint32  CRC-32C of those four bytes: distinguishes a torn write from a damaged one
//	uint32  CRC-32C of the payload
//	payload an OTLP logs request in protobuf that holds one record
//
// A segment that a process has left is never written again, so a torn end stays an end.
const (
	segmentMagic  = "slspool1"
	segmentHeader = int64(len(segmentMagic))
	frameHeader   = 12
)

var crcTable = crc32.MakeTable(crc32.Castagnoli)

var (
	errTorn    = errors.New("the file ends within a frame")
	errDamaged = errors.New("a frame is not what was written")
)

func appendFrame(b, payload []byte) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:at+4], crcTable))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(payload, crcTable))
	return append(b, payload...)
}

// readFrame reads the next frame, of which at most left bytes are there, and says how many bytes it has. It returns io.EOF
// where the frames end, [errTorn] where the file ends within one, and [errDamaged] where one is not whole: its size is 0 then if
// nothing after it can be found.
func readFrame(r *bufio.Reader, left int64) (payload []byte, size int64, err error) {
	switch {
	case left == 0:
		return nil, 0, io.EOF
	case left < frameHeader:
		return nil, 0, errTorn
	}
	var head [frameHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, eofAsTorn(err)
	}
	if head == [frameHeader]byte{} {
		return nil, 0, classifyZeros(r)
	}
	if crc32.Checksum(head[:4], crcTable) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, 0, errDamaged
	}
	size = frameHeader + int64(binary.LittleEndian.Uint32(head[:]))
	if size > left {
		return nil, 0, errTorn
	}
	payload = make([]byte, size-frameHeader)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, 0, eofAsTorn(err)
	}
	if crc32.Checksum(payload, crcTable) != binary.LittleEndian.Uint32(head[8:]) {
		return nil, size, errDamaged
	}
	return payload, size, nil
}

// eofAsTorn distinguishes a file that has become shorter from one that cannot be read now.
func eofAsTorn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}

// classifyZeros: after a loss of power a file system may have zeros where nothing was written yet, but then nothing follows them.
func classifyZeros(r io.Reader) error {
	var b [4096]byte
	for {
		n, err := r.Read(b[:])
		switch {
		case len(bytes.Trim(b[:n], "\x00")) > 0:
			return errDamaged
		case errors.Is(err, io.EOF):
			return errTorn
		case err != nil:
			return err
		}
	}
}
