package sshlog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat/logformattest"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/syslogline"
	"github.com/otel-sessionlog/sessionlog/session"
)

var complaints = logformattest.ErrorText(
	"not a line of a syslog file: a time, a host, a program",
	"a line of sshd in a frame that is not known: let syslog write `TIME HOST sshd[PID]: MESSAGE`, or RFC 5424",
	"a line of sshd that begins as one of a login, and does not end as one: it was cut, or is of protocol 1",
	"a failure whose user name or certificate is made to look like another one: this line does not show which it was",
	"a line under sshd's name that another user's process wrote (_UID is not 0)",
	"the end of a session by a process that is neither root's nor, by its _EXE, of sshd's program (_UID is not 0)",
	localtime.ErrStamp.Error(), localtime.ErrSkipped.Error(), localtime.ErrRange.Error(), localtime.ErrMismatch.Error(),
	syslogline.ErrNoTime.Error(), syslogline.ErrJournal.Error(), syslogline.ErrNoMessage.Error(),
)

// FuzzSSH takes any text: it is read the same at once, in pieces and after a kill, and no error tells a value. As the name in a
// failed login it is that name, from that address.
func FuzzSSH(f *testing.F) {
	for i, text := range []string{sample(f), modern(sample(f))} {
		for n := 0; n+3000 < len(text); n += 3000 {
			f.Add(uint8(i+1), uint16(n), text[n:n+3000])
		}
	}
	f.Add(uint8(1), uint16(0), "Nov 21 22:03:47 vm sshd[1]: message repeated 3 times: [ Failed password for root from 127.0.0.1 port 1 ssh2]\n")
	f.Add(uint8(1), uint16(70), "Nov 21 22:03:47 vm sshd[1]: Invalid user \xff\x00 from 127.0.0.1 port 1\nNov 21 22:03:48 vm sshd[1]: Connection closed by invalid user \xff\x00 127.0.0.1 port 1 [preauth]\n")
	f.Add(uint8(2), uint16(70), "Feb 29 02:30:00 vm sshd[1]: Accepted password for a from ::1 port 9 ssh2\nMar 29 02:30:00 vm sshd[1]: Disconnected from user a ::1 port 9\n")
	f.Add(uint8(1), uint16(60), "Nov 21 22:03:47 vm dropbear[1]: User 'bin' has invalid shell, rejected\nNov 21 22:03:47 vm dropbear[1]: Exit before auth from <192.0.2.1:5>: (user 'bin', 0 fails): Exited normally\n"+
		"Nov 21 22:03:47 vm dropbear[2]: Login attempt with wrong user a from 10.6.6.6:5 from 192.0.2.1:47311\n")
	f.Add(uint8(1), uint16(60), "Nov 21 22:03:47 vm sshd[1]: pam_sss(sshd:account): Access denied for user kim: 6 (Permission denied)\nNov 21 22:03:47 vm sshd[1]: Failed password for kim from 192.0.2.1 port 5001 ssh2\n")
	for _, frame := range frames {
		f.Add(uint8(1), uint16(90), framed(frame, "Failed password for root from 192.0.2.1 port 5001 ssh2", "error: PAM: Authentication failure for alma from 192.0.2.9",
			"Accepted password for mara from 192.0.2.1 port 5003 ssh2", "Disconnected from user mara 192.0.2.1 port 5003"))
	}
	f.Fuzz(func(t *testing.T, zone uint8, cut uint16, text string) {
		o := options()
		o.Zone = logformattest.Zone(zone)
		if zone > 127 {
			o.Written = time.Time{}
		}
		format := logformattest.Format{New: func() logformat.Parser { return newParser(o) }, Errors: complaints}
		for _, e := range format.Check(t, text, int(cut)) {
			reason := strings.TrimPrefix(strings.TrimPrefix(e.FailureReason, "PAM: "), "refused by ")
			if reason == "Access denied by PAM account configuration" {
				reason = "by PAM account configuration"
			}
			if escaped := strings.Contains(text, "__REALTIME_TIMESTAMP"); escaped {
				continue
			}
			if !strings.Contains(text, e.User) || !strings.Contains(text, e.ClientAddress) || !strings.Contains(text, reason) {
				t.Fatalf("a value that is not in the text: %q, %q, %q", e.User, e.ClientAddress, e.FailureReason)
			}
		}
		forge(t, strings.ReplaceAll(text[:min(len(text), 120)], "\n", `\012`)) // as sshd writes line ends
	})
}

// forge has a client fail in each way that sshd tells, under a name that no user has.
func forge(t *testing.T, name string) {
	invalid := hostile + "Invalid user " + name + " from 10.6.6.6 port 5\n"
	for _, text := range []string{
		invalid + hostile + "Connection closed by invalid user " + name + " 10.6.6.6 port 5 [preauth]\n",
		invalid + hostile + "Failed password for invalid user " + name + " from 10.6.6.6 port 5 ssh2\n",
		invalid + hostile + "Failed publickey for invalid user " + name + " from 10.6.6.6 port 5 ssh2: RSA SHA256:abc\n",
		invalid + hostile + "Disconnecting invalid user " + name + " 10.6.6.6 port 5: Too many authentication failures [preauth]\n",
		hostile + "Connection closed by invalid user " + name + " 10.6.6.6 port 5 [preauth]\n",
		hostile + "Failed password for invalid user " + name + " from 10.6.6.6 port 5 ssh2\n",
	} {
		events, bad := parseMessageText(newParser(options()), text)
		if len(events) != 1 || len(bad) != 0 {
			t.Fatalf("%q: %d events, bad lines: %v", text, len(events), bad)
		}
		if e := &events[0]; e.User != name || e.ClientAddress != "10.6.6.6" || e.ClientPort != 5 || e.Outcome != session.OutcomeFailure {
			t.Fatalf("%q: %s", text, brief(e))
		}
	}
}
