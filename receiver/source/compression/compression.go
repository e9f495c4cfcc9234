// Package compression opens texts that may be compressed, whatever they are called.
package compression

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Text is a text, uncompressed.
type Text struct {
	io.Reader
	Name  string // gzip, zstd or nothing
	close func()
}

const (
	// MagicLength is how many bytes of the beginning say how a text is compressed.
	MagicLength = 4
	// maxWindow bounds the memory that a compressed text can demand; zstd's own command line has the same limit.
	maxWindow = 128 << 20
	readAhead = 64 << 10
)

// Open reads from the beginning of a text, of which magic are the first bytes.
func Open(from io.Reader, magic []byte) (Text, error) {
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		r, err := gzip.NewReader(bufio.NewReaderSize(from, readAhead))
		if err != nil {
			return Text{Name: "gzip"}, err
		}
		return Text{Reader: r, Name: "gzip"}, nil
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// One goroutine: the decoder then works in the reader's own and leaves none behind.
		r, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return Text{Name: "zstd"}, err
		}
		return Text{r, "zstd", r.Close}, nil
	}
	return Text{Reader: from}, nil
}

// Fill reads until buf is full or the text ends, which atEnd says. What came before an error is in buf.
func (t *Text) Fill(buf []byte) (n int, atEnd bool, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = t.Read(buf[n:])
		n += m
	}
	if errors.Is(err, io.EOF) {
		return n, true, nil
	}
	return n, false, err
}

// Close lets go of the decoder; it is safe to call twice.
func (t *Text) Close() {
	if t.close != nil {
		t.close()
	}
	t.close = nil
}
