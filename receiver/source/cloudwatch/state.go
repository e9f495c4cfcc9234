package cloudwatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
	"github.com/otel-sessionlog/sessionlog/receiver/source/overlap"
)

// streamState is what is remembered of a stream. Events are remembered as soon as they are part of Text, and Text is kept until its parser
// needs it no more: so nothing has to be fetched again, and it does not matter in which order events arrived.
type streamState struct {
	Format string `json:"format,omitempty"`
	Newest int64  `json:"newest,omitempty"` // time of the newest event that was read, in milliseconds
	Floor  int64  `json:"floor,omitempty"`  // events before are not asked for any more
	Seen   []byte `json:"seen,omitempty"`   // events since Floor that were read
	Text   []byte `json:"text,omitempty"`   // from Anchor on
	Anchor int64  `json:"anchor,omitempty"` // where a parser must start, in bytes of all text
	Next   int64  `json:"next,omitempty"`   // the first record that was not delivered
	Parser []byte `json:"parser,omitempty"` // what the parser must know at Anchor
}

type logStream struct {
	group, name string
	server      string

	newest, floor int64
	seen          overlap.SeenItems

	awslogs.Text
	text   []byte // from anchor on
	anchor int64

	saved     []byte    // the state that was submitted last; nil where there is none
	unparsed  bool      // the text is what a run before has left
	lastRead  time.Time // when an event was new
	nextRead  time.Time // of a stream that seems dead, by the monotonic clock
	pageToken *string   // of a chain of pages that goes on
	pagesFrom int64     // where that chain began
	unlisted  time.Time // since when it is none of the group's; zero: it is one
}

func streamID(group, name string) string { return group + "/" + name }

func (s *logStream) streamID() string { return streamID(s.group, s.name) }

func (s *logStream) storageKey() string { return "stream." + s.streamID() }

// readFrom is where reading goes on, in milliseconds: before the newest event, for late ones, but not after now, for a sender whose clock
// is ahead would hide what others send.
func (s *logStream) readFrom(now time.Time, overlap time.Duration) int64 {
	return max(s.floor, min(s.newest, now.UnixMilli())-overlap.Milliseconds())
}

func (s *logStream) unreadText() []byte { return s.text[s.Next-s.anchor:] }

func (s *logStream) storeState() []byte {
	state := streamState{Newest: s.newest, Floor: s.floor, Seen: s.seen.Encode(), Text: s.text}
	if s.Parser != nil {
		state.Format, state.Parser = s.Format.Name, s.Parser.ResumeState()
		state.Anchor, state.Next = s.anchor, max(s.Next, s.Delivered)
	}
	s.saved, _ = json.Marshal(state) // bytes, texts and numbers always can
	s.Changed = false
	return s.saved
}

func (r *streamReader) beginNewText(s *logStream) {
	if s.Parser == nil {
		return
	}
	// Such formats share with the next text what is open: its state alone is enough.
	if s.Format.DecidesByTime {
		s.dropText(s.Next)
		s.anchor, s.Next, s.Delivered = 0, 0, 0
		r.beginParsing(s, s.Format)
		return
	}
	s.dropText(s.Parser.ResumeOffset())
}

func (s *logStream) dropText(before int64) {
	if n := before - s.anchor; n > 0 {
		s.text = append(s.text[:0], s.text[n:]...)
		s.anchor = before
	}
}

var errStoredFormat = errors.New("the stored state is of a format that is not known")

// restoreStream begins with a stored state; nil is that of a new stream.
func (r *streamReader) restoreStream(s *logStream, stored []byte) error {
	var state streamState
	err := error(nil)
	if stored != nil {
		err = json.Unmarshal(stored, &state)
	}
	if err == nil {
		s.seen, err = overlap.Decode(state.Seen)
	}
	if err != nil {
		return fmt.Errorf("%w: key %s: %w", awslogs.ErrStorage, s.storageKey(), err)
	}
	s.Text = awslogs.Text{TextParser: &awslogs.TextParser{Shared: &logformat.SharedState{}}, Next: state.Anchor, Delivered: state.Next}
	s.newest, s.floor, s.text, s.anchor = state.Newest, state.Floor, state.Text, state.Anchor
	s.saved, s.pageToken, s.unparsed = stored, nil, len(s.text) > 0
	if state.Format == "" {
		return nil
	}
	format, known := logformat.FindFormat(r.Formats, state.Format)
	if !known {
		return fmt.Errorf("%w: key %s: %w", awslogs.ErrStorage, s.storageKey(), errStoredFormat)
	}
	r.beginParsing(s, format)
	return s.Parser.Restore(s.anchor, state.Parser, false)
}
