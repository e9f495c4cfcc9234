package tail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/otel-sessionlog/sessionlog/receiver/source/compression"
)

// textStream is the text of a file, uncompressed. All offsets of this package count its bytes.
type textStream struct {
	file OpenFile
	text compression.Text
}

const chunkSize = 256 << 10

func openStream(ctx context.Context, folder Folder, path string) (*textStream, error) {
	f, err := folder.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &textStream{file: f}
	if err := s.reopenAtStart(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// reopenAtStart goes to the beginning and finds the compression by what is there now: a file that was empty when it was opened may have
// become a compressed one.
func (s *textStream) reopenAtStart() error {
	s.text.Close()
	magic := make([]byte, compression.MagicLength)
	n, err := s.file.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if s.text, err = compression.Open(s.file, magic[:n]); err != nil {
		return fmt.Errorf("%s: %w", s.text.Name, err)
	}
	return nil
}

// Close is safe to call twice.
func (s *textStream) Close() {
	s.text.Close()
	_ = s.file.Close() // it was only read
}

func (s *textStream) seekTextOffset(offset int64) error {
	if s.text.Name == "" {
		_, err := s.file.Seek(offset, io.SeekStart)
		return err
	}
	// A compressed text can only be read towards an offset, from its beginning.
	if n, err := io.CopyN(io.Discard, &s.text, offset); err != nil {
		return fmt.Errorf("%s: the text ends at %d, before offset %d: %w", s.text.Name, n, offset, err)
	}
	return nil
}

// fillBuffer reads until buf is full or the text ends, which atEnd says. An error of a compressed text may be one of a file that
// is still being written.
func (s *textStream) fillBuffer(buf []byte) (n int, atEnd bool, err error) {
	if n, atEnd, err = s.text.Fill(buf); err != nil && s.text.Name != "" {
		err = fmt.Errorf("%s: %w", s.text.Name, err)
	}
	return n, atEnd || err != nil, err
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
	return text, s.text.Name != "", err
}
