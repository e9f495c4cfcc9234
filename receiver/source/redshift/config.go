// Package redshift reads the connection log of Amazon Redshift over SQL: the view SYS_CONNECTION_LOG, the older
// STL_CONNECTION_LOG, or a table of their shape.
package redshift

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// Config is the block `redshift` of the receiver.
type Config struct {
	configpostgresql.ClientConfig `mapstructure:",squash"`
	poll.Config                   `mapstructure:",squash"`

	// Table is what to read: a name with or without its schema and database. Empty means the first of SystemTables that
	// is there and that the account may read.
	Table string `mapstructure:"table"`
	// ExcludeInternal leaves out rdsdb, the account of Redshift's own monitor, where it comes from the machine itself.
	ExcludeInternal bool `mapstructure:"exclude_internal"`
}

// SystemTables hold the same events; SYS_CONNECTION_LOG has the session's GUID, too, and is in serverless workgroups.
var SystemTables = []string{"sys_connection_log", "stl_connection_log"}

// SystemTableRetention is how long Redshift keeps the rows of its system tables ("Retention of system tables": STL views retain seven
// days of log history).
const SystemTableRetention = 7 * 24 * time.Hour

// DefaultConfig has no endpoints and no user: those are required. It polls seldom, for each poll keeps a serverless
// workgroup awake for a minute that is paid for, and overlaps more than other sources, since nodes write their
// logs with a delay.
func DefaultConfig() Config {
	c := Config{ClientConfig: configpostgresql.DefaultClientConfig(), Config: poll.DefaultConfig()}
	c.CollectionInterval, c.Overlap, c.ReconcileInterval = 5*time.Minute, 10*time.Minute, 15*time.Minute
	return c
}

// Validate names the key and the remedy of everything that is wrong.
func (c Config) Validate() error {
	_, err := c.candidateTables()
	return errors.Join(c.ClientConfig.Check(), c.Config.Check(), err)
}

// DefaultInstance is host:port of the first endpoint.
func (c Config) DefaultInstance() string { return c.FirstHost() }

// sqlNamePart is a name as it is written in SQL: bare, which the server folds to lower case, or within double quotes.
var sqlNamePart = regexp.MustCompile(`^(?:[\pL_][\pL\pN_$]*|"(?:[^"\x00]|"")+")(?:\.|$)`)

// candidateTables returns SQL names, in the order to try.
func (c Config) candidateTables() ([]string, error) {
	if c.Table == "" {
		return SystemTables, nil
	}
	parts, rest := 0, c.Table
	for ; rest != ""; parts++ {
		part := sqlNamePart.FindString(rest)
		if part == "" {
			parts = 0
			break
		}
		rest = rest[len(part):]
	}
	if parts < 1 || parts > 3 || strings.HasSuffix(c.Table, ".") {
		return nil, fmt.Errorf("table: %q is not a name such as %s, audit.connection_log or \"Audit\".connections; put double quotes around unusual names",
			c.Table, SystemTables[1])
	}
	return []string{c.Table}, nil
}

// cursorIdentity is the same for all system tables: the cursor is kept when the key table is set later, or the other view granted.
func (c Config) cursorIdentity() string {
	name := strings.TrimPrefix(strings.ToLower(c.Table), "pg_catalog.")
	for _, t := range SystemTables {
		if name == t {
			return ""
		}
	}
	return c.Table
}
