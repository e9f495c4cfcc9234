package redshiftlog

import (
	"bytes"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Formats are the audit logs of Redshift that hold authentication events.
func Formats() []logformat.Format {
	return []logformat.Format{{
		Name: "connectionlog", Aliases: []string{"redshift_connectionlog"}, Detect: detect,
		New: func(o logformat.Options) logformat.Parser { return newParser(o) },
	}}
}

// detect looks at the second field of the first line: no other log has its time.
func detect(head []byte, whole bool) logformat.Verdict {
	first, _, ended := bytes.Cut(head, []byte("\n"))
	fields := bytes.SplitN(first, []byte("|"), 3)
	switch {
	case len(fields) == 3:
		if _, ok := recordTime(strings.TrimSpace(string(fields[1]))); ok {
			return logformat.Yes
		}
	case !whole && !ended && len(first) < 200:
		return logformat.Wait
	}
	return logformat.No
}

// parser reads one connectionlog: a line is an event.
type parser struct {
	logformat.LineParser // it resumes at the first line of the millisecond at hand, from which lines that look alike are numbered

	mapper *Mapper
	object Object
	line   line
	row    Row

	millis int64
	any    bool
	cut    bool // the line before may have ended within its names
}

func newParser(o logformat.Options) *parser {
	sessions := o.Shared.LoadOrNew("redshift", func() any { return &recentKeys{} }).(*recentKeys)
	p := &parser{mapper: newMapper(o.Instance, sessions)}
	p.object, _ = ParseObjectName(o.Name)
	return p
}

func (p *parser) Parse(record string, offset int64, batch *logformat.EventBatch) error {
	if offset == 0 {
		record = strings.TrimPrefix(record, logformat.ByteOrderMark)
	}
	record = logformat.TrimLineEnd(record)
	if record == "" {
		return nil
	}
	sure, err := p.line.row(record, &p.row)
	if err != nil {
		p.cut = hasNames([]byte(record))
		return err
	}
	sure, p.cut = sure && !p.cut, false
	if millis := floor(p.row.Micros, 1000); !p.any || millis != p.millis {
		p.ResumeAt, p.millis, p.any = offset, millis, true
	}
	e := batch.Add()
	p.mapper.Event(&p.row, e)
	if !sure {
		e.Original = record // its names have pipes, or it may be a part of one: the reading is only the likeliest
	}
	p.place(e)
	return nil
}

// place adds what the object's name says. The cluster stands for the node: the leader writes the log.
func (p *parser) place(e *session.Event) {
	if p.object.Cluster == "" {
		return
	}
	e.Host = p.object.Cluster
	e.Extra = append(e.Extra, session.Attr{Key: "cloud.account.id", Value: p.object.Account}, session.Attr{Key: "cloud.region", Value: p.object.Region})
}

func (p *parser) Restore(offset int64, _ []byte, _ bool) error {
	p.ResumeAt, p.any, p.cut = offset, false, false
	p.mapper.Restart()
	return nil
}
