package redshift

import "github.com/otel-sessionlog/sessionlog/testengine/postgresql"

// Option changes the stand-in that Start starts.
type Option func(*settings)

type settings struct {
	stl, sys   bool
	wide       bool
	sessionID  bool
	postgresql []postgresql.Option
}

// NoSTL leaves STL_CONNECTION_LOG out, as a serverless workgroup does.
func NoSTL() Option { return func(s *settings) { s.stl = false } }

// NoSYS leaves SYS_CONNECTION_LOG out, as a cluster of before 2023 does.
func NoSYS() Option { return func(s *settings) { s.sys = false } }

// WideDuration makes duration a bigint. The documentation says integer, in microseconds, which ends at 36 minutes.
func WideDuration() Option { return func(s *settings) { s.wide = true } }

// SessionID adds the columns sessionid and compression to STL_CONNECTION_LOG. Clusters are said to have them; the documentation has not.
func SessionID() Option { return func(s *settings) { s.sessionID = true } }

// PostgreSQL passes options to the server behind.
func PostgreSQL(options ...postgresql.Option) Option {
	return func(s *settings) { s.postgresql = append(s.postgresql, options...) }
}
