package tail

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// stream is the text of a file, uncompressed. All offsets of this package count its bytes.
type stream struct {
	file   Handle
	text   io.Reader
	close  func()
	packed string // gzip, zstd or nothing
}

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// maxWindow bounds the memory that a compressed file can demand; zstd's own command line has the same limit.
const maxWindow = 128 << 20

// open looks at the content, not at the name, to tell how a file is compressed.
func open(ctx context.Context, folder Folder, path string) (*stream, error) {
	f, err := folder.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &stream{file: f, close: func() {}}
	if err := s.rewind(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// rewind goes to the beginning and looks anew at what is there: a file that was empty when it was opened may have become a
// compressed one.
func (s *stream) rewind() error {
	s.close()
	s.text, s.close, s.packed = s.file, func() {}, ""
	magic := make([]byte, len(zstdMagic))
	n, err := s.file.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := s.unpack(magic[:n]); err != nil {
		return fmt.Errorf("%s: %w", s.packed, err)
	}
	return nil
}

func (s *stream) unpack(magic []byte) error {
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		s.packed = "gzip"
		r, err := gzip.NewReader(bufio.NewReaderSize(s.file, 64<<10))
		if err != nil {
			return err
		}
		s.text = r
	case bytes.HasPrefix(magic, zstdMagic):
		s.packed = "zstd"
		// One goroutine: the decoder then works in the reader's own and leaves none behind.
		r, err := zstd.NewReader(s.file, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		s.text, s.close = r, r.Close
	}
	return nil
}

// Close is safe to call twice.
func (s *stream) Close() {
	s.close()
	s.close = func() {}
	_ = s.file.Close() // it was only read
}

// seek goes to an offset of the text. A compressed text can only be read towards it, from its beginning.
func (s *stream) seek(offset int64) error {
	if s.packed == "" {
		_, err := s.file.Seek(offset, io.SeekStart)
		return err
	}
	if n, err := io.CopyN(io.Discard, s.text, offset); err != nil {
		return fmt.Errorf("%s: the text ends at %d, before offset %d: %w", s.packed, n, offset, err)
	}
	return nil
}

// fill reads until buf is full or the text ends, which whole says. An error of a compressed text may be one of a file that
// is still being written.
func (s *stream) fill(buf []byte) (n int, whole bool, err error) {
	for n < len(buf) {
		m, err := s.text.Read(buf[n:])
		n += m
		switch {
		case errors.Is(err, io.EOF):
			return n, true, nil
		case err != nil && s.packed != "":
			return n, true, fmt.Errorf("%s: %w", s.packed, err)
		case err != nil:
			return n, true, err
		}
	}
	return n, false, nil
}

// head is the first bytes of the text, of a stream at its beginning.
func (s *stream) head(size int) ([]byte, error) {
	buf := make([]byte, size)
	n, _, err := s.fill(buf)
	if n > 0 && !errors.Is(err, ErrUnreachable) {
		err = nil // a compressed file may be torn further on
	}
	return buf[:n], err
}

// headBehindHole is head of what follows the NULs at the beginning.
func (s *stream) headBehindHole(size int) ([]byte, error) {
	text, err := s.head(size)
	if err != nil || len(text) == 0 || text[0] != 0 {
		return text, err
	}
	for {
		rest := bytes.TrimLeft(text, "\x00")
		if len(rest) == size {
			return rest, nil
		}
		next := make([]byte, chunk)
		n, whole, err := s.fill(next[copy(next, rest):])
		if errors.Is(err, ErrUnreachable) {
			return nil, err
		}
		text = bytes.TrimLeft(next[:len(rest)+n], "\x00")
		if len(text) >= size || whole {
			return text[:min(len(text), size)], nil // a compressed file may be torn further on
		}
	}
}

// head is the first maxHead bytes of a file's text.
func head(ctx context.Context, folder Folder, path string) (text []byte, packed bool, err error) {
	s, err := open(ctx, folder, path)
	if err != nil {
		return nil, false, err
	}
	defer s.Close()
	text, err = s.head(maxHead)
	return text, s.packed != "", err
}
