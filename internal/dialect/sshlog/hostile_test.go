package sshlog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

const hostile = "Nov 21 22:03:47 vm sshd[1]: "

// A client chooses the id of its certificate, and the name that it asks for in the midst of a login: neither makes another
// user, nor another address, of a failure.
func TestWhatAClientChoosesLaterIsNoNameAndNoAddress(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{
			"Failed publickey for bob from 10.6.6.6 port 5 ssh2: RSA-CERT SHA256:abc ID root from 10.1.1.1 port 22 ssh2: RSA SHA256:def (serial 0) CA RSA SHA256:ghi",
			"login failure bob by certificate from 10.6.6.6 invalid_credentials",
		},
		{
			"Accepted publickey for bob from 10.6.6.6 port 5 ssh2: ED25519-CERT SHA256:abc ID x for root from 10.1.1.1 port 22 ssh2 (serial 0) CA RSA SHA256:ghi",
			"login success bob by certificate from 10.6.6.6",
		},
		{
			"Failed publickey for invalid user bob from 10.1.1.1 port 22 ssh2: RSA SHA256:def from 10.6.6.6 port 5 ssh2: RSA SHA256:abc",
			"login failure bob from 10.1.1.1 port 22 ssh2: RSA SHA256:def by ssh_key from 10.6.6.6 user_unknown",
		},
		{
			"Disconnecting authenticating user bob 10.6.6.6 port 5: Change of username or service not allowed: (bob,ssh-connection) -> (root 10.1.1.1 port 22: x,ssh-connection) [preauth]",
			"login failure bob by from 10.6.6.6 invalid_credentials",
		},
		{
			"Disconnecting invalid user x 10.1.1.1 port 22: y 10.6.6.6 port 5: Too many authentication failures [preauth]",
			"login failure x 10.1.1.1 port 22: y by from 10.6.6.6 user_unknown",
		},
	} {
		events, bad := parseMessageText(newParser(options()), hostile+test.in+"\n")
		require.Empty(t, bad, test.in)
		require.Equal(t, []string{test.want}, briefs(events), test.in)
	}
}

// A line that nobody's sshd wrote costs time in proportion to its length: the test ends, and tells what there is.
func TestHugeLines(t *testing.T) {
	for _, in := range []string{
		"Disconnecting invalid user " + strings.Repeat(": ", 1<<20), "Disconnecting authenticating user " + strings.Repeat(": ", 1<<20),
		"Failed publickey for " + strings.Repeat(" from  ssh2: ", 1<<18),
		"message repeated 999999999999999999 times: [ " + strings.Repeat("[", 1<<20), strings.Repeat("\x00", 1<<20),
	} {
		events, bad := parseMessageText(newParser(options()), hostile+in+"\n")
		require.Empty(t, bad)
		require.Zero(t, len(events), in[:30]) // the events would be printed whole
	}
	name := strings.Repeat("x\xff\x00 from ", 1<<17)
	events, bad := parseMessageText(newParser(options()), hostile+"Failed password for invalid user "+name+" from 10.6.6.6 port 5 ssh2\n")
	require.Empty(t, bad)
	require.Len(t, events, 1)
	require.Equal(t, name, events[0].User)
	require.Equal(t, "10.6.6.6", events[0].ClientAddress)
}

// Names that are not UTF-8 are the same after a restart: JSON, which the parser's state is, would change them.
func TestNamesThatAreNotUTF8SurviveARestart(t *testing.T) {
	const user = "\xc3(\xff\xed\xa0\x80"
	lines := []string{
		hostile + "Invalid user " + user + " from 10.6.6.6 port 5\n",
		hostile + "Connection closed by invalid user " + user + " 10.6.6.6 port 5 [preauth]\n",
	}
	first, batch := newParser(options()), &logformat.EventBatch{}
	require.NoError(t, first.Parse(lines[0], 0, batch))
	at, state := first.ResumeOffset(), first.ResumeState()
	second := newParser(options())
	require.NoError(t, second.Restore(at, state, false))
	require.NoError(t, second.Parse(lines[1], at, batch))
	require.Len(t, batch.Events, 1)
	require.Equal(t, user, batch.Events[0].User)
	whole, _ := parseMessageText(newParser(options()), lines[0]+lines[1])
	require.True(t, sessiontest.SameContent(&whole[0], &batch.Events[0]))
}

// A clock that jumps far ahead decides what was waiting: a user that was named and has not been let in has failed. What the log
// says of it after the jump back is another record. Logins and logouts are what they are.
func TestClocksThatJump(t *testing.T) {
	text := "Nov 21 22:03:47 vm sshd[1]: Invalid user x from 10.6.6.6 port 5\n" +
		"Nov 23 22:03:47 vm sshd[2]: Accepted password for bob from 10.6.6.6 port 6 ssh2\n" +
		"Nov 21 22:03:48 vm sshd[1]: Connection closed by invalid user x 10.6.6.6 port 5 [preauth]\n" +
		"Nov 21 22:03:49 vm sshd[2]: Disconnected from user bob 10.6.6.6 port 6\n"
	events, bad := parseMessageText(newParser(options()), text)
	require.Empty(t, bad)
	require.Equal(t, []string{
		"login failure x by from 10.6.6.6 user_unknown", "login success bob by password from 10.6.6.6",
		"login failure x by from 10.6.6.6 user_unknown", "logout success bob by from 10.6.6.6",
	}, briefs(events))
	require.Equal(t, events[1].SessionKey, events[3].SessionKey)
	require.NotEqual(t, events[0].RecordID, events[2].RecordID)
}

// When clocks go back, the lines of the second hour are in it.
func TestTheHourThatComesTwice(t *testing.T) {
	o := options()
	o.Written = time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC)
	var err error
	o.Zone, err = time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	p := newParser(o)
	const accepted = " vm sshd[1]: Accepted password for bob from 10.6.6.6 port 6 ssh2\n"
	events, bad := parseMessageText(p, "Oct 25 02:10:00"+accepted+"Oct 25 02:50:00"+accepted+"Oct 25 02:10:00"+accepted+"Oct 25 03:10:00"+accepted)
	require.Empty(t, bad)
	require.Len(t, events, 4)
	for i, want := range []string{"00:10", "00:50", "01:10", "02:10"} {
		require.Equal(t, want, time.Unix(0, events[i].Time).UTC().Format("15:04"))
	}
	require.Equal(t, 3, p.AmbiguousTimes())
}
