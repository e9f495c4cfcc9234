package sshlog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/sshlog"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// frames are the shapes in which system logs hold the message of a process.
var frames = map[string]string{
	"RFC 3164":                          "Nov 21 22:03:47 h1 sshd[100]: %s",
	"two blanks for a day's zero":       "Nov 21 22:03:47  h1 sshd[100]: %s",
	"no host":                           "Nov 21 22:03:47 sshd[100]: %s",
	"no pid":                            "Nov 21 22:03:47 h1 sshd: %s",
	"no host, no pid":                   "Nov 21 22:03:47 sshd: %s",
	"a path":                            "Nov 21 22:03:47 h1 /usr/sbin/sshd[100]: %s",
	"9.8":                               "Nov 21 22:03:47 h1 sshd-session[100]: %s",
	"9.8 with its path":                 "Nov 21 22:03:47 h1 /usr/lib/ssh/sshd-session[100]: %s",
	"10.0":                              "Nov 21 22:03:47 h1 sshd-auth[100]: %s",
	"busybox":                           "Nov 21 22:03:47 h1 auth.info sshd[100]: %s",
	"busybox, authpriv":                 "Nov 21 22:03:47 h1 authpriv.warning sshd[100]: %s",
	"OpenWrt":                           "Sat Nov 21 22:03:47 2026 authpriv.info sshd[100]: %s",
	"illumos":                           "Nov 21 22:03:47 h1 sshd[100]: [ID 800047 auth.info] %s",
	"illumos, the id before":            "Nov 21 22:03:47 h1 [ID 800047 auth.info] sshd[100]: %s",
	"FreeBSD -vv":                       "Nov 21 22:03:47 <auth.info> h1 sshd[100]: %s",
	"FreeBSD -v":                        "Nov 21 22:03:47 <4.6> h1 sshd[100]: %s",
	"facility behind the host":          "Nov 21 22:03:47 h1 <auth.info> sshd[100]: %s",
	"macOS, log show --style syslog":    "2026-11-21 22:03:47.123456+0000  localhost sshd[100]: %s",
	"macOS, with an image":              "2026-11-21 22:03:47.123456+0000 0x3f2      Default     0x0                  100    0    sshd: (sshd) %s",
	"macOS, compact":                    "2026-11-21 22:03:47.123 Df sshd[100:3f2] %s",
	"metalog":                           "Nov 21 22:03:47 [sshd] %s",
	"metalog, a colon":                  "Nov 21 22:03:47 [sshd]: %s",
	"a blank behind the message":        "Nov 21 22:03:47 h1 sshd[100]: %s ",
	"PRI":                               "<38>Nov 21 22:03:47 h1 sshd[100]: %s",
	"PRI, no host":                      "<38>Nov 21 22:03:47 sshd[100]: %s",
	"PRI and octets":                    "81 <38>Nov 21 22:03:47 h1 sshd[100]: %s",
	"RFC 5424":                          "<38>1 2026-11-21T22:03:47.123456+00:00 h1 sshd 100 - - %s",
	"RFC 5424, a BOM":                   "<38>1 2026-11-21T22:03:47Z h1 sshd 100 - - \ufeff%s",
	"RFC 5424, structured data":         `<38>1 2026-11-21T22:03:47Z h1 sshd 100 ID7 [timeQuality tzKnown="1"][x@1 y="a\"] \\b"] %s`,
	"RFC 5424, nil values":              "<38>1 2026-11-21T22:03:47Z - sshd - - - %s",
	"RFC 5424, octets and a path":       "99 <86>1 2026-11-21T22:03:47Z h1 /usr/sbin/sshd 100 - - %s",
	"RFC 5424 without PRI":              "1 2026-11-21T22:03:47Z h1 sshd 100 - - %s",
	"RFC 3339":                          "2026-11-21T22:03:47.123456+00:00 h1 sshd[100]: %s",
	"rsyslog, a blank of the message":   "Nov 21 22:03:47 h1 sshd[100]:  %s",
	"RFC 5424 by rsyslog":               "<38>1 2026-11-21T22:03:47.123456+00:00 h1 sshd 100 - -  %s",
	"RFC 5424 by NetBSD":                "2026-11-21T22:03:47.123456+00:00 h1 sshd 100 - - %s",
	"AIX":                               "Nov 21 22:03:47 h1 auth|security:info sshd[100]: %s",
	"AIX, forwarded":                    "Nov 21 22:03:47 relay Message forwarded from h1: sshd[100]: %s",
	"ESXi":                              "2026-11-21T22:03:47.123Z In(38) sshd[100]: %s",
	"facility in capitals":              "Nov 21 22:03:47 h1 AUTH.INFO sshd[100]: %s",
	"a comma before the fraction":       "2026-11-21T22:03:47,123456+00:00 h1 sshd[100]: %s",
	"a server with a name of its own":   "Nov 21 22:03:47 h1 sshd-external[100]: %s",
	"Cygwin":                            "Nov 21 22:03:47 h1 in.sshd[100]: %s",
	"journal short":                     "Nov 21 22:03:47 h1 sshd[100]: %s",
	"journal short-precise":             "Nov 21 22:03:47.123456 h1 sshd[100]: %s",
	"journal short-full":                "Sat 2026-11-21 22:03:47 UTC h1 sshd[100]: %s",
	"journal short-iso":                 "2026-11-21T22:03:47+0000 h1 sshd[100]: %s",
	"journal short-iso-precise":         "2026-11-21T22:03:47.123456+0000 h1 sshd[100]: %s",
	"journal short-unix":                "1795298627.123456 h1 sshd[100]: %s",
	"journal with-unit":                 "Sat 2026-11-21 22:03:47 UTC h1 ssh.service[100]: %s",
	"journal with-unit, one each":       "Sat 2026-11-21 22:03:47 UTC h1 sshd@0-10.0.0.1:22-192.0.2.1:5001.service[100]: %s",
	"journal json":                      `{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1795298627123456","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":"sshd","_PID":"100","_UID":"0","MESSAGE":"%s"}`,
	"journal json, a repeated field":    `{"__REALTIME_TIMESTAMP":"1795298627123456","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":["sshd","x"],"_PID":"100","MESSAGE":"%s"}`,
	"journal json, no identifier":       `{"MESSAGE":"%s","_COMM":"sshd","SYSLOG_PID":"100","_HOSTNAME":"h1","__REALTIME_TIMESTAMP":"1795298627123456","_X":null}`,
	"journal json, read after its time": `{"__REALTIME_TIMESTAMP":"1795298629123456","_SOURCE_REALTIME_TIMESTAMP":"1795298627123456","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":"sshd-session","_PID":"100","MESSAGE":"%s"}`,
	"journal json-sse":                  `data: {"__REALTIME_TIMESTAMP":"1795298627123456","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":"sshd","_PID":"100","MESSAGE":"%s"}`,
	"journal json-seq":                  "\x1e" + `{"__REALTIME_TIMESTAMP":"1795298627123456","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":"sshd","_PID":"100","MESSAGE":"%s"}`,
}

