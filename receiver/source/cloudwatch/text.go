package cloudwatch

import (
	"context"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

func (r *streamReader) beginParsing(s *logStream, format logformat.Format) {
	s.Format = format
	o := r.ParserOptions(s.TextParser, r.instanceOf(s), s.streamID(), "stream", s.streamID())
	o.Written = r.Host.Now()
	if !format.DecidesByTime { // a session may begin in one stream of its server and end in another: Aurora MySQL writes several at once
		o.Shared = r.sharedOf(o.Instance + " " + format.Name)
	}
	s.Parser = format.New(o)
}

func (r *streamReader) sharedOf(server string) *logformat.SharedState {
	if r.shared[server] == nil {
		r.shared[server] = &logformat.SharedState{}
	}
	return r.shared[server]
}

func (r *streamReader) instanceOf(s *logStream) string {
	if r.Host.InstanceSet {
		return r.instance
	}
	return s.server
}

// parseText reads the whole records of what was fetched, and submits what comes of them. final says that no more of the last one will come. While
// there is too little text to know its format, nothing is parsed.
func (r *streamReader) parseText(ctx context.Context, s *logStream, final bool) error {
	if s.Parser == nil {
		format, err := r.FindFormat(r.Formats, "", s.text, false)
		if err != nil {
			return err
		}
		if format.New != nil {
			r.beginParsing(s, format)
		}
	}
	if s.Parser != nil {
		data := s.unreadText()
		text := string(data[:r.FrameRecords(&s.Text, data, final)])
		place := func() string { return "stream " + s.streamID() }
		if err := r.ParseRecords(&s.Text, text, place, func() error { return r.submitStream(s) }); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil || !s.Changed {
		return err
	}
	return r.submitStream(s)
}

func (r *streamReader) submitStream(s *logStream) error {
	r.beginNewText(s)
	lag := time.Duration(0)
	if s.pageToken != nil {
		lag = r.Host.Now().Sub(time.UnixMilli(s.newest))
	}
	return r.SubmitBatch(s.storageKey(), s.storeState(), lag)
}
