package postgresql

import "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"

// Option changes the server that Start starts.
type Option func(*server.Config)

func collect(options []Option) server.Config {
	var c server.Config
	for _, option := range options {
		option(&c)
	}
	return c
}

// Version chooses 15 or 18. Without it the server is an 18.
func Version(major int) Option { return func(c *server.Config) { c.Version = major } }

// LogFormats chooses among server.Stderr, server.CSVLog and server.JSONLog. Without it the log is written in all three.
func LogFormats(formats ...string) Option { return func(c *server.Config) { c.LogFormats = formats } }

// LogLinePrefix sets log_line_prefix, which only lines of the format stderr have.
func LogLinePrefix(prefix string) Option { return func(c *server.Config) { c.LogLinePrefix = prefix } }

// Timezone sets the zone of the log and of sessions, an IANA name. Without it the zone is UTC.
func Timezone(name string) Option { return func(c *server.Config) { c.Timezone = name } }

// NoTLS leaves TLS off. Otherwise a client may choose.
func NoTLS() Option { return func(c *server.Config) { c.NoTLS = true } }

// HBA puts lines before those of pg_hba.conf.
func HBA(lines ...string) Option { return func(c *server.Config) { c.HBA = append(c.HBA, lines...) } }

// Dir keeps the server's data in a directory of the caller's.
func Dir(path string) Option { return func(c *server.Config) { c.Dir = path } }

// Setting sets anything else of postgresql.conf: Setting("wal_level", "logical"). It wins over the other options.
func Setting(name, value string) Option {
	return func(c *server.Config) {
		if c.Settings == nil {
			c.Settings = map[string]string{}
		}
		c.Settings[name] = value
	}
}
