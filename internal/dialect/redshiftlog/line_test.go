package redshiftlog

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	failure    = `authentication failure |Mon, 21 May 2018 05:20:10:123|::ffff:10.11.12.16 |66790 |98031|vendor |someuser |password |0|TLSv1.2 |ECDHE-RSA-AES256-SHA384 |0| | | |            `
	disconnect = `disconnecting session |Sun, 01 Jan 2023 00:02:21:471|[local] | |12324|testdb |testuser |Ident |7460885| | |0| | | | | | | |0|03e74c8e-7a7c-4a3c-9a5c-0e4c3a8e2f11`
	setName    = `set application_name |Sun, 01 Jan 2023 01:05:07:124|[local] |123142412 |12324|testdb |testuser |test |12312|TLSv1.2 |TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 |0| | | |JDBC-1.2.54.1082 |Linux 5.4.0-1086-aws amd64 |Amazon Redshift JDBC Driver 1.2.54.1082 |none |0|02d54c77-1b3f-4f5e-8a8e-6f5d3c2b1a00`
	login      = `authenticated |Sun, 01 Jan 2023 01:05:07:120|::ffff:10.0.0.7 |50112 |4711|dev |%user% |%auth% |0|TLSv1.2 |ECDHE-RSA-AES128-GCM-SHA256 |0| | |11111111-2222-3333-4444-555555555555 |%app% |%os% |%driver% |none |2|02d54c77-1b3f-4f5e-8a8e-6f5d3c2b1a00`
)

// with fills in the client's texts.
func with(text, user, app string) string {
	return strings.NewReplacer("%user%", user, "%auth%", "password", "%app%", app, "%os%", "Linux 6.1", "%driver%", "Redshift JDBC Driver 2").Replace(text)
}

func read(t testing.TB, text string) (Row, bool) {
	t.Helper()
	var l recordLine
	var r Row
	sure, err := l.readRecordRow(text, &r)
	require.NoError(t, err, text)
	return r, sure
}

func TestDocumentedLines(t *testing.T) {
	micros, _ := parseRecordTime("Mon, 21 May 2018 05:20:10:123")
	require.Equal(t, int64(1526880010123000), micros)
	for _, test := range []struct {
		in   string
		want Row
	}{
		{failure, Row{
			Event: "authentication failure", Micros: 1526880010123000, RemoteHost: "::ffff:10.11.12.16", RemotePort: "66790", PID: 98031,
			Database: "vendor", User: "someuser", AuthMethod: "password", SSLVersion: "TLSv1.2", SSLCipher: "ECDHE-RSA-AES256-SHA384",
		}},
		{disconnect, Row{
			Event: "disconnecting session", Micros: 1672531341471000, RemoteHost: "[local]", PID: 12324, Database: "testdb", User: "testuser",
			AuthMethod: "Ident", Duration: 7460885, SessionID: "03e74c8e-7a7c-4a3c-9a5c-0e4c3a8e2f11",
		}},
		{setName, Row{
			Event: "set application_name", Micros: 1672535107124000, RemoteHost: "[local]", RemotePort: "123142412", PID: 12324,
			Database: "testdb", User: "testuser", AuthMethod: "test", Duration: 12312, SSLVersion: "TLSv1.2", SSLCipher: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
			ApplicationName: "JDBC-1.2.54.1082", OSVersion: "Linux 5.4.0-1086-aws amd64", DriverVersion: "Amazon Redshift JDBC Driver 1.2.54.1082",
			PluginName: "none", SessionID: "02d54c77-1b3f-4f5e-8a8e-6f5d3c2b1a00",
		}},
	} {
		got, sure := read(t, test.in)
		require.True(t, sure)
		require.Equal(t, test.want, got)
	}
}

// Clusters of different age write lines of different length.
func TestEveryLength(t *testing.T) {
	fields := strings.Split(with(login, "alice", "app"), "|")
	for n := minFieldCount; n <= maxFieldCount; n++ {
		r, sure := read(t, strings.Join(fields[:n], "|"))
		require.True(t, sure, n)
		require.Equal(t, "alice", r.User)
		require.Equal(t, n > 15, r.ApplicationName == "app", n)
		require.Equal(t, n > 16, r.OSVersion == "Linux 6.1", n)
		require.Equal(t, n > 17, r.DriverVersion == "Redshift JDBC Driver 2", n)
		require.Equal(t, n > 18, r.PluginName == "none", n)
		require.Equal(t, n > 19, r.ProtocolVersion == 2, n)
		require.Equal(t, n > 20, r.SessionID != "", n)
	}
}

