package testengine

import (
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// accountsSQL makes on a user's own server what users.xml gives ours.
func accountsSQL() []string {
	statements := []string{
		"CREATE ROLE IF NOT EXISTS analyst", "GRANT SELECT ON default.* TO analyst",
		"CREATE ROLE IF NOT EXISTS loader", "GRANT INSERT ON default.* TO loader",
		"CREATE SETTINGS PROFILE IF NOT EXISTS analysts SETTINGS max_threads = 2, max_memory_usage = 1000000000",
	}
	for _, account := range []struct {
		server.User
		host   string
		suffix string
		grants []string
	}{
		{User: server.Admin, grants: []string{"ALL ON *.*"}},
		{User: server.Audit, grants: []string{
			"SELECT ON system.session_log*", "SELECT ON system.query_log*", "SELECT ON system.opentelemetry_span_log*", "SELECT ON system.clusters",
		}},
		{User: server.Alice, suffix: " SETTINGS PROFILE 'analysts'", grants: []string{"analyst", "loader"}},
		{User: server.Bob, grants: []string{"ALL ON default.*"}},
		{User: server.Carol, grants: []string{"analyst"}},
		{User: server.Dave, grants: []string{"ALL ON default.*"}},
		{User: server.Erin, grants: []string{"SELECT ON default.*"}},
		{User: server.Frank, host: "IP '198.51.100.7'", grants: []string{"SELECT ON default.*"}},
		{User: server.Guest, grants: []string{"ALL ON default.*"}},
	} {
		host := account.host
		if host == "" {
			host = "ANY"
		}
		statements = append(statements, fmt.Sprintf("CREATE USER IF NOT EXISTS %s IDENTIFIED WITH %s HOST %s%s",
			account.Name, identification(account.User), host, account.suffix))
		for _, grant := range account.grants {
			statements = append(statements, fmt.Sprintf("GRANT %s TO %s", grant, account.Name))
		}
	}
	return statements
}

// identification is the CREATE USER clause for the user's auth_type: sha256_password BY '...'.
func identification(u server.User) string {
	method := strings.ToLower(u.AuthType)
	if method == "no_password" {
		return method
	}
	return fmt.Sprintf("%s BY '%s'", method, u.Password)
}
