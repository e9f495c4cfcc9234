package postgreslog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// refusedInAnyLanguage is what the clients of testdata/lc-* were refused.
var refusedInAnyLanguage = []string{
	"login failure alice@app 28P01 from 127.0.0.1", "login failure mallory@app 28P01 from 127.0.0.1", "login failure alice@nodb 3D000 from 127.0.0.1",
	"login failure locked@app 28000 from 127.0.0.1", "login failure alice@ 28000 from 127.0.0.1",
}

// TestOtherLanguagesAreNamed: of a server that speaks another language csvlog and jsonlog tell refusals by their SQLSTATE, and nothing
// else is passed over in silence.
func TestOtherLanguagesAreNamed(t *testing.T) {
	for _, language := range []string{"de", "fr", "ja", "ru", "es"} {
		for _, f := range []struct{ format, file string }{{"csvlog", "pg.csv"}, {"jsonlog", "pg.json"}, {"stderr", "pg.log"}} {
			if f.format == "jsonlog" && language != "de" && language != "ru" {
				continue
			}
			text := content(t, "lc-"+language, f.file)
			for _, prefix := range []string{"%m [%p] %q%u@%d ", ""} {
				events, bad := parse(t, newTextParser(t, f.format, logformat.Options{Instance: "pg", LinePrefix: prefix}), text)
				var got []string
				for i := range events {
					e := &events[i]
					require.Equal(t, session.OutcomeFailure, e.Outcome, "%s %s", language, f.format)
					got = append(got, e.Kind.String()+" "+e.Outcome.String()+" "+e.User+"@"+e.Database+" "+e.StatusCode+" from "+e.ClientAddress)
				}
				if f.format == "stderr" {
					require.Empty(t, got, language)
				} else {
					require.ElementsMatch(t, refusedInAnyLanguage, got, "%s %s", language, f.format)
				}
				localized := 0
				for _, reason := range bad {
					require.Contains(t, reason, "lc_messages", language)
					if strings.Contains(reason, "not in English") {
						localized++
					}
				}
				least := map[string]int{"csvlog": 13, "jsonlog": 13, "stderr": 13}[f.format] // of 7 connections, 2 of them with a logout
				require.GreaterOrEqual(t, localized, least, "%s %s %q", language, f.format, prefix)
			}
		}
	}
}

// TestEnglishIsNotTakenForAnotherLanguage: in English logs of real servers nothing is, whatever names are in them.
func TestEnglishIsNotTakenForAnotherLanguage(t *testing.T) {
	for _, line := range []string{
		`FATAL:  role "müller" does not exist`, `FATAL:  database "größe" does not exist`, `FATAL:  terminating connection due to administrator command`,
		`LOG:  duration: 0.123 ms  statement: SELECT 'größe=192.0.2.1 x=5'`, `LOG:  could not connect to the primary server: host=db1 port=5432`,
		`LOG:  replica at host=192.0.2.7 port=5432 timeout=7`, `FATAL:  could not open file "straße": No such file or directory`, `LOG:  größe=1`, `LOG:  x= port=5`,
	} {
		for _, prefix := range []string{"%m [%p] ", "%m [%p] %h "} {
			before := "2026-11-21 21:47:40.354 UTC [1] "
			if prefix != "%m [%p] " {
				before += "192.0.2.9 "
			}
			_, bad := parse(t, newTextParser(t, "stderr", logformat.Options{LinePrefix: prefix}), before+line+"\n")
			require.Empty(t, bad, line)
		}
	}
}

// TestRealLogsOfTheClouds: the prefixes of Amazon and Azure, verbose, and pgBadger's, terse, tell what csvlog tells of the same clients.
func TestRealLogsOfTheClouds(t *testing.T) {
	for folder, prefix := range map[string]string{
		"rds-verbose": "%t:%r:%u@%d:[%p]:", "azure-verbose": "%t-%c-", "terse": "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
	} {
		want, bad := parse(t, newTextParser(t, "csvlog", logformat.Options{Instance: "pg"}), content(t, folder, "pg.csv"))
		require.Empty(t, bad)
		require.GreaterOrEqual(t, len(want), 9)
		for _, given := range []string{prefix, ""} {
			events, bad := parse(t, newTextParser(t, "stderr", logformat.Options{Instance: "pg", LinePrefix: given}), content(t, folder, "pg.log"))
			require.Empty(t, bad, "%s %q", folder, given)
			require.Len(t, events, len(want), folder)
			for i := range events {
				w, e := &want[i], &events[i]
				require.Equal(t, w.User, e.User, folder)
				require.Equal(t, w.Kind, e.Kind, folder)
				require.Equal(t, w.Outcome, e.Outcome, folder)
				require.Equal(t, w.ClientAddress, e.ClientAddress, folder)
				require.Equal(t, w.FailureReason, e.FailureReason, folder)
				require.Equal(t, w.AuthType, e.AuthType, folder)
				require.Equal(t, w.Interface, e.Interface, folder)
				require.WithinDuration(t, time.Unix(0, w.Time), time.Unix(0, e.Time), time.Second, folder)
				if folder != "terse" { // no SQLSTATE and no DETAIL
					require.Equal(t, w.ErrorType, e.ErrorType, folder)
					require.Equal(t, w.StatusCode, e.StatusCode, folder)
				}
				if folder == "azure-verbose" {
					require.Equal(t, w.SessionKey, e.SessionKey)
				}
			}
		}
	}
}

