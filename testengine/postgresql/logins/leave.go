package logins

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// abandonLogin begins a login and goes away. It half-closes and reads to the end, so that the server has seen all of it when it returns.
func (c *Client) abandonLogin(ctx context.Context, a Attempt) (Login, error) {
	login := Login{Attempt: a, Start: time.Now()}
	conn, err := c.dial(ctx, &login)
	if err != nil {
		return login, err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return login, err
		}
	}
	if err := begin(conn, a); err != nil {
		return login, fmt.Errorf("%s: %w", a.Label, err)
	}
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return login, fmt.Errorf("%s: a %T cannot be closed for writing", a.Label, conn)
	}
	if err := half.CloseWrite(); err != nil {
		return login, fmt.Errorf("%s: %w", a.Label, err)
	}
	_, _ = io.Copy(io.Discard, conn) // a reset is as good an end
	login.End = time.Now()
	return login, nil
}

// begin sends what the client says before it leaves.
func begin(conn net.Conn, a Attempt) error {
	frontend := pgproto3.NewFrontend(conn, conn)
	switch a.Way {
	case Stranger:
		_, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
		return err
	case StartUp, NoPassword:
		parameters := map[string]string{"user": a.User, "database": a.Database}
		if a.ApplicationName != "" {
			parameters["application_name"] = a.ApplicationName
		}
		frontend.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: parameters})
	case Cancel:
		frontend.Send(&pgproto3.CancelRequest{ProcessID: 1, SecretKey: []byte{0, 0, 0, 7}})
	default: // Silent
		return nil
	}
	if err := frontend.Flush(); err != nil || a.Way != NoPassword {
		return err
	}
	asked, err := frontend.Receive()
	if _, ok := asked.(*pgproto3.AuthenticationSASL); err == nil && !ok {
		return fmt.Errorf("the server sent %T in place of asking for a password", asked)
	}
	return err
}
