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

// httpConn sends each query as a POST over one kept connection and reads the result as blocks of FORMAT Native. To the
// server every request is a login of its own.
type httpConn struct {
	client     *Client
	endpoint   serverEndpoint
	httpClient *http.Client
}

func (c *Client) openHTTPConn(ctx context.Context, e serverEndpoint) (Conn, error) {
	h := &httpConn{client: c, endpoint: e}
	h.httpClient = &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return c.dialEndpoint(ctx, e)
			},
			TLSClientConfig:       c.tlsConfigFor(e),
			TLSHandshakeTimeout:   c.cfg.DialTimeout,
			MaxConnsPerHost:       1,
			MaxIdleConnsPerHost:   1,
			DisableCompression:    true, // the blocks are compressed where that is wanted
			ResponseHeaderTimeout: c.cfg.ReadTimeout,
		},
		// A redirect would send the password to another server.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if err := h.pingServer(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *httpConn) pingServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.client.cfg.DialTimeout)
	defer cancel()
	target := url.URL{Scheme: h.endpoint.scheme, Host: h.endpoint.address, Path: "/ping"}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return err
	}
	response, err := h.httpClient.Do(request)
	if err != nil {
		return explainProtocol(h.endpoint, nil, withoutURL(err))
	}
	answer := &tailReader{reader: response.Body}
	_, _ = io.CopyN(io.Discard, answer, tailBytes)
	if response.StatusCode == http.StatusBadRequest && bytes.Contains(answer.lastBytes, []byte(nativePortText)) {
		err = errNativePort
	}
	return errors.Join(err, response.Body.Close())
}

// withoutURL removes the URL, which the caller adds.
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
	return h.queryBlocks(ctx, v, "", strings.NewReader(sql), columns, onBlock)
}

func (h *httpConn) queryBlocks(ctx context.Context, v url.Values, contentType string, body io.Reader, columns proto.Results,
	onBlock func(rows int) error,
) error {
	if h.compressesBlocks() {
		v.Set("compress", "1") // not a setting: allowed to accounts whose profile is readonly
	}
	response, err := h.postQuery(ctx, v, contentType, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	raw := &tailReader{reader: response.Body}
	answer := raw
	if h.compressesBlocks() {
		answer = &tailReader{reader: compress.NewReader(bufio.NewReaderSize(raw, decompressBufferBytes))}
	}
	if response.StatusCode != http.StatusOK {
		return responseError(response, answer, raw)
	}
	err = readBlocks(answer, columns, onBlock)
	var stop *callerError
	if err == nil || errors.As(err, &stop) {
		if stop != nil {
			return stop.error
		}
		return err
	}
	// A block that cannot be decoded may be the server's error message.
	_, _ = io.CopyN(io.Discard, answer, tailBytes)
	for _, t := range []*tailReader{answer, raw} {
		if x, ok := parseException(t.lastBytes); ok {
			return x
		}
	}
	return fmt.Errorf("answer of the server: %w", err)
}

func (h *httpConn) compressesBlocks() bool { return h.client.cfg.Compression == CompressionLZ4 }

func (h *httpConn) postQuery(ctx context.Context, v url.Values, contentType string, body io.Reader) (*http.Response, error) {
	v.Set("default_format", "Native")
	if h.client.cfg.Database != "" {
		v.Set("database", h.client.cfg.Database)
	}
	tag, err := h.client.nextLoginTag(ctx)
	if err != nil {
		return nil, err
	}
	if tag != "" {
		v.Set("session_id", tag)
		v.Set("session_timeout", "1") // second for which the server keeps the session's state; the usual minute would be memory for nothing
	}
	target := url.URL{Scheme: h.endpoint.scheme, Host: h.endpoint.address, Path: "/", RawQuery: v.Encode()}
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
	response, err := h.httpClient.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	return response, nil
}

func responseError(response *http.Response, body, raw *tailReader) error {
	_, _ = io.CopyN(io.Discard, body, tailBytes)
	for _, t := range []*tailReader{body, raw} { // a proxy's own errors are not compressed
		if x, ok := parseException(t.lastBytes); ok {
			return x
		}
	}
	if code, err := strconv.Atoi(response.Header.Get("X-ClickHouse-Exception-Code")); err == nil && code != 0 {
		return &Exception{Code: code, Message: "(the answer has no text)"}
	}
	return fmt.Errorf("answer %s, which is not ClickHouse's: is this the HTTP port of a server or proxy?", response.Status)
}

// callerError marks an error of onBlock.
type callerError struct{ error }

func (e *callerError) Unwrap() error { return e.error }

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
			return unexpectedEOF(err)
		}
		if b.Rows == 0 {
			continue
		}
		if err := onBlock(b.Rows); err != nil {
			return &callerError{err}
		}
	}
}

func unexpectedEOF(err error) error {
	// An EOF within a block must not look like an end.
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (h *httpConn) Close() error {
	h.httpClient.CloseIdleConnections()
	return nil
}

const (
	tailBytes             = 16 << 10
	decompressBufferBytes = 128 << 10
)

// tailReader keeps the last bytes that were read: an exception in mid-stream is at the end.
type tailReader struct {
	reader    io.Reader
	lastBytes []byte
}

func (t *tailReader) Read(p []byte) (int, error) {
	n, err := t.reader.Read(p)
	if n >= tailBytes {
		t.lastBytes = append(t.lastBytes[:0], p[n-tailBytes:n]...)
		return n, err
	}
	if over := len(t.lastBytes) + n - tailBytes; over > 0 {
		t.lastBytes = append(t.lastBytes[:0], t.lastBytes[over:]...)
	}
	t.lastBytes = append(t.lastBytes, p[:n]...)
	return n, err
}
