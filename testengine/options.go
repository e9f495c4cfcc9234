package testengine

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// Option changes the server that ClickHouse starts.
type Option func(*settings)

// settings remember beside the configuration which options somebody else's server cannot be given.
type settings struct {
	server.Config
	own []string
}

func collect(options []Option) settings {
	s := settings{Config: server.Config{TraceFlushInterval: time.Hour}}
	for _, option := range options {
		option(&s)
	}
	return s
}

// Timezone sets the server's zone, an IANA name such as Asia/Kolkata. Without it the zone is UTC.
func Timezone(name string) Option {
	return func(s *settings) { s.Timezone = name }
}

// FlushInterval sets how often the system logs are written out, in steps of a millisecond.
func FlushInterval(d time.Duration) Option {
	return func(s *settings) { s.FlushInterval = d }
}

// LogsOnDemand leaves the system logs in memory until FlushLogs: to write them again and again is most of what an idle server computes.
func LogsOnDemand() Option { return FlushInterval(time.Hour) }

// TraceLogs has query_log and opentelemetry_span_log written out as often as session_log; without it they are at FlushLogs alone.
func TraceLogs() Option {
	return func(s *settings) { s.TraceFlushInterval = 0 }
}

// NoSessionLog leaves the session_log section out, as a fresh installation of ClickHouse does: the table does not exist.
func NoSessionLog() Option {
	return func(s *settings) { s.NoSessionLog, s.own = true, append(s.own, "NoSessionLog") }
}

// SessionLog undoes NoSessionLog, for a Restart.
func SessionLog() Option {
	return func(s *settings) { s.NoSessionLog = false }
}

// NoReplication starts a cluster without ZooKeeper, which is half of what a small one costs: its nodes ask each other, but no table is
// replicated and nothing can be done ON CLUSTER.
func NoReplication() Option {
	return func(s *settings) { s.NoReplication = true }
}

// ConfigXML merges elements into the server's config.xml, as a file in config.d would.
func ConfigXML(elements string) Option {
	return func(s *settings) { s.ConfigXML, s.own = elements, append(s.own, "ConfigXML") }
}

// Users merges elements (<users>, <roles>, <profiles>, <quotas>) into the server's users.xml, as a file in users.d would.
func Users(elements string) Option {
	return func(s *settings) { s.UsersXML, s.own = elements, append(s.own, "Users") }
}

// Dir keeps the server's data in a directory of the caller's.
func Dir(path string) Option {
	return func(s *settings) { s.Dir, s.own = path, append(s.own, "Dir") }
}
