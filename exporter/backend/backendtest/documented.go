package backendtest

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// The queries of the two systems' documentation, as printed there, and the rows that they are printed with.
const (
	// SessionLogQuery is that of clickhouse.com/docs/operations/system-tables/session_log ("SELECT * FROM
	// system.session_log LIMIT 1 FORMAT Vertical;"), the database and the output format aside.
	SessionLogQuery = `SELECT * FROM session_log LIMIT 1`

	// OpenConnectionsQuery and the following are those of docs.aws.amazon.com/redshift/latest/dg/r_STL_CONNECTION_LOG.html.
	OpenConnectionsQuery = "select recordtime, username, dbname, remotehost, remoteport\n" +
		"from stl_connection_log\n" +
		"where event = 'initiating session'\n" +
		"and pid not in \n" +
		"(select pid from stl_connection_log\n" +
		"where event = 'disconnecting session')\n" +
		"order by 1 desc;"
	AttemptsQuery = "select event, recordtime, remotehost, username\n" +
		"from stl_connection_log order by recordtime;"
	DriversQuery = "select driver_version, os_version, plugin_name from stl_connection_log;"
	// ProtocolsQuery came with a later edition of the page.
	ProtocolsQuery = "select os_version, driver_version, protocol_version from stl_connection_log;"
)

func documentedSessionLog(t *testing.T, h Harness) {
	s := h.New(t)
	writeEvents(t, openBackend(t, s), &session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeSuccess, SourceEvent: "LoginSuccess",
		Time: parseUTCNanos("2021-10-14 20:33:52.104247"), System: session.SystemClickHouse, Instance: "docs",
		Host: "clickhouse.eu-central1.internal", User: "default", AuthType: "PLAINTEXT_PASSWORD", AuthMethod: session.AuthPassword,
		Profiles:      []string{"default"},
		Settings:      []session.Setting{{Name: "load_balancing", Value: "random"}, {Name: "max_memory_usage", Value: "10000000000"}},
		ClientAddress: "127.0.0.1", ClientPort: 38490, Interface: "TCP", ClientName: "ClickHouse client", ClientRevision: 54449,
		ClientVersion: "21.10.0", SessionID: "45e6bd83-b4aa-4a23-85e6-bd83b4aa1a23",
		SessionKey: session.ID{1}, RecordID: session.ID{1},
	})
	got := s.Query(t, SessionLogQuery)
	require.Len(t, got.Cells, 1)
	require.Equal(t, sessionLogNames, got.Columns[:len(sessionLogNames)])
	require.Equal(t, []string{
		"clickhouse.eu-central1.internal", "LoginSuccess", "45e6bd83-b4aa-4a23-85e6-bd83b4aa1a23", "", "2021-10-14", h.spellTime("2021-10-14 20:33:52"),
		h.spellTime("2021-10-14 20:33:52.104247"), "default", "PLAINTEXT_PASSWORD", h.spellArray("default"), h.spellArray(),
		h.spellPairs("load_balancing", "random", "max_memory_usage", "10000000000"),
		"::ffff:127.0.0.1", "38490", "TCP", "", "ClickHouse client", "54449", "21", "10", "0", "",
	}, got.Cells[0][:22], "what the page shows; the certificate columns are younger than it")
}

// sessionLogNames are the columns of system.session_log in ClickHouse 26.7 and the certificate columns after them.
var sessionLogNames = strings.Fields(`hostname type auth_id session_id event_date event_time event_time_microseconds user auth_type
	profiles roles settings client_address client_port interface client_hostname client_name client_revision
	client_version_major client_version_minor client_version_patch failure_reason
	certificate_subjects certificate_serial certificate_issuer certificate_not_before certificate_not_after`)

// spellArray spells a list as the dialect prints it.
func (h Harness) spellArray(items ...string) string {
	switch {
	case h.Dialect == ClickHouse && len(items) > 0:
		return "['" + strings.Join(items, "','") + "']"
	case h.Dialect == PostgreSQL:
		return "{" + strings.Join(items, ",") + "}"
	case len(items) == 0:
		return "[]"
	}
	return `["` + strings.Join(items, `","`) + `"]`
}

