package configclickhouse

import (
	"fmt"
	"net"
	"time"
)

// idleTimeoutConn fails when the server sends nothing for idleTimeout. ch-go sets deadlines of a few seconds and tries again for ever:
// its calls do nothing here.
type idleTimeoutConn struct {
	net.Conn
	idleTimeout time.Duration
	firstBytes  []byte // that the server sent: they show which protocol the port speaks
}

// firstBytesKept are enough to tell HTTP from a TLS alert.
const firstBytesKept = 5

func (c *idleTimeoutConn) Read(p []byte) (int, error) {
	if err := c.Conn.SetReadDeadline(time.Now().Add(c.idleTimeout)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if room := firstBytesKept - len(c.firstBytes); room > 0 {
		c.firstBytes = append(c.firstBytes, p[:min(n, room)]...)
	}
	if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // the net package returns it bare
		return n, fmt.Errorf("the server was silent for %s (read_timeout)", c.idleTimeout)
	}
	return n, err
}

func (c *idleTimeoutConn) Write(p []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.idleTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

func (c *idleTimeoutConn) SetReadDeadline(time.Time) error  { return nil }
func (c *idleTimeoutConn) SetWriteDeadline(time.Time) error { return nil }
func (c *idleTimeoutConn) SetDeadline(time.Time) error      { return nil }
