package configclickhouse

import (
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Protocol is the kind of door, as session_log's column interface names it.
type Protocol string

// The protocols.
const (
	ProtocolNative Protocol = "TCP"
	ProtocolHTTP   Protocol = "HTTP"
)

// Socket is a TCP connection that is open and has not logged in yet.
type Socket struct {
	Protocol Protocol
	Endpoint string         // host:port of the server
	Local    netip.AddrPort // this end; behind NAT the server sees another one
}

// silentConn gives up when the server says nothing for a while. ch-go sets deadlines of a few seconds and tries again
// for ever; here silence is an error, and those deadlines do nothing.
type silentConn struct {
	net.Conn
	limit time.Duration
}

func (c *silentConn) Read(p []byte) (int, error) {
	if err := c.Conn.SetReadDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // the net package returns it bare
		return n, fmt.Errorf("the server was silent for %s (read_timeout)", c.limit)
	}
	return n, err
}

func (c *silentConn) Write(p []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

func (c *silentConn) SetReadDeadline(time.Time) error  { return nil }
func (c *silentConn) SetWriteDeadline(time.Time) error { return nil }
func (c *silentConn) SetDeadline(time.Time) error      { return nil }

func localOf(c net.Conn) netip.AddrPort {
	if a, ok := c.LocalAddr().(*net.TCPAddr); ok {
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
	}
	return netip.AddrPort{}
}