func framed(frame string, messages ...string) string {
	text := ""
	for _, m := range messages {
		text += fmt.Sprintf(frame, m) + "\n"
	}
	return text
}

// TestEveryFrame: what sshd says is read out of every shape, its format is found, and its events are of one connection.
func TestEveryFrame(t *testing.T) {
	for name, frame := range frames {
		text := framed(frame, "Failed password for root from 192.0.2.1 port 5001 ssh2", "Invalid user a b from 192.0.2.1 port 5002",
			"Failed password for invalid user a b from 192.0.2.1 port 5002 ssh2",
			"Accepted password for mara from 192.0.2.1 port 5003 ssh2", "Disconnected from user mara 192.0.2.1 port 5003")
		found, verdict := logformat.Detect(sshlog.Formats(), []byte(text), false)
		require.Equal(t, logformat.VerdictYes, verdict, name)
		require.Equal(t, "sshd", found.Name)
		events, bad := parseMessageText(newParser(options()), text)
		require.Empty(t, bad, name)
		require.Equal(t, []string{
			"login failure root by password from 192.0.2.1 invalid_credentials", "login failure a b by password from 192.0.2.1 user_unknown",
			"login success mara by password from 192.0.2.1", "logout success mara by from 192.0.2.1",
		}, briefs(events), name)
		require.Equal(t, events[2].SessionKey, events[3].SessionKey, name)
		for i := range events {
			require.Equal(t, time.Date(2026, 11, 21, 22, 3, 47, 0, time.UTC), time.Unix(0, events[i].Time).UTC().Truncate(time.Second), name)
			require.Contains(t, []string{"h1", "localhost", ""}, events[i].Host, name)
			require.Contains(t, []int64{0, 100}, events[i].PID, name)
			require.Equal(t, strings.Contains(frame, "h1"), events[i].Host == "h1", name)
			require.Equal(t, strings.Contains(frame, "100"), events[i].PID == 100, name)
		}
	}
}

// TestRemarksAreNoRecords: what journalctl and log show write between records is passed over.
func TestRemarksAreNoRecords(t *testing.T) {
	text := "-- Journal begins at Sat 2026-11-21 20:00:00 UTC, ends at Sat 2026-11-21 22:03:47 UTC. --\n" +
		"Timestamp                       (process)[PID]    \n" + framed(frames["RFC 3164"], "Accepted password for mara from 192.0.2.1 port 5003 ssh2") +
		"-- Boot 0123456789abcdef0123456789abcdef --\n                         a second line of a message\nNov 21 22:03:48 h1 -- MARK --\n-- No entries --\n"
	events, bad := parseMessageText(newParser(options()), text)
	require.Empty(t, bad)
	require.Len(t, events, 1)
	_, verdict := logformat.Detect(sshlog.Formats(), []byte(text), true)
	require.Equal(t, logformat.VerdictYes, verdict)
}

// TestUnreadableTextsAreRefusedOnce: whole texts without a time are refused with the remedy.
func TestUnreadableTextsAreRefusedOnce(t *testing.T) {
	for text, want := range map[string]string{
		"{\n\t\"_BOOT_ID\" : \"x\",\n\t\"MESSAGE\" : \"x\"\n}\n":                                          "json-pretty",
		"{\n\t\"__REALTIME_TIMESTAMP\" : \"1795298627123456\",\n\t\"MESSAGE\" : \"x\"\n}\n":               "json-pretty",
		"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795298627123456\nMESSAGE=x\n\n":                              "export",
		"[ 1234.123456] h1 sshd[100]: Failed password for root from 192.0.2.1 port 5001 ssh2\n":           "machine's start",
		"Failed password for root from 192.0.2.1 port 5001 ssh2\n":                                        "no times",
		"Server listening on 0.0.0.0 port 22.\n":                                                          "no times",
		"Sat 2026-11-21 22:03:47 CET h1 sshd[100]: Failed password for root from 192.0.2.1 port 5 ssh2\n": "`timezone`",
	} {
		_, verdict := logformat.Detect(sshlog.Formats(), []byte(text), true)
		require.Equal(t, logformat.VerdictYes, verdict, text)
		o := options()
		o.Zone = nil
		err := newParser(o).Parse(text[:strings.IndexByte(text, '\n')+1], 0, &logformat.EventBatch{})
		require.True(t, logformat.IsRefusal(err), text)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "192.0.2.1")
	}
}

