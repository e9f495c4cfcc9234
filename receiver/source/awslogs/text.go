package awslogs

import (
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// TextParser is the parser of a text, with what it shares with others of its server and format.
type TextParser struct {
	Format logformat.Format
	Shared *logformat.SharedState
	Parser logformat.Parser // nil until the format is known
}

// Text is a text whose records are parsed one after another. Offsets count its bytes.
type Text struct {
	*TextParser

	Next      int64 // of the next record
	Delivered int64 // records before were delivered before
	Changed   bool  // there is more than in the state that was submitted

	records, bad int   // that were parsed, and of them
	lengths      []int // of records that were framed; negative: too long
}

// FrameRecords finds the records of data, which begins at the text's next one, and gives their length together. final says that nothing follows.
func (r *Reader) FrameRecords(t *Text, data []byte, final bool) (used int) {
	t.lengths = t.lengths[:0]
	for used < len(data) {
		rest := data[used:]
		n := t.Parser.Frame(rest, false)
		switch {
		case n > r.texts.MaxLineBytes:
			n = -n
		case n == 0 && len(rest) >= r.texts.MaxLineBytes:
			n = -logformat.FirstLineLength(rest) // of a record of many lines the first is given up
		case n == 0 && final:
			n = t.Parser.Frame(rest, true)
		}
		if n == 0 {
			break
		}
		t.lengths = append(t.lengths, n)
		used += max(n, -n)
	}
	return used
}

// ParseRecords parses the records that were framed. place names the one that is parsed, for people; submit is called when the batch is full, and may
// begin a new text. An error is that of submit, [ErrStopped], or a parser's refusal ([logformat.IsRefusal]).
func (r *Reader) ParseRecords(t *Text, text string, place func() string, submit func() error) error {
	for i, length := range t.lengths {
		if !r.acquireBatch() {
			return ErrStopped
		}
		size := max(length, -length)
		record := text[:size]
		text = text[size:]
		if i == len(t.lengths)-1 {
			record = strings.Clone(record) // a parser may keep it until the next one: it must not keep all that was read with it
		}
		if err := r.parseRecord(t, record, length < 0, place); err != nil {
			return err
		}
		t.Next += int64(size)
		t.Changed = t.Changed || t.Next > t.Delivered
		r.batch.textBytes += size
		if r.batch.isFull(r.texts.BatchSize) {
			if err := submit(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Reader) parseRecord(t *Text, record string, tooLong bool, place func() string) error {
	before := len(r.batch.parsed.Events)
	var err error
	if tooLong {
		err = r.OverlongError(len(record))
	} else {
		err = t.Parser.Parse(record, t.Next, &r.batch.parsed)
	}
	switch {
	case logformat.IsRefusal(err):
		return err
	case t.Next < t.Delivered:
		r.batch.parsed.Cut(before)
		return nil
	}
	t.records++
	if err != nil {
		r.CountBad(t, place(), err)
	}
	return nil
}

// OverlongError is for a record that is longer than the key max_line_bytes.
func (r *Reader) OverlongError(size int) error {
	return fmt.Errorf("a record of %d bytes, more than `max_line_bytes` %d", size, r.texts.MaxLineBytes)
}

// CountBad counts the next record as one that cannot be read, unless it was before.
func (r *Reader) CountBad(t *Text, place string, err error) {
	if t.Next >= t.Delivered {
		t.bad++
		r.Host.Stats.BadRows(1, place, err)
	}
}

// ReportRecords warns of a text, which it names, of whose records none can be read. condition is that of all texts of its place.
func (r *Reader) ReportRecords(t *Text, condition, name string) {
	const fewRecords = 3
	switch {
	case t.bad >= fewRecords && t.bad == t.records:
		r.Conditions.Raise(condition, "no record of a text can be read: write its true format under the key format, and log_line_prefix as the server has it",
			zap.String("text", name), zap.String("format", t.Format.Name), zap.Int("records", t.bad))
	case t.records > t.bad:
		r.Conditions.Clear(condition, "records can be read", zap.String("text", name))
	}
}

// FlushDue parses to its end what only time decides, since nothing has followed for so long. It reports whether there are events.
func (r *Reader) FlushDue(p *TextParser, silence time.Duration) bool {
	if !p.Format.DecidesByTime || p.Parser.LogTime() == 0 || !r.acquireBatch() {
		return false
	}
	before := len(r.batch.parsed.Events)
	p.Parser.FlushDue(p.Parser.LogTime()+int64(silence), &r.batch.parsed)
	return len(r.batch.parsed.Events) > before
}
