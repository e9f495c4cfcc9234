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

// otherProtocol says of a connection that failed which protocol the port speaks, where the server's first bytes or the error show it.
func otherProtocol(e endpoint, first []byte, err error) error {
	record := tls.RecordHeaderError{}
	switch {
	case e.scheme == schemeNative && bytes.HasPrefix(first, []byte("HTTP/")):
		return fmt.Errorf("endpoints: this port speaks HTTP, not the native protocol: write http://%s (with TLS https://), or the native port, usually %s (%w)",
			e.address, usualPort(schemeNative), err)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s: this port does not speak TLS: %s (%w)", tlsKey(e), plainRemedy(e), err)
	case len(first) > 1 && first[0] == tlsAlert && first[1] == tlsMajor:
		return fmt.Errorf("tls: this port speaks TLS alone: write tls: {} (%w)", err)
	case e.scheme == schemeNative && len(first) > 0 && first[0] != serverHello && first[0] != serverException:
		return fmt.Errorf("endpoints: what answers at %s is no ClickHouse server: write the address of its native port, usually %s (%w)",
			e.address, usualPort(schemeNative), err)
	case e.scheme == schemeNative && len(first) == 0 && errors.Is(err, io.EOF):
		return fmt.Errorf("endpoints: %s closed the connection without a word: it is no native port of ClickHouse, usually %s, or nothing runs behind it (%w)",
			e.address, usualPort(schemeNative), err)
	}
	return err
}

// probeLimit bounds how long a port may take to answer a ping over HTTP.
const probeLimit = 2 * time.Second

// probe is what a port that says nothing to a native client answers to one of HTTP: "HTTP/" where that is what it speaks.
func (c *Client) probe(ctx context.Context, e endpoint) []byte {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeLimit)
	defer cancel()
	conn, err := c.dial(ctx, e)
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, _ = conn.Write([]byte("GET /ping HTTP/1.0\r\n\r\n"))
	answer := make([]byte, maxTail)
	n, _ := io.ReadAtLeast(conn, answer, len("HTTP/1.0 400 Bad Request\r\n\r\nPort 65535 ")+len(nativePort))
	if bytes.Contains(answer[:n], []byte(nativePort)) {
		return nil
	}
	return conn.first
}

// speaksTLS tells whether a port that says nothing to a native client greets one of TLS. Nothing is sent over the connection.
func (c *Client) speaksTLS(ctx context.Context, e endpoint) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeLimit)
	defer cancel()
	conn, err := c.dial(ctx, e)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) == nil //nolint:gosec // whoever it is gets nothing
}

// The first two bytes of a TLS alert, which a server sends to a client that does not begin with TLS.
const (
	tlsAlert = 0x15
	tlsMajor = 0x03
)

// The first byte of what a ClickHouse server answers to a client's hello.
const (
	serverHello     = 0
	serverException = 2
)

func tlsKey(e endpoint) string {
	if e.scheme == schemeNative {
		return "tls"
	}
	return "endpoints"
}

func plainRemedy(e endpoint) string {
	if e.scheme == schemeNative {
		return "remove tls, or write the port that the server has for it, usually 9440"
	}
	return "write http://" + e.address + ", or the port that the server has for it, usually " + usualPort(schemeHTTPS)
}

// nativePort is what a native port answers to a request over HTTP.
const nativePort = "is for clickhouse-client program"

var errNativePort = errors.New("endpoints: this port speaks the native protocol, not HTTP: write clickhouse://host:port for it, or the HTTP port, usually " +
	"8123, with TLS 8443")
