// Package export reads what ClickHouse exports of system.session_log: SELECT … FORMAT JSONEachRow,
// JSONCompactEachRowWithNames, CSVWithNames or TSVWithNames, with or without the line of types, in every spelling that the
// server's output_format settings give to a value. The same row has the same record id, and is the same event, as over SQL.
//
// Texts are kept as they are, bytes that are not UTF-8 too. Only half a surrogate pair in JSON, which no server writes,
// becomes U+FFFD.
//
// Order: rows with one microsecond whose ids would be equal are distinguished by their number among their neighbours, so an
// export must not scatter the rows of one microsecond: ORDER BY event_time_microseconds (or none) is right.
package export

import (
	"errors"
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/quotedtext"
)

// exportParser reads one export. Each format has its own split function.
type exportParser struct {
	logformat.LineParser // it resumes at the first row of the current timestamp: rows of one timestamp are numbered from there

	split func(p *exportParser, record string) (row bool, err error)
	frame func(data []byte) int

	mapper           *clickhouselog.Mapper
	clock            serverClock
	jsonTexts        textDecoder
	csvTexts         textDecoder
	backslashTexts   textDecoder
	certificateTimes textDecoder

	startsWithNames bool                    // the format begins with a line of names
	header          []*exportField          // the columns in that order
	typeCell        int                     // which of them is type
	cells           []rowCell               // the current row
	previousKeys    []knownKey              // JSONEachRow: the keys of the row before, which are those of this one
	fields          map[string]*exportField // JSONEachRow: all keys seen

	row                    clickhouselog.Row
	seenColumns            uint8  // bits of the columns that the row has
	microsText, secondText string // its time as text
	arrayAsText            bool   // it has an array inside a string: a format whose values are all strings

	resumeBefore int64 // time of the row before ResumeAt, microseconds
	previousTime int64 // and of the row before the next one
	hasPrevious  bool  // there is one
}

func newExportParser(o logformat.Options, split func(*exportParser, string) (bool, error), frame func([]byte) int) *exportParser {
	return &exportParser{
		split:            split,
		frame:            frame,
		mapper:           clickhouselog.NewMapper(o.Instance),
		clock:            newServerClock(o.Zone),
		jsonTexts:        textDecoder{decode: quotedtext.AppendJSON},
		csvTexts:         textDecoder{decode: quotedtext.AppendCSV},
		backslashTexts:   textDecoder{decode: unescapeBackslashes},
		certificateTimes: textDecoder{decode: appendRFC3339},
	}
}

func (p *exportParser) Frame(data []byte, final bool) int {
	return logformat.FrameToEnd(p.frame, data, final)
}

func (p *exportParser) AmbiguousTimes() int { return p.clock.local.AmbiguousTimes() }

func (p *exportParser) Parse(record string, offset int64, batch *logformat.EventBatch) error {
	p.resetRow()
	row, err := p.split(p, logformat.RecordText(record, offset))
	if err != nil && p.startsWithNames && p.header == nil {
		return errNames
	}
	if err != nil || !row {
		return err
	}
	if missing := requiredColumns &^ p.seenColumns; missing != 0 {
		return errMissing(missing)
	}
	if p.row.Micros, err = p.rowTimeMicros(); err != nil {
		return err
	}
	if !p.hasPrevious || p.row.Micros != p.previousTime {
		p.ResumeAt, p.resumeBefore = offset, p.previousTime
	}
	p.previousTime, p.hasPrevious = p.row.Micros, true
	p.mapper.Event(&p.row, batch.Add())
	return nil
}

func errMissing(bits uint8) error {
	if bits&typeBit != 0 {
		return errors.New("column type is missing")
	}
	return errors.New("column auth_id is missing")
}

func (p *exportParser) resetRow() {
	r := &p.row
	profiles, roles, settings, extra, subjects := r.Profiles[:0], r.Roles[:0], r.Settings[:0], r.Extra[:0], r.Certificate.Subjects[:0]
	*r = clickhouselog.Row{} // in place, as session.Event.Reset does it
	r.Profiles, r.Roles, r.Settings, r.Extra, r.Certificate.Subjects, r.UserNull = profiles, roles, settings, extra, subjects, true
	p.seenColumns, p.microsText, p.secondText, p.arrayAsText = 0, "", "", false
}

func (p *exportParser) rowTimeMicros() (int64, error) {
	name, text := "event_time_microseconds", p.microsText
	if text == "" {
		name, text = "event_time", p.secondText
	}
	if text == "" {
		return 0, errors.New("columns event_time_microseconds and event_time are missing")
	}
	micros, err := p.clock.parseTimeMicros(text, p.previousTime)
	if err == nil {
		_, err = localtime.UnixNanos(micros/1e6, 0)
	}
	if errors.Is(err, localtime.ErrNoZone) {
		return 0, logformat.NewRefusal("the times of this export carry no zone, and key `timezone` is not set: write the zone of the server there, " +
			"as SELECT serverTimezone() names it, or export with SETTINGS date_time_output_format = 'iso'")
	}
	if err != nil {
		return 0, fmt.Errorf("column %s: %w", name, err)
	}
	return micros, nil
}

// resumeState is the state at ResumeAt.
type resumeState struct {
	Columns []string
	Before  int64
}

func (p *exportParser) ResumeState() []byte {
	s := resumeState{Before: p.resumeBefore}
	for _, f := range p.header {
		s.Columns = append(s.Columns, f.name)
	}
	return logformat.EncodeState(s)
}

func (p *exportParser) Restore(offset int64, text []byte, _ bool) error {
	var s resumeState
	if err := logformat.DecodeState(text, &s); err != nil {
		return err
	}
	p.ResumeAt, p.resumeBefore, p.previousTime = offset, s.Before, s.Before
	if len(s.Columns) == 0 {
		return nil
	}
	return p.setHeaderColumns(s.Columns)
}

func (p *exportParser) findField(name string) *exportField {
	if f, ok := p.fields[name]; ok {
		return f
	}
	// An export with ever new names would grow the map.
	if p.fields == nil || len(p.fields) >= maxDecodedTexts {
		p.fields = map[string]*exportField{}
	}
	f := newExportField(strings.Clone(name))
	p.fields[f.name] = f
	return f
}

// restoreNullUser is for formats whose values are all strings, NULL included.
func (p *exportParser) restoreNullUser() {
	if p.arrayAsText && p.row.User == nullSymbol {
		p.row.User, p.row.UserNull = "", true
	}
}
