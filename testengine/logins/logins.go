// Package logins makes real logins into a ClickHouse server, over its native protocol and over HTTP, for tests, for the demo and for
// the recording of sample data. Each attempt returns what was done, so that it can be compared with what the server has recorded.
package logins

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Protocol is the listener that a login goes to. Its String is session_log's word for it in the column interface.
type Protocol uint8

// The protocols.
const (
	Native Protocol = iota
	HTTP
)

func (p Protocol) String() string {
	if p == HTTP {
		return "HTTP"
	}
	return "TCP"
}

// Attempt says how to log in.
type Attempt struct {
	Protocol    Protocol
	User        string
	Password    string
	Database    string     // "" for the user's default one
	ClientName  string     // native only: the server sees ch-go's name with this one behind it
	SessionID   string     // HTTP only: a named session, which outlives the request
	Headers     bool       // HTTP only: X-ClickHouse-User and -Key in place of basic authentication
	TraceParent string     // HTTP only: a W3C traceparent header
	From        netip.Addr // the address to come from, such as 127.0.0.2; none for the kernel's choice
}

// Login is an attempt that the server has answered.
type Login struct {
	Protocol  Protocol
	User      string
	SessionID string
	OK        bool           // false: the server refused name, password or address
	Code      int            // the server's error code when it refused; it tells a client 516 whatever the reason
	LocalAddr netip.AddrPort // our end: client_address and client_port of session_log
	Start     time.Time      // before the request for the login was sent
	End       time.Time      // after the server's answer, and after Close of a native session
}

// Client logs in to one server. HTTP requests share kept-alive connections; each of them is a login all the same. It is safe for
// concurrent use.
type Client struct {
	native string
	http   string
	web    *http.Client
}

// New is a client of the server with these host:port addresses. Close it.
func New(native, httpAddress string) *Client {
	dialer := net.Dialer{Timeout: dialLimit}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialFrom(ctx, dialer, network, address)
		},
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     5 * time.Second, // below the server's: it must not be the one who hangs up
	}
	return &Client{native: native, http: httpAddress, web: &http.Client{Transport: transport}}
}

// Close ends the kept-alive connections.
func (c *Client) Close() { c.web.CloseIdleConnections() }

// Login logs in and out again. The error is for what is neither a login nor a refusal: the server is away, the query failed.
func (c *Client) Login(ctx context.Context, a Attempt) (Login, error) {
	if a.Protocol == HTTP {
		return c.overHTTP(ctx, a)
	}
	session, login, err := c.Open(ctx, a)
	if err != nil || !login.OK {
		return login, err
	}
	err = session.Close()
	login.End = time.Now()
	return login, err
}

// refusals are the error codes of a login that fails. All clients see 516 since 20.x; the finer ones are for older servers.
var refusals = map[int]bool{
	192: true, // UNKNOWN_USER
	193: true, // WRONG_PASSWORD
	194: true, // REQUIRED_PASSWORD
	195: true, // IP_ADDRESS_NOT_ALLOWED
	516: true, // AUTHENTICATION_FAILED
}

func (a Attempt) begin() Login {
	return Login{Protocol: a.Protocol, User: a.User, SessionID: a.SessionID, Start: time.Now()}
}

const dialLimit = 10 * time.Second

type fromKey struct{}

// withFrom carries the address to come from to the dialer of a shared transport.
func withFrom(ctx context.Context, from netip.Addr) context.Context {
	if !from.IsValid() {
		return ctx
	}
	return context.WithValue(ctx, fromKey{}, from)
}

func dialFrom(ctx context.Context, dialer net.Dialer, network, address string) (net.Conn, error) {
	if from, ok := ctx.Value(fromKey{}).(netip.Addr); ok {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return dialer.DialContext(ctx, network, address)
}

func localAddr(conn net.Conn) (netip.AddrPort, error) {
	tcp, ok := conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("local address %v is no TCP address", conn.LocalAddr())
	}
	return tcp.AddrPort(), nil
}
