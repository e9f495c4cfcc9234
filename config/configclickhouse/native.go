package configclickhouse

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// clientName is what the server's logs show of this program.
const clientName = "sessionlog"

type nativeConn struct {
	client *ch.Client
	conn   net.Conn
	socket Socket
}

func (c *Client) openNative(ctx context.Context, e endpoint) (Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	conn, socket, err := c.dial(ctx, e)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	client, err := c.login(ctx, conn, e)
	if err != nil {
		_ = conn.Close()
		if x, ok := exceptionOf(err); ok {
			err = x
		}
		return nil, err
	}
	return &nativeConn{client: client, conn: conn, socket: socket}, nil
}

func (c *Client) login(ctx context.Context, conn net.Conn, e endpoint) (*ch.Client, error) {
	if t := c.tlsFor(e); t != nil {
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
	return ch.Connect(ctx, conn, ch.Options{
		Database: c.cfg.Database, User: c.cfg.Username, Password: string(c.cfg.Password),
		Compression: compression, ClientName: clientName, ReadTimeout: ch.NoTimeout, HandshakeTimeout: c.cfg.DialTimeout,
	})
}

// Query closes the socket when ctx ends: ch-go looks at the context between packets only.
func (n *nativeConn) Query(ctx context.Context, id, sql string, columns proto.Results, onBlock func(rows int) error) error {
	stop := context.AfterFunc(ctx, func() { _ = n.conn.Close() })
	defer stop()
	var own error // of onBlock, which ch-go would wrap
	err := n.client.Do(ctx, ch.Query{
		QueryID: id, Body: sql, Result: columns,
		OnResult: func(_ context.Context, b proto.Block) error {
			if b.Rows == 0 {
				return nil
			}
			own = onBlock(b.Rows)
			return own
		},
	})
	if own != nil {
		return own
	}
	if x, ok := exceptionOf(err); ok {
		return x
	}
	return err
}

func (n *nativeConn) Socket() Socket { return n.socket }

func (n *nativeConn) Close() error {
	if n.client.IsClosed() {
		return nil
	}
	return n.client.Close()
}
