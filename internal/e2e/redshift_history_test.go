package e2e

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// connection is one event of a cluster's history, as the leader node knows it.
type connection struct {
	event                             string
	at                                time.Time
	host, port                        string
	pid                               int
	database, user, method            string
	duration                          int64 // microseconds
	tls, cipher                       string
	mtu                               int
	tlsCompression, tlsExpansion, iam string
	application, os, driver, plugin   string
	protocol                          int
	guid                              string
	compression                       string
}

// The columns of stl_connection_log that hold all of it, in our view's order; and their names in SYS_CONNECTION_LOG, which lacks
// the last.
var (
	stlColumns = strings.Fields(`event recordtime remotehost remoteport pid dbname username authmethod duration sslversion sslcipher mtu
		sslcompression sslexpansion iamauthguid application_name os_version driver_version plugin_name protocol_version sessionid compression`)
	sysColumns = strings.Fields(`event record_time remote_host remote_port session_id database_name user_name auth_method duration ssl_version
		ssl_cipher mtu ssl_compression ssl_expansion iam_auth_guid application_name os_version driver_version plugin_name protocol_version
		global_session_id`)
)

// documentedColumns are those that Redshift's documentation gives STL_CONNECTION_LOG.
const documentedColumns = 20

// cells are the values of stlColumns, as our view prints them.
func (c *connection) cells() []string {
	return []string{
		c.event, c.at.UTC().Format("2006-01-02 15:04:05.999999"), c.host, c.port, strconv.Itoa(c.pid), c.database, c.user, c.method,
		strconv.FormatInt(c.duration, 10), c.tls, c.cipher, strconv.Itoa(c.mtu), c.tlsCompression, c.tlsExpansion, c.iam, c.application, c.os, c.driver,
		c.plugin, strconv.Itoa(c.protocol), c.guid, c.compression,
	}
}

// line is the event in connectionlog: texts have one blank behind them, the GUID has none, and the clusters that write the driver
// before the operating system have swapped set. Older clusters write fewer fields.
func (c *connection) line(fields int, swapped bool) string {
	cells := c.cells()[:21]
	cells[1] = c.at.UTC().Format("Mon, 02 Jan 2006 15:04:05") + c.at.UTC().Format(".000")
	cells[1] = cells[1][:25] + ":" + cells[1][26:]
	if swapped {
		cells[16], cells[17] = cells[17], cells[16]
	}
	for i := range cells {
		switch i {
		case 1, 4, 8, 11, 19, 20: // the time, numbers and the GUID
		default:
			cells[i] += " "
		}
	}
	return strings.Join(cells[:fields], "|") + "\n"
}

