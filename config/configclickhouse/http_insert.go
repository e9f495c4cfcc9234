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

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
)

// QueryWith sends the table as a part of a form, which is how HTTP has external data.
func (h *httpConn) QueryWith(ctx context.Context, sql string, with ExternalTable, columns proto.Results, onBlock func(rows int) error) error {
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
	response, err := h.postQuery(ctx, v, "", strings.NewReader(sql)) //nolint:bodyclose // readEmptyResponse does
	return readEmptyResponse(response, err)
}

// Insert encodes each block when the transport has taken the one before.
func (h *httpConn) Insert(ctx context.Context, sql string, columns proto.Input, next func() error) error {
	v := url.Values{"query": {sql}, "wait_end_of_query": {"1"}}
	if h.compressesBlocks() {
		v.Set("decompress", "1")
	}
	body, blocks := io.Pipe()
	encoded := make(chan error, 1)
	go func() {
		err := h.writeBlocks(blocks, columns, next)
		_ = blocks.CloseWithError(err)
		encoded <- err
	}()
	response, err := h.postQuery(ctx, v, "", body) //nolint:bodyclose // readEmptyResponse does
	err = readEmptyResponse(response, err)
	_ = body.Close() // ends writeBlocks where the body is not read to its end
	switch failed := <-encoded; {
	case failed == nil:
		return err
	case !errors.Is(failed, io.ErrClosedPipe):
		return failed
	case err == nil:
		return errors.New("the server answered before it had read all rows")
	}
	return err
}

func (h *httpConn) writeBlocks(to io.Writer, columns proto.Input, next func() error) error {
	var block proto.Buffer // of protocol version 0
	compressor := compress.NewWriter(0, compress.LZ4)
	for ended := false; ; {
		if columns[0].Data.Rows() > 0 {
			block.Reset()
			if err := encodeBlock(&block, columns); err != nil {
				return err
			}
			data := block.Buf
			if h.compressesBlocks() {
				if err := compressor.Compress(data); err != nil {
					return err
				}
				data = compressor.Data
			}
			if _, err := to.Write(data); err != nil {
				return err
			}
		}
		if ended {
			return nil
		}
		err := next()
		if ended = errors.Is(err, io.EOF); err != nil && !ended {
			return err
		}
	}
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

func encodeBlock(to *proto.Buffer, columns proto.Input) error {
	return proto.Block{Columns: len(columns), Rows: columns[0].Data.Rows()}.EncodeRawBlock(to, 0, columns)
}
