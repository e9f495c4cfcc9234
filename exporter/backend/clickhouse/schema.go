package clickhouse

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// allMigrations are all migrations. Every statement may be run again, so that a file that was cut off in the middle is begun anew; each file ends by
// writing its number into sessionlog_migrations, so that running it by hand does the same.
var allMigrations = migrations.MustRead(migrationFiles, "migrations")

var commentLine = regexp.MustCompile(`(?m)^\s*--.*\n`)

func (cfg *Config) migrationStatements(sql string) (all []string) {
	for statement := range strings.SplitSeq(commentLine.ReplaceAllString(sql, ""), ";\n") {
		if statement = strings.TrimSpace(statement); statement == "" {
			continue
		}
		if cfg.Cluster == "" {
			all = append(all, cfg.prefixNames(statement))
			continue
		}
		for _, s := range cfg.statementsOnCluster(statement) {
			all = append(all, cfg.prefixNames(s))
		}
	}
	return all
}

var ourNames = regexp.MustCompile(`\b` + ourNamePattern + `\b`)

const ourNamePattern = `(session_events|session_conflicts|session_clients|session_hours|session_pairs|session_seals|session_seal_pages|` +
	`session_log|stl_connection_log|sessions|open_sessions|sessionlog_settings|sessionlog_migrations)(_local|_by_\w+)?`

func (cfg *Config) prefixNames(sql string) string {
	if cfg.TablePrefix == "" {
		return sql
	}
	return ourNames.ReplaceAllString(sql, cfg.TablePrefix+"$0")
}

// storingTables are those that keep rows, with the column whose age decides when they go; "": the program deletes them.
var storingTables = []struct{ name, aged string }{
	{"session_seals", ""},
	{"session_seal_pages", ""},
	{"session_events", "time"},
	{"session_conflicts", "time"},
	{"session_clients", "last_seen"},
	{"session_hours", "day + 1"},
	{"session_pairs", "last_seen"},
}

func ttlExpression(aged string, keep time.Duration) string {
	if keep == 0 || aged == "" {
		return ""
	}
	// The scale 0 lets a time that lies centuries ahead be added to.
	return fmt.Sprintf("toDateTime64(%s, 0, 'UTC') + toIntervalSecond(%d)", aged, retention.TTLSeconds(keep))
}

// fsyncSettings is the table settings that the configuration asks for, or "" where the engine, as the server prints it, has them.
func (cfg *Config) fsyncSettings(engine string) string {
	const on, off = "fsync_after_insert = 1, fsync_part_directory = 1", "fsync_after_insert = 0, fsync_part_directory = 0"
	switch {
	case cfg.Fsync && !strings.Contains(engine, on):
		return on
	case !cfg.Fsync && strings.Contains(engine, on):
		return off
	}
	return ""
}
