package configclickhouse

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// explainProtocol adds to an error of connecting which protocol the port speaks, where the server's first bytes or the error show it.
func explainProtocol(e serverEndpoint, first []byte, err error) error {
	record := tls.RecordHeaderError{}
	switch {
	case e.scheme == schemeNative && bytes.HasPrefix(first, []byte("HTTP/")):
		return fmt.Errorf("endpoints: this port speaks HTTP, not the native protocol: write http://%s (with TLS https://), or the native port, usually %s (%w)",
			e.address, defaultPort(schemeNative), err)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s: this port does not speak TLS: %s (%w)", keyWithoutTLS(e), remedyWithoutTLS(e), err)
	case len(first) > 1 && first[0] == tlsAlertByte && first[1] == tlsMajorVersion:
		return fmt.Errorf("tls: this port speaks TLS alone: write tls: {} (%w)", err)
	case e.scheme == schemeNative && len(first) > 0 && first[0] != serverHelloByte && first[0] != serverExceptionByte:
		return fmt.Errorf("endpoints: what answers at %s is no ClickHouse server: write the address of its native port, usually %s (%w)",
			e.address, defaultPort(schemeNative), err)
	case e.scheme == schemeNative && len(first) == 0 && errors.Is(err, io.EOF):
		return fmt.Errorf("endpoints: %s closed the connection without an answer: it is no native port of ClickHouse, usually %s, or nothing runs behind it (%w)",
			e.address, defaultPort(schemeNative), err)
	}
	return err
}

const probeTimeout = 2 * time.Second

func (c *Client) probeHTTPAnswer(ctx context.Context, e serverEndpoint) []byte {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
	defer cancel()
	conn, err := c.dialEndpoint(ctx, e)
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, _ = conn.Write([]byte("GET /ping HTTP/1.0\r\n\r\n"))
	answer := make([]byte, tailBytes)
	n, _ := io.ReadAtLeast(conn, answer, len("HTTP/1.0 400 Bad Request\r\n\r\nPort 65535 ")+len(nativePortText))
	if bytes.Contains(answer[:n], []byte(nativePortText)) {
		return nil
	}
	return conn.firstBytes // "HTTP/" for HTTP
}

func (c *Client) probeTLSHandshake(ctx context.Context, e serverEndpoint) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
	defer cancel()
	conn, err := c.dialEndpoint(ctx, e)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) == nil //nolint:gosec // whoever it is gets nothing
}

// The first two bytes of a TLS alert, which a server sends to a client that does not begin with TLS.
const (
	tlsAlertByte    = 0x15
	tlsMajorVersion = 0x03
)

// The first byte of a ClickHouse server's answer to a client's hello.
const (
	serverHelloByte     = 0
	serverExceptionByte = 2
)

func keyWithoutTLS(e serverEndpoint) string {
	if e.scheme == schemeNative {
		return "tls"
	}
	return "endpoints"
}

func remedyWithoutTLS(e serverEndpoint) string {
	if e.scheme == schemeNative {
		return "remove tls, or write the port that the server has for it, usually 9440"
	}
	return "write http://" + e.address + ", or the port that the server has for it, usually " + defaultPort(schemeHTTPS)
}

// nativePortText is in a native port's answer to an HTTP request.
const nativePortText = "is for clickhouse-client program"

var errNativePort = errors.New("endpoints: this port speaks the native protocol, not HTTP: write clickhouse://host:port for it, or the HTTP port, usually " +
	"8123, with TLS 8443")
