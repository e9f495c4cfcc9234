package configclickhouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/ClickHouse/ch-go/proto"
)

// Conn is one open connection. It is not safe for concurrent use. After an error other than [Exception] it is unusable.
type Conn interface {
	// Query runs one statement, which reads, and fills columns, whose names and order are those of the
	// SELECT, once for every block. onBlock must not keep the columns. id names the query; it is empty or a UUID.
	Query(ctx context.Context, id, sql string, columns proto.Results, onBlock func(rows int) error) error
	// QueryWith is Query with external data: a table that the statement can name, for as long as it runs.
	QueryWith(ctx context.Context, sql string, with ExternalTable, columns proto.Results, onBlock func(rows int) error) error
	// Exec runs a statement that changes something, with settings of its own. Its result is discarded.
	Exec(ctx context.Context, sql string, settings ...Setting) error
	// Insert runs "INSERT INTO … FORMAT Native" with the rows of columns, then with those that next puts in their place, until
	// next returns io.EOF and leaves none. Empty columns are filled by next first. When Insert has returned, columns are the
	// caller's again; after an error it is unknown what the server has stored.
	Insert(ctx context.Context, sql string, columns proto.Input, next func() error) error
	Close() error
}

// ExternalTable is sent with a query: its name in the statement, and its rows.
type ExternalTable struct {
	Name    string
	Columns proto.Input
}

// Setting is one of the server's settings, for one statement.
type Setting struct{ Name, Value string }

// Client makes connections. It is not safe for concurrent use.
type Client struct {
	cfg          ClientConfig
	endpoints    []serverEndpoint
	nextEndpoint int // index of the endpoint that worked last
	tlsConfig    *tls.Config
	// LoginTag, which may be nil, is called before every login and returns a text for the server's session_log: client_name over the
	// native protocol, session_id over HTTP, where every request is a login.
	LoginTag func(ctx context.Context) (string, error)
}

// NewClient makes a client from a valid configuration. It loads the TLS files.
func NewClient(ctx context.Context, cfg ClientConfig) (*Client, error) {
	c := &Client{cfg: cfg}
	for i, text := range cfg.Endpoints {
		e, err := parseEndpoint(text)
		if err != nil {
			return nil, fmt.Errorf("endpoints[%d]: %w", i, err)
		}
		c.endpoints = append(c.endpoints, e)
	}
	if t := cfg.TLS.Get(); t != nil {
		var err error
		if c.tlsConfig, err = t.LoadTLSConfig(ctx); err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
	}
	return c, nil
}

// Connect opens the first endpoint that lets it in, from the one that worked last.
func (c *Client) Connect(ctx context.Context) (Conn, error) {
	var errs []error
	for range c.endpoints {
		e := c.endpoints[c.nextEndpoint]
		conn, err := c.openEndpoint(ctx, e)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", e, err))
		if ctx.Err() != nil {
			break
		}
		c.nextEndpoint = (c.nextEndpoint + 1) % len(c.endpoints)
	}
	return nil, errors.Join(errs...)
}

func (c *Client) openEndpoint(ctx context.Context, e serverEndpoint) (Conn, error) {
	if e.scheme == schemeNative {
		return c.openNativeConn(ctx, e)
	}
	return c.openHTTPConn(ctx, e)
}

func (c *Client) dialEndpoint(ctx context.Context, e serverEndpoint) (*idleTimeoutConn, error) {
	d := net.Dialer{Timeout: c.cfg.DialTimeout}
	raw, err := d.DialContext(ctx, "tcp", e.address)
	if err != nil {
		return nil, err
	}
	return &idleTimeoutConn{Conn: raw, idleTimeout: c.cfg.ReadTimeout}, nil
}

func (c *Client) nextLoginTag(ctx context.Context) (string, error) {
	if c.LoginTag == nil {
		return "", nil
	}
	return c.LoginTag(ctx)
}

func (c *Client) tlsConfigFor(e serverEndpoint) *tls.Config {
	var t *tls.Config
	switch {
	case c.tlsConfig != nil:
		t = c.tlsConfig.Clone()
	case e.scheme == schemeHTTPS:
		t = &tls.Config{MinVersion: tls.VersionTLS12}
	default:
		return nil
	}
	if t.ServerName == "" {
		t.ServerName, _, _ = net.SplitHostPort(e.address)
	}
	return t
}