// history is what happened on a cluster, in the order of time: every kind of event, and whatever is awkward to carry. An old cluster's
// lines in the file have no end that could be told from an application's name, if somebody takes pains with that.
func history(old bool) (all []connection) {
	at := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Minute)
	base := connection{
		host: "::ffff:10.11.12.16", port: "50112", pid: 98031, database: "dev", user: "alice", method: "password", tls: "TLSv1.2",
		cipher: "ECDHE-RSA-AES256-GCM-SHA384", tlsCompression: "none", application: "nightly load", os: "Linux 5.10.0 amd64",
		driver: "Amazon Redshift JDBC Driver 2.1.0.29", plugin: "none", protocol: 2, guid: "03e74c8e-1111-4222-8333-444455556666", compression: "lz4",
	}
	session := func(after time.Duration, change func(*connection)) {
		c := base
		c.at, c.guid = at.Add(after), fmt.Sprintf("03e74c8e-1111-4222-8333-%012d", len(all))
		change(&c)
		for i, event := range []string{"authenticated", "initiating session", "set application_name", "disconnecting session"} {
			c.event = event
			if event == "disconnecting session" {
				c.duration = 90 * 60 * 1e6 // more than an integer of microseconds holds
				c.at = c.at.Add(90 * time.Minute)
			}
			all = append(all, c)
			c.at = c.at.Add(time.Duration(250+i) * time.Microsecond)
		}
	}
	once := func(after time.Duration, event string, change func(*connection)) {
		c := base
		c.event, c.at = event, at.Add(after)
		change(&c)
		all = append(all, c)
	}
	session(0, func(*connection) {})
	session(91*time.Minute, func(c *connection) { c.port = "50113" }) // the pid again, another session behind it
	session(time.Second, func(c *connection) {
		c.user, c.method, c.iam = "IAM:alice", "IAM AssumeUser", "aaaaaaaa-2222-3333-4444-555555555555"
		c.pid++
	})
	session(2*time.Second, func(c *connection) { c.user, c.method, c.pid = "IAMA:new user", "IAM", 7 })
	session(3*time.Second, func(c *connection) { c.user, c.application, c.pid = "a|b", "nightly | load || 0|", 8 })
	if !old {
		session(4*time.Second, func(c *connection) { c.user, c.application, c.pid = "|", "|password |0|TLSv1.2 |c |0| | | |", 9 })
	}
	session(5*time.Second, func(c *connection) {
		c.host, c.port, c.tls, c.cipher, c.user, c.pid = "[local]", "", "", "", "rdsdb", 10
	})
	session(6*time.Second, func(c *connection) { c.host, c.port, c.pid = "::1", "66790", 11 })
	session(7*time.Second, func(c *connection) { c.host, c.port, c.pid = "::FFFF:10.1.2.3", "0080", 12 })
	session(8*time.Second, func(c *connection) { c.host, c.port, c.mtu, c.pid = "client.example", "123142412", 1500, 13 })
	session(9*time.Second+999_999*time.Microsecond, func(c *connection) {
		c.tls, c.tlsExpansion, c.protocol, c.os, c.driver, c.plugin, c.pid = "SSLv3", "lz4", 0, "", "", "", 14
	})
	for i, name := range []string{"mallory", "", "x|y|z", "two\nlines", "Pässwörd 🔑", `it's "quoted" \ {}`} {
		once(time.Duration(10+i)*time.Second, "authentication failure", func(c *connection) {
			c.user, c.pid, c.application, c.os, c.driver, c.guid = name, 20+i, "", "", "", ""
		})
	}
	once(20*time.Second, "something new", func(c *connection) { c.pid = 30 })
	once(21*time.Second, "disconnecting session", func(c *connection) { c.pid, c.duration = 31, -294967296 }) // ran over
	for range 3 {                                                                                             // equal in every column
		once(22*time.Second+123_456*time.Microsecond, "set application_name", func(c *connection) { c.pid = 32 })
	}
	for i := range 4 { // equal in all that an id is made of, told apart by microseconds
		once(23*time.Second+time.Duration(i)*100*time.Microsecond, "set application_name", func(c *connection) {
			c.pid, c.application = 33, fmt.Sprint("step ", 4-i)
		})
	}
	return inOrder(all)
}

// insertHistory adds rows to a table with the names of stlColumns or sysColumns.
func insertHistory(t *testing.T, s *redshift.Server, table string, columns []string, rows []connection) {
	t.Helper()
	values := make([]string, len(rows))
	for i := range rows {
		cells := rows[i].cells()[:len(columns)]
		for j := range cells {
			cells[j] = "'" + strings.ReplaceAll(cells[j], "'", "''") + "'"
		}
		values[i] = "(" + strings.Join(cells, ", ") + ")"
	}
	s.Exec(t, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES "+strings.Join(values, ", "))
}

// writeLog puts the rows into two files as Redshift names them in S3, and tells the folder.
func writeLog(t *testing.T, cluster string, fields int, swapped bool, rows []connection) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "AWSLogs", "123456789012", "redshift", "eu-west-1")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	for i, part := range [][]connection{rows[:len(rows)/2], rows[len(rows)/2:]} {
		file, err := os.Create(filepath.Join(dir, fmt.Sprintf("123456789012_redshift_eu-west-1_%s_connectionlog_2026-01-01T0%d:00.gz", cluster, i)))
		require.NoError(t, err)
		w := gzip.NewWriter(file)
		for j := range part {
			_, err := w.Write([]byte(part[j].line(fields, swapped)))
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		require.NoError(t, file.Close())
	}
	return dir
}
