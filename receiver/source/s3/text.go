package s3

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

// objectText is the text of an object, uncompressed. All offsets count its bytes.
type objectText struct {
	body         *objectBody
	text         io.Reader
	closeText    func()
	isCompressed bool
}

// maxWindow bounds the memory that a compressed object can demand; zstd's own command line has the same limit.
const maxWindow = 128 << 20

// errCorrupt says that an object came wholly, and cannot be uncompressed.
var errCorrupt = errors.New("the object is cut short or corrupt")

// openText gives the text of an object from an offset on. A compressed one is read from its beginning, and passed over up to there.
func (c *bucketClient) openText(ctx context.Context, o *objectInfo, p *objectPosition) (*objectText, error) {
	skip, from := p.Anchor, int64(0)
	if p.Plain {
		skip, from = 0, p.Anchor
	}
	if p.Plain && from >= o.size {
		return &objectText{text: bytes.NewReader(nil), closeText: func() {}}, nil
	}
	body, err := c.openBody(ctx, o, from)
	if err != nil {
		return nil, err
	}
	t := &objectText{body: body, closeText: func() {}}
	err = t.beginDecompressing(p.Plain)
	if err == nil && skip > 0 {
		_, err = io.CopyN(io.Discard, t.text, skip)
	}
	if err != nil {
		err = t.explainReadError(err)
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *objectText) beginDecompressing(isPlain bool) error {
	bytesOf := bufio.NewReaderSize(t.body, 64<<10)
	t.text = bytesOf
	if isPlain {
		return nil
	}
	magic, err := bytesOf.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		t.isCompressed = true
		r, err := gzip.NewReader(bytesOf)
		if err != nil {
			return err
		}
		t.text = r
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		t.isCompressed = true
		r, err := zstd.NewReader(bytesOf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		t.text, t.closeText = r, r.Close
	}
	return nil
}

// explainReadError tells an object that is to blame from the way to it.
func (t *objectText) explainReadError(err error) error {
	switch {
	case t.body == nil:
		return err
	case t.body.broken != nil:
		return t.body.broken
	case t.isCompressed:
		return fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return err
}

// fillBuffer reads until buf is full or the text ends, which atEnd says. What came before an error is in buf.
func (t *objectText) fillBuffer(buf []byte) (n int, atEnd bool, err error) {
	for n < len(buf) {
		m, err := t.text.Read(buf[n:])
		n += m
		switch {
		case errors.Is(err, io.EOF):
			return n, true, nil
		case err != nil:
			return n, false, t.explainReadError(err)
		}
	}
	return n, false, nil
}

func (t *objectText) Close() {
	t.closeText()
	if t.body != nil {
		_ = t.body.Close() // it was only read
	}
}
