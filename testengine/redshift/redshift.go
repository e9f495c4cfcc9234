// Package redshift gives tests a stand-in for Amazon Redshift: a real PostgreSQL behind a proxy that announces, refuses and rewrites what
// Redshift would, with the two connection logs in their documented shapes. README.md says what it is and what it is not.
//
//	s := redshift.Start(t)
//	s.Exec(t, "GRANT SELECT ON stl_connection_log TO collector")
//	conn, err := pgx.Connect(ctx, s.DSN(redshift.Collector))
package redshift

import (
	"context"
	_ "embed"
	"net/url"
	"strings"
	"testing"

	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift/proxy"
)

// Database is the one database of the stand-in, as a new cluster has it.
const Database = "dev"

// User is a database user with a password.
type User struct{ Name, Password string }

// The users.
var (
	Admin     = User{"awsuser", "Aws-pw-1"}         // superuser: reads the connection logs
	Collector = User{"collector", "Collector-pw-1"} // may read what a test grants: at first nothing
	Writer    = User{"writer", "Writer-pw-1"}       // may make tables in public, and read no connection log
)

var (
	//go:embed stl.sql
	stlSQL string
	//go:embed sys.sql
	sysSQL string
	//go:embed functions.sql
	functionsSQL string
)

// Server is a running stand-in. Its Proxy cuts connections, decides on statements and tells which were run.
type Server struct {
	*proxy.Proxy
	PostgreSQL *postgresql.Server // what stands behind: Stop, Kill, Freeze, Exec past the proxy

	ca string
}

// Start starts a stand-in; the test's clean-up ends it.
func Start(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	set := settings{stl: true, sys: true}
	for _, option := range options {
		option(&set)
	}
	db := postgresql.Start(tb, append([]postgresql.Option{
		postgresql.HBA(HBA()),
		postgresql.Setting("allow_system_table_mods", "on"), // the connection logs stand in pg_catalog: there any search_path finds them
	}, set.postgresql...)...)
	db.Exec(tb, ClusterSQL())
	db.ExecIn(tb, Database, set.sql())
	certificate, err := db.ServerTLS()
	if err != nil {
		tb.Fatal(err)
	}
	front, err := proxy.Start(tb.Context(), proxy.Config{Server: db.Address, TLS: certificate})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := front.Close(); err != nil {
			tb.Errorf("end of the proxy: %v", err)
		}
	})
	return &Server{Proxy: front, PostgreSQL: db, ca: db.TLS().CA}
}

// HBA is the line of pg_hba.conf that lets the users in.
func HBA() string {
	return "host all " + Admin.Name + "," + Collector.Name + "," + Writer.Name + " all md5"
}

// LogsSQL makes both connection logs and what is asked of them, in Database of a PostgreSQL that allows changes of system tables.
func LogsSQL() string { return (&settings{stl: true, sys: true}).sql() }

// ClusterSQL makes users and database. Passwords are stored as md5, for Redshift has no SCRAM.
func ClusterSQL() string {
	statements := []string{"ALTER DATABASE " + server.AppDB + " RENAME TO " + Database, "SET password_encryption = 'md5'"}
	for _, u := range []User{Admin, Collector, Writer} {
		statements = append(statements, "CREATE ROLE "+u.Name+" LOGIN PASSWORD '"+u.Password+"'")
	}
	return strings.Join(append(statements, "ALTER ROLE "+Admin.Name+" SUPERUSER"), "; ")
}

func (s *settings) sql() string {
	text := []string{"GRANT ALL ON SCHEMA public TO PUBLIC", functionsSQL}
	for _, table := range []struct {
		wanted bool
		sql    string
	}{{s.stl, stlSQL}, {s.sys, sysSQL}} {
		if !table.wanted {
			continue
		}
		if s.wide {
			table.sql = strings.Replace(table.sql, "integer,\n  ssl", "bigint,\n  ssl", 1)
		}
		text = append(text, table.sql)
	}
	if s.sessionID && s.stl {
		text = append(text, "ALTER TABLE pg_catalog.stl_connection_log ADD sessionid character(36), ADD compression character(8)")
	}
	return strings.Join(text, ";\n")
}

// DSN is a connection URL through the proxy, without TLS; options are further parameters in pairs.
func (s *Server) DSN(u User, options ...string) string {
	query := url.Values{"sslmode": {"disable"}}
	for i := 0; i+1 < len(options); i += 2 {
		query.Set(options[i], options[i+1])
	}
	address := url.URL{Scheme: "postgres", User: url.UserPassword(u.Name, u.Password), Host: s.Address, Path: "/" + Database, RawQuery: query.Encode()}
	return address.String()
}

// DSNWithTLS is a connection URL through the proxy, its certificate verified.
func (s *Server) DSNWithTLS(u User, options ...string) string {
	return s.DSN(u, append([]string{"sslmode", "verify-full", "sslrootcert", s.ca}, options...)...)
}

// CA is the file of the authority that has signed the proxy's certificate.
func (s *Server) CA() string { return s.ca }

// Exec runs PostgreSQL's own SQL as a superuser past the proxy: GRANT, COPY of rows into a connection log, whatever Redshift would refuse.
func (s *Server) Exec(tb testing.TB, sql string) {
	tb.Helper()
	s.PostgreSQL.ExecIn(tb, Database, sql)
}

// Query is Exec with the answer.
func (s *Server) Query(tb testing.TB, sql string) [][]string {
	tb.Helper()
	return s.PostgreSQL.QueryIn(tb, Database, sql)
}

// TryQuery is Query for those who expect an error.
func (s *Server) TryQuery(ctx context.Context, sql string) ([][]string, error) {
	return s.PostgreSQL.TryQueryIn(ctx, Database, sql)
}
