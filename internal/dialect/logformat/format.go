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
	// Detect tells whether a text that begins with head (without its byte order mark) has this format. whole says that
	// head is all there is, so that Wait is no answer.
	Detect func(head []byte, whole bool) Verdict
	// New makes the parser of one text.
	New func(Options) Parser
	// ClearTimes says how to let the log carry times that mean one moment each, for texts of which [Parser.Doubtful] is not 0.
	ClearTimes string
}

// Verdict is what [Format.Detect] says of the beginning of a text.
type Verdict uint8

// The verdicts.
const (
	No Verdict = iota
	Yes
	Wait // too little to tell
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
	Shared *Shared
	// Once says that what there is of all texts is read once, and nothing that comes later.
	Once bool
	// Conditions is told what a text as a whole lacks; nil where nobody wants to know.
	Conditions Conditions
}

// Conditions receives what holds of a log for as long as it lasts: that its server does not write of logins at all. Raise is called as
// often as the parser notices, Clear when it is over. Neither may hold a value of a record. Package conditionlog bounds what is logged.
type Conditions interface {
	Raise(condition, message string)
	Clear(condition, message string)
}

// Shared lets the parsers of several texts of one server know the same things: the lines of one connection may stand on
// both sides of a rotation. Parsers that share are used by one goroutine at a time.
type Shared struct{ things map[string]any }

// Thing gives what a format keeps under this name, made at its first call.
func (s *Shared) Thing(name string, newThing func() any) any {
	if s == nil {
		return newThing()
	}
	thing, ok := s.things[name]
	if !ok {
		if s.things == nil {
			s.things = map[string]any{}
		}
		thing = newThing()
		s.things[name] = thing
	}
	return thing
}

// Used tells whether a parser shares anything. Of such parsers the state at the latest anchor knows what all of them know;
// that of an earlier one, of another text, is out of date.
func (s *Shared) Used() bool { return s != nil && len(s.things) > 0 }

// Parser reads one text from its beginning, or from where another parser of the same text stood. It is not safe for
// concurrent use.
type Parser interface {
	// Frame gives the length of the first record of data, line end included, or 0 when data does not hold it wholly. It
	// may be asked again about the same record with more data.
	Frame(data []byte) int
	// Parse reads one record, which may lack its line end, and adds what it tells to page. at is the record's place in
	// the text, in bytes. Records come in order, each once. Strings of the events may be parts of record.
	//
	// An error says that the record cannot be read: it is counted, and the next one follows. An error that [IsRefusal]
	// says that this text cannot be read at all, with these options.
	Parse(record string, at int64, page *Page) error
	// Anchor is where a new parser must start for the events after the last record to come out the same: the place of a
	// record, and what [Parser.Restore] needs to know. The new parser gives the events since the anchor once more.
	Anchor() (at int64, state []byte)
	// Restore makes a new parser ready to go on at an anchor.
	Restore(at int64, state []byte) error
	// Doubtful counts the events so far whose time is one of two that the text may mean: it stood in the hour that a
	// clock going back shows twice.
	Doubtful() int
}

// Settler is a [Parser] that may hold back an event until later records, or the mere passing of time, decide what it was.
type Settler interface {
	Parser
	// Clock is the time of the last record, of whichever text that shares with this one, in nanoseconds since 1970 UTC; 0 when
	// that is not known. It is the log's own clock, which need not go as that of this machine does.
	Clock() int64
	// Settle adds the events that are decided because the log's clock stands at now, and no record came that says otherwise. It
	// is called when all that there is of the text has been parsed: now is [Settler.Clock] and for how long there has been
	// nothing more. The anchor may move by it.
	Settle(now int64, page *Page)
}

// Finisher is a [Parser] that frames the end of a text in another way than a part of it: where more may come it waits for the
// rest of a record that goes over several lines.
type Finisher interface {
	Parser
	// FrameLast is Frame of data of which no more will come. It is 0 only where there is no data.
	FrameLast(data []byte) int
}

// Ahead is a [Parser] of a format in which only what follows a line may show whether it was all of its record.
type Ahead interface {
	Parser
	// LooksAhead tells that what ends with a line has whole records, however much more [Parser.Frame] wants to see: [Next] gives
	// them where nothing follows.
	LooksAhead() bool
}

// AnchorPlacer is a [Parser] that gives the place of its [Parser.Anchor] without the state, whose size may be that of all texts
// that share.
type AnchorPlacer interface {
	Parser
	AnchorPlace() int64
}

// Heir is a [Parser] that can do with what another one's state knows of a text that is gone.
type Heir interface {
	Parser
	// Inherit adds what the state knows, as of a text of which no record will be read again.
	Inherit(state []byte) error
}

// Refuse makes an error that [IsRefusal]: its text names what is missing and the remedy.
func Refuse(text string) error { return &refusal{text} }

// IsRefusal tells whether an error of [Parser.Parse] concerns the whole text.
func IsRefusal(err error) bool {
	if err == nil { // most rows: what follows allocates
		return false
	}
	var r *refusal
	return errors.As(err, &r)
}

type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }
