// Package journald reads the logins of sshd out of systemd's journal, with the journalctl of the machine.
package journald

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/sshlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// Config is the block `journald` of the receiver.
type Config struct {
	// Directory holds the journal's files; empty is this machine's journal.
	Directory string `mapstructure:"directory"`
	// Identifiers are the names under which sshd writes (SYSLOG_IDENTIFIER).
	Identifiers []string `mapstructure:"identifiers"`
	// Units are globs of the units whose entries are read; empty is all.
	Units []string `mapstructure:"units"`
	// PollInterval is how often the journal is looked at.
	PollInterval time.Duration `mapstructure:"poll_interval"`
	// BatchSize is the most events that are handed on together.
	BatchSize int `mapstructure:"batch_size"`
	// MaxLineBytes is the longest entry; a longer one is skipped and counted.
	MaxLineBytes int `mapstructure:"max_line_bytes"`
	// Initial is where the very first start begins: `beginning` or `end`.
	Initial string `mapstructure:"initial"`
	// Journalctl is the program that reads the journal.
	Journalctl string `mapstructure:"journalctl"`
}

// DefaultConfig reads this machine's sshd.
func DefaultConfig() Config {
	return Config{
		Identifiers:  slices.Clone(sshlog.Identifiers),
		PollInterval: 5 * time.Second,
		BatchSize:    8192,
		MaxLineBytes: 16 << 20,
		Initial:      source.InitialBeginning,
		Journalctl:   "journalctl",
	}
}

// Validate names the key and the remedy.
func (c Config) Validate() error {
	var errs []error
	if len(c.Identifiers) == 0 || slices.Contains(c.Identifiers, "") {
		errs = append(errs, errors.New("identifiers: must name the programs to read, as [sshd, sshd-session, sshd-auth]"))
	}
	for i, unit := range c.Units {
		if _, err := path.Match(unit, ""); unit == "" || err != nil {
			errs = append(errs, fmt.Errorf("units[%d]: %q is neither a unit nor a glob, as ssh.service or sshd@*.service", i, unit))
		} else if !strings.ContainsAny(unit, ".*") {
			errs = append(errs, fmt.Errorf("units[%d]: %q lacks the suffix that every unit's name has: write %s.service", i, unit, unit))
		}
	}
	errs = append(errs, source.CheckDuration("poll_interval", c.PollInterval, "5s"), source.CheckSizes(c.BatchSize, c.MaxLineBytes), source.CheckInitial(c.Initial))
	if c.Journalctl == "" {
		errs = append(errs, errors.New("journalctl: must be the program's name or path, as /usr/bin/journalctl"))
	}
	return errors.Join(errs...)
}

// DefaultInstance is the machine's name, and the directory where one is named.
func (c Config) DefaultInstance() string {
	name, err := os.Hostname()
	if err != nil {
		name = "journald"
	}
	if c.Directory != "" {
		name += ":" + c.Directory
	}
	return name
}

func (c Config) isUnitRead(unit string, sessionEnd bool) bool {
	if len(c.Units) == 0 {
		return true
	}
	// A session that PAM opened is no longer part of sshd's unit: its end comes from its own.
	if ok, _ := path.Match("session-*.scope", unit); ok && sessionEnd {
		return true
	}
	return slices.ContainsFunc(c.Units, func(glob string) bool {
		ok, _ := path.Match(glob, unit)
		return ok
	})
}
