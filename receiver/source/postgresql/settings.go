package postgresql

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
)

// serverSettings are those that say what the log looks like. All are public.
type serverSettings struct {
	destination, prefix, zone, collector, connections, disconnections, messages string
}

const settingsSQL = `SELECT current_setting('log_destination'), current_setting('log_line_prefix'), current_setting('log_timezone'),
current_setting('logging_collector'), current_setting('log_connections'), current_setting('log_disconnections'), current_setting('lc_messages')`

func (l *logConnection) readSettings(ctx context.Context) (s serverSettings, err error) {
	rows, err := l.queryRows(ctx, false, settingsSQL)
	if err != nil {
		return s, err
	}
	for i, field := range []*string{&s.destination, &s.prefix, &s.zone, &s.collector, &s.connections, &s.disconnections, &s.messages} {
		*field = string(rows[0][i])
	}
	return s, nil
}

const reloadStatement = "; SELECT pg_reload_conf()"

// settingFindings hold the server's settings against what the source needs. The subject of each is the setting's name.
func (s serverSettings) settingFindings(cfg Config) []connectcheck.Finding {
	all := []connectcheck.Finding{
		settingFinding("logging_collector", s.collector, isSettingOn(s.collector), "the server writes no log files that it could show",
			"ALTER SYSTEM SET logging_collector = on, then restart the server"),
		cfg.findDestination(s),
		settingFinding("log_connections", s.connections, logsConnections(s.connections), "the log has refused logins only",
			"ALTER SYSTEM SET log_connections = on"+reloadStatement+" (in 18 and later = 'all')"),
		settingFinding("log_disconnections", s.disconnections, isSettingOn(s.disconnections), "the log has no logouts, and before 18 it does not say for certain who was let in",
			"ALTER SYSTEM SET log_disconnections = on"+reloadStatement),
		settingFinding("lc_messages", s.messages, isEnglishLocale(s.messages), "only messages in English can be read", "ALTER SYSTEM SET lc_messages = 'C'"+reloadStatement),
	}
	if format, err := cfg.logFormat(s); err == nil && format == formats.PostgreSQLStderr {
		all = append(all, cfg.findPrefix(s))
	}
	return append(all, cfg.findZone(s))
}

func settingFinding(setting, value string, ok bool, why, remedy string) connectcheck.Finding {
	f := connectcheck.Finding{OK: ok, Subject: setting, Detail: setting + " = '" + value + "'"}
	if !ok {
		f.Detail += ": " + why
		f.Remedy = remedy
	}
	return f
}

func isSettingOn(value string) bool { return value == "on" }

// logsConnections reads log_connections, which is a list since 18: who was let in is in the lines of authorization and setup_durations.
func logsConnections(value string) bool {
	return slices.ContainsFunc(strings.Split(value, ","), func(part string) bool {
		switch strings.ToLower(strings.TrimSpace(part)) {
		case "on", "true", "yes", "1", "all", "authorization", "setup_durations":
			return true
		}
		return false
	})
}

func isEnglishLocale(messages string) bool {
	// The empty one is that of the server's environment, which SQL does not show.
	return messages == "" || messages == "C" || messages == "POSIX" || strings.HasPrefix(messages, "C.") || strings.HasPrefix(strings.ToLower(messages), "en")
}

func (c Config) findDestination(s serverSettings) connectcheck.Finding {
	_, err := c.logFormat(s)
	f := settingFinding("log_destination", s.destination, err == nil, "none of jsonlog, csvlog and stderr is among them",
		"ALTER SYSTEM SET log_destination = 'jsonlog'"+reloadStatement+" (before 15 'csvlog')")
	f.Key = "format"
	return f
}

func (c Config) findPrefix(s serverSettings) connectcheck.Finding {
	f := settingFinding("log_line_prefix", s.prefix, true, "", "")
	f.Key = "log_line_prefix"
	remedy := "ALTER SYSTEM SET log_line_prefix = '%m [%p] %c %q%u@%d %r %e %a '" + reloadStatement
	switch err := c.checkReadable(s); {
	case err != nil:
		f.OK, f.Detail, f.Remedy = false, err.Error(), remedy
	case c.LogLinePrefix != "" && c.LogLinePrefix != s.prefix:
		f.OK, f.Detail, f.Remedy = false, f.Detail+", but log_line_prefix of the configuration is '"+c.LogLinePrefix+"', and lines are read by that",
			"leave log_line_prefix out of the configuration: the server's own is asked for"
	}
	return f
}

func (c Config) findZone(s serverSettings) connectcheck.Finding {
	f := settingFinding("log_timezone", s.zone, true, "", "")
	f.Key = "timezone"
	server, err := Config{}.logTimeZone(s.zone)
	written, _ := c.logTimeZone(s.zone)
	switch {
	case c.Timezone == "" && (err != nil || server == nil):
		f.OK, f.Detail = false, f.Detail+" is no IANA name, and `timezone` is not written"
		f.Remedy = "ALTER SYSTEM SET log_timezone = 'UTC'" + reloadStatement
	case c.Timezone != "" && server != nil && written != nil && !sameOffsets(server, written):
		f.OK, f.Detail = false, f.Detail+", but `timezone` is "+c.Timezone
		f.Remedy = "leave timezone out of the configuration: the server's own is asked for"
	}
	return f
}

func sameOffsets(a, b *time.Location) bool {
	for month := range 12 {
		at := time.Date(2026, time.Month(month+1), 15, 12, 0, 0, 0, time.UTC)
		_, one := at.In(a).Zone()
		_, other := at.In(b).Zone()
		if one != other {
			return false
		}
	}
	return true
}
