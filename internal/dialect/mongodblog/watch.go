package mongodblog

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// verdictWatch notices a log whose server does not write of logins, or not of the ends of connections.
type verdictWatch struct {
	conditions      logformat.Conditions // nil where nobody wants to know
	once            bool                 // what there is of the log is all that will be read
	first           int64                // time of the first line
	verdicts, quiet bool                 // these are raised
}

const (
	conditionVerdicts = "mongodb logins"
	verdictsAbsent    = "the log has had no login and no refused one so far: if clients do log in, they are missing. The default verbosity is enough; " +
		"let the server ask for logins (security.authorization: enabled), let systemLog.quiet be false, and in 6.0 and later let it write of them: " +
		"db.adminCommand({setParameter: 1, enableDetailedConnectionHealthMetricLogLines: true}), and setParameter of that name in mongod.conf"
	verdictsFound = "the log has logins"

	conditionQuiet = "mongodb connections"
	endsAbsent     = "the log has logins and not one connection that was accepted or ended: no logout is told. Set systemLog.quiet: false in mongod.conf, " +
		"or db.adminCommand({setParameter: 1, quiet: false})"
	endsFound = "the log has the beginnings and ends of connections"
)

// absentFor is how long a log may say nothing of logins before that is worth a word: an idle server has few.
const absentFor = 10 * time.Minute

func (w *verdictWatch) begin(at int64) {
	if w.first == 0 {
		w.first = at
	}
}

func (p *parser) sawVerdict() {
	p.connections.verdicts = true
	if p.watch.verdicts {
		p.watch.verdicts = false
		p.watch.conditions.Clear(conditionVerdicts, verdictsFound)
	}
}

func (p *parser) sawConnection() {
	p.connections.begins = true
	if p.watch.quiet {
		p.watch.quiet = false
		p.watch.conditions.Clear(conditionQuiet, endsFound)
	}
}

func (p *parser) LogTime() int64 { return p.last }

// FlushDue has no events to flush: it looks at what the log lacks, now that all that there is of it was read.
func (p *parser) FlushDue(now int64, _ *logformat.EventBatch) {
	w := &p.watch
	if w.conditions == nil || w.first == 0 || !w.once && now <= w.first+int64(absentFor) {
		return
	}
	switch {
	case !p.connections.verdicts:
		w.verdicts = true
		w.conditions.Raise(conditionVerdicts, verdictsAbsent)
	case !p.connections.begins:
		w.quiet = true
		w.conditions.Raise(conditionQuiet, endsAbsent)
	}
}
