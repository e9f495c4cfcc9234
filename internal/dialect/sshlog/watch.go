package sshlog

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// lineWatch notices a log into which no sshd writes: then none of its logins is told.
type lineWatch struct {
	conditions logformat.Conditions // nil where nobody wants to know
	once       bool                 // what there is of the log is all that will be read
	first      int64                // time of the first line that was read
	raised     bool
}

const (
	conditionLines = "sshd"
	linesAbsent    = "the log has had no line of sshd so far: if clients do connect, their logins are missing. Read the log that sshd writes to, auth.log or secure with key `include`, " +
		"or the journal with the source `journald`; export the journal with sshd's entries, as `journalctl -t sshd -t sshd-session -t sshd-auth -o json --all` does; and write `LogLevel INFO` or more in sshd_config"
	linesFound = "the log has lines of sshd"
)

// absentFor is how long a log may have no line of sshd before that is worth a word: one who writes to it writes seldom.
const absentFor = 10 * time.Minute

// sawServerLine is called for each line of sshd's.
func (p *Parser) sawServerLine() {
	p.known.serverLines = true
	if p.watch.raised {
		p.watch.raised = false
		p.watch.conditions.Clear(conditionLines, linesFound)
	}
}

// checkServerLines looks at a log to whose end all was read.
func (p *Parser) checkServerLines(now int64) {
	w := &p.watch
	switch {
	case w.conditions == nil || w.first == 0 || p.known.serverLines:
	case w.once || now > w.first+int64(absentFor):
		w.raised = true
		w.conditions.Raise(conditionLines, linesAbsent)
	}
}