func TestDriverAndSystemInEitherOrder(t *testing.T) {
	for _, test := range [][2]string{
		{"Linux 6.1", "Amazon Redshift JDBC Driver 2.1"},
		{"Windows 10", "ODBC 1.4"},
		{"Darwin 23", "redshift_connector 2.0"},
		{"", "libpq 9.2"},
		{"Linux", ""},
		{"Plan 9", "something"},
	} {
		text := strings.NewReplacer("%os%", test[0], "%driver%", test[1]).Replace(login)
		r, _ := read(t, text)
		require.Equal(t, test, [2]string{r.OSVersion, r.DriverVersion})
		if test[0] == "Plan 9" {
			continue // nothing tells which is which: the documented order counts
		}
		r, _ = read(t, strings.NewReplacer("%os%", test[1], "%driver%", test[0]).Replace(login))
		require.Equal(t, test, [2]string{r.OSVersion, r.DriverVersion})
	}
}

func TestPipesInNames(t *testing.T) {
	forged := `x |password |0|TLSv1.3 |X |0| | | |forged`
	for _, test := range []struct{ event, user, app string }{
		{"authenticated", "alice", "a|b"},
		{"authenticated", "alice", "|"},
		{"authenticated", "alice", "a|b|c|d|e|f|g|h|i|j|k"},
		{"authenticated", "a|b", "app"},
		{"authenticated", "a|b|c", "d|e|f"},
		{"authenticated", "alice", "x |none |0|03e74c8e-7a7c-4a3c-9a5c-0e4c3a8e2f11"}, // looks like the end of a line
		{"authenticated", "alice", forged},                                            // looks like its middle
		{"authentication failure", forged, "app"},
		{"authentication failure", "a|0|0|0|0|0", "app"},
		{"authentication failure", "|", ""},
	} {
		text := strings.Replace(with(login, test.user, test.app), "authenticated", test.event, 1)
		r, sure := read(t, text)
		require.False(t, sure, "%+v", test)
		require.Equal(t, test.user, r.User, "%+v", test)
		require.Equal(t, test.app, r.ApplicationName, "%+v", test)
		require.Equal(t, "password", r.AuthMethod, "%+v", test)
		require.Equal(t, "TLSv1.2", r.SSLVersion, "%+v", test)
		require.Equal(t, "none", r.PluginName, "%+v", test)
		require.Equal(t, int64(4711), r.PID)
	}
}

func TestLinesThatAreNone(t *testing.T) {
	good := with(login, "alice", "app")
	for in, want := range map[string]string{
		"x": "1 fields", strings.Repeat("|", 5000): "fields, of which",
		strings.Replace(good, "Sun, 01", "Sun, 32", 1):   "field 2 (recordtime)",
		strings.Replace(good, ":120|", ".120|", 1):       "field 2 (recordtime)",
		strings.Replace(good, "4711", "x", 1):            "field 5 (pid)",
		strings.Replace(good, "|0|TLSv1.2", "|x|TLS", 1): "fields 9",
		strings.Split(good, "ECDHE")[0]:                  "11 fields",
	} {
		var r Row
		_, err := new(recordLine).readRecordRow(in, &r)
		require.ErrorContains(t, err, want, in)
		require.NotContains(t, err.Error(), "alice")
	}
}

func TestObjectNames(t *testing.T) {
	want := Object{Account: "123456789012", Region: "us-east-1", Cluster: "my-cluster", LogType: "connectionlog"}
	for _, name := range []string{
		"p/AWSLogs/123456789012/redshift/us-east-1/2023/01/01/123456789012_redshift_us-east-1_my-cluster_connectionlog_2023-01-01T01:07.gz",
		`C:\logs\123456789012_redshift_us-east-1_my-cluster_connectionlog_2023-01-01T01:07.gz`,
		"123456789012_redshift_us-east-1_my-cluster_connectionlog_2023-01-01T01:07",
	} {
		o, ok := ParseObjectName(name)
		require.True(t, ok, name)
		require.Equal(t, want, o)
	}
	for _, name := range []string{"", "connectionlog.gz", "1_redshift_r_c_connectionlog", "1_elb_r_c_connectionlog_t", "_redshift____t"} {
		_, ok := ParseObjectName(name)
		require.False(t, ok, name)
	}
}