// spellPairs spells a list of settings as the dialect prints it.
func (h Harness) spellPairs(items ...string) string {
	before, between, after := `["`, `","`, `"]`
	separator := ","
	switch h.Dialect {
	case ClickHouse:
		before, between, after = "('", "','", "')"
	case PostgreSQL: // jsonb
		between, separator = `", "`, ", "
	}
	var all []string
	for i := 0; i < len(items); i += 2 {
		all = append(all, before+items[i]+between+items[i+1]+after)
	}
	return "[" + strings.Join(all, separator) + "]"
}

// spellTime spells a time of session_log, in UTC, as the dialect prints it.
func (h Harness) spellTime(utc string) string {
	if h.Dialect == PostgreSQL {
		return utc + "+00"
	}
	return utc
}

// user names the column user, which is a word for the current user in PostgreSQL's SQL.
func (h Harness) user() string {
	if h.Dialect == PostgreSQL {
		return `"user"`
	}
	return "user"
}

// connection is a row of STL_CONNECTION_LOG.
type connection struct {
	event, recordtime, remotehost, remoteport string
	pid                                       int64
	dbname, username                          string
	driver, os, plugin                        string
	protocol                                  string
}

// event makes of the row what a source for Redshift makes of it.
func (c connection) of(n int) *session.Event {
	e := withNumberedID(&session.Event{
		System: session.SystemRedshift, Instance: "docs", SourceEvent: c.event, Time: parseUTCNanos(c.recordtime), ClientAddress: c.remotehost,
		PID: c.pid, Database: c.dbname, User: c.username, AuthType: "password", Driver: c.driver, OS: c.os, Plugin: c.plugin,
	}, n)
	if port, err := strconv.ParseInt(c.remoteport, 10, 32); err == nil {
		e.ClientPort = int32(port)
	}
	switch c.event {
	case "authenticated":
		e.Kind, e.Outcome = session.KindLogin, session.OutcomeSuccess
	case "authentication failure":
		e.Kind, e.Outcome = session.KindLogin, session.OutcomeFailure
	case "initiating session":
		e.Kind = session.KindSessionStart
	case "disconnecting session":
		e.Kind, e.Outcome, e.Duration = session.KindLogout, session.OutcomeSuccess, 9_000_000_000
	default:
		e.Kind = session.KindSessionUpdate
	}
	if c.protocol != "" {
		e.Extra = append(e.Extra, session.Attr{Key: session.SourceField + "protocol_version", Value: c.protocol, Type: session.AttrInt})
	}
	return e
}

func documentedConnectionLog(t *testing.T, h Harness) {
	for _, c := range []struct {
		name, query string
		rows        []connection
		want        [][]string
		ordered     bool
	}{
		{"open connections", OpenConnectionsQuery, openConnections, [][]string{
			{"2014-11-06 20:30:06", "rdsdb", "dev", "[local]", ""},
			{"2014-11-06 20:29:37", "test001", "test", "10.49.42.138", "11111"},
			{"2014-11-05 20:30:29", "rdsdb", "dev", "10.49.42.138", "33333"},
			{"2014-11-05 20:28:35", "rdsdb", "dev", "[local]", ""},
		}, true},
		{"attempts", AttemptsQuery, attempts, [][]string{
			{"authentication failure", "2012-10-25 14:41:56.96391", "10.49.42.138", "john"},
			{"authenticated", "2012-10-25 14:42:10.87613", "10.49.42.138", "john"},
			{"initiating session", "2012-10-25 14:42:10.87638", "10.49.42.138", "john"},
			{"disconnecting session", "2012-10-25 14:42:19.95992", "10.49.42.138", "john"},
		}, true},
		{"drivers", DriversQuery, drivers, [][]string{
			{"Amazon Redshift ODBC Driver 1.4.15.0001", "Darwin 18.7.0 x86_64", "none"},
			{"Amazon Redshift ODBC Driver 1.4.15.0001", "Linux 4.15.0-101-generic x86_64", "none"},
		}, false},
		{"protocols", ProtocolsQuery, protocols, [][]string{
			{"Linux 4.15.0-101-generic x86_64", "Redshift JDBC Driver 2.0.0.0", "2"},
			{"Linux 4.15.0-101-generic x86_64", "Redshift JDBC Driver 2.0.0.0", "2"},
			{"Linux 4.15.0-101-generic x86_64", "Redshift JDBC Driver 2.0.0.0", "2"},
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := h.New(t)
			all := typicalEvents(0, 4) // another system's, which are not for this view
			for n, row := range c.rows {
				all = append(all, row.of(n))
			}
			writeEvents(t, openBackend(t, s), all...)
			got := s.Query(t, c.query).Cells
			if c.ordered {
				require.Equal(t, c.want, got)
			} else {
				require.ElementsMatch(t, c.want, got)
			}
		})
	}
}

