package configclickhouse

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
)

// QueryWith sends the table as a part of a form, which is how HTTP has external data.
func (h *httpConn) QueryWith(ctx context.Context, sql string, with Table, columns proto.Results, onBlock func(rows int) error) error {
	structure := make([]string, len(with.Columns))
	for i, c := range with.Columns {
		structure[i] = c.Name + " " + string(c.Data.Type())
	}
	var block proto.Buffer
	if err := encodeBlock(&block, with.Columns); err != nil {
		return err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(with.Name, with.Name)
	if err != nil {
		return err
	}
	_, _ = part.Write(block.Buf) // into memory
	if err := form.Close(); err != nil {
		return err
	}
	v := url.Values{"query": {sql}, with.Name + "_format": {"Native"}, with.Name + "_structure": {strings.Join(structure, ", ")}}
	return h.read(ctx, v, form.FormDataContentType(), &body, columns, onBlock)
}

func (h *httpConn) Exec(ctx context.Context, sql string, settings ...Setting) error {
	v := url.Values{"wait_end_of_query": {"1"}} // so that an error in the midst of the answer has a status of its own
	for _, s := range settings {
		v.Set(s.Name, s.Value)
	}
	response, err := h.post(ctx, v, "", strings.NewReader(sql)) //nolint:bodyclose // finished does
	return finished(response, err)
}

func (h *httpConn) Insert(ctx context.Context, sql string, columns proto.Input, next func() error) error {
	v := url.Values{"query": {sql}, "wait_end_of_query": {"1"}}
	body := &blockBody{columns: columns, next: next, closed: make(chan struct{})}
	if h.compressed() {
		v.Set("decompress", "1")
		body.compressor = compress.NewWriter(0, compress.LZ4)
	}
	response, err := h.post(ctx, v, "", body) //nolint:bodyclose // finished does
	err = finished(response, err)
	if response == nil {
		_ = body.Close() // where no request was made nobody else does
	}
	<-body.closed
	if body.own != nil {
		return body.own
	}
	return err
}

// finished reads an answer without content.
func finished(response *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer := &tail{r: response.Body}
	if response.StatusCode != http.StatusOK {
		return refusal(response, answer, answer)
	}
	if _, err = io.Copy(io.Discard, answer); err != nil {
		return err
	}
	if x, ok := parseException(answer.kept); ok {
		return x
	}
	return nil
}

// blockBody is the body of an INSERT: blocks as protocol version 0 has them, each made when the former one has been sent.
type blockBody struct {
	columns    proto.Input
	next       func() error
	compressor *compress.Writer

	mu     sync.Mutex // the transport may read and close at the same time
	closed chan struct{}
	block  proto.Buffer
	rest   []byte // of the block, or of its compressed form
	begun  bool
	ended  bool
	own    error // of next
}

func (b *blockBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.rest) == 0 {
		if b.isClosed() {
			return 0, io.ErrClosedPipe
		}
		if err := b.load(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// load makes the next block, io.EOF after the last.
func (b *blockBody) load() error {
	if b.ended {
		return io.EOF
	}
	if b.begun || b.columns[0].Data.Rows() == 0 {
		switch err := b.next(); {
		case errors.Is(err, io.EOF):
			b.ended = true
		case err != nil:
			b.own = err
			return err
		}
	}
	b.begun = true
	if b.columns[0].Data.Rows() == 0 {
		return nil
	}
	b.block.Reset()
	if err := encodeBlock(&b.block, b.columns); err != nil {
		return err
	}
	b.rest = b.block.Buf
	if b.compressor == nil {
		return nil
	}
	err := b.compressor.Compress(b.block.Buf)
	b.rest = b.compressor.Data
	return err
}

func (b *blockBody) isClosed() bool {
	select {
	case <-b.closed:
		return true
	default:
		return false
	}
}

// Close waits for a Read under way: then the columns are the caller's again.
func (b *blockBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.isClosed() {
		close(b.closed)
	}
	return nil
}

func encodeBlock(to *proto.Buffer, columns proto.Input) error {
	return proto.Block{Columns: len(columns), Rows: columns[0].Data.Rows()}.EncodeRawBlock(to, 0, columns)
}
