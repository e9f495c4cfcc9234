package configclickhouse

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// clientName is for the server's logs.
const clientName = "sessionlog"

type nativeConn struct {
	client *ch.Client
	conn   net.Conn
}

func (c *Client) openNativeConn(ctx context.Context, e serverEndpoint) (Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	conn, err := c.dialEndpoint(ctx, e)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	client, err := c.connectClient(ctx, conn, e)
	if err != nil {
		_ = conn.Close()
		if x, ok := exceptionOf(err); ok {
			return nil, x
		}
		if len(conn.firstBytes) == 0 {
			conn.firstBytes = c.probeHTTPAnswer(ctx, e)
		}
		if len(conn.firstBytes) == 0 && c.tlsConfig == nil && c.probeTLSHandshake(ctx, e) {
			conn.firstBytes = []byte{tlsAlertByte, tlsMajorVersion}
		}
		return nil, explainProtocol(e, conn.firstBytes, err)
	}
	return &nativeConn{client: client, conn: conn}, nil
}

func (c *Client) connectClient(ctx context.Context, conn net.Conn, e serverEndpoint) (*ch.Client, error) {
	if t := c.tlsConfigFor(e); t != nil {
		secure := tls.Client(conn, t)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secure
	}
	compression := ch.CompressionDisabled
	if c.cfg.Compression == CompressionLZ4 {
		compression = ch.CompressionLZ4
	}
	name, err := c.nextLoginTag(ctx)
	if err != nil {
		return nil, err
	}
	return ch.Connect(ctx, conn, ch.Options{
		Database: c.cfg.Database, User: c.cfg.Username, Password: string(c.cfg.Password),
		Compression: compression, ClientName: cmp.Or(name, clientName), ReadTimeout: ch.NoTimeout, HandshakeTimeout: c.cfg.DialTimeout,
	})
}

func (n *nativeConn) Query(ctx context.Context, id, sql string, columns proto.Results, onBlock func(rows int) error) error {
	return n.runBlockQuery(ctx, ch.Query{QueryID: id, Body: sql, Result: columns}, onBlock)
}

func (n *nativeConn) QueryWith(ctx context.Context, sql string, with ExternalTable, columns proto.Results, onBlock func(rows int) error) error {
	return n.runBlockQuery(ctx, ch.Query{Body: sql, ExternalTable: with.Name, ExternalData: with.Columns, Result: columns}, onBlock)
}

func (n *nativeConn) runBlockQuery(ctx context.Context, q ch.Query, onBlock func(rows int) error) error {
	var own error // of onBlock, which ch-go would wrap
	q.OnResult = func(_ context.Context, b proto.Block) error {
		if b.Rows == 0 {
			return nil
		}
		own = onBlock(b.Rows)
		return own
	}
	err := n.doInterruptibly(ctx, q)
	if own != nil {
		return own
	}
	return err
}

func (n *nativeConn) Exec(ctx context.Context, sql string, settings ...Setting) error {
	var aside proto.Results // ON CLUSTER answers with a row for each node
	q := ch.Query{Body: sql, Result: aside.Auto()}
	for _, s := range settings {
		q.Settings = append(q.Settings, ch.Setting{Key: s.Name, Value: s.Value, Important: true})
	}
	return n.runBlockQuery(ctx, q, func(int) error { return nil })
}

func (n *nativeConn) Insert(ctx context.Context, sql string, columns proto.Input, next func() error) error {
	ended, own := false, error(nil) // own is of next, which ch-go would wrap
	load := func() error {
		if ended {
			columns.Reset()
			return io.EOF
		}
		err := next()
		if ended = errors.Is(err, io.EOF); err != nil && !ended {
			own = err
		}
		return err
	}
	if columns[0].Data.Rows() == 0 { // ch-go would take an end with rows, if it came first, for one without
		if _ = load(); own != nil || columns[0].Data.Rows() == 0 {
			return own
		}
	}
	err := n.doInterruptibly(ctx, ch.Query{Body: sql, Input: columns, OnInput: func(context.Context) error {
		err := load()
		if own != nil {
			_ = n.conn.Close() // or ch-go waits for a server that waits for rows
		}
		return err
	}})
	if own != nil {
		return own
	}
	return err
}

// doInterruptibly closes the socket when ctx ends: ch-go checks the context between packets only.
func (n *nativeConn) doInterruptibly(ctx context.Context, q ch.Query) error {
	stop := context.AfterFunc(ctx, func() { _ = n.conn.Close() })
	defer stop()
	err := n.client.Do(ctx, q)
	if x, ok := exceptionOf(err); ok {
		return x
	}
	return err
}

func (n *nativeConn) Close() error {
	if n.client.IsClosed() {
		return nil
	}
	return n.client.Close()
}