// TestUnreadableLinesAreCounted: neighbours are read.
func TestUnreadableLinesAreCounted(t *testing.T) {
	good := framed(frames["journal json"], "Accepted password for mara from 192.0.2.1 port 5003 ssh2")
	for line, want := range map[string]string{
		`{"__REALTIME_TIMESTAMP":"1795298627123456","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":"sshd","_PID":"100","MESSAGE":null}`: "--all",
		`{"__REALTIME_TIMESTAMP":"x","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"y"}`:                              "journalctl -o json",
		`{"__REALTIME_TIMESTAMP":"17952986`: "journalctl -o json",
		`{"__REALTIME_TIMESTAMP":"1795298627123456","SYSLOG_IDENTIFIER":"sshd","_PID":"9","_UID":"1000","MESSAGE":"Accepted password for root from 192.0.2.9 port 5 ssh2"}`:                              "_UID",
		"<38>1 - h1 sshd 100 - - Failed password for root from 192.0.2.1 port 5001 ssh2":                                                                                                                 "without a time",
		"Nov 21 22:03:47 10.0.0.1 Nov 21 22:03:47 h1 sshd[100]: Failed password for root from 192.0.2.1 port 5001 ssh2":                                                                                  "frame",
		"Nov 21 22:03:47 h1: sshd[100]: Failed password for root from 192.0.2.1 port 5001 ssh2":                                                                                                          "frame",
		"Nov 21 22:03:47.1 UTC: h1 sshd[100]: Accepted password for root from 192.0.2.1 port 5001 ssh2":                                                                                                  "frame",
		"Nov 21 22:03:47 h1 opensshd[100]: Accepted password for root from 192.0.2.1 port 5001 ssh2":                                                                                                     "frame",
		"2026-11-21T22:03:47Z stderr F Accepted password for root from 192.0.2.1 port 5001 ssh2":                                                                                                         "frame",
		"Nov 21 22:03:47 h1 sshd[1]: Accepted password for root from 192.0.2.1 port 5001":                                                                                                                "protocol 1",
		"Nov 21 22:03:47 h1 sshd[1]: Failed password for root from 192.0.2.1 port 5001 ssh281 <38>Nov 21 22:0":                                                                                           "was cut",
		"Nov 21 22:03:47 h1 sshd[1]: Failed password for root from 192.0":                                                                                                                                "was cut",
		"Nov 21 22:03:47 h1 sshd[1]: Accepted publickey for ro":                                                                                                                                          "was cut",
		"Nov 21 22:03:47 h1 sshd[1]: Invalid user root from 192.0.2.":                                                                                                                                    "was cut",
		"Nov 21 22:03:47 h1 sshd[1]: Failed publickey for invalid user a from 10.0.0.1 port 1 ssh2: RSA-CERT SHA256:a ID b from 10.0.0.2 port 2 ssh2: RSA-CERT SHA256:c ID d (serial 0) CA RSA SHA256:e": "does not show which",
	} {
		events, bad := parseMessageText(newParser(options()), good+line+"\n"+good)
		require.Len(t, events, 2, line)
		require.Len(t, bad, 1, line)
		require.Contains(t, bad[0], want)
		require.NotContains(t, bad[0], "root")
	}
	// The same identifier's lines of others, and those of other programs, say nothing at all.
	events, bad := parseMessageText(newParser(options()), `{"__REALTIME_TIMESTAMP":"1795298627123456","SYSLOG_IDENTIFIER":"cron","MESSAGE":null}`+"\n"+
		`{"__REALTIME_TIMESTAMP":"1795298627123456","_TRANSPORT":"kernel","MESSAGE":""}`+"\n"+
		`{"__REALTIME_TIMESTAMP":"1795298627123456","SYSLOG_IDENTIFIER":"sshd","_UID":"1000","MESSAGE":"hello"}`+"\n"+
		"Nov 21 22:03:47 h1 sshd(pam_google_authenticator)[1]: Accepted google_authenticator for root\n")
	require.Empty(t, events)
	require.Empty(t, bad)
}

// TestBytesInTheJournal: a message that is not text is an array of its bytes.
func TestBytesInTheJournal(t *testing.T) {
	message := "Invalid user \xff\x00\x1b from 192.0.2.1 port 5001"
	raw := strings.Trim(strings.ReplaceAll(fmt.Sprintf("%d", []byte(message)), " ", ","), "[]")
	text := `{"__REALTIME_TIMESTAMP":"1795298627123456","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":"sshd","_PID":"100","MESSAGE":[` + raw + "]}\n"
	events, bad := parseMessageText(newParser(options()), text)
	require.Empty(t, bad)
	require.Len(t, events, 1)
	require.Equal(t, "\xff\x00\x1b", events[0].User)
}

const (
	pamLine   = "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=root"
	farewells = "Received disconnect from 192.0.2.1 port 5001:11: Bye Bye [preauth]"
)

