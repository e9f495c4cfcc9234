package postgresql_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// line is one of the log in format jsonlog.
type line struct {
	User       string `json:"user"`
	RemoteHost string `json:"remote_host"`
	RemotePort int    `json:"remote_port"`
	SessionID  string `json:"session_id"`
	Severity   string `json:"error_severity"`
	StateCode  string `json:"state_code"`
	Message    string `json:"message"`
}

// story is what the log tells of one connection.
type story struct {
	received, authorized, left bool
	fatal                      string // SQLSTATE
	user                       string
}

// stories reads the log by the client's end; those of local sockets have none and are left out.
func stories(t *testing.T, log []byte) map[netip.AddrPort]*story {
	t.Helper()
	told := map[netip.AddrPort]*story{}
	for text := range bytes.Lines(log) {
		var l line
		require.NoError(t, json.Unmarshal(text, &l), "%s", text)
		host, err := netip.ParseAddr(l.RemoteHost)
		if err != nil {
			continue
		}
		client := netip.AddrPortFrom(host, uint16(l.RemotePort))
		if told[client] == nil {
			told[client] = &story{}
		}
		s := told[client]
		s.received = s.received || strings.HasPrefix(l.Message, "connection received")
		s.authorized = s.authorized || strings.Contains(l.Message, "connection authorized")
		s.left = s.left || strings.HasPrefix(l.Message, "disconnection")
		if l.Severity == "FATAL" {
			s.fatal = l.StateCode
		}
		if l.User != "" {
			s.user = l.User
		}
	}
	return told
}

// requireTold compares what was done with what the log tells.
func requireTold(t *testing.T, done []logins.Login, told map[netip.AddrPort]*story) {
	t.Helper()
	for _, l := range done {
		if l.Socket {
			continue
		}
		s := told[l.Client]
		require.NotNil(t, s, l.Label)
		require.True(t, s.received, l.Label)
		require.Equal(t, l.Code, s.fatal, l.Label)
		if l.Outcome == logins.Succeeded {
			require.True(t, s.authorized, l.Label)
			require.True(t, s.left, l.Label)
		}
		if l.Outcome != logins.Abandoned {
			require.Equal(t, l.User, s.user, l.Label)
		} else {
			require.False(t, s.authorized, l.Label)
		}
		require.False(t, l.End.Before(l.Start), l.Label)
	}
}

// waitTold waits until the log tells of all logouts and refusals.
func waitTold(t *testing.T, s *postgresql.Server, done []logins.Login) {
	t.Helper()
	succeeded, refused := 0, 0
	for _, l := range done {
		switch l.Outcome {
		case logins.Succeeded:
			succeeded++
		case logins.Refused:
			refused++
		}
	}
	log := s.WaitLog(t, server.JSONLog, func(log []byte) bool {
		return bytes.Count(log, []byte("disconnection: session time")) >= succeeded && bytes.Count(log, []byte(`"FATAL"`)) >= refused &&
			bytes.Count(log, []byte("connection received")) >= len(done) && bytes.HasSuffix(log, []byte("\n"))
	})
	requireTold(t, done, stories(t, log))
}

func TestTheLogTellsOfEveryKindOfLogin(t *testing.T) {
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			s := postgresql.Start(t, postgresql.Version(version))
			done, err := s.Logins(t).Each(t.Context())
			require.NoError(t, err)
			require.Len(t, done, len(logins.Catalogue)+2)
			waitTold(t, s, done)
		})
	}
}

func TestEveryKindButTLSWithoutTLS(t *testing.T) {
	s := postgresql.Start(t, postgresql.NoTLS(), postgresql.LogFormats(server.JSONLog))
	done, err := s.Logins(t).Each(t.Context())
	require.NoError(t, err)
	require.Len(t, done, len(logins.Catalogue)+2-3)
	waitTold(t, s, done)
	_, err = s.Logins(t).Login(t.Context(), logins.Attempt{User: server.Alice.Name, TLS: true})
	require.ErrorContains(t, err, "without TLS")
}

func TestTheMethodsAreThoseOfTheRoles(t *testing.T) {
	s := postgresql.Start(t)
	_, err := s.Logins(t).Each(t.Context())
	require.NoError(t, err)
	log := string(s.WaitLogHas(t, server.Stderr, "too many connections for role", 1))
	for _, u := range []server.User{server.Alice, server.Bob, server.Carol, server.Dave, server.Grace, server.Replica} {
		require.Regexp(t, fmt.Sprintf(`connection authenticated: (identity|user)="(CN=)?%s" method=%s `, u.Name, u.Method), log)
	}
}

func TestAMixInParallel(t *testing.T) {
	s := postgresql.Start(t, postgresql.LogFormats(server.JSONLog))
	c := s.Logins(t)
	require.Equal(t, c.Plan(50, 7), c.Plan(50, 7))
	require.NotEqual(t, c.Plan(50, 7), c.Plan(50, 8))
	done, err := c.Mix(t.Context(), 150, 1, 8)
	require.NoError(t, err)
	require.Len(t, done, 150)
	waitTold(t, s, done)
}

func TestASessionThatIsDroppedLeavesADisconnection(t *testing.T) {
	s := postgresql.Start(t, postgresql.LogFormats(server.JSONLog))
	c := s.Logins(t)
	session, login, err := c.Open(t.Context(), logins.Attempt{User: server.Carol.Name, Database: server.AppDB})
	require.NoError(t, err)
	require.NotZero(t, login.PID)
	require.NoError(t, session.Query(t.Context(), "SELECT 1"))
	require.NoError(t, session.Drop())
	s.WaitLogHas(t, server.JSONLog, "Connection reset by peer", 1)
	waitTold(t, s, []logins.Login{login})
}

func TestAServerThatIsAwayIsAnError(t *testing.T) {
	s := postgresql.Start(t)
	c := s.Logins(t)
	s.Stop(t)
	for _, way := range []logins.Way{logins.Through, logins.Silent} {
		_, err := c.Login(t.Context(), logins.Attempt{User: "x", Way: way})
		require.ErrorContains(t, err, "refused")
	}
	done, err := c.Mix(t.Context(), 10, 1, 2)
	require.Error(t, err)
	require.Empty(t, done)
}
