package tail

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// Sample is what the beginning and the end of a text show. Nothing of it is delivered.
type Sample struct {
	Format       string    // by which it would be read
	Records, Bad int       // of what was examined
	Reason       error     // of the first bad record; it holds no value
	Refusal      error     // why nothing of the text can be read with these options
	Newest       time.Time // the time of the last record that has one; zero where none has
	Missing      []string  // what the text as a whole lacks, as its parser says it
}

// ErrEmpty says that a text has nothing yet that could be looked at.
var ErrEmpty = errTooShort

// sampleSize is how much of each end of a text is examined.
const sampleSize = 256 << 10

// TakeSample reads the ends of a text as Run would. An error is one of opening it, or says that its format cannot be recognized.
func TakeSample(ctx context.Context, s Settings, f File) (sample Sample, err error) {
	text, err := openStream(ctx, s.Folder, f.Path)
	if err != nil {
		return sample, err
	}
	defer text.Close()
	start, err := text.readHeadBehindHole(sampleSize)
	if err != nil {
		return sample, err
	}
	format, written := logformat.FindFormat(s.Formats, s.Format)
	if !written {
		if format, err = s.detectFormat(start[:min(len(start), maxHead)], true); err != nil {
			return sample, err
		}
	}
	var end []byte
	if text.text.Name == "" && len(start) == sampleSize {
		if end, err = readEnd(text.file, f.Info.Size()); err != nil {
			return sample, err
		}
	}
	sample.Format = format.Name
	if len(start) == 0 {
		return sample, ErrEmpty
	}
	o := s.Options
	o.Name, o.Written, o.Shared = f.Path, f.Info.ModTime(), nil
	missing := missingParts{}
	o.Conditions = missing
	parser := format.New(o)
	sample.parseText(parser, cutToLines(start))
	sample.parseText(parser, end)
	if end == nil { // of a part of a log nobody knows what it lacks
		sample.Missing = slices.Sorted(maps.Values(missing))
	}
	return sample, nil
}

func readEnd(file io.ReaderAt, size int64) ([]byte, error) {
	from := max(size-sampleSize, sampleSize)
	end := make([]byte, max(0, size-from))
	n, err := file.ReadAt(end, from)
	if err != nil && n == 0 {
		return nil, err
	}
	_, end, _ = bytes.Cut(end[:n], []byte("\n"))
	return cutToLines(end), nil
}

// cutToLines leaves out a last line whose end is not there, unless there is no other.
func cutToLines(text []byte) []byte {
	if n := bytes.LastIndexByte(text, '\n'); n >= 0 {
		return text[:n+1]
	}
	return text
}

func (s *Sample) parseText(parser logformat.Parser, text []byte) {
	var batch logformat.EventBatch
	for at := 0; at < len(text) && s.Refusal == nil; {
		n := parser.Frame(text[at:], true)
		batch.Cut(0)
		err := parser.Parse(string(text[at:at+n]), int64(at), &batch)
		switch {
		case logformat.IsRefusal(err):
			s.Refusal = err
		case err != nil:
			s.Bad++
			if s.Reason == nil {
				s.Reason = err
			}
		}
		s.Records++
		at += n
		s.noteTime(parser, &batch)
	}
}

func (s *Sample) noteTime(parser logformat.Parser, batch *logformat.EventBatch) {
	if logTime := parser.LogTime(); logTime != 0 {
		s.Newest = time.Unix(0, logTime)
	} else if n := len(batch.Events); n > 0 {
		s.Newest = time.Unix(0, batch.Events[n-1].Time)
	}
}

// missingParts is what a parser says of a text as a whole, by condition.
type missingParts map[string]string

func (m missingParts) Raise(condition, message string) { m[condition] = message }
func (m missingParts) Clear(condition, _ string)       { delete(m, condition) }
