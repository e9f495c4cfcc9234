package configclickhouse

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
)

// httpConn sends each query as a POST over one kept connection and reads the answer as blocks of FORMAT Native. To the
// server every request is a login of its own.
type httpConn struct {
	client *Client
	target endpoint
	http   *http.Client
}

func (c *Client) openHTTP(ctx context.Context, e endpoint) (Conn, error) {
	h := &httpConn{client: c, target: e}
	h.http = &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return c.dial(ctx, e)
			},
			TLSClientConfig:       c.tlsFor(e),
			TLSHandshakeTimeout:   c.cfg.DialTimeout,
			MaxConnsPerHost:       1,
			MaxIdleConnsPerHost:   1,
			DisableCompression:    true, // the blocks are compressed where that is wanted
			ResponseHeaderTimeout: c.cfg.ReadTimeout,
		},
		// A redirect would carry the password to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if err := h.knock(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// knock finds out whether somebody is there, without logging in: any answer will do.
func (h *httpConn) knock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.client.cfg.DialTimeout)
	defer cancel()
	target := url.URL{Scheme: h.target.scheme, Host: h.target.address, Path: "/ping"}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return err
	}
	response, err := h.http.Do(request)
	if err != nil {
		return otherProtocol(h.target, nil, withoutURL(err))
	}
	answer := &tail{r: response.Body}
	_, _ = io.CopyN(io.Discard, answer, maxTail)
	if response.StatusCode == http.StatusBadRequest && bytes.Contains(answer.kept, []byte(nativePort)) {
		err = errNativePort
	}
	return errors.Join(err, response.Body.Close())
}

// withoutURL takes off the URL, which the caller names.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (h *httpConn) Query(ctx context.Context, id, sql string, columns proto.Results, onBlock func(rows int) error) error {
	v := url.Values{}
	if id != "" {
		v.Set("query_id", id)
	}
	return h.read(ctx, v, "", strings.NewReader(sql), columns, onBlock)
}

// read posts a body and reads the answer in blocks.
func (h *httpConn) read(ctx context.Context, v url.Values, contentType string, body io.Reader, columns proto.Results,
	onBlock func(rows int) error,
) error {
	if h.compressed() {
		v.Set("compress", "1") // not a setting: allowed to accounts whose profile is readonly
	}
	response, err := h.post(ctx, v, contentType, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	raw := &tail{r: response.Body}
	answer := raw
	if h.compressed() {
		answer = &tail{r: compress.NewReader(bufio.NewReaderSize(raw, compressedBuffer))}
	}
	if response.StatusCode != http.StatusOK {
		return refusal(response, answer, raw)
	}
	err = readBlocks(answer, columns, onBlock)
	var stop *stopError
	if err == nil || errors.As(err, &stop) {
		if stop != nil {
			return stop.error
		}
		return err
	}
	// What looked like a broken block may be the server's error message.
	_, _ = io.CopyN(io.Discard, answer, maxTail)
	for _, t := range []*tail{answer, raw} {
		if x, ok := parseException(t.kept); ok {
			return x
		}
	}
	return fmt.Errorf("answer of the server: %w", err)
}

func (h *httpConn) compressed() bool { return h.client.cfg.Compression == CompressionLZ4 }

func (h *httpConn) post(ctx context.Context, v url.Values, contentType string, body io.Reader) (*http.Response, error) {
	v.Set("default_format", "Native")
	if h.client.cfg.Database != "" {
		v.Set("database", h.client.cfg.Database)
	}
	tag, err := h.client.tag(ctx)
	if err != nil {
		return nil, err
	}
	if tag != "" {
		v.Set("session_id", tag)
		v.Set("session_timeout", "1") // second for which the server keeps the session's state; the usual minute would be memory for nothing
	}
	target := url.URL{Scheme: h.target.scheme, Host: h.target.address, Path: "/", RawQuery: v.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.Header.Set("User-Agent", clientName)
	request.Header.Set("X-ClickHouse-User", h.client.cfg.Username)
	request.Header.Set("X-ClickHouse-Key", string(h.client.cfg.Password))
	response, err := h.http.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	return response, nil
}

// refusal makes the error of an answer that is not 200.
func refusal(response *http.Response, body, raw *tail) error {
	_, _ = io.CopyN(io.Discard, body, maxTail)
	for _, t := range []*tail{body, raw} { // a proxy's own errors are not compressed
		if x, ok := parseException(t.kept); ok {
			return x
		}
	}
	if code, err := strconv.Atoi(response.Header.Get("X-ClickHouse-Exception-Code")); err == nil && code != 0 {
		return &Exception{Code: code, Message: "(the answer has no text)"}
	}
	return fmt.Errorf("answer %s, which is not ClickHouse's: is this the HTTP port of a server or proxy?", response.Status)
}

// stopError carries an error of the caller's out of readBlocks.
type stopError struct{ error }

func (e *stopError) Unwrap() error { return e.error }

// readBlocks decodes blocks as protocol version 0 has them, until the body ends between two blocks.
func readBlocks(body io.Reader, columns proto.Results, onBlock func(rows int) error) error {
	r := proto.NewReader(body)
	for {
		var b proto.Block
		var err error
		if b.Columns, err = r.Int(); errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			b.Rows, err = r.Int()
		}
		if err == nil {
			err = columns.DecodeResult(r, 0, b)
		}
		if err != nil {
			return unexpected(err)
		}
		if b.Rows == 0 {
			continue
		}
		if err := onBlock(b.Rows); err != nil {
			return &stopError{err}
		}
	}
}

// unexpected hides an EOF within a block: to a caller it must not look like an end.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (h *httpConn) Close() error {
	h.http.CloseIdleConnections()
	return nil
}

const (
	maxTail          = 16 << 10
	compressedBuffer = 128 << 10
)

// tail keeps the last bytes that were read: an exception in mid-stream stands at the end.
type tail struct {
	r    io.Reader
	kept []byte
}

func (t *tail) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n >= maxTail {
		t.kept = append(t.kept[:0], p[n-maxTail:n]...)
		return n, err
	}
	if over := len(t.kept) + n - maxTail; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	t.kept = append(t.kept, p[:n]...)
	return n, err
}
