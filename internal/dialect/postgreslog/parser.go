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
	formats := []logformat.Format{
		{
			Name: "jsonlog", Aliases: []string{"postgresql_jsonlog"}, Detect: detectJSONLog,
			New: func(o logformat.Options) logformat.Parser { return newTextParser(o, "jsonlog", &jsonFormat{}) },
		},
		{
			Name: "csvlog", Aliases: []string{"postgresql_csvlog"}, Detect: detectCSVLog,
			New: func(o logformat.Options) logformat.Parser { return newTextParser(o, "csvlog", &csvFormat{}) },
		},
		{
			Name: "stderr", Aliases: []string{"postgresql_stderr"}, Detect: detectStderr,
			New: func(o logformat.Options) logformat.Parser {
				return newTextParser(o, "stderr", newStderrFormat(o.LinePrefix))
			},
			LineMayContinue: true,
		},
	}
	for i := range formats {
		formats[i].DecidesByTime, formats[i].ClearTimes = true, "set log_timezone = 'UTC' in postgresql.conf"
	}
	return formats
}

// lineFormat is what differs: how a text is cut into records, and a record into the parts of a line.
type lineFormat interface {
	frameLength(data []byte) int
	// read fills the line from a record. ok is false where the record is of no concern; its time counts nevertheless.
	readLine(record string, clock *localtime.Clock, l *Line) (ok bool, err error)
}

// textParser reads one text and feeds the assembler that it may share with others.
type textParser struct {
	logformat.LineParser
	name      string // of the format
	format    lineFormat
	clock     localtime.Clock
	assembler *Assembler
	text      *TextState
	line      Line
}

func newTextParser(o logformat.Options, name string, f lineFormat) *textParser {
	assembler := o.Shared.LoadOrNew("postgresql", func() any {
		a := NewAssembler(o.Instance, o.DecideAfter)
		a.watch.conditions, a.watch.once = o.Conditions, o.Once
		return a
	}).(*Assembler)
	return &textParser{name: name, format: f, clock: localtime.New(o.Zone), assembler: assembler, text: &TextState{}}
}

func (p *textParser) Frame(data []byte, final bool) int {
	return logformat.FrameToEnd(p.format.frameLength, data, final)
}

func (p *textParser) AmbiguousTimes() int { return p.clock.AmbiguousTimes() }

func (p *textParser) Parse(record string, offset int64, batch *logformat.EventBatch) error {
	p.ResumeAt = offset + int64(len(record))
	if record = logformat.RecordText(record, offset); record == "" {
		return nil
	}
	p.line = Line{}
	ok, err := p.format.readLine(record, &p.clock, &p.line)
	switch {
	case errors.Is(err, localtime.ErrNoZone):
		return logformat.NewRefusal("the times of this log carry the abbreviation of a zone, which says too little, and key `timezone` is not set: " +
			"write the server's zone there, as SHOW log_timezone names it")
	case err != nil:
		return err
	case !ok:
		return nil
	case !p.assembler.AddLine(&p.line, p.text, offset, batch):
		return errMessage
	}
	p.assembler.watch.noteFormat(p.name, &p.line)
	return nil
}

// ResumeOffset is the first line of this text that belongs to a connection without verdict.
func (p *textParser) ResumeOffset() int64 {
	if at, any := p.assembler.FirstUndecided(p.text); any {
		return at
	}
	return p.ResumeAt
}

func (p *textParser) ResumeState() []byte { return p.assembler.SaveState(p.text) }

func (p *textParser) Restore(offset int64, state []byte, textGone bool) error {
	p.ResumeAt = offset
	return p.assembler.Restore(state, textGone)
}

func (p *textParser) LogTime() int64 { return p.assembler.LogTime() }

func (p *textParser) FlushDue(logTime int64, batch *logformat.EventBatch) {
	p.assembler.FlushDue(logTime, batch)
}
