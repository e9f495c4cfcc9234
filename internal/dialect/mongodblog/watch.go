package mongodblog

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// missingRecordsWatch detects a server that logs no logins, or no connections.
type missingRecordsWatch struct {
	conditions                        logformat.Conditions // nil: not reported
	once                              bool                 // the log is read once and not followed
	firstTime                         int64                // time of the first line
	verdictsRaised, connectionsRaised bool                 // these are raised
}

const (
	conditionVerdicts = "mongodb logins"
	verdictsAbsent    = "the log has had no login and no refused one so far: if clients do log in, they are missing. The default verbosity is enough; " +
		"let the server ask for logins (security.authorization: enabled), let systemLog.quiet be false, and in 6.0 and later let it write of them: " +
		"db.adminCommand({setParameter: 1, enableDetailedConnectionHealthMetricLogLines: true}), and setParameter of that name in mongod.conf"
	verdictsFound = "the log has logins"

	conditionQuiet = "mongodb connections"
	endsAbsent     = "the log has logins and not one connection that was accepted or ended: logouts are missing. Set systemLog.quiet: false in mongod.conf, " +
		"or db.adminCommand({setParameter: 1, quiet: false})"
	endsFound = "the log has the beginnings and ends of connections"
)

// verdictTimeout is how long a log may have no login before that is reported: an idle server has few.
const verdictTimeout = 10 * time.Minute

func (w *missingRecordsWatch) setFirstTime(at int64) {
	if w.firstTime == 0 {
		w.firstTime = at
	}
}

func (p *recordParser) noteVerdict() {
	p.connections.hasVerdicts = true
	if p.loggingWatch.verdictsRaised {
		p.loggingWatch.verdictsRaised = false
		p.loggingWatch.conditions.Clear(conditionVerdicts, verdictsFound)
	}
}

func (p *recordParser) noteConnection() {
	p.connections.hasConnections = true
	if p.loggingWatch.connectionsRaised {
		p.loggingWatch.connectionsRaised = false
		p.loggingWatch.conditions.Clear(conditionQuiet, endsFound)
	}
}

func (p *recordParser) LogTime() int64 { return p.lastTime }

// FlushDue has no events to flush: it checks what the log lacks, now that it was read to its end.
func (p *recordParser) FlushDue(now int64, _ *logformat.EventBatch) {
	w := &p.loggingWatch
	if w.conditions == nil || w.firstTime == 0 || !w.once && now <= w.firstTime+int64(verdictTimeout) {
		return
	}
	switch {
	case !p.connections.hasVerdicts:
		w.verdictsRaised = true
		w.conditions.Raise(conditionVerdicts, verdictsAbsent)
	case !p.connections.hasConnections:
		w.connectionsRaised = true
		w.conditions.Raise(conditionQuiet, endsAbsent)
	}
}
