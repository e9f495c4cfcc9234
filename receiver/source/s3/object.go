package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/redshiftlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
)

var (
	errStopped       = errors.New("nothing is delivered any more")
	errUnknownFormat = errors.New("the content has none of the known formats: write its `format`, or leave the object out with `include`")
)

const (
	chunkSize = 256 << 10
	// headSize is how much of a text tells its format.
	headSize = 4096
)

// objectReading is the reading of one object.
type objectReading struct {
	info objectInfo
	text *objectText
	from objectPosition
	*serverFormat

	next      int64 // of the next record
	delivered int64 // records before were delivered before
	overlong  int   // bytes behind next that were passed over within a line that is too long
	lengths   []int // of records that were framed; negative: too long
	records   int
	bad       int
}

// readObject reads an object from where it was read to, and submits what fills batches.
func (r *objectReader) readObject(ctx context.Context, p *objectPrefix, o *objectInfo) error {
	g := &objectReading{info: *o}
	if at := p.position; at != nil && at.Key == o.key && at.ETag == o.etag {
		g.from = *at
	}
	var err error
	if g.text, err = r.client.openText(ctx, o, &g.from); err != nil {
		return err
	}
	defer g.text.Close()
	g.next, g.delivered = g.from.Anchor, g.from.Next
	p.reading = g
	if err = r.readChunks(p, g); err != nil {
		return err
	}
	r.endObject(p, g)
	return nil
}

// readChunks goes through the text. A record that does not fit makes the buffer grow, up to max_line_bytes.
func (r *objectReader) readChunks(p *objectPrefix, g *objectReading) error {
	have := 0
	for {
		n, atEnd, failed := g.text.fillBuffer(r.buffer[have:])
		have += n
		if g.serverFormat == nil {
			if failed != nil {
				return failed // what came of it may not tell its format
			}
			if err := r.findFormat(p, g, r.buffer[:have]); err != nil {
				return err
			}
		}
		used, err := r.readRecords(p, g, r.buffer[:have], atEnd && failed == nil)
		if err != nil {
			return err
		}
		have = copy(r.buffer, r.buffer[used:have])
		switch {
		case failed != nil:
			return failed
		case atEnd:
			if g.overlong > 0 {
				r.countOverlong(g)
			}
			if cap(r.buffer) > chunkSize {
				r.buffer = make([]byte, chunkSize)
			}
			return nil
		case have == len(r.buffer):
			r.buffer = append(make([]byte, 0, 2*have), r.buffer...)[:2*have]
		}
	}
}

// findFormat makes the parser of an object's text.
func (r *objectReader) findFormat(p *objectPrefix, g *objectReading, head []byte) error {
	name := g.from.Format
	if name == "" && r.Format != formats.Auto {
		name = r.Format
	}
	format, known := logformat.Find(r.formats, name)
	if !known && len(head) > 0 {
		var verdict logformat.Verdict
		if format, verdict = logformat.Detect(r.formats, head[:min(len(head), headSize)], true); verdict != logformat.Yes {
			if r.LogLinePrefix == "" {
				return errUnknownFormat
			}
			format, _ = logformat.Find(r.formats, formats.PostgreSQLStderr)
		}
	}
	if format.New == nil {
		return nil // there is no text
	}
	server := r.serverOf(p, g.info.key)
	f := p.formats[formatKey(format, server)]
	if f == nil {
		f = &serverFormat{format: format, shared: &logformat.SharedState{}}
		p.formats[formatKey(format, server)] = f
	}
	g.serverFormat = f
	f.parser = format.New(r.optionsOf(p, f, server, &g.info))
	if g.from.Format == "" || format.DecidesByTime {
		return nil
	}
	return f.parser.Restore(g.from.Anchor, g.from.State, false)
}

// formatKey names what the texts of one server and format share.
func formatKey(f logformat.Format, server string) string { return f.Name + " " + server }

// storedFormat makes what a stored key of that kind names.
func (r *objectReader) storedFormat(p *objectPrefix, key string) (*serverFormat, error) {
	name, server, _ := strings.Cut(key, " ")
	format, known := logformat.Find(r.formats, name)
	if !known {
		return nil, fmt.Errorf("%s is no format that is known", name)
	}
	f := &serverFormat{format: format, shared: &logformat.SharedState{}}
	f.parser = format.New(r.optionsOf(p, f, server, &objectInfo{}))
	return f, nil
}

// optionsOf gives the options of the parser of an object's text.
func (r *objectReader) optionsOf(p *objectPrefix, f *serverFormat, server string, of *objectInfo) logformat.Options {
	o := r.parserOptions
	o.Instance, o.Name, o.Shared, o.Written = server, of.key, f.shared, time.UnixMilli(of.modified)
	o.Conditions = prefixConditions{r.conditions, p.name}
	return o
}

// serverOf is the server that wrote an object: it is part of every id. Of an object of Redshift its key tells it; else a prefix is one server.
func (r *objectReader) serverOf(p *objectPrefix, key string) string {
	if r.host.InstanceSet {
		return r.instance
	}
	if o, ok := redshiftlog.ParseObjectName(key); ok {
		return o.Region + "/" + o.Cluster
	}
	return r.Bucket + "/" + p.name
}

