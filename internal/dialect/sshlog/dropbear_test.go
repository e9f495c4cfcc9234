package sshlog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/sshlog"
)

// TestDropbear: forms of the messages as in trunc.org/learning/dropbear-log-analysis, fail2ban's test log and Dropbear's svr-auth*.c.
func TestDropbear(t *testing.T) {
	const old = "May 18 13:24:20 udm dropbear[16421]: "
	const openWrt = "Mon Oct 25 04:22:26 2021 authpriv.warn dropbear[24043]: "
	for _, c := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"a key, an old version", []string{
			old + "Child connection from 192.0.2.1:35508", old + "Pubkey auth succeeded for 'root' with key sha1!! 7b:50:93 from 192.0.2.1:35508", old + "Exit (root): Disconnect received",
		}, []string{"login success root by ssh_key from 192.0.2.1", "logout success root by from 192.0.2.1"}},
		{"a key, 2022", []string{
			openWrt + "Child connection from fd00::1:50661", openWrt + "Pubkey auth succeeded for 'root' with ssh-ed25519 key SHA256:AAA from fd00::1:50661",
			openWrt + "Exit (root) from <fd00::1:50661>: Disconnect received",
		}, []string{"login success root by ssh_key from fd00::1", "logout success root by from fd00::1"}},
		{"more is asked for", []string{
			openWrt + "Pubkey auth succeeded for 'root' with ssh-rsa key SHA256:AAA from 192.0.2.1:5, extra auth required", openWrt + "Password auth succeeded for 'root' from 192.0.2.1:5",
		}, []string{"login success root by password from 192.0.2.1"}},
		{"guesses", []string{
			openWrt + "Bad password attempt for 'root' from 192.0.2.1:45201", openWrt + "Bad PAM password attempt for 'root' from 192.0.2.1:45201",
			openWrt + "Exit before auth from <192.0.2.1:45201>: (user 'root', 2 fails): Max auth tries reached - user 'root'",
		}, []string{"login failure root by password from 192.0.2.1 invalid_credentials", "login failure root by password from 192.0.2.1 invalid_credentials"}},
		{"small letters, no name", []string{
			"Jun  5 15:13:49 dropbear[745]: login attempt for nonexistent user from 192.0.2.1:47311", "Jun  5 15:13:50 dropbear[745]: exit before auth: Disconnect received",
		}, []string{"login failure by from 192.0.2.1 user_unknown"}},
		{"a name made to look like another's", []string{openWrt + "Login attempt with wrong user a from 10.6.6.6:5 from 192.0.2.1:47311"}, []string{
			"login failure a from 10.6.6.6:5 by from 192.0.2.1 user_unknown",
		}},
		{"keys that were not taken", []string{
			"Jul 10 23:57:29 h dropbear[825]: [825] Jul 10 23:57:29 Exit before auth from <192.0.2.3:52289>: (user 'root', 0 fails): Exited normally",
		}, []string{"login failure root by from 192.0.2.3 invalid_credentials"}},
		{"root may not", []string{old + "Child connection from 192.0.2.1:5", old + "root login rejected", old + "Exit before auth from <192.0.2.1:5>: Exited normally"}, []string{
			"login failure root by from 192.0.2.1 not_permitted",
		}},
		{"no shell", []string{old + "User 'bin' has invalid shell, rejected", old + "Exit before auth from <192.0.2.1:5>: (user 'bin', 0 fails): Exited normally"}, []string{
			"login failure bin by from 192.0.2.1 not_permitted",
		}},
		{"scanners", []string{old + "Child connection from 192.0.2.1:5", old + "Exit before auth from <192.0.2.1:5>: Exited normally"}, nil},
	} {
		text := ""
		for _, line := range c.lines {
			text += line + "\n"
		}
		found, verdict := logformat.Detect(sshlog.Formats(), []byte(text), false)
		require.Equal(t, logformat.VerdictYes, verdict, c.name)
		require.Equal(t, "sshd", found.Name)
		events, bad := parseMessageText(newParser(options()), text)
		require.Empty(t, bad, c.name)
		require.Equal(t, c.want, briefs(events), c.name)
		for i := range events {
			require.Equal(t, "dropbear", events[i].System)
			require.Equal(t, events[0].SessionKey, events[i].SessionKey, c.name)
		}
	}
}
