// Package export reads what ClickHouse exports of system.session_log: SELECT … FORMAT JSONEachRow,
// JSONCompactEachRowWithNames, CSVWithNames or TSVWithNames, with or without the line of types, in every spelling that the
// server's output_format settings give to a value. The same row has the same record id, and is the same event, as over SQL.
//
// Texts are told as they stand, bytes that are not UTF-8 too. Only half a surrogate pair in JSON, which no server writes,
// becomes U+FFFD.
//
// Order: rows with one microsecond whose ids would be equal are told apart by their number among their neighbours, so an
// export must not scatter the rows of one microsecond: ORDER BY event_time_microseconds (or none) is right.
package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// parser reads one export. What its formats share is here; each brings the splitting of its records into cells.
type parser struct {
	logformat.LineParser // it resumes at the first row of the timestamp at hand: rows of one timestamp are numbered from there

	split func(p *parser, record string) (row bool, err error)
	frame func(data []byte) int

	mapper    *clickhouselog.Mapper
	clock     clock
	json      texts
	doubled   texts
	backslash texts
	certTimes texts

	named    bool              // the format begins with a line of names
	header   []*field          // the columns in that order
	typeCell int               // which of them is type
	cells    []cell            // the row at hand
	order    []keyed           // JSONEachRow: the keys of the row before, which are those of this one
	fields   map[string]*field // JSONEachRow: all keys seen

	row            clickhouselog.Row
	seen           uint32 // bits of the columns that the row has
	micros, second string // its time as it stands
	arrayAsText    bool   // it has an array inside a string: a format whose values are all strings

	resumeBefore int64 // time of the row before ResumeAt, microseconds
	before       int64 // and of the row before the next one
	any          bool  // there is one
}

func newParser(o logformat.Options, split func(*parser, string) (bool, error), frame func([]byte) int) *parser {
	return &parser{
		split:     split,
		frame:     frame,
		mapper:    clickhouselog.NewMapper(o.Instance),
		clock:     newClock(o.Zone),
		json:      texts{decode: jsonText},
		doubled:   texts{decode: doubledText},
		backslash: texts{decode: backslashText},
		certTimes: texts{decode: rfc3339},
	}
}

func (p *parser) Frame(data []byte, final bool) int {
	return logformat.FrameToEnd(p.frame, data, final)
}

func (p *parser) AmbiguousTimes() int { return p.clock.local.AmbiguousTimes() }

const needed = 1<<eventType | 1<<authID

// Parse reads one line: a row, or one of those around the rows.
func (p *parser) Parse(record string, offset int64, batch *logformat.EventBatch) error {
	p.reset()
	if offset == 0 {
		record = strings.TrimPrefix(record, logformat.ByteOrderMark)
	}
	row, err := p.split(p, logformat.TrimLineEnd(record))
	if err != nil && p.named && p.header == nil {
		return errNames
	}
	if err != nil || !row {
		return err
	}
	if missing := needed &^ p.seen; missing != 0 {
		return errMissing(missing)
	}
	if p.row.Micros, err = p.time(); err != nil {
		return err
	}
	if !p.any || p.row.Micros != p.before {
		p.ResumeAt, p.resumeBefore = offset, p.before
	}
	p.before, p.any = p.row.Micros, true
	p.mapper.Event(&p.row, batch.Add())
	return nil
}

func errMissing(bits uint32) error {
	if bits&(1<<eventType) != 0 {
		return errors.New("column type is missing")
	}
	return errors.New("column auth_id is missing")
}

func (p *parser) reset() {
	r := &p.row
	*r = clickhouselog.Row{
		Profiles: r.Profiles[:0], Roles: r.Roles[:0], Settings: r.Settings[:0], Extra: r.Extra[:0],
		Certificate: clickhouselog.Certificate{Subjects: r.Certificate.Subjects[:0]}, UserNull: true,
	}
	p.seen, p.micros, p.second, p.arrayAsText = 0, "", "", false
}

// time prefers the microseconds; the second serves exports that chose their columns.
func (p *parser) time() (int64, error) {
	name, text := "event_time_microseconds", p.micros
	if text == "" {
		name, text = "event_time", p.second
	}
	if text == "" {
		return 0, errors.New("columns event_time_microseconds and event_time are missing")
	}
	micros, err := p.clock.micros(text, p.before)
	if err == nil {
		_, err = localtime.UnixNanos(micros/1e6, 0)
	}
	if errors.Is(err, localtime.ErrNoZone) {
		return 0, logformat.Refuse("the times of this export carry no zone, and key `timezone` is not set: write the zone of the server there, " +
			"as SELECT serverTimezone() names it, or export with SETTINGS date_time_output_format = 'iso'")
	}
	if err != nil {
		return 0, fmt.Errorf("column %s: %w", name, err)
	}
	return micros, nil
}

// state is what is known at ResumeAt, as JSON.
type state struct {
	Columns []string `json:"columns,omitempty"`
	Before  int64    `json:"before,omitempty"`
}

func (p *parser) ResumeState() []byte {
	s := state{Before: p.resumeBefore}
	for _, f := range p.header {
		s.Columns = append(s.Columns, logformat.Portable(f.name))
	}
	text, _ := json.Marshal(s) // strings and numbers always can
	return text
}

func (p *parser) Restore(offset int64, text []byte, _ bool) error {
	var s state
	if len(text) > 0 {
		if err := json.Unmarshal(text, &s); err != nil {
			return fmt.Errorf("state of the parser: %w", err)
		}
	}
	p.ResumeAt, p.resumeBefore, p.before = offset, s.Before, s.Before
	if len(s.Columns) == 0 {
		return nil
	}
	for i := range s.Columns {
		s.Columns[i] = logformat.Verbatim(s.Columns[i])
	}
	return p.setHeader(s.Columns)
}

// field finds or makes the field of a column. An export with ever new names does not make the map grow without bound.
func (p *parser) field(name string) *field {
	if f, ok := p.fields[name]; ok {
		return f
	}
	if p.fields == nil || len(p.fields) >= maxKnown {
		p.fields = map[string]*field{}
	}
	f := newField(strings.Clone(name))
	p.fields[f.name] = f
	return f
}

// nullSigns undoes what the formats whose values are all strings do to a NULL user.
func (p *parser) nullSigns() {
	if p.arrayAsText && p.row.User == nullSign {
		p.row.User, p.row.UserNull = "", true
	}
}