// TestAttemptsOfStrangers: each attempt is one failure, whichever lines tell of it.
func TestAttemptsOfStrangers(t *testing.T) {
	const root = "login failure root by from 192.0.2.1 "
	for _, test := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"S3", []string{
			"error: PAM: Authentication failure for alma from 192.0.2.9", "error: PAM: Authentication failure for alma from 192.0.2.9",
			"Accepted keyboard-interactive/pam for alma from 192.0.2.9 port 4000 ssh2",
		}, []string{
			"login failure alma by pam from 192.0.2.9 invalid_credentials", "login failure alma by pam from 192.0.2.9 invalid_credentials",
			"login success alma by pam from 192.0.2.9",
		}},
		{"S3, OpenPAM, then given up", []string{
			"error: PAM: authentication error for alma from 192.0.2.9", "Connection closed by authenticating user alma 192.0.2.9 port 4000 [preauth]",
		}, []string{"login failure alma by pam from 192.0.2.9 invalid_credentials"}},
		{"S3, illegal user, both lines", []string{
			"Invalid user x from 192.0.2.9 port 4000", "error: PAM: User not known to the underlying authentication module for illegal user x from 192.0.2.9",
			"Failed keyboard-interactive/pam for invalid user x from 192.0.2.9 port 4000 ssh2", "Connection closed by invalid user x 192.0.2.9 port 4000 [preauth]",
		}, []string{"login failure x by pam from 192.0.2.9 user_unknown"}},
		{"S3, via", []string{
			"error: PAM: Authentication failure for root from 192.0.2.9 via 198.51.100.1", "error: PAM: Authentication failure for illegal user x from 1.2.3.4 via 5.6.7.8 from 192.0.2.9 via 198.51.100.1",
		}, []string{"login failure root by pam from 192.0.2.9 invalid_credentials", "login failure x from 1.2.3.4 via 5.6.7.8 by pam from 192.0.2.9 user_unknown"}},
		{"no Internet connection", []string{"Failed password for kim from UNKNOWN port 65535 ssh2", "Accepted publickey for kim from UNKNOWN port 65535 ssh2: RSA SHA256:A"}, []string{
			"login failure kim by password from invalid_credentials", "login success kim by ssh_key from",
		}},
		{"PermitEmptyPasswords", []string{"Accepted none for kim from 192.0.2.9 port 4000 ssh2"}, []string{"login success kim by none from 192.0.2.9"}},
		{"S3, illegal user alone", []string{"error: PAM: Authentication failure for illegal user x from 1.2.3.4 from 192.0.2.9"}, []string{
			"login failure x from 1.2.3.4 by pam from 192.0.2.9 user_unknown",
		}},
		{"S3, the reason has a for", []string{"error: PAM: Have exhausted maximum number of retries for service for alma from 192.0.2.9"}, []string{
			"login failure alma by pam from 192.0.2.9 invalid_credentials",
		}},
		{"S3, with a port", []string{"error: PAM: Authentication failure for alma from 192.0.2.9 port 4000"}, []string{"login failure alma by pam from 192.0.2.9 invalid_credentials"}},
		{"S3, then by password", []string{
			"error: PAM: Authentication failure for alma from gw.example.net", "Failed password for alma from 192.0.2.9 port 4000 ssh2",
		}, []string{"login failure alma by pam from 192.0.2.9 invalid_credentials", "login failure alma by password from 192.0.2.9 invalid_credentials"}},
		{"S3, with pam_unix at VERBOSE", []string{
			"Connection from 192.0.2.9 port 4000 on 10.0.0.1 port 22 rdomain \"\"", "Postponed keyboard-interactive for alma from 192.0.2.9 port 4000 ssh2 [preauth]",
			"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.9  user=alma",
			"error: PAM: Authentication failure for alma from 192.0.2.9", "Failed keyboard-interactive/pam for alma from 192.0.2.9 port 4000 ssh2",
			"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.9  user=alma",
			"error: PAM: Authentication failure for alma from 192.0.2.9", "Failed keyboard-interactive/pam for alma from 192.0.2.9 port 4000 ssh2",
		}, []string{"login failure alma by pam from 192.0.2.9 invalid_credentials", "login failure alma by pam from 192.0.2.9 invalid_credentials"}},
		{"S4", []string{"fatal: Access denied for user kim by PAM account configuration [preauth]"}, []string{"login failure kim by from not_permitted"}},
		{"S4, the password was right", []string{
			"Failed password for kim from 192.0.2.1 port 5001 ssh2", "fatal: Access denied for user kim by PAM account configuration [preauth]",
		}, []string{"login failure kim by password from 192.0.2.1 invalid_credentials"}},
		{"S4, the password was right, and a module says so", []string{
			"pam_access(sshd:account): access denied for user `kim' from `192.0.2.1'", "Failed password for kim from 192.0.2.1 port 5001 ssh2",
			"fatal: Access denied for user kim by PAM account configuration [preauth]",
		}, []string{"login failure kim by password from 192.0.2.1 not_permitted"}},
		{"S4, of a directory", []string{
			"pam_sss(sshd:account): Access denied for user kim: 6 (Permission denied)", "Failed publickey for kim from 192.0.2.1 port 5001 ssh2: RSA SHA256:AAAA",
			"fatal: Access denied for user kim by PAM account configuration [preauth]", "Failed password for kim from 192.0.2.1 port 5001 ssh2",
		}, []string{"login failure kim by ssh_key from 192.0.2.1 not_permitted", "login failure kim by password from 192.0.2.1 invalid_credentials"}},
		{"S4, expired", []string{"pam_unix(sshd:account): account kim has expired (account expired)", "Failed password for kim from 192.0.2.1 port 5001 ssh2"}, []string{
			"login failure kim by password from 192.0.2.1 not_permitted",
		}},
		{"S4, a warning is no refusal", []string{"pam_unix(sshd:account): password for user kim will expire in 5 days", "Failed password for kim from 192.0.2.1 port 5001 ssh2"}, []string{
			"login failure kim by password from 192.0.2.1 invalid_credentials",
		}},
		{"S4, another module lets in", []string{
			"pam_succeed_if(sshd:account): requirement \"user ingroup ops\" not met by user \"kim\"", "Accepted password for kim from 192.0.2.1 port 5001 ssh2", "Disconnected from user kim 192.0.2.1 port 5001",
		}, []string{"login success kim by password from 192.0.2.1", "logout success kim by from 192.0.2.1"}},
		{"S4, pam_access tells where from", []string{
			"Connection from 192.0.2.1 port 5001 on 10.0.0.1 port 22", "pam_access(sshd:account): access denied for user `kim' from `192.0.2.1'",
			"fatal: Access denied for user kim by PAM account configuration [preauth]",
		}, []string{"login failure kim by from 192.0.2.1 not_permitted"}},
		{"S5", []string{
			"Failed publickey for invalid user eve from 192.0.2.20 port 50001 ssh2: ED25519-CERT SHA256:AAAA ID k from 198.51.100.66 port 6 ssh2: y (serial 0) CA ED25519 SHA256:BBBB",
		}, []string{"login failure eve by certificate from 192.0.2.20 user_unknown"}},
		{"S5, the id is a whole certificate", []string{
			"Invalid user eve from 192.0.2.20 port 50001",
			"Failed publickey for invalid user eve from 192.0.2.20 port 50001 ssh2: RSA-CERT SHA256:A ID k from 198.51.100.66 port 6 ssh2: RSA-CERT SHA256:B ID y (serial 0) CA RSA SHA256:C",
		}, []string{"login failure eve by certificate from 192.0.2.20 user_unknown"}},
		{"S5, the name is a whole certificate", []string{
			"Invalid user a from 198.51.100.66 port 6 ssh2: RSA-CERT SHA256:A ID k from 192.0.2.20 port 50001",
			"Failed publickey for invalid user a from 198.51.100.66 port 6 ssh2: RSA-CERT SHA256:A ID k from 192.0.2.20 port 50001 ssh2: RSA-CERT SHA256:B ID y (serial 0) CA RSA SHA256:C",
		}, []string{"login failure a from 198.51.100.66 port 6 ssh2: RSA-CERT SHA256:A ID k by certificate from 192.0.2.20 user_unknown"}},
		{"S5, the line is cut off behind the id", []string{
			"Failed publickey for invalid user eve from 192.0.2.20 port 50001 ssh2: RSA-CERT SHA256:A ID " + strings.Repeat("k", 900) + " from 198.51.100.66 port 6 ssh2: RSA SHA256:B",
			"Connection closed by invalid user eve 192.0.2.20 port 50001 [preauth]",
		}, []string{"login failure eve by from 192.0.2.20 user_unknown"}},
		{"S5, a name for a reason", []string{
			"Invalid user x from 192.0.2.20 port 5",
			"Disconnecting invalid user x 192.0.2.20 port 5: Change of username or service not allowed: (x,ssh-connection) -> (y 198.51.100.66 port 6: z,ssh-connection) [preauth]",
		}, []string{"login failure x by from 192.0.2.20 user_unknown"}},
		{"S6", []string{"Timeout before authentication for connection from 192.0.2.1 to 192.0.2.2, pid = 4711"}, []string{"login failure by from 192.0.2.1 timeout"}},
		{"S7, locked", []string{"User root not allowed because account is locked", "Received disconnect from 192.0.2.1 port 5001"}, []string{root + "account_locked"}},
		{"S7, locked, an old server", []string{"User root not allowed because account is locked", "Received disconnect from 192.0.2.1: 11: Bye Bye"}, []string{root + "account_locked"}},
		{"S7, locked, and its end", []string{
			"User root not allowed because account is locked", farewells, "Disconnected from invalid user root 192.0.2.1 port 5001 [preauth]",
		}, []string{root + "account_locked"}},
		{"S7, too many", []string{"error: maximum authentication attempts exceeded for root from 192.0.2.1 port 5001 ssh2 [preauth]"}, []string{root + "invalid_credentials"}},
		{"S7, too many, unknown", []string{"error: maximum authentication attempts exceeded for invalid user x y from 192.0.2.1 port 5001 ssh2 [preauth]"}, []string{
			"login failure x y by from 192.0.2.1 user_unknown",
		}},
		{"S7, too many, and their lines", []string{
			"Failed password for root from 192.0.2.1 port 5001 ssh2", "Failed password for root from 192.0.2.1 port 5001 ssh2",
			"error: maximum authentication attempts exceeded for root from 192.0.2.1 port 5001 ssh2 [preauth]",
			"Disconnecting authenticating user root 192.0.2.1 port 5001: Too many authentication failures [preauth]",
		}, []string{"login failure root by password from 192.0.2.1 invalid_credentials", "login failure root by password from 192.0.2.1 invalid_credentials"}},
		{"S7, pam_unix alone", []string{pamLine}, []string{root + "invalid_credentials"}},
		{"S7, pam_unix alone, unknown", []string{
			"pam_unix(sshd:auth): check pass; user unknown", "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1 ",
		}, []string{"login failure by from 192.0.2.1 user_unknown"}},
		{"S7, pam_unix counts", []string{pamLine, "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=root"}, []string{
			root + "invalid_credentials", root + "invalid_credentials", root + "invalid_credentials",
		}},
		{"S7, pam_unix refuses, pam_sss lets in", []string{
			pamLine, "pam_sss(sshd:auth): authentication success; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1 user=root",
			"Accepted password for root from 192.0.2.1 port 5001 ssh2",
		}, []string{"login success root by password from 192.0.2.1"}},
		{"S7, both refuse", []string{pamLine, strings.Replace(pamLine, "pam_unix", "pam_sss", 1), "Failed password for root from 192.0.2.1 port 5001 ssh2"}, []string{
			"login failure root by password from 192.0.2.1 invalid_credentials",
		}},
		{"S7, PAM alone tells of a login", []string{
			"pam_unix(sshd:session): session opened for user mara(uid=1000) by (uid=0)", "pam_unix(sshd:session): session closed for user mara",
		}, []string{"login success mara by from", "logout success mara by from"}},
		{"S7, Solaris hides names", []string{"Failed none for <invalid username> from 192.0.2.1 port 5001 ssh2", "Failed password for <invalid username> from 192.0.2.1 port 5001 ssh2"}, []string{
			"login failure by password from 192.0.2.1 user_unknown",
		}},
		{"S7, root", []string{"ROOT LOGIN REFUSED FROM 192.0.2.1 port 5001"}, []string{root + "not_permitted"}},
		{"S7, root, both lines", []string{"ROOT LOGIN REFUSED FROM 192.0.2.1 port 5001", "Failed password for root from 192.0.2.1 port 5001 ssh2"}, []string{
			"login failure root by password from 192.0.2.1 not_permitted",
		}},
		{"S7, root, from both processes", []string{
			"ROOT LOGIN REFUSED FROM 192.0.2.1 port 5001", "ROOT LOGIN REFUSED FROM 192.0.2.1 port 5001 [preauth]",
			"Connection closed by authenticating user root 192.0.2.1 port 5001 [preauth]",
		}, []string{root + "not_permitted"}},
		{"S7, root, from both processes, and the key", []string{
			"ROOT LOGIN REFUSED FROM 192.0.2.1 port 5001",
			"Failed publickey for root from 192.0.2.1 port 5001 ssh2: ED25519 SHA256:A", "ROOT LOGIN REFUSED FROM 192.0.2.1 port 5001 [preauth]",
			"Connection closed by authenticating user root 192.0.2.1 port 5001 [preauth]",
		}, []string{"login failure root by ssh_key from 192.0.2.1 not_permitted"}},
		{"root, with its certificate's end", []string{"ROOT LOGIN REFUSED FROM 192.0.2.1", "Connection closed by authenticating user root 192.0.2.1 port 5001 [preauth]"}, []string{root + "not_permitted"}},
		{"DenyUsers", []string{"User kim from 192.0.2.1 not allowed because listed in DenyUsers", farewells}, []string{"login failure kim by from 192.0.2.1 not_permitted"}},
		{"no shell", []string{"User kim not allowed because shell /usr/sbin/nologin does not exist", farewells}, []string{"login failure kim by from 192.0.2.1 not_permitted"}},
		{"OpenSSH 3", []string{"Illegal user x from 192.0.2.1", "Failed password for illegal user x from 192.0.2.1 port 5001 ssh2"}, []string{"login failure x by password from 192.0.2.1 user_unknown"}},
		{"a client that is silent", []string{
			"Accepted password for mara from 192.0.2.1 port 5001 ssh2", "Timeout, client not responding from user mara 192.0.2.1 port 5001",
		}, []string{"login success mara by password from 192.0.2.1", "logout success mara by from 192.0.2.1"}},
		{"RefuseConnection of 10.0", []string{
			"administratively prohibited connection for kim from 192.0.2.1 port 5001 [preauth]", "Connection closed by authenticating user kim 192.0.2.1 port 5001 [preauth]",
		}, []string{"login failure kim by from 192.0.2.1 not_permitted"}},
		{"timed out before a login", []string{"Connection from authenticating user root 192.0.2.1 port 5001 timed out [preauth]"}, []string{root + "invalid_credentials"}},
		{"broken before a login", []string{
			"ssh_dispatch_run_fatal: Connection from invalid user x 198.51.100.6 port 6: y 192.0.2.1 port 5001: message authentication code incorrect [preauth]",
		}, []string{"login failure x 198.51.100.6 port 6: y by from 192.0.2.1 user_unknown"}},
		{"a name in a broken connection", []string{"banner exchange: Connection from 192.0.2.1 port 5001: invalid format"}, nil},
		{"a syslog daemon counts", []string{"Failed password for root from 192.0.2.1 port 5001 ssh2"}, []string{"login failure root by password from 192.0.2.1 invalid_credentials"}},
	} {
		text := framed(frames["RFC 3164"], test.lines...)
		events, bad := parseMessageText(newParser(options()), text)
		require.Empty(t, bad, test.name)
		require.Equal(t, test.want, briefs(events), test.name)
		distinct(t, events)
		killedAtEveryLine(t, text, events)
	}
}

