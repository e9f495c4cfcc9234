package file_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// reasons are what the refusals of the catalogue are classified as.
var reasons = map[string]string{
	"wrong password":              session.ErrorInvalidCredentials,
	"wrong password, TLS":         session.ErrorInvalidCredentials,
	"empty password":              session.ErrorInvalidCredentials,
	"unknown user":                session.ErrorUserUnknown,
	"hostile user name":           session.ErrorUserUnknown,
	"expired password":            session.ErrorPasswordExpired,
	"unknown database":            session.ErrorDatabaseUnknown,
	"no CONNECT right":            session.ErrorNotPermitted,
	"database accepts nobody":     session.ErrorNotPermitted,
	"role may not log in":         session.ErrorNotPermitted,
	"rejected by pg_hba.conf":     session.ErrorAddressNotAllowed,
	"no certificate without TLS":  session.ErrorAddressNotAllowed,
	"no line in pg_hba.conf":      session.ErrorAddressNotAllowed,
	"not a replication role":      session.ErrorNotPermitted,
	"over the connection limit":   session.ErrorConnectionLimit,
	"within the connection limit": session.ErrorConnectionLimit, // where an earlier session is still on its way out
}

// methods are how each user logs in, as the server names it and as we do.
var methods = map[string][2]string{
	"scram-sha-256": {"scram-sha-256", session.AuthPassword},
	"md5":           {"md5", session.AuthPassword},
	"cert":          {"cert", session.AuthCertificate},
	"trust":         {"trust", session.AuthNone},
}

// checkHow holds what each record says of how somebody came in, or why not, against what the client did.
func checkHow(t *testing.T, version int, events []session.Event, all []logins.Login) {
	t.Helper()
	found := map[string][]session.Event{} // several, where the kernel gives a port again
	for _, e := range events {
		if e.Kind == session.KindLogin && e.ClientPort != 0 {
			client := fmt.Sprintf("%s:%d", e.ClientAddress, e.ClientPort)
			found[client] = append(found[client], e)
		}
	}
	for _, l := range all {
		if l.Outcome == logins.Abandoned || l.Socket {
			continue
		}
		e := nearest(found[l.Client.String()], l.Start)
		require.NotNil(t, e, l.Label)
		require.WithinRange(t, time.Unix(0, e.Time), l.Start.Add(-time.Second), l.End.Add(time.Second),
			"%s: %q of session %s, pid %d; the client's was %d", l.Label, e.SourceEvent, e.SessionID, e.PID, l.PID)
		if l.Outcome == logins.Refused {
			require.Equal(t, reasons[l.Label], e.ErrorType, l.Label)
			require.Contains(t, e.FailureReason, strings.SplitN(l.Message, "\n", 2)[0], l.Label)
			continue
		}
		checkSuccess(t, version, e, l)
	}
}

// nearest is the event that is nearest to a time, nil where there is none.
func nearest(events []session.Event, at time.Time) *session.Event {
	var best *session.Event
	for i := range events {
		if best == nil || time.Unix(0, events[i].Time).Sub(at).Abs() < time.Unix(0, best.Time).Sub(at).Abs() {
			best = &events[i]
		}
	}
	return best
}

func checkSuccess(t *testing.T, version int, e *session.Event, l logins.Login) {
	t.Helper()
	require.Equal(t, l.TLS, e.TLSVersion != "" && e.TLSCipher != "", "%s: TLS %q %q", l.Label, e.TLSVersion, e.TLSCipher)
	require.Equal(t, l.ApplicationName, e.ApplicationName, l.Label)
	require.Equal(t, int64(l.PID), e.PID, l.Label)
	if l.Replication != "" {
		require.Equal(t, "replication", e.Interface, l.Label)
	} else {
		require.Empty(t, e.Interface, l.Label)
		require.Equal(t, l.Database, e.Database, l.Label)
	}
	method := methods[methodOf(l.User)]
	if version == 15 && method[0] == "trust" {
		method = [2]string{} // 15 writes nothing of it
	}
	require.Equal(t, method, [2]string{e.AuthType, e.AuthMethod}, l.Label)
}

func methodOf(user string) string {
	for _, u := range server.Users {
		if u.Name == user {
			return u.Method
		}
	}
	return ""
}

