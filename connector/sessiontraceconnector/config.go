package sessiontraceconnector

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector/internal/correlation"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

// Config of the connector. MaxSessions and MaxBytes bound its memory. README.md explains every key.
type Config struct {
	MaxSessions int   `mapstructure:"max_sessions"`
	MaxBytes    int64 `mapstructure:"max_bytes"`

	TTL            time.Duration `mapstructure:"ttl"`
	Idle           time.Duration `mapstructure:"idle"`
	Lateness       time.Duration `mapstructure:"lateness"`
	Window         time.Duration `mapstructure:"window"`
	ClockTolerance time.Duration `mapstructure:"clock_tolerance"`

	Metrics MetricsConfig `mapstructure:"metrics"`
}

// MetricsConfig is for the metrics made of login records.
type MetricsConfig struct {
	Interval  time.Duration `mapstructure:"interval"`
	MaxSeries int           `mapstructure:"max_series"`
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
