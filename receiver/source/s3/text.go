package s3

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/otel-sessionlog/sessionlog/receiver/source/compression"
)

// objectText is the text of an object, uncompressed. All offsets count its bytes.
type objectText struct {
	body *objectBody
	text compression.Text
}

// errCorrupt says that an object came wholly, and cannot be uncompressed.
var errCorrupt = errors.New("the object is cut short or corrupt")

// openText gives the text of an object from an offset on. A compressed one is read from its beginning, and passed over up to there.
func (c *bucketClient) openText(ctx context.Context, o *objectInfo, p *objectPosition) (*objectText, error) {
	skip, from := p.Anchor, int64(0)
	if p.Plain {
		skip, from = 0, p.Anchor
	}
	if p.Plain && from >= o.size {
		return &objectText{text: compression.Text{Reader: bytes.NewReader(nil)}}, nil
	}
	body, err := c.openBody(ctx, o, from)
	if err != nil {
		return nil, err
	}
	t := &objectText{body: body}
	err = t.beginDecompressing(p.Plain)
	if err == nil && skip > 0 {
		_, err = io.CopyN(io.Discard, &t.text, skip)
	}
	if err != nil {
		err = t.explainReadError(err)
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *objectText) beginDecompressing(isPlain bool) (err error) {
	buffered := bufio.NewReaderSize(t.body, 64<<10)
	t.text = compression.Text{Reader: buffered}
	if isPlain {
		return nil
	}
	magic, err := buffered.Peek(compression.MagicLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	t.text, err = compression.Open(buffered, magic)
	return err
}

// explainReadError says whether an object is to blame, or the way to it.
func (t *objectText) explainReadError(err error) error {
	switch {
	case t.body == nil:
		return err
	case t.body.broken != nil:
		return t.body.broken
	case t.text.Name != "":
		return fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return err
}

// fillBuffer is [compression.Text.Fill].
func (t *objectText) fillBuffer(buf []byte) (n int, atEnd bool, err error) {
	if n, atEnd, err = t.text.Fill(buf); err != nil {
		err = t.explainReadError(err)
	}
	return n, atEnd, err
}

func (t *objectText) Close() {
	t.text.Close()
	if t.body != nil {
		_ = t.body.Close() // it was only read
	}
}
