// Package logformat is the contract between whoever has the text of a log (a file source, an encoding extension) and
// those who know what the text means. A parser reads records and adds events; it never sees a file, a compression or a
// cursor.
package logformat

import (
	"errors"
	"time"
)

// Format is one kind of text that holds authentication events. It has no state; a [Parser] has.
type Format struct {
	Name    string   // as its maker spells it: JSONEachRow
	Aliases []string // other spellings of the same
	// Detect says whether a text that begins with head (without its byte order mark) has this format. whole says that
	// head is all there is, so that Wait is no answer.
	Detect func(head []byte, whole bool) Verdict
	// New makes the parser of one text.
	New func(Options) Parser
	// ClearTimes says how to let the log carry times that mean one moment each, for texts of which [Parser.AmbiguousTimes] is not 0.
	ClearTimes string
	// DecidesByTime says that [Parser.FlushDue] must be called: an event may be held back until later records, or the mere passing
	// of time, decide what it was.
	DecidesByTime bool
	// LineMayContinue says that only what follows a line may show whether it was all of its record. What ends with a line is taken
	// for whole, however much more [Parser.Frame] wants to see, where nothing follows.
	LineMayContinue bool
}

// Verdict is what [Format.Detect] says of the beginning of a text.
type Verdict uint8

// The verdicts.
const (
	VerdictNo Verdict = iota
	VerdictYes
	VerdictWait // too little to decide
)

// Options are what a text does not say of itself.
type Options struct {
	Instance string         // the stable name of the server or cluster, part of every id
	Zone     *time.Location // of the times that carry none; nil when nobody said
	Name     string         // of the text: a path or an object's key, as far as there is one
	// Written is when the text was last written, for times without a year; zero when nobody knows.
	Written time.Time
	// LinePrefix is PostgreSQL's log_line_prefix; empty means one of those that servers come with.
	LinePrefix string
	// DecideAfter is how long an event is held back that a later record may turn into its contrary; 0 is ten seconds.
	DecideAfter time.Duration
	// Shared is what the parsers of one source have in common; nil for a parser on its own.
	Shared *SharedState
	// Once says that what there is of all texts is read once, and nothing that comes later.
	Once bool
	// Conditions receives what a text as a whole lacks; nil where nobody wants to know.
	Conditions Conditions
}

// Conditions receives what holds of a log for as long as it lasts: that its server does not write of logins at all. Raise is called as
// often as the parser notices, Clear when it is over. Neither may hold a value of a record. Package conditionlog bounds what is logged.
type Conditions interface {
	Raise(condition, message string)
	Clear(condition, message string)
}

// SharedState lets the parsers of several texts of one server know the same things: the lines of one connection may be on
// both sides of a rotation. Parsers that share are used by one goroutine at a time.
type SharedState struct{ values map[string]any }

// LoadOrNew gives what a format keeps under this name, made at its first call.
func (s *SharedState) LoadOrNew(name string, newValue func() any) any {
	if s == nil {
		return newValue()
	}
	value, ok := s.values[name]
	if !ok {
		if s.values == nil {
			s.values = map[string]any{}
		}
		value = newValue()
		s.values[name] = value
	}
	return value
}

// InUse says whether a parser shares anything. The [Parser.ResumeState] of the latest cursor then knows what all of them know;
// an earlier one, of another text, is out of date.
func (s *SharedState) InUse() bool { return s != nil && len(s.values) > 0 }

// Parser reads one text from its beginning, or from where another parser of the same text was. A simple one embeds [LineParser]
// and writes Parse. It is not safe for concurrent use.
type Parser interface {
	// Frame gives the length of the first record of data, line end included, or 0 when data does not hold it wholly. It may be
	// asked again about the same record with more data. Where final says that no more will come it is 0 only for no data.
	Frame(data []byte, final bool) int
	// Parse reads one record, which may lack its line end, and adds its events to batch. offset is the record's place in the
	// text, in bytes. Records come in order, each once. Strings of the events may be parts of record.
	//
	// An error says that the record cannot be read: it is counted, and the next one follows. An error that [IsRefusal]
	// says that this text cannot be read at all, with these options.
	Parse(record string, offset int64, batch *EventBatch) error
	// ResumeOffset is where a new parser must start for the events after the last record to come out the same: the place of a
	// record. The new parser gives the events since then once more.
	ResumeOffset() int64
	// ResumeState is what a new parser must know to start at ResumeOffset. Its size may be that of all texts that share.
	ResumeState() []byte
	// Restore makes a new parser ready to go on at an offset, with the state that belongs to it. textGone says that no record of
	// the state's text will be read again, so that nothing else says what began in it.
	Restore(offset int64, state []byte, textGone bool) error
	// AmbiguousTimes counts the events so far whose time is one of two that the text may mean: it was in the hour that a
	// clock going back shows twice.
	AmbiguousTimes() int
	// LogTime is the time of the last record, of whichever text that shares with this one, in nanoseconds since 1970 UTC; 0 when
	// that is not known. It is the log's own clock, which need not go as that of this machine does.
	LogTime() int64
	// FlushDue adds the events that are decided because the log's clock is at logTime, and no record came that says
	// otherwise. It is called when all that there is of the text has been parsed: logTime is [Parser.LogTime] and for how long
	// there has been nothing more. ResumeOffset may move by it.
	FlushDue(logTime int64, batch *EventBatch)
}

// LineParser is what most parsers embed: each line is a record, and nothing is remembered but how far the text was read.
type LineParser struct {
	ResumeAt int64 // Parse sets it, mostly to what follows its record
}

// Frame is part of [Parser].
func (*LineParser) Frame(data []byte, final bool) int {
	if n := FirstLineLength(data); n > 0 || !final {
		return n
	}
	return len(data)
}

// ResumeOffset is part of [Parser].
func (p *LineParser) ResumeOffset() int64 { return p.ResumeAt }

// ResumeState is part of [Parser].
func (*LineParser) ResumeState() []byte { return nil }

// Restore is part of [Parser].
func (p *LineParser) Restore(offset int64, _ []byte, _ bool) error {
	p.ResumeAt = offset
	return nil
}

// AmbiguousTimes is part of [Parser].
func (*LineParser) AmbiguousTimes() int { return 0 }

// LogTime is part of [Parser].
func (*LineParser) LogTime() int64 { return 0 }

// FlushDue is part of [Parser].
func (*LineParser) FlushDue(int64, *EventBatch) {}

// NewRefusal makes an error that [IsRefusal]: its text names what is missing and the remedy.
func NewRefusal(text string) error { return &refusalError{text} }

// IsRefusal says whether an error of [Parser.Parse] concerns the whole text.
func IsRefusal(err error) bool {
	if err == nil { // most rows: what follows allocates
		return false
	}
	var r *refusalError
	return errors.As(err, &r)
}

type refusalError struct{ text string }

func (r *refusalError) Error() string { return r.text }
