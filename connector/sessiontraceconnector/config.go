package sessiontraceconnector

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector/internal/correlation"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

// Config of the connector. MaxSessions and MaxBytes bound its memory.
type Config struct {
	// MaxSessions is how many logins are remembered. Ended sessions and failed logins make way first.
	MaxSessions int `mapstructure:"max_sessions"`
	// MaxBytes bounds what logins and spans take together; a quarter of it is for spans.
	MaxBytes int64 `mapstructure:"max_bytes"`

	// TTL is how long after its last event a session without a logout is remembered, and counted as open.
	TTL time.Duration `mapstructure:"ttl"`
	// Idle is how long after its last event a session owns its client address and port.
	Idle time.Duration `mapstructure:"idle"`
	// Lateness is how much later than its record a span may arrive, and the reverse.
	Lateness time.Duration `mapstructure:"lateness"`
	// Window is how far a span may be from a login of the same user and address; 0 makes no such guess.
	Window time.Duration `mapstructure:"window"`
	// ClockTolerance is by how much the clocks of sources and applications may differ.
	ClockTolerance time.Duration `mapstructure:"clock_tolerance"`

	Metrics MetricsConfig `mapstructure:"metrics"`
}

// MetricsConfig is for the metrics made of login records.
type MetricsConfig struct {
	// Interval is how often they are sent.
	Interval time.Duration `mapstructure:"interval"`
	// MaxSeries bounds the attribute sets of each metric; all further ones share one with otel.metric.overflow.
	MaxSeries int `mapstructure:"max_series"`
}

func defaultConfig() *Config {
	return &Config{
		MaxSessions: 100_000, MaxBytes: 64 << 20,
		TTL: 24 * time.Hour, Idle: 30 * time.Minute, Lateness: 5 * time.Minute, Window: 30 * time.Second, ClockTolerance: 100 * time.Millisecond,
		Metrics: MetricsConfig{Interval: 30 * time.Second, MaxSeries: 1000},
	}
}

const (
	minMaxBytes = 1 << 20
	maxLateness = 24 * time.Hour // spans are remembered no longer
)

// Unmarshal refuses durations without a unit, and explains unknown keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return strictconfig.Unmarshal(conf, c) }

// Validate names the key and the remedy.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.MaxSessions > 0, "max_sessions: %d: at least one login must be remembered", c.MaxSessions)
	check(c.MaxBytes >= minMaxBytes, "max_bytes: %d is too little; give %d (1 MiB) or more", c.MaxBytes, minMaxBytes)
	check(c.TTL > 0, "ttl: %s: give a positive duration", c.TTL)
	check(c.Idle > 0, "idle: %s: give a positive duration", c.Idle)
	check(c.Lateness > 0 && c.Lateness <= maxLateness, "lateness: %s: give more than 0 and at most %s", c.Lateness, maxLateness)
	check(c.Window >= 0 && c.Window <= c.Lateness/2, "window: %s: give at most half of the lateness (%s), after which too much is forgotten for a guess, or 0 for none", c.Window, c.Lateness)
	check(c.ClockTolerance >= 0, "clock_tolerance: %s: give 0 or more", c.ClockTolerance)
	return errors.Join(errs...)
}

// Validate names the key and the remedy.
func (c *MetricsConfig) Validate() error {
	switch {
	case c.Interval <= 0:
		return fmt.Errorf("interval: %s: give a positive duration", c.Interval)
	case c.MaxSeries <= 0:
		return fmt.Errorf("max_series: %d: at least one series must be kept", c.MaxSeries)
	}
	return nil
}

func (c *Config) correlationLimits() correlation.Limits {
	return correlation.Limits{
		MaxSessions: c.MaxSessions, MaxBytes: c.MaxBytes,
		TTL: c.TTL, Idle: c.Idle, Lateness: c.Lateness, Window: c.Window, Tolerance: c.ClockTolerance,
	}
}
