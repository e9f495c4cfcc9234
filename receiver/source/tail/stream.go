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

// textStream is the text of a file, uncompressed. All offsets of this package count its bytes.
type textStream struct {
	file        OpenFile
	text        io.Reader
	closeText   func()
	compression string // gzip, zstd or nothing
}

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

const (
	chunkSize = 256 << 10
	// maxWindow bounds the memory that a compressed file can demand; zstd's own command line has the same limit.
	maxWindow = 128 << 20
)

func openStream(ctx context.Context, folder Folder, path string) (*textStream, error) {
	f, err := folder.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &textStream{file: f, closeText: func() {}}
	if err := s.reopenAtStart(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// reopenAtStart goes to the beginning and tells the compression by what is there now: a file that was empty when it was opened may have
// become a compressed one.
func (s *textStream) reopenAtStart() error {
	s.closeText()
	s.text, s.closeText, s.compression = s.file, func() {}, ""
	magic := make([]byte, len(zstdMagic))
	n, err := s.file.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := s.beginDecompressing(magic[:n]); err != nil {
		return fmt.Errorf("%s: %w", s.compression, err)
	}
	return nil
}

func (s *textStream) beginDecompressing(magic []byte) error {
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		s.compression = "gzip"
		r, err := gzip.NewReader(bufio.NewReaderSize(s.file, 64<<10))
		if err != nil {
			return err
		}
		s.text = r
	case bytes.HasPrefix(magic, zstdMagic):
		s.compression = "zstd"
		// One goroutine: the decoder then works in the reader's own and leaves none behind.
		r, err := zstd.NewReader(s.file, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		s.text, s.closeText = r, r.Close
	}
	return nil
}

// Close is safe to call twice.
func (s *textStream) Close() {
	s.closeText()
	s.closeText = func() {}
	_ = s.file.Close() // it was only read
}

func (s *textStream) seekTextOffset(offset int64) error {
	if s.compression == "" {
		_, err := s.file.Seek(offset, io.SeekStart)
		return err
	}
	// A compressed text can only be read towards an offset, from its beginning.
	if n, err := io.CopyN(io.Discard, s.text, offset); err != nil {
		return fmt.Errorf("%s: the text ends at %d, before offset %d: %w", s.compression, n, offset, err)
	}
	return nil
}

// fillBuffer reads until buf is full or the text ends, which atEnd says. An error of a compressed text may be one of a file that
// is still being written.
func (s *textStream) fillBuffer(buf []byte) (n int, atEnd bool, err error) {
	for n < len(buf) {
		m, err := s.text.Read(buf[n:])
		n += m
		switch {
		case errors.Is(err, io.EOF):
			return n, true, nil
		case err != nil && s.compression != "":
			return n, true, fmt.Errorf("%s: %w", s.compression, err)
		case err != nil:
			return n, true, err
		}
	}
	return n, false, nil
}

// readHead gives the first bytes of the text. A compressed file may be torn further on.
func (s *textStream) readHead(size int) ([]byte, error) {
	buf := make([]byte, size)
	n, _, err := s.fillBuffer(buf)
	if n > 0 {
		err = onlyUnreachable(err)
	}
	return buf[:n], err
}

// readHeadBehindHole is readHead of what follows the NULs at the beginning.
func (s *textStream) readHeadBehindHole(size int) ([]byte, error) {
	text, err := s.readHead(size)
	if err != nil || len(text) == 0 || text[0] != 0 {
		return text, err
	}
	for {
		rest := bytes.TrimLeft(text, "\x00")
		if len(rest) == size {
			return rest, nil
		}
		next := make([]byte, chunkSize)
		n, atEnd, err := s.fillBuffer(next[copy(next, rest):])
		if err := onlyUnreachable(err); err != nil {
			return nil, err
		}
		text = bytes.TrimLeft(next[:len(rest)+n], "\x00")
		if len(text) >= size || atEnd {
			return text[:min(len(text), size)], nil
		}
	}
}

// readFileHead gives the first maxHead bytes of a file's text.
func readFileHead(ctx context.Context, folder Folder, path string) (text []byte, compressed bool, err error) {
	s, err := openStream(ctx, folder, path)
	if err != nil {
		return nil, false, err
	}
	defer s.Close()
	text, err = s.readHead(maxHead)
	return text, s.compression != "", err
}
