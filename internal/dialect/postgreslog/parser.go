package postgreslog

import (
	"errors"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

var (
	errTime    = errors.New("not a time as PostgreSQL logs it: 2026-11-21 21:47:39.355 UTC")
	errSession = errors.New("no session id of the form 6b02117b.1b7c")
	errMessage = errors.New("a message about a connection that is not worded as PostgreSQL words it")
)

// Formats are PostgreSQL's log_destination formats. jsonlog exists since version 15.
func Formats() []logformat.Format {
	return []logformat.Format{
		{
			Name: "jsonlog", Aliases: []string{"postgresql_jsonlog"}, Detect: detectJSON,
			New:        func(o logformat.Options) logformat.Parser { return newParser(o, &jsonFormat{}) },
			ClearTimes: "set log_timezone = 'UTC' in postgresql.conf",
		},
		{
			Name: "csvlog", Aliases: []string{"postgresql_csvlog"}, Detect: detectCSV,
			New:        func(o logformat.Options) logformat.Parser { return newParser(o, &csvFormat{}) },
			ClearTimes: "set log_timezone = 'UTC' in postgresql.conf",
		},
		{
			Name: "stderr", Aliases: []string{"postgresql_stderr"}, Detect: detectStderr,
			New:        func(o logformat.Options) logformat.Parser { return newParser(o, newStderr(o.LinePrefix)) },
			ClearTimes: "set log_timezone = 'UTC' in postgresql.conf",
		},
	}
}

// format is what differs: how a text is cut into records, and a record into the parts of a line.
type format interface {
	frame(data []byte) int
	// read fills the line from a record. ok is false where the record is of no concern; its time counts nevertheless.
	read(record string, clock *localtime.Clock, l *Line) (ok bool, err error)
}

// parser reads one text and feeds the assembler that it may share with others.
type parser struct {
	format    format
	clock     localtime.Clock
	assembler *Assembler
	text      *Text
	line      Line
	end       int64 // behind the last record
}

func newParser(o logformat.Options, f format) *parser {
	assembler := o.Shared.Thing("postgresql", func() any {
		a := NewAssembler(o.Instance, o.DecideAfter)
		a.watch.conditions, a.watch.once = o.Conditions, o.Once
		return a
	}).(*Assembler)
	return &parser{format: f, clock: localtime.New(o.Zone), assembler: assembler, text: &Text{}}
}

func (p *parser) Frame(data []byte) int { return p.format.frame(data) }

// LooksAhead is part of [logformat.Ahead].
func (p *parser) LooksAhead() bool {
	_, ahead := p.format.(*stderrFormat)
	return ahead
}

func (p *parser) Doubtful() int { return p.clock.Doubtful() }

func (p *parser) Parse(record string, at int64, page *logformat.Page) error {
	p.end = at + int64(len(record))
	record = logformat.TrimLineEnd(record)
	if at == 0 && len(record) >= len(logformat.ByteOrderMark) && record[:len(logformat.ByteOrderMark)] == logformat.ByteOrderMark {
		record = record[len(logformat.ByteOrderMark):]
	}
	if record == "" {
		return nil
	}
	p.line = Line{}
	ok, err := p.format.read(record, &p.clock, &p.line)
	switch {
	case errors.Is(err, localtime.ErrNoZone):
		return logformat.Refuse("the times of this log carry the abbreviation of a zone, which says too little, and key `timezone` is not set: " +
			"write the server's zone there, as SHOW log_timezone names it")
	case err != nil:
		return err
	case !ok:
		return nil
	case !p.assembler.Add(&p.line, p.text, at, page):
		return errMessage
	}
	return nil
}

// Anchor is the first line of this text that belongs to a connection without verdict.
func (p *parser) Anchor() (int64, []byte) {
	return p.AnchorPlace(), p.assembler.State(p.text)
}

// AnchorPlace is part of [logformat.AnchorPlacer].
func (p *parser) AnchorPlace() int64 {
	if at, any := p.assembler.Undecided(p.text); any {
		return at
	}
	return p.end
}

func (p *parser) Restore(at int64, state []byte) error {
	p.end = at
	return p.assembler.Restore(state, false)
}

// Inherit is part of [logformat.Heir].
func (p *parser) Inherit(state []byte) error { return p.assembler.Restore(state, true) }

// Clock is part of [logformat.Settler].
func (p *parser) Clock() int64 { return p.assembler.Clock() }

func (p *parser) Settle(now int64, page *logformat.Page) { p.assembler.Settle(now, page) }
