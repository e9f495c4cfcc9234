package logins

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// Session is a native connection that is logged in. Close logs it out.
type Session struct {
	client *ch.Client
}

// Close ends the connection; the server writes the Logout some time after.
func (s *Session) Close() error { return s.client.Close() }

// Query runs a statement and drops its result.
func (s *Session) Query(ctx context.Context, sql string) error {
	var columns proto.Results
	return s.client.Do(ctx, ch.Query{Body: sql, Result: columns.Auto(), OnResult: func(context.Context, proto.Block) error { return nil }})
}

// Open logs in over the native protocol and stays. The session is nil when the login was refused.
func (c *Client) Open(ctx context.Context, a Attempt) (*Session, Login, error) {
	login := a.begin()
	conn, err := dialFrom(withFrom(ctx, a.From), net.Dialer{Timeout: dialLimit}, "tcp", c.native)
	if err != nil {
		return nil, login, err
	}
	if login.LocalAddr, err = localAddr(conn); err != nil {
		return nil, login, errors.Join(err, conn.Close())
	}
	client, err := ch.Connect(ctx, conn, ch.Options{
		User: a.User, Password: a.Password, Database: a.Database, ClientName: a.ClientName, HandshakeTimeout: time.Minute, ReadTimeout: time.Minute,
	})
	login.End = time.Now()
	if err != nil {
		_ = conn.Close() // ch-go may have closed it
		if exception, ok := ch.AsException(err); ok && refusals[int(exception.Code)] {
			login.Code = int(exception.Code)
			return nil, login, nil
		}
		return nil, login, fmt.Errorf("native login: %w", err)
	}
	// The server records the login when it has read what follows the handshake; an answered ping proves that it has.
	if err := client.Ping(ctx); err != nil {
		return nil, login, errors.Join(fmt.Errorf("native login: ping: %w", err), client.Close())
	}
	login.OK, login.End = true, time.Now()
	return &Session{client: client}, login, nil
}