// TestRefusedReplicationTellsTheUser: it has no database in its text, and no user in the prefix.
func TestRefusedReplicationTellsTheUser(t *testing.T) {
	for text, want := range map[string][2]string{
		`no pg_hba.conf entry for replication connection from host "192.0.2.3", user "rep", no encryption`:             {"rep", ""},
		`no pg_hba.conf entry for replication connection from host "192.0.2.3", user "rep", SSL encryption`:            {"rep", ""},
		`no pg_hba.conf entry for replication connection from host "192.0.2.3", user "rep", SSL off`:                   {"rep", ""},
		`no pg_hba.conf entry for replication connection from host "192.0.2.3", user "rep"`:                            {"rep", ""},
		`pg_hba.conf rejects replication connection for host "192.0.2.3", user "rep", GSS encryption`:                  {"rep", ""},
		`no pg_hba.conf entry for replication connection from host "192.0.2.3", user "r", database "x", no encryption`: {`r", database "x`, ""},
		`no pg_hba.conf entry for host "192.0.2.3", user "rep", database "a, \"b", no encryption`:                      {"rep", `a, \"b`},
		`pg_hba.conf rejects connection for host "192.0.2.3", user "rep", database "replication connection", SSL off`:  {"rep", "replication connection"},
		`no pg_hba.conf entry for host "192.0.2.3", user " replication connection ", database "d"`:                     {" replication connection ", "d"},
	} {
		for _, verbose := range []string{"", "28000: "} {
			events, bad := parse(t, newTextParser(t, "stderr", logformat.Options{LinePrefix: "%m [%p] "}), "2026-11-21 21:47:40.354 UTC [1] FATAL:  "+verbose+text+"\n")
			require.Empty(t, bad, text)
			require.Len(t, events, 1, text)
			e := &events[0]
			require.Equal(t, want, [2]string{e.User, e.Database}, text)
			require.Equal(t, "192.0.2.3", e.ClientAddress, text)
			require.Equal(t, session.ErrorAddressNotAllowed, e.ErrorType, text)
			require.Equal(t, want[1] == "", e.Interface == "replication", text)
		}
	}
}

// TestRefusalsOfTheClouds: their own texts tell the user too, and what a text means does not depend on whether SQLSTATE stands beside it.
func TestRefusalsOfTheClouds(t *testing.T) {
	for text, want := range map[string][4]string{
		`Cloud SQL IAM user authentication failed for user "a@b.iam"`:                            {"a@b.iam", session.ErrorInvalidCredentials, session.AuthIAM, "28000"},
		`Cloud SQL IAM service account authentication failed for user "a@b.iam"`:                 {"a@b.iam", session.ErrorInvalidCredentials, session.AuthIAM, "28000"},
		`Some Cloud's access token validation failed for user "kim"`:                             {"kim", session.ErrorInvalidCredentials, "", "28000"},
		`password authentication failed for user "x for user "y"`:                                {`x for user "y`, session.ErrorInvalidCredentials, session.AuthPassword, "28P01"},
		`database "x failed for user "root"" does not exist`:                                     {"", session.ErrorDatabaseUnknown, "", "3D000"},
		`cannot connect to invalid database "shop"`:                                              {"", session.ErrorNotPermitted, "", "55000"},
		`permission denied to start WAL sender`:                                                  {"", session.ErrorNotPermitted, "", "42501"},
		`must be superuser or replication role to start walsender`:                               {"", session.ErrorNotPermitted, "", "42501"},
		`connection requires a valid client certificate`:                                         {"", session.ErrorCertificateInvalid, "", "28000"},
		`unsupported frontend protocol 65363.19778: server supports 3.0 to 3.0`:                  {"", session.ErrorProtocol, "", "0A000"},
		`expected password response, got message type 88`:                                        {"", session.ErrorProtocol, "", "08P01"},
		`no PostgreSQL user name specified in startup packet`:                                    {"", session.ErrorProtocol, "", "28000"},
		`remaining connection slots are reserved for roles with the SUPERUSER attribute`:         {"", session.ErrorConnectionLimit, "", "53300"},
		`connection limit exceeded for non-superusers`:                                           {"", session.ErrorConnectionLimit, "", "53300"},
		`pg_hba.conf rejects connection for host "192.0.2.3", user "kim", database "d", SSL off`: {"kim", session.ErrorAddressNotAllowed, "", "28000"},
		`no pg_hba.conf entry for host "192.0.2.3", user "for user "kim", database "d", SSL on`:  {`for user "kim`, session.ErrorAddressNotAllowed, "", "28000"},
	} {
		for _, verbose := range []string{"", want[3] + ": "} {
			line := "2026-11-21 21:47:40 UTC-6920de5c.1267-FATAL:  " + verbose + text + "\n"
			events, bad := parse(t, newTextParser(t, "stderr", logformat.Options{LinePrefix: "%t-%c-"}), line)
			require.Empty(t, bad, text)
			require.Len(t, events, 1, text)
			e := &events[0]
			require.Equal(t, [3]string(want[:3]), [3]string{e.User, e.ErrorType, e.AuthMethod}, line)
		}
	}
}

// TestOtherLanguagesAreDetected: the first line's severity may be of another language too.
func TestOtherLanguagesAreDetected(t *testing.T) {
	for _, line := range []string{"日志:  接收到连接: 主机=192.0.2.9 端口=50011", "로그:  접속 수락: host=192.0.2.9 port=50011", "KATASTROFALNY:  autoryzacja"} {
		found, verdict := logformat.Detect(allFormats(), []byte("2026-01-05 10:00:02.126 UTC [67] bo@hr "+line+"\n"), true)
		require.Equal(t, logformat.VerdictYes, verdict, line)
		require.Equal(t, "stderr", found.Name)
		_, verdict = logformat.Detect(allFormats(), []byte("2026-01-05 10:00:02.126 UTC worker 67 "+line+"\n"), true)
		require.Equal(t, logformat.VerdictNo, verdict, line)
	}
}
