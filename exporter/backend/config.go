package backend

import (
	"fmt"
	"time"
)

// STLConnectionLogConfig is the block `stl_connection_log`, the same for all backends.
type STLConnectionLogConfig struct {
	// IncludePostgreSQL shows the records of PostgreSQL beside those of Redshift.
	IncludePostgreSQL bool `mapstructure:"include_postgresql"`
}

// SessionsConfig is the block `sessions`, the same for all backends.
type SessionsConfig struct {
	// AssumedClosedAfter is how long after its last record a session without a logout still counts as open; 0 is for ever.
	AssumedClosedAfter time.Duration `mapstructure:"assumed_closed_after"`
}

// DefaultSessionsConfig takes a session for closed after a day without a word.
func DefaultSessionsConfig() SessionsConfig {
	return SessionsConfig{AssumedClosedAfter: 24 * time.Hour}
}

// NotNegative names the key of a duration below zero.
func NotNegative(key string, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s: must not be negative", key)
	}
	return nil
}