// TestSessionsThatBreak: without PAM, how a connection ends is told by lines of many kinds, each a logout, and none twice.
func TestSessionsThatBreak(t *testing.T) {
	const in, pam = "Accepted password for mara from 192.0.2.1 port 5001 ssh2", "pam_unix(sshd:session): session opened for user mara(uid=1000) by (uid=0)"
	for _, end := range []string{
		"Connection from user mara 192.0.2.1 port 5001 timed out", "ssh_dispatch_run_fatal: Connection from user mara 192.0.2.1 port 5001: Broken pipe",
		"fatal: ssh_dispatch_run_fatal: Connection from user mara 192.0.2.1 port 5001: Connection corrupted", "packet_write_wait: Connection from 192.0.2.1 port 5001: Broken pipe",
		"Read error from remote host user mara 192.0.2.1 port 5001: Connection reset by peer", "Read error from remote host 192.0.2.1: Connection reset by peer",
		"Write failed: Broken pipe", "Exiting on signal 15", "Timeout, client not responding.", "Closing connection to 192.0.2.1 port 5001", "Closing connection to 192.0.2.1",
		"Connection closed by 192.0.2.1", "Received disconnect from 192.0.2.1: 11: disconnected by user", "Disconnected from user mara 192.0.2.1 port 5001 [postauth]",
	} {
		text := framed(frames["RFC 3164"], in, end, "Disconnected from user mara 192.0.2.1 port 5001")
		events, bad := parseMessageText(newParser(options()), text)
		require.Empty(t, bad, end)
		require.Equal(t, []string{"login success mara by password from 192.0.2.1", "logout success mara by from 192.0.2.1"}, briefs(events), end)
		require.Equal(t, events[0].SessionKey, events[1].SessionKey, end)
		killedAtEveryLine(t, text, events)
		events, _ = parseMessageText(newParser(options()), framed(frames["RFC 3164"], in, pam, end, "pam_unix(sshd:session): session closed for user mara"))
		require.Len(t, events, 2, end)
		require.Equal(t, "session closed", events[1].SourceEvent, end)
		events, _ = parseMessageText(newParser(options()), framed(frames["RFC 3164"], in)+framed("Nov 21 22:03:48 h1 sshd[101]: %s", strings.ReplaceAll(end, "5001", "5002")))
		require.Len(t, events, 1, "of another connection: %s", end)
	}
}

