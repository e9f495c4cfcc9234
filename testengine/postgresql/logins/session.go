package logins

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// Session is a connection that is logged in.
type Session struct {
	conn *pgconn.PgConn
}

// Close logs out; the server writes the disconnection some time after.
func (s *Session) Close(ctx context.Context) error { return s.conn.Close(ctx) }

// Query runs statements and drops their result.
func (s *Session) Query(ctx context.Context, sql string) error {
	_, err := s.conn.Exec(ctx, sql).ReadAll()
	return err
}

// Drop resets the connection, as a client does that is killed.
func (s *Session) Drop() error {
	hijacked, err := s.conn.Hijack()
	if err != nil {
		return err
	}
	if tcp, ok := hijacked.Conn.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			return err
		}
	}
	return hijacked.Conn.Close()
}

// Open logs in and stays. The session is nil when the login was refused.
func (c *Client) Open(ctx context.Context, a Attempt) (*Session, Login, error) {
	login := Login{Attempt: a, Start: time.Now()}
	config, err := c.config(&login)
	if err != nil {
		return nil, login, err
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	login.End = time.Now()
	var refused *pgconn.PgError
	switch {
	case err == nil:
		login.Outcome, login.PID = Succeeded, conn.PID()
		return &Session{conn}, login, nil
	case errors.As(err, &refused):
		login.Outcome, login.Code, login.Message = Refused, refused.Code, refused.Message
		return nil, login, nil
	}
	return nil, login, fmt.Errorf("%s: %w", a.Label, err)
}

// config leaves nothing to the environment or to files of the user who runs the tests, and makes pgconn connect once: the order
// "prefer", with which it comes, would be two logins.
func (c *Client) config(login *Login) (*pgconn.Config, error) {
	config, err := pgconn.ParseConfig("host=localhost sslmode=disable")
	if err != nil {
		return nil, err
	}
	config.Fallbacks, config.TLSConfig, config.ConnectTimeout = nil, nil, dialLimit
	config.User, config.Password, config.Database = login.User, login.Password, login.Database
	config.RuntimeParams = map[string]string{}
	if login.ApplicationName != "" {
		config.RuntimeParams["application_name"] = login.ApplicationName
	}
	if login.Replication != "" {
		config.RuntimeParams["replication"] = login.Replication
	}
	if login.TLS {
		if c.tls == nil {
			return nil, errors.New("the server was started without TLS")
		}
		config.TLSConfig = c.tls
	}
	config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx, login) }
	return config, nil
}

func tlsConfig(files server.TLSFiles) (*tls.Config, error) {
	ca, err := os.ReadFile(files.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", files.CA)
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: pool, ServerName: "localhost", Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}
