package s3

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/redshiftlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
)

const (
	chunkSize = 256 << 10
	// headSize is how much of a text shows its format.
	headSize = 4096
)

type objectReading struct {
	info         objectInfo
	text         *objectText
	from         objectPosition
	awslogs.Text // its parser is nil until the format is known

	overlong int // bytes after the next record that were passed over within a line that is too long
}

func (g *objectReading) placeText() string { return fmt.Sprintf("%s:%d", g.info.key, g.Next) }

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
	g.Next, g.Delivered = g.from.Anchor, g.from.Next
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
		if g.TextParser == nil {
			if failed != nil {
				return failed // what came of it may not show its format
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

func (r *objectReader) findFormat(p *objectPrefix, g *objectReading, head []byte) error {
	format, err := r.FindFormat(r.Formats, g.from.Format, head[:min(len(head), headSize)], true)
	if err != nil {
		return err
	}
	if format.New == nil {
		return nil // there is no text
	}
	server := r.serverOf(p, g.info.key)
	f := p.formats[formatKey(format, server)]
	if f == nil {
		f = &awslogs.TextParser{Format: format, Shared: &logformat.SharedState{}}
		p.formats[formatKey(format, server)] = f
	}
	g.TextParser = f
	f.Parser = format.New(r.optionsOf(p, f, server, &g.info))
	if g.from.Format == "" || format.DecidesByTime {
		return nil
	}
	return f.Parser.Restore(g.from.Anchor, g.from.State, false)
}

// formatKey names what the texts of one server and format share.
func formatKey(f logformat.Format, server string) string { return f.Name + " " + server }

func (r *objectReader) storedFormat(p *objectPrefix, key string) (*awslogs.TextParser, error) {
	name, server, _ := strings.Cut(key, " ")
	format, known := logformat.FindFormat(r.Formats, name)
	if !known {
		return nil, fmt.Errorf("%s is not a known format", name)
	}
	f := &awslogs.TextParser{Format: format, Shared: &logformat.SharedState{}}
	f.Parser = format.New(r.optionsOf(p, f, server, &objectInfo{}))
	return f, nil
}

func (r *objectReader) optionsOf(p *objectPrefix, f *awslogs.TextParser, server string, of *objectInfo) logformat.Options {
	o := r.ParserOptions(f, server, of.key, "prefix", p.name)
	o.Written = time.UnixMilli(of.modified)
	return o
}

// serverOf is the server that wrote an object: it is part of every id. Of an object of Redshift its key has it; else a prefix is one server.
func (r *objectReader) serverOf(p *objectPrefix, key string) string {
	if r.Host.InstanceSet {
		return r.instance
	}
	if o, ok := redshiftlog.ParseObjectName(key); ok {
		return o.Region + "/" + o.Cluster
	}
	return r.Bucket + "/" + p.name
}

func (r *objectReader) readRecords(p *objectPrefix, g *objectReading, data []byte, atEnd bool) (used int, err error) {
	if g.TextParser == nil {
		return 0, nil
	}
	if g.overlong > 0 {
		n := logformat.FirstLineLength(data)
		if n == 0 {
			n = len(data)
		}
		if g.overlong += n; n == len(data) && !atEnd && (n == 0 || data[n-1] != '\n') {
			return n, nil
		}
		r.countOverlong(g)
		g.Next += int64(g.overlong)
		g.overlong, used = 0, n
	}
	begin := used
	used += r.FrameRecords(&g.Text, data[begin:], atEnd)
	p.turnBytes += used - begin
	submit := func() error {
		p.position = r.savePosition(p, g)
		return r.SubmitBatch(p.storageKey(), p.encodeState(), r.Host.Now().Sub(time.UnixMilli(g.info.modified)))
	}
	if err := r.ParseRecords(&g.Text, string(data[begin:used]), g.placeText, submit); err != nil {
		return used, err
	}
	if rest := len(data) - used; rest >= r.MaxLineBytes {
		g.overlong, used = rest, len(data)
	}
	return used, nil
}

func (r *objectReader) countOverlong(g *objectReading) {
	r.CountBad(&g.Text, g.placeText(), r.OverlongError(g.overlong))
}

// savePosition is how far the object is delivered once all that was read is. Formats that decide by time share what is open with other texts, so
// that its state alone is enough, whatever the parser would have to read again; others read that again.
func (r *objectReader) savePosition(p *objectPrefix, g *objectReading) *objectPosition {
	if g.TextParser == nil {
		return p.position
	}
	at := &objectPosition{Key: g.info.key, ETag: g.info.etag, Format: g.Format.Name, Plain: g.text.text.Name == "", Next: max(g.Next, g.Delivered)}
	if g.Format.DecidesByTime {
		g.Parser = g.Format.New(r.optionsOf(p, g.TextParser, r.serverOf(p, g.info.key), &g.info))
		at.Anchor = g.Next
	} else {
		at.Anchor, at.State = g.Parser.ResumeOffset(), g.Parser.ResumeState()
	}
	return at
}

func (r *objectReader) endObject(p *objectPrefix, g *objectReading) {
	r.ReportRecords(&g.Text, "records of "+p.name, g.info.key)
	if g.TextParser != nil && g.Format.DecidesByTime {
		g.Parser = g.Format.New(r.optionsOf(p, g.TextParser, r.serverOf(p, g.info.key), &g.info)) // what is open there is what later texts may go on with
	}
	p.lastRead = r.Host.Now()
	p.noteRead(&g.info)
}