var (
	// openConnections are the four that the page finds, and what it does not: a session that ended and a failed login.
	openConnections = []connection{
		{event: "initiating session", recordtime: "2014-11-05 20:28:35", remotehost: "[local]", pid: 101, dbname: "dev", username: "rdsdb"},
		{event: "initiating session", recordtime: "2014-11-05 20:30:29", remotehost: "10.49.42.138", remoteport: "33333", pid: 102, dbname: "dev", username: "rdsdb"},
		{event: "authenticated", recordtime: "2014-11-06 20:29:37", remotehost: "10.49.42.138", remoteport: "11111", pid: 103, dbname: "test", username: "test001"},
		{event: "initiating session", recordtime: "2014-11-06 20:29:37", remotehost: "10.49.42.138", remoteport: "11111", pid: 103, dbname: "test", username: "test001"},
		{event: "initiating session", recordtime: "2014-11-06 20:30:06", remotehost: "[local]", pid: 104, dbname: "dev", username: "rdsdb"},
		{event: "initiating session", recordtime: "2014-11-06 20:31:00", remotehost: "10.49.42.138", remoteport: "44444", pid: 105, dbname: "dev", username: "test002"},
		{event: "disconnecting session", recordtime: "2014-11-06 20:31:09", remotehost: "10.49.42.138", remoteport: "44444", pid: 105, dbname: "dev", username: "test002"},
		{event: "authentication failure", recordtime: "2014-11-06 20:32:00", remotehost: "10.49.42.138", remoteport: "55555", dbname: "dev", username: "test003"},
	}
	attempts = []connection{
		{event: "disconnecting session", recordtime: "2012-10-25 14:42:19.95992", remotehost: "10.49.42.138", pid: 7, username: "john"},
		{event: "authenticated", recordtime: "2012-10-25 14:42:10.87613", remotehost: "10.49.42.138", pid: 7, username: "john"},
		{event: "authentication failure", recordtime: "2012-10-25 14:41:56.96391", remotehost: "10.49.42.138", pid: 6, username: "john"},
		{event: "initiating session", recordtime: "2012-10-25 14:42:10.87638", remotehost: "10.49.42.138", pid: 7, username: "john"},
	}
	drivers = []connection{
		{event: "set application_name", recordtime: "2020-06-01 10:00:00", driver: "Amazon Redshift ODBC Driver 1.4.15.0001", os: "Darwin 18.7.0 x86_64", plugin: "none"},
		{event: "set application_name", recordtime: "2020-06-01 10:00:01", driver: "Amazon Redshift ODBC Driver 1.4.15.0001", os: "Linux 4.15.0-101-generic x86_64", plugin: "none"},
	}
	protocols = []connection{
		{event: "authenticated", recordtime: "2021-06-01 10:00:00", driver: "Redshift JDBC Driver 2.0.0.0", os: "Linux 4.15.0-101-generic x86_64", protocol: "2"},
		{event: "initiating session", recordtime: "2021-06-01 10:00:01", driver: "Redshift JDBC Driver 2.0.0.0", os: "Linux 4.15.0-101-generic x86_64", protocol: "2"},
		{event: "disconnecting session", recordtime: "2021-06-01 10:00:02", driver: "Redshift JDBC Driver 2.0.0.0", os: "Linux 4.15.0-101-generic x86_64", protocol: "2"},
	}
)

// parseUTCNanos reads a time as both systems print it; with or without a fraction.
func parseUTCNanos(s string) int64 {
	t, err := time.ParseInLocation(time.DateTime, s, time.UTC)
	if err != nil {
		panic(err)
	}
	return t.UnixNano()
}