func distinct(t *testing.T, events []session.Event) {
	t.Helper()
	ids := map[session.ID]bool{}
	for i := range events {
		ids[events[i].RecordID] = true
	}
	require.Len(t, ids, len(events))
}

// killedAtEveryLine reads the same events with a new parser from each line on.
func killedAtEveryLine(t *testing.T, text string, want []session.Event) {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	for cut := range lines {
		p, batch, at := newParser(options()), &logformat.EventBatch{}, int64(0)
		for i, line := range lines {
			if i == cut {
				anchor, state := p.ResumeOffset(), p.ResumeState()
				p = newParser(options())
				require.NoError(t, p.Restore(anchor, state, false))
			}
			require.NoError(t, p.Parse(line, at, batch))
			at += int64(len(line))
		}
		p.FlushDue(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano(), batch)
		require.Len(t, batch.Events, len(want), text)
		for i := range want {
			require.True(t, sessiontest.SameContent(&want[i], &batch.Events[i]), "%d: %s", cut, brief(&want[i]))
		}
	}
}

// TestPAMInAProcessOfItsOwn: for keyboard-interactive sshd runs PAM's modules in a child, whose lines have another pid.
func TestPAMInAProcessOfItsOwn(t *testing.T) {
	const modules = "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.9  user=alma\n"
	for name, address := range map[string]string{"addresses": "192.0.2.9", "names": "gw.example.net"} {
		module := strings.Replace(modules, "192.0.2.9", address, 1)
		text := "Nov 21 22:03:47 vm sshd[93]: " + module +
			"Nov 21 22:03:49 vm sshd[70]: error: PAM: Authentication failure for alma from " + address + "\n" +
			"Nov 21 22:03:49 vm sshd[96]: " + module +
			"Nov 21 22:03:51 vm sshd[70]: error: PAM: Authentication failure for alma from " + address + "\n" +
			"Nov 21 22:03:51 vm sshd[97]: " + module + // pam_sss knows her
			"Nov 21 22:03:51 vm sshd[70]: Accepted keyboard-interactive/pam for alma from 192.0.2.9 port 4000 ssh2\n"
		events, bad := parseMessageText(newParser(options()), text)
		require.Empty(t, bad)
		require.Equal(t, []string{
			"login failure alma by pam from " + address + " invalid_credentials", "login failure alma by pam from 192.0.2.9 invalid_credentials",
			"login success alma by pam from 192.0.2.9",
		}, briefs(events), name)
		killedAtEveryLine(t, text, events)
	}
	events, _ := parseMessageText(newParser(options()), "Nov 21 22:03:47 vm sshd[93]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.9 \n"+
		"Nov 21 22:03:49 vm sshd[70]: error: PAM: Authentication failure for illegal user x from 192.0.2.9\n"+
		"Nov 21 22:03:49 vm sshd[70]: Failed keyboard-interactive/pam for invalid user x from 192.0.2.9 port 4000 ssh2\n")
	require.Equal(t, []string{"login failure x by pam from 192.0.2.9 user_unknown"}, briefs(events))
}