// readRecords reads the whole records of data, and tells how much that is.
func (r *objectReader) readRecords(p *objectPrefix, g *objectReading, data []byte, atEnd bool) (used int, err error) {
	if g.serverFormat == nil {
		return 0, nil
	}
	if g.overlong > 0 {
		n := logformat.Line(data)
		if n == 0 {
			n = len(data)
		}
		if g.overlong += n; n == len(data) && !atEnd && (n == 0 || data[n-1] != '\n') {
			return n, nil
		}
		r.countOverlong(g)
		g.next += int64(g.overlong)
		g.overlong, used = 0, n
	}
	begin := used
	used += r.frameRecords(g, data[begin:], atEnd)
	if err := r.parseRecords(p, g, string(data[begin:used])); err != nil {
		return used, err
	}
	if rest := len(data) - used; rest >= r.MaxLineBytes {
		g.overlong, used = rest, len(data)
	}
	return used, nil
}

// frameRecords finds the records of data and gives their length together.
func (r *objectReader) frameRecords(g *objectReading, data []byte, atEnd bool) (used int) {
	g.lengths = g.lengths[:0]
	for used < len(data) {
		rest := data[used:]
		n := g.parser.Frame(rest, false)
		switch {
		case n > r.MaxLineBytes:
			n = -n
		case n == 0 && len(rest) >= r.MaxLineBytes:
			n = -logformat.Line(rest) // of a record of many lines the first is given up
		case n == 0 && atEnd:
			n = g.parser.Frame(rest, true)
		}
		if n == 0 {
			break
		}
		g.lengths = append(g.lengths, n)
		used += max(n, -n)
	}
	return used
}

func (r *objectReader) parseRecords(p *objectPrefix, g *objectReading, text string) error {
	for i, length := range g.lengths {
		if !delivery.AcquireInto(r.queue, &r.batch) {
			return errStopped
		}
		size := max(length, -length)
		record := text[:size]
		text = text[size:]
		if i == len(g.lengths)-1 {
			record = strings.Clone(record) // a parser may keep it until the next one: it must not keep all that was read with it
		}
		if err := r.parseRecord(g, record, length < 0); err != nil {
			return err
		}
		g.next += int64(size)
		p.turnBytes += size
		r.batch.textBytes += size
		if r.batch.isFull(r.BatchSize) {
			p.position = r.savePosition(p, g)
			r.submitPrefix(p, max(0, r.host.Now().Sub(time.UnixMilli(g.info.modified))))
		}
	}
	return nil
}

func (r *objectReader) parseRecord(g *objectReading, record string, tooLong bool) error {
	before := len(r.batch.parsed.Events)
	var err error
	if tooLong {
		err = fmt.Errorf("a record of %d bytes, more than `max_line_bytes` %d", len(record), r.MaxLineBytes)
	} else {
		err = g.parser.Parse(record, g.next, &r.batch.parsed)
	}
	switch {
	case logformat.IsRefusal(err):
		return err
	case g.next < g.delivered:
		r.batch.parsed.Cut(before)
		return nil
	}
	g.records++
	if err != nil {
		r.countBad(g, err)
	}
	return nil
}

func (r *objectReader) countBad(g *objectReading, err error) {
	if g.next >= g.delivered {
		g.bad++
		r.host.Stats.BadRows(1, fmt.Sprintf("%s:%d", g.info.key, g.next), err)
	}
}

func (r *objectReader) countOverlong(g *objectReading) {
	r.countBad(g, fmt.Errorf("a line of %d bytes, more than `max_line_bytes` %d", g.overlong, r.MaxLineBytes))
}

// savePosition is how far the object is delivered once all that was read is. Formats that decide by time share what is open with other texts, so
// that its state alone is enough, whatever the parser would have to read again; others read that again.
func (r *objectReader) savePosition(p *objectPrefix, g *objectReading) *objectPosition {
	if g.serverFormat == nil {
		return p.position
	}
	at := &objectPosition{Key: g.info.key, ETag: g.info.etag, Format: g.format.Name, Plain: !g.text.isCompressed, Next: max(g.next, g.delivered)}
	if g.format.DecidesByTime {
		g.parser = g.format.New(r.optionsOf(p, g.serverFormat, r.serverOf(p, g.info.key), &g.info))
		at.Anchor = g.next
	} else {
		at.Anchor, at.State = g.parser.ResumeOffset(), g.parser.ResumeState()
	}
	return at
}

// endObject remembers that an object was read to its end. What is open there is what later texts may go on with.
func (r *objectReader) endObject(p *objectPrefix, g *objectReading) {
	const fewRecords = 3
	condition := "records of " + p.name
	switch {
	case g.bad >= fewRecords && g.bad == g.records:
		r.conditions.Raise(condition, "no record of an object can be read: write its true format under the key format, and log_line_prefix as the server has it",
			zap.String("object", g.info.key), zap.String("format", g.format.Name), zap.Int("records", g.bad))
	case g.records > g.bad:
		r.conditions.Clear(condition, "records of the objects can be read", zap.String("object", g.info.key))
	}
	if g.serverFormat != nil && g.format.DecidesByTime {
		g.parser = g.format.New(r.optionsOf(p, g.serverFormat, r.serverOf(p, g.info.key), &g.info))
	}
	p.lastRead = r.host.Now()
	p.noteRead(&g.info)
}