// Every kind of login, of refusal and of going away, on both versions and in all formats: the records match what was done, and
// say how.
func TestRealLoginsOfEveryKind(t *testing.T) {
	eachLog(t, func(t *testing.T, s *postgresql.Server, cfg file.Config) {
		c := s.Logins(t)
		j := start(t, cfg, &sourcetest.Store{})
		all, err := c.Each(t.Context())
		require.NoError(t, err)
		all = append(all, mix(t, c, 20, 1)...)
		all = append(all, endings(t, s, c)...)
		awaitDone(t, j, done(all))
		j.stop(t)
		checkPairs(t, j.Delivered())
		checkHow(t, majorOf(t, s), j.Delivered(), all)
		requireNoBadRows(t, j)
	})
}

// majorOf asks the server for its version.
func majorOf(t *testing.T, s *postgresql.Server) (major int) {
	t.Helper()
	_, err := fmt.Sscan(s.Query(t, "SELECT current_setting('server_version_num')::int / 10000")[0][0], &major)
	require.NoError(t, err)
	return major
}

// endings are sessions that do not end as they should: the client is gone, its query is cancelled, an administrator ends it.
func endings(t *testing.T, s *postgresql.Server, c *logins.Client) []logins.Login {
	t.Helper()
	gone, first := open(t, c)
	require.NoError(t, gone.Drop())
	cancelled, second := open(t, c)
	failed := make(chan error, 1)
	go func() { failed <- cancelled.Query(t.Context(), "SELECT pg_sleep(600)") }()
	await(t, "the query does not run", func() bool {
		return s.Query(t, fmt.Sprintf("SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND wait_event = 'PgSleep'", second.PID))[0][0] == "1"
	})
	s.Exec(t, fmt.Sprintf("SELECT pg_cancel_backend(%d)", second.PID))
	require.ErrorContains(t, <-failed, "57014")
	require.NoError(t, cancelled.Close(t.Context()))
	ended, third := open(t, c)
	s.Exec(t, fmt.Sprintf("SELECT pg_terminate_backend(%d)", third.PID))
	_ = ended.Close(t.Context()) // the server was first
	return []logins.Login{first, second, third}
}

// One backend dies, and the server ends all others without a word of theirs: who was in was in.
func TestABackendDies(t *testing.T) {
	diesAndComesBack := func(t *testing.T, s *postgresql.Server, cfg file.Config) {
		c, store := s.Logins(t), &sourcetest.Store{}
		j := start(t, cfg, store)
		all := mix(t, c, 5, 8)
		victim, bystander := stay(t, c), stay(t, c)
		awaitLogged(t, s, cfg.Format, victim)
		awaitLogged(t, s, cfg.Format, bystander)
		// The server of a client that is gone may not have logged so much yet: what is killed first will not.
		awaitLines(t, done(all), func() []string { return without(told(j.Delivered()), victim, bystander) })
		require.NoError(t, syscall.Kill(int(victim.PID), syscall.SIGKILL))
		s.WaitLogHas(t, cfg.Format, "all server processes terminated; reinitializing", 1)
		await(t, "the server does not come back", func() bool {
			_, err := s.TryQuery(t.Context(), "SELECT 1")
			return err == nil
		})
		all = append(all, mix(t, c, 5, 9)...)
		awaitLines(t, done(all), func() []string { return without(told(j.Delivered()), victim, bystander) })
		j.stop(t)
		requireNoBadRows(t, j)
		events := append(j.Delivered(), onceLater(t, cfg, store, 2*cfg.UndecidedAfter).Delivered()...)
		want := done(all, victim, bystander)
		require.Empty(t, difference(told(events), want), "told although nobody did it")
		require.Empty(t, difference(want, told(events)), "not told")
		require.Empty(t, onceLater(t, cfg, store, 4*cfg.UndecidedAfter).Delivered(), "told again")
	}
	for format, version := range map[string]int{server.JSONLog: 15, server.CSVLog: 18, server.Stderr: 15} {
		onLog(t, version, format, diesAndComesBack)
	}
}

// without leaves some logins out.
func without(lines []string, some ...logins.Login) (rest []string) {
	for _, line := range lines {
		of := false
		for _, l := range some {
			of = of || strings.Contains(line, fmt.Sprintf(" %d ", l.Client.Port()))
		}
		if !of {
			rest = append(rest, line)
		}
	}
	return rest
}
