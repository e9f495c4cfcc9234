//go:build unix

// Package port reserves TCP ports on loopback for servers that are started next.
//
// Asking the kernel for a free port, closing it and telling a server to take it is a race: another process may get the same port
// in between, and a test then talks to a stranger. A Reservation keeps the port bound (but not listening) with SO_REUSEPORT: the
// kernel gives it to nobody else, refuses connections to it while the server is down, and lets a server of the same user that sets
// SO_REUSEPORT too (ClickHouse: listen_reuse_port) listen on it, also after a restart.
package port

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Reservation is a port that nobody but the user's own SO_REUSEPORT servers can take. Close gives it back.
type Reservation struct {
	fd   int
	addr netip.AddrPort
}

// Reserve takes addr's port, or a free one for port 0. A port that somebody listens on is an error: with SO_REUSEPORT the kernel
// would share the connections out between that server and ours.
func Reserve(ctx context.Context, addr netip.AddrPort) (*Reservation, error) {
	return reserve(ctx, addr, unix.SO_REUSEPORT)
}

// ReserveWeakly is Reserve for a server that knows SO_REUSEADDR only, or runs as another user (PostgreSQL). It is weaker: the kernel still
// gives the port to nobody who asks for a free one, but does not refuse one who names it while the server is down.
func ReserveWeakly(ctx context.Context, addr netip.AddrPort) (*Reservation, error) {
	return reserve(ctx, addr, unix.SO_REUSEADDR)
}

func reserve(ctx context.Context, addr netip.AddrPort, option int) (*Reservation, error) {
	if addr.Port() != 0 {
		dialer := net.Dialer{Timeout: time.Second}
		if conn, err := dialer.DialContext(ctx, "tcp", addr.String()); err == nil {
			_ = conn.Close()
			return nil, fmt.Errorf("port %s is in use: another server listens there; stop it or choose another port (0: a free one)", addr)
		}
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	unix.CloseOnExec(fd)
	r := &Reservation{fd: fd}
	if err := r.bind(addr, option); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("reserve port %s: %w", addr, err)
	}
	return r, nil
}

func (r *Reservation) bind(addr netip.AddrPort, option int) error {
	if err := unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, option, 1); err != nil {
		return err
	}
	if err := unix.Bind(r.fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}); err != nil {
		return err
	}
	bound, err := unix.Getsockname(r.fd)
	if err != nil {
		return err
	}
	// The kernel's choice is between 1 and 65535: no conversion can overflow.
	r.addr = netip.AddrPortFrom(addr.Addr(), uint16(bound.(*unix.SockaddrInet4).Port)) //nolint:gosec // see above
	return nil
}

// Addr is the reserved address with its true port.
func (r *Reservation) Addr() netip.AddrPort { return r.addr }

// Close lets others have the port.
func (r *Reservation) Close() error { return unix.Close(r.fd) }
