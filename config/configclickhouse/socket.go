package configclickhouse

import (
	"fmt"
	"net"
	"time"
)

// silentConn gives up when the server says nothing for a while. ch-go sets deadlines of a few seconds and tries again
// for ever; here silence is an error, and those deadlines do nothing.
type silentConn struct {
	net.Conn
	limit time.Duration
	first []byte // of what the server said: it shows which protocol the port speaks
}

// firstBytes are enough to tell HTTP from a TLS alert.
const firstBytes = 5

func (c *silentConn) Read(p []byte) (int, error) {
	if err := c.Conn.SetReadDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if room := firstBytes - len(c.first); room > 0 {
		c.first = append(c.first, p[:min(n, room)]...)
	}
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
