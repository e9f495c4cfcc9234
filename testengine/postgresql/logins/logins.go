// Package logins makes real logins into a PostgreSQL server, of every kind that its log can tell of. Each attempt returns what was done,
// so that it can be compared with what a reader of the log made of it.
package logins

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// Way says how far the client goes with its login.
type Way uint8

// The ways. All but Through end before the server knows who was there.
const (
	Through    Way = iota // to the end: let in or refused
	Silent                // connects and closes
	Stranger              // speaks another protocol
	StartUp               // sends the start-up packet, and closes without an answer to what the server asks
	NoPassword            // reads that a password is asked for, and closes: what psql does before it asks its user
	Cancel                // asks to cancel another session's query: a connection of its own, never a login
)

// Outcome is what became of an attempt.
type Outcome uint8

// The outcomes.
const (
	Abandoned Outcome = iota // the client left
	Refused                  // FATAL
	Succeeded
)

// Attempt says how to log in.
type Attempt struct {
	Label           string // for people
	User            string
	Password        string
	Database        string // "" for the one of the user's name
	ApplicationName string
	TLS             bool   // with the server's certificate verified, and Grace's shown
	Socket          bool   // over the Unix-domain socket: [local]
	Replication     string // "true" for a physical, "database" for a logical replication connection
	Way             Way
}

// Login is an attempt that has come to its end.
type Login struct {
	Attempt
	Outcome Outcome
	Code    string         // SQLSTATE of the FATAL when refused
	Message string         // of the FATAL
	PID     uint32         // of the server's process; 0 unless it succeeded
	Client  netip.AddrPort // our end: remote_host and remote_port of the log; invalid over the socket
	Start   time.Time      // before the connection was made
	End     time.Time      // after the server's answer, and after Close of a session
}

// Client logs in to one server. It is safe for concurrent use.
type Client struct {
	address string
	socket  string
	tls     *tls.Config
}

// New is a client of a server. The error is for TLS files that cannot be read.
func New(address, socketDir string, files server.TLSFiles) (*Client, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	c := &Client{address: address, socket: filepath.Join(socketDir, ".s.PGSQL."+port)}
	if files.CA != "" {
		c.tls, err = tlsConfig(files)
	}
	return c, err
}

// Login logs in and out again. The error is for what is neither a login nor a refusal: the server is away.
func (c *Client) Login(ctx context.Context, a Attempt) (Login, error) {
	if a.Way != Through {
		return c.abandonLogin(ctx, a)
	}
	session, login, err := c.Open(ctx, a)
	if session == nil {
		return login, err
	}
	err = session.Close(ctx)
	login.End = time.Now()
	return login, err
}

const dialLimit = 10 * time.Second

// dial connects and notes our end of the connection.
func (c *Client) dial(ctx context.Context, login *Login) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialLimit}
	if login.Socket {
		return dialer.DialContext(ctx, "unix", c.socket)
	}
	conn, err := dialer.DialContext(ctx, "tcp", c.address)
	if err == nil {
		login.Client = conn.LocalAddr().(*net.TCPAddr).AddrPort()
	}
	return conn, err
}
