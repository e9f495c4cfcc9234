package testengine

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// EnvClickHouse points the tests at a server of the user's own, a ClickHouse recent enough for wildcard grants. Its value lists, in any order:
//
//	native=host:port,http=host:port,username=name,password=secret
//
// username is `default` and password empty unless given. A comma or percent sign in a value is written %2C, %25. The account needs all
// rights: the tests make the accounts of package server (alice, bob, …) and tables, and read session_log, which the server must have
// switched on. Take a server that may be thrown away.
const EnvClickHouse = "SESSIONLOG_TEST_CLICKHOUSE"

func externalFromEnv(tb testing.TB) (*Server, bool) {
	tb.Helper()
	text := os.Getenv(EnvClickHouse)
	if text == "" {
		return nil, false
	}
	s, err := parseExternal(text)
	if err != nil {
		tb.Fatal(err)
	}
	return s, true
}

// parseExternal names keys in its errors, never values: one of them is a password.
func parseExternal(text string) (*Server, error) {
	s := &Server{admin: server.Default}
	targets := map[string]*string{"native": &s.Native, "http": &s.HTTP, "username": &s.admin.Name, "password": &s.admin.Password}
	for i, entry := range strings.Split(text, ",") {
		key, value, _ := strings.Cut(entry, "=")
		target, ok := targets[strings.TrimSpace(key)]
		if !ok {
			return nil, fmt.Errorf("%s: entry %d is none of native=, http=, username=, password=", EnvClickHouse, i+1)
		}
		plain, err := url.PathUnescape(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: a percent sign is written %%25", EnvClickHouse, strings.TrimSpace(key))
		}
		*target = plain
	}
	if s.Native == "" || s.HTTP == "" {
		return nil, fmt.Errorf("%s: native=host:port and http=host:port are both required", EnvClickHouse)
	}
	return s, nil
}

// applySettings gives the foreign server what the test expects, or skips the test.
func (s *Server) applySettings(tb testing.TB, set settings) {
	tb.Helper()
	if len(set.own) > 0 {
		skipExternal(tb, "it needs a server started with "+strings.Join(set.own, ", "))
	}
	if set.Timezone != "" {
		if zone := s.Query(tb, "SELECT serverTimezone()")[0][0]; zone != set.Timezone {
			skipExternal(tb, fmt.Sprintf("it needs a server in %s, this one is in %s", set.Timezone, zone))
		}
	}
	s.accounts(tb)
}

func skipExternal(tb testing.TB, reason string) {
	tb.Helper()
	recordSkip(tb, reason, "unset "+EnvClickHouse)
	tb.Skipf("not against %s: %s", EnvClickHouse, reason)
}
