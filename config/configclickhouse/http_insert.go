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
	return h.queryBlocks(ctx, v, form.FormDataContentType(), &body, columns, onBlock)
}

func (h *httpConn) Exec(ctx context.Context, sql string, settings ...Setting) error {
	v := url.Values{"wait_end_of_query": {"1"}} // so that an error in the middle of the answer changes the HTTP status
	for _, s := range settings {
		v.Set(s.Name, s.Value)
	}
	response, err := h.postQuery(ctx, v, "", strings.NewReader(sql)) //nolint:bodyclose // finished does
	return readEmptyResponse(response, err)
}

func (h *httpConn) Insert(ctx context.Context, sql string, columns proto.Input, next func() error) error {
	v := url.Values{"query": {sql}, "wait_end_of_query": {"1"}}
	body := &insertBody{columns: columns, next: next, closed: make(chan struct{})}
	if h.usesLZ4() {
		v.Set("decompress", "1")
		body.compressor = compress.NewWriter(0, compress.LZ4)
	}
	response, err := h.postQuery(ctx, v, "", body) //nolint:bodyclose // finished does
	err = readEmptyResponse(response, err)
	if response == nil {
		_ = body.Close() // where no request was sent, the transport does not close it
	}
	<-body.closed
	if body.nextError != nil {
		return body.nextError
	}
	return err
}

func readEmptyResponse(response *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer := &tailReader{reader: response.Body}
	if response.StatusCode != http.StatusOK {
		return responseError(response, answer, answer)
	}
	if _, err = io.Copy(io.Discard, answer); err != nil {
		return err
	}
	if x, ok := parseException(answer.lastBytes); ok {
		return x
	}
	return nil
}

// insertBody is the body of an INSERT: blocks of protocol version 0, each encoded when the one before has been sent.
type insertBody struct {
	columns    proto.Input
	next       func() error
	compressor *compress.Writer

	mu        sync.Mutex // the transport may read and close at the same time
	closed    chan struct{}
	block     proto.Buffer
	unsent    []byte // part of the block, or of its compressed form
	started   bool
	ended     bool
	nextError error // of next
}

func (b *insertBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.unsent) == 0 {
		if b.isClosed() {
			return 0, io.ErrClosedPipe
		}
		if err := b.loadBlock(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.unsent)
	b.unsent = b.unsent[n:]
	return n, nil
}

func (b *insertBody) loadBlock() error {
	if b.ended {
		return io.EOF
	}
	if b.started || b.columns[0].Data.Rows() == 0 {
		switch err := b.next(); {
		case errors.Is(err, io.EOF):
			b.ended = true
		case err != nil:
			b.nextError = err
			return err
		}
	}
	b.started = true
	if b.columns[0].Data.Rows() == 0 {
		return nil
	}
	b.block.Reset()
	if err := encodeBlock(&b.block, b.columns); err != nil {
		return err
	}
	b.unsent = b.block.Buf
	if b.compressor == nil {
		return nil
	}
	err := b.compressor.Compress(b.block.Buf)
	b.unsent = b.compressor.Data
	return err
}

func (b *insertBody) isClosed() bool {
	select {
	case <-b.closed:
		return true
	default:
		return false
	}
}

// Close waits for a concurrent Read: then the caller may change the columns.
func (b *insertBody) Close() error {
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