// TestTimeoutOfAnotherProcess: since 9.8 it is not the connection's own process that tells of its end.
func TestTimeoutOfAnotherProcess(t *testing.T) {
	events, bad := parseMessageText(newParser(options()), "Nov 21 22:03:47 vm sshd-session[4711]: Invalid user x from 192.0.2.1 port 5001\n"+
		"Nov 21 22:05:47 vm sshd[1]: Timeout before authentication for connection from 192.0.2.1 to 192.0.2.2, pid = 4711\n"+
		"Nov 21 22:05:47 vm sshd-session[4712]: Failed password for root from 192.0.2.1 port 5002 ssh2\n"+
		"Nov 21 22:07:47 vm sshd[1]: Timeout before authentication for connection from 192.0.2.1 to 192.0.2.2, pid = 4712\n")
	require.Empty(t, bad)
	require.Equal(t, []string{"login failure x by from 192.0.2.1 timeout", "login failure root by password from 192.0.2.1 invalid_credentials"}, briefs(events))
	require.Equal(t, int32(5001), events[0].ClientPort)
	require.Equal(t, time.Date(2026, 11, 21, 22, 5, 47, 0, time.UTC).UnixNano(), events[0].Time)
}

// TestTwoProcessesOfOneConnection: since 10.0 another process writes what comes before a login.
func TestTwoProcessesOfOneConnection(t *testing.T) {
	events, bad := parseMessageText(newParser(options()), "Nov 21 22:03:47 vm sshd-session[10]: Failed password for root from 192.0.2.1 port 5001 ssh2\n"+
		"Nov 21 22:03:47 vm sshd-auth[11]: Connection closed by authenticating user root 192.0.2.1 port 5001 [preauth]\n"+
		"Nov 21 22:03:48 vm sshd-auth[13]: Invalid user x from 192.0.2.1 port 5002\n"+
		"Nov 21 22:03:48 vm sshd-session[12]: Failed password for invalid user x from 192.0.2.1 port 5002 ssh2\n")
	require.Empty(t, bad)
	require.Equal(t, []string{"login failure root by password from 192.0.2.1 invalid_credentials", "login failure x by password from 192.0.2.1 user_unknown"}, briefs(events))
}

// TestWithoutPIDs: lines of many connections without a pid are told apart by their clients.
func TestWithoutPIDs(t *testing.T) {
	events, bad := parseMessageText(newParser(options()), framed("Nov 21 22:03:47 h1 sshd: %s",
		"User kim from 192.0.2.1 not allowed because listed in DenyUsers", "User pat from 192.0.2.2 not allowed because listed in DenyUsers",
		"Failed password for invalid user pat from 192.0.2.2 port 2 ssh2", "Failed password for invalid user kim from 192.0.2.1 port 1 ssh2",
		"Accepted password for bo from 192.0.2.1 port 3 ssh2", "pam_unix(sshd:session): session opened for user bo(uid=1000) by (uid=0)",
		"Connection closed by invalid user pat 192.0.2.2 port 2 [preauth]", "Disconnected from user bo 192.0.2.1 port 3",
	))
	require.Empty(t, bad)
	require.Equal(t, []string{
		"login failure pat by password from 192.0.2.2 not_permitted", "login failure kim by password from 192.0.2.1 not_permitted",
		"login success bo by password from 192.0.2.1", "logout success bo by from 192.0.2.1",
	}, briefs(events))
}

// TestOldPAM: the lines of servers of 2005, where only PAM writes, each under a name of its own.
func TestOldPAM(t *testing.T) {
	events, bad := parseMessageText(newParser(options()), framed("Nov 21 22:03:47 combo sshd(pam_unix)[19939]: %s",
		"check pass; user unknown", "authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=218.188.2.4 ")+
		framed("Nov 21 22:03:57 combo sshd(pam_unix)[19940]: %s", "authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=gw.example.net  user=root"))
	require.Empty(t, bad)
	require.Equal(t, []string{"login failure by from 218.188.2.4 user_unknown", "login failure root by from gw.example.net invalid_credentials"}, briefs(events))

	// The process that opens the session is not the one that let the user in.
	events, _ = parseMessageText(newParser(options()), "Nov 21 22:03:47 combo sshd[20]: Accepted password for root from 192.0.2.1 port 5001 ssh2\n"+
		"Nov 21 22:03:47 combo sshd(pam_unix)[22]: session opened for user root by (uid=0)\n")
	require.Equal(t, []string{"login success root by password from 192.0.2.1"}, briefs(events))
}

