package redshiftlog

import (
	"bytes"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Formats are the audit logs of Redshift that hold authentication events.
func Formats() []logformat.Format {
	return []logformat.Format{{
		Name: "connectionlog", Aliases: []string{"redshift_connectionlog"}, Detect: detectFormat,
		New: func(o logformat.Options) logformat.Parser { return newLineParser(o) },
	}}
}

func detectFormat(head []byte, whole bool) logformat.Verdict {
	first, _, ended := bytes.Cut(head, []byte("\n"))
	fields := bytes.SplitN(first, []byte("|"), 3)
	switch {
	case len(fields) == 3:
		if _, ok := parseRecordTime(strings.TrimSpace(string(fields[1]))); ok {
			return logformat.VerdictYes
		}
	case !whole && !ended && len(first) < 200:
		return logformat.VerdictWait
	}
	return logformat.VerdictNo
}

type lineParser struct {
	logformat.LineParser // it resumes at the first line of the current millisecond, from which equal lines are numbered

	mapper *Mapper
	object Object
	line   recordLine
	row    Row

	millis        int64
	hasMillis     bool
	afterTornLine bool // the line before may be cut within its names
}

func newLineParser(o logformat.Options) *lineParser {
	p := &lineParser{mapper: NewMapper(o.Instance)}
	p.object, _ = ParseObjectName(o.Name)
	return p
}

func (p *lineParser) Parse(record string, offset int64, batch *logformat.EventBatch) error {
	if record = logformat.RecordText(record, offset); record == "" {
		return nil
	}
	sure, err := p.line.readRecordRow(record, &p.row)
	if err != nil {
		p.afterTornLine = hasNameFields([]byte(record))
		return err
	}
	sure, p.afterTornLine = sure && !p.afterTornLine, false
	if millis := time.UnixMicro(p.row.Micros).UnixMilli(); !p.hasMillis || millis != p.millis {
		p.ResumeAt, p.millis, p.hasMillis = offset, millis, true
	}
	e := batch.Add()
	p.mapper.Event(&p.row, e)
	if !sure {
		e.Original = record // its names have pipes, or it may be a part of a name: the reading is only the likeliest
	}
	p.addObjectName(e)
	return nil
}

func (p *lineParser) addObjectName(e *session.Event) {
	if p.object.Cluster == "" {
		return
	}
	e.Host = p.object.Cluster // the leader node writes the log
	e.Extra = append(e.Extra, session.Attr{Key: "cloud.account.id", Value: p.object.Account}, session.Attr{Key: "cloud.region", Value: p.object.Region})
}

func (p *lineParser) Restore(offset int64, _ []byte, _ bool) error {
	p.ResumeAt, p.hasMillis, p.afterTornLine = offset, false, false
	p.mapper.Restart()
	return nil
}
