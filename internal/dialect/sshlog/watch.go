package sshlog

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// lineWatch detects a log without lines of sshd, whose logins are then missing.
type lineWatch struct {
	conditions logformat.Conditions // nil: not reported
	once       bool                 // the log is read once and not followed
	firstTime  int64                // time of the first line that was read
	raised     bool
}

const (
	conditionLines = "sshd"
	linesAbsent    = "the log has had no line of sshd so far: if clients do connect, their logins are missing. Read the log that sshd writes to, auth.log or secure with key `include`, " +
		"or the journal with the source `journald`; export the journal with sshd's entries, as `journalctl -t sshd -t sshd-session -t sshd-auth -o json --all` does; and write `LogLevel INFO` or more in sshd_config"
	linesFound = "the log has lines of sshd"
)

// serverLineTimeout is how long a log may have no line of sshd before that is reported.
const serverLineTimeout = 10 * time.Minute

func (p *Parser) noteServerLine() {
	p.connections.serverLines = true
	if p.serverLineWatch.raised {
		p.serverLineWatch.raised = false
		p.serverLineWatch.conditions.Clear(conditionLines, linesFound)
	}
}

func (p *Parser) checkServerLines(now int64) {
	w := &p.serverLineWatch
	switch {
	case w.conditions == nil || w.firstTime == 0 || p.connections.serverLines:
	case w.once || now > w.firstTime+int64(serverLineTimeout):
		w.raised = true
		w.conditions.Raise(conditionLines, linesAbsent)
	}
}
