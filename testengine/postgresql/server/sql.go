package server

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const queryLimit = time.Minute

// DSN is a connection URL over TCP without TLS. Options are further parameters, such as "application_name", "etl".
func (s *Server) DSN(user, password, database string, options ...string) string {
	address := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: s.Address, Path: "/" + database}
	query := url.Values{"sslmode": {"disable"}}
	for i := 0; i+1 < len(options); i += 2 {
		query.Set(options[i], options[i+1])
	}
	address.RawQuery = query.Encode()
	return address.String()
}

// Query runs statements on the database postgres as Admin, over the Unix-domain socket, and returns the last one's rows as text. Each call
// is a login of its own: the log shows it as [local] and Admin, which a test can leave out.
func (s *Server) Query(ctx context.Context, sql string) ([][]string, error) {
	return s.QueryIn(ctx, PostgresDB, sql)
}

// QueryIn is Query on another database.
func (s *Server) QueryIn(ctx context.Context, database, sql string) ([][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	config, err := pgconn.ParseConfig(s.DSN(Admin.Name, Admin.Password, database))
	if err != nil {
		return nil, err
	}
	config.Host, config.Fallbacks, config.RuntimeParams = s.SocketDir, nil, map[string]string{"application_name": "testengine"}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	results, err := conn.Exec(ctx, sql).ReadAll()
	closed := conn.Close(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	if len(results) == 0 {
		return nil, closed
	}
	var rows [][]string
	for _, cells := range results[len(results)-1].Rows {
		row := make([]string, len(cells))
		for i, cell := range cells {
			row[i] = string(cell)
			if cell == nil {
				row[i] = Null
			}
		}
		rows = append(rows, row)
	}
	return rows, closed
}

// Null stands for NULL in the answer of Query.
const Null = "ᴺᵁᴸᴸ"
