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

// leastTTL is below whatever somebody may mean: 365ns would empty a table.
const leastTTL = time.Minute

// CheckTTL names the key of a ttl that nobody can mean.
func CheckTTL(d time.Duration) error {
	if d > 0 && d < leastTTL {
		return fmt.Errorf("ttl: %s is too short: write at least %s, such as 8760h for a year, or 0 to keep everything", d, leastTTL)
	}
	return NotNegative("ttl", d)
}

// NotNegative names the key of a duration below zero.
func NotNegative(key string, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s: must not be negative", key)
	}
	return nil
}
