package proxy

import (
	"encoding/binary"
	"fmt"
	"io"
)

// maxMessage bounds what a broken client can make us allocate; PostgreSQL's own limit is 1 GB.
const maxMessage = 256 << 20

func putLength(to []byte, n int) {
	binary.BigEndian.PutUint32(to, uint32(n)) //nolint:gosec // n is at most maxMessage
}

// receive reads the next message. Its body is good until the next call.
func (t *stream) receive() (kind byte, body []byte, err error) {
	var header [5]byte
	if _, err := io.ReadFull(t.in, header[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint32(header[1:])) - 4
	if n < 0 || n > maxMessage {
		return 0, nil, fmt.Errorf("message of %d bytes", n)
	}
	if cap(t.body) < n {
		t.body = make([]byte, n)
	}
	t.body = t.body[:n]
	_, err = io.ReadFull(t.in, t.body)
	return header[0], t.body, err
}

// receiveStartUp reads a packet without a type, byte for byte: what follows it may be TLS.
func receiveStartUp(from io.Reader) ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(from, header[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(header[:])) - 4
	if n < 4 || n > 10000 {
		return nil, fmt.Errorf("start-up packet of %d bytes", n)
	}
	body := make([]byte, n)
	_, err := io.ReadFull(from, body)
	return body, err
}
