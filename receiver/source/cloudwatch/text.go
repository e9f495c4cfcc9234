package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
)

var (
	errStopped       = errors.New("nothing is delivered any more")
	errUnknownFormat = errors.New("the content has none of the known formats: write its `format`, or select other streams with `stream_prefixes`")
)

// optionsOf gives the options of the stream's parser.
func (r *streamReader) optionsOf(s *logStream) logformat.Options {
	o := r.parserOptions
	o.Instance, o.Name, o.Shared, o.Written = r.instanceOf(s), s.id(), s.shared, r.host.Now()
	if !s.format.DecidesByTime { // a session may begin in one stream of its server and end in another: Aurora MySQL writes several at once
		o.Shared = r.sharedOf(o.Instance + " " + s.format.Name)
	}
	o.Conditions = streamConditions{r.conditions, s.id()}
	return o
}

func (r *streamReader) sharedOf(server string) *logformat.SharedState {
	if r.shared[server] == nil {
		r.shared[server] = &logformat.SharedState{}
	}
	return r.shared[server]
}

// findFormat makes the parser of a stream. It waits, and tells nothing, while there is too little text.
func (r *streamReader) findFormat(s *logStream) error {
	name := r.Format
	if name == formats.Auto {
		name = ""
	}
	format, known := logformat.Find(r.formats, name)
	if !known {
		var verdict logformat.Verdict
		format, verdict = logformat.Detect(r.formats, s.text, false)
		switch {
		case verdict == logformat.Wait:
			return nil
		case verdict == logformat.No && r.LogLinePrefix != "":
			format, _ = logformat.Find(r.formats, formats.PostgreSQLStderr)
		case verdict == logformat.No:
			return errUnknownFormat
		}
	}
	s.format = format
	s.parser = format.New(r.optionsOf(s))
	return nil
}

// parseText reads the whole records of what was fetched, and submits what comes of them. final says that no more of the last one will come.
func (r *streamReader) parseText(ctx context.Context, s *logStream, final bool) error {
	if s.parser == nil {
		if err := r.findFormat(s); err != nil {
			return err
		}
	}
	if s.parser != nil {
		if err := r.parseRecords(ctx, s, r.frameRecords(s, final)); err != nil {
			return err
		}
	}
	if s.changed {
		return r.submitStream(s)
	}
	return nil
}

// frameRecords finds the records and returns their text.
func (r *streamReader) frameRecords(s *logStream, final bool) string {
	data := s.unreadText()
	s.lengths = s.lengths[:0]
	used := 0
	for used < len(data) {
		rest := data[used:]
		n := s.parser.Frame(rest, final)
		switch {
		case n > r.MaxLineBytes:
			n = -n
		case n == 0 && len(rest) >= r.MaxLineBytes:
			n = -logformat.Line(rest) // of a record of many lines the first is given up
		}
		if n == 0 {
			break
		}
		s.lengths = append(s.lengths, n)
		used += max(n, -n)
	}
	return string(data[:used])
}

func (r *streamReader) parseRecords(ctx context.Context, s *logStream, text string) error {
	for i, length := range s.lengths {
		if !delivery.AcquireInto(r.queue, &r.batch) {
			return errStopped
		}
		size := max(length, -length)
		record := text[:size]
		text = text[size:]
		if i == len(s.lengths)-1 {
			record = strings.Clone(record) // a parser may keep it until the next one: it must not keep all that was read with it
		}
		if err := r.parseRecord(s, record, length < 0); err != nil {
			return err
		}
		s.next += int64(size)
		s.changed = s.changed || s.next > s.delivered
		r.batch.textBytes += size
		if r.batch.isFull(r.BatchSize) {
			if err := r.submitStream(s); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (r *streamReader) parseRecord(s *logStream, record string, tooLong bool) error {
	isNew := s.next >= s.delivered
	before := len(r.batch.parsed.Events)
	var err error
	if tooLong {
		err = fmt.Errorf("a record of %d bytes, more than `max_line_bytes` %d", len(record), r.MaxLineBytes)
	} else {
		err = s.parser.Parse(record, s.next, &r.batch.parsed)
	}
	switch {
	case logformat.IsRefusal(err):
		return err
	case !isNew:
		r.batch.parsed.Cut(before)
		return nil
	}
	s.records++
	if err != nil {
		s.bad++
		r.host.Stats.BadRows(1, "stream "+s.id(), err)
	}
	return nil
}

// submitStream delivers what was made of a stream, with its state.
func (r *streamReader) submitStream(s *logStream) error {
	if !delivery.AcquireInto(r.queue, &r.batch) {
		return errStopped
	}
	now := r.host.Now()
	for i := range r.batch.parsed.Events {
		r.batch.parsed.Events[i].Observed = now.UnixNano()
	}
	s.beginNewText(r.optionsOf(s))
	r.batch.key, r.batch.state = s.key(), s.storeState()
	if s.pageToken != nil {
		r.batch.lag = max(0, now.Sub(time.UnixMilli(s.newest)))
	}
	r.queue.Submit(r.batch)
	r.batch = nil
	return nil
}

// discardBatch forgets what was made of a stream and not submitted.
func (r *streamReader) discardBatch() {
	if r.batch != nil {
		r.queue.Release(r.batch)
		r.batch = nil
	}
}