// TestLinesThatCameAgain: "last message repeated" of BSD's syslogd and of macOS.
func TestLinesThatCameAgain(t *testing.T) {
	failed := framed(frames["RFC 3164"], "Failed password for root from 192.0.2.1 port 5001 ssh2")
	for _, again := range []string{
		"Nov 21 22:03:50 h1 last message repeated 2 times\n", "Nov 21 22:03:50 last message repeated 2 times\n",
		"Nov 21 22:03:50 h1 --- last message repeated 2 times ---\n",
	} {
		text := failed + again
		events, bad := parseMessageText(newParser(options()), text)
		require.Empty(t, bad)
		require.Len(t, events, 3, again)
		distinct(t, events)
		killedAtEveryLine(t, text, events)
		events, _ = parseMessageText(newParser(options()), failed+framed("Nov 21 22:03:48 h1 cron[1]: %s", "x")+again)
		require.Len(t, events, 1, "it was another line that came again")
	}
}

// TestNobodyWaitsLong: what can have a second line is told soon after it has not come, by the log's clock.
func TestNobodyWaitsLong(t *testing.T) {
	for line, wait := range map[string]time.Duration{
		"ROOT LOGIN REFUSED FROM 192.0.2.1 port 5001": 4 * time.Second, "error: PAM: Authentication failure for alma from 192.0.2.9": 4 * time.Second,
		"error: maximum authentication attempts exceeded for root from 192.0.2.1 port 5001 ssh2 [preauth]": 4 * time.Second, pamLine: 31 * time.Second,
	} {
		p, batch := newParser(options()), &logformat.EventBatch{}
		require.NoError(t, p.Parse(framed(frames["RFC 3164"], line), 0, batch))
		p.FlushDue(p.LogTime()+int64(wait/4), batch)
		require.Empty(t, batch.Events, line)
		p.FlushDue(p.LogTime()+int64(wait), batch)
		require.Len(t, batch.Events, 1, line)
		p.FlushDue(p.LogTime()+int64(time.Hour), batch)
		require.Len(t, batch.Events, 1, line)
		require.Equal(t, p.LogTime(), batch.Events[0].Time)
	}
}

// TestOnlyItsOwnProcessEndsASession: where PAM does not tell of the end, the session's process does, which runs as its user. Whoever
// may write to the journal could write the same text.
func TestOnlyItsOwnProcessEndsASession(t *testing.T) {
	entry := func(pid, uid, exe, text string) string {
		if exe != "" {
			exe = `"_EXE":"` + exe + `",`
		}
		return `{"__REALTIME_TIMESTAMP":"1795298627123456","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":"sshd","_PID":"` + pid + `","_UID":"` + uid + `",` + exe + `"MESSAGE":"` + text + `"}` + "\n"
	}
	const (
		accepted = "Accepted password for bob from 192.0.2.1 port 5003 ssh2"
		opened   = "pam_unix(sshd:session): session opened for user bob(uid=1000) by (uid=0)"
		farewell = "Received disconnect from 192.0.2.1 port 5003:11: disconnected by user"
		end      = "Disconnected from user bob 192.0.2.1 port 5003"
		oldEnd   = "Disconnected from 192.0.2.1 port 5003"
		other    = "Disconnected from user eve 192.0.2.1 port 5003"
	)
	for name, test := range map[string]struct {
		exe, uid, text string
		ends           bool
		bad            int
	}{
		"its own process":              {"/usr/sbin/sshd", "1000", end, true, 0},
		"since 9.8":                    {"/usr/lib/openssh/sshd-session", "1000", end, true, 0},
		"an upgrade meanwhile":         {"/usr/sbin/sshd (deleted)", "1000", end, true, 0},
		"before 7.5":                   {"/usr/sbin/sshd", "1000", oldEnd, true, 0},
		"root's session":               {"", "0", end, true, 0},
		"logger":                       {"/usr/bin/logger", "1001", end, false, 1},
		"logger, of the user":          {"/usr/bin/logger", "1000", oldEnd, false, 1},
		"a program that calls it so":   {"/home/eve/sshd", "1001", end, false, 1},
		"a program that is gone":       {"", "1001", end, false, 1},
		"another user's session":       {"/usr/sbin/sshd", "1001", other, false, 1},
		"a connection of another user": {"/usr/sbin/sshd", "0", other, false, 0},
	} {
		events, bad := parseMessageText(newParser(options()), entry("7", "0", "/usr/sbin/sshd", accepted)+entry("8", test.uid, test.exe, farewell)+entry("8", test.uid, test.exe, test.text))
		require.Len(t, bad, test.bad, "%s: %v", name, bad)
		require.Equal(t, test.ends, len(events) == 2, name)
	}
	// With PAM nothing hangs on that line.
	events, bad := parseMessageText(newParser(options()), entry("7", "0", "", accepted)+entry("7", "0", "", opened)+entry("8", "1000", "", farewell)+entry("8", "1000", "", end))
	require.Empty(t, bad)
	require.Len(t, events, 1)
}

// TestATextThatIsReadAgain, as one that was cut short is, beside the connections that are known of it, has the same records.
func TestATextThatIsReadAgain(t *testing.T) {
	text := framed(frames["RFC 3164"], "Invalid user x from 192.0.2.1 port 5001", "Failed password for invalid user x from 192.0.2.1 port 5001 ssh2",
		"Failed password for invalid user x from 192.0.2.1 port 5001 ssh2", "Accepted password for mara from 192.0.2.1 port 5003 ssh2")
	text += strings.Replace(framed(frames["RFC 3164"], "Failed password for kim from 192.0.2.1 port 5004 ssh2"), "[100]", "[101]", 1)
	o := options()
	o.Shared = &logformat.SharedState{}
	var readings [2][]session.Event
	for i := range readings {
		p, batch := newParser(o), &logformat.EventBatch{}
		for record := range strings.Lines(text) {
			require.NoError(t, p.Parse(record, 1, batch))
		}
		readings[i] = batch.Events
		require.Len(t, batch.Events, 4)
	}
	first, again := readings[0], readings[1]
	distinct(t, first)
	for i := range first {
		require.Equal(t, first[i].RecordID, again[i].RecordID, i)
		require.Equal(t, first[i].SessionKey, again[i].SessionKey, i)
	}
}
