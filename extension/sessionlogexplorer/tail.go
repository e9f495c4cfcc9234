package sessionlogexplorer

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

const maxStreams = 16

const (
	tailInterval  = time.Second
	keepAlive     = 10 * time.Second
	longestTail   = time.Hour   // then the client asks anew, with a token that still counts
	lateForTail   = time.Hour   // records that come later than this after the newest one are left out
	writeDeadline = time.Minute // for a client that has stopped reading
)

type answerStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// startStream takes one of maxStreams; release gives it back.
func (x *explorerServer) startStream(w http.ResponseWriter) (s *answerStream, release func(), err error) {
	select {
	case x.streams <- struct{}{}:
		return &answerStream{w, http.NewResponseController(w)}, func() { <-x.streams }, nil
	default:
		return nil, nil, errBusy
	}
}

func (s *answerStream) Write(p []byte) (int, error) {
	if err := s.control.SetWriteDeadline(time.Now().Add(writeDeadline)); err != nil {
		return 0, err
	}
	return s.w.Write(p)
}

func (x *explorerServer) streamTail(w http.ResponseWriter, c *apiCall) error {
	out, release, err := x.startStream(w)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(c.Context(), longestTail)
	defer cancel()
	t := eventTail{explorerServer: x, filter: c.filter, seen: map[session.ID]int64{}}
	if _, err := t.pollEvents(ctx); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if c.Method == http.MethodHead {
		return nil
	}
	w.WriteHeader(http.StatusOK)
	t.writeUntilDone(ctx, out)
	return nil
}

// writeUntilDone ends with ctx, or when the client has left.
func (t *eventTail) writeUntilDone(ctx context.Context, out *answerStream) {
	var written time.Time
	for {
		text, err := t.pollEvents(ctx)
		if err != nil {
			text = appendErrorLine(text, t.explorerServer, err)
		}
		if len(text) == 0 && time.Since(written) > keepAlive {
			text = []byte{'\n'}
		}
		if len(text) > 0 {
			if _, err := out.Write(text); err != nil || out.control.Flush() != nil {
				return
			}
			written = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(tailInterval):
		}
	}
}

type eventTail struct {
	*explorerServer
	filter query.Filter
	begun  bool
	seen   map[session.ID]int64 // when each was, nanoseconds
}

// maxSeen bounds the memory of a tail.
const maxSeen = 100_000

// pollEvents gives the lines of new events, in the order of time. The first poll gives none.
func (t *eventTail) pollEvents(ctx context.Context) (text []byte, err error) {
	var events []session.Event
	var from time.Time
	var full bool
	err = t.askStore(ctx, func(ctx context.Context, s query.Store, budget *timeBudget) error {
		newest, err := newestTime(ctx, s)
		if err != nil {
			return err
		}
		filter := t.filter
		if from = newest.Add(-lateForTail); from.After(filter.From) {
			filter.From = from
		}
		if !filter.Until.IsZero() && !filter.From.Before(filter.Until) {
			return nil
		}
		var covered query.Coverage
		events, covered, err = query.Events(ctx, s, filter, nil, maxEventsPerPage, budget.leftForPage())
		full = covered.Full
		return err
	})
	if err != nil {
		return nil, err
	}
	return t.newEventLines(events, full, from.UnixNano()), nil
}

func (t *eventTail) newEventLines(events []session.Event, full bool, from int64) (text []byte) {
	written := 0
	for _, e := range slices.Backward(events) {
		if _, old := t.seen[e.RecordID]; !old && t.begun {
			text = append(query.AppendEvent(text, &e), '\n')
			written++
		}
		t.seen[e.RecordID] = e.Time
	}
	if full && written == len(events) {
		text = append(appendErrorText(nil, fmt.Sprintf("more than %d events, or %d MiB of them, came at once: some are not shown here", maxEventsPerPage, maxPageBytes>>20)), text...)
	}
	if len(t.seen) > maxSeen {
		from = events[len(events)-1].Time
	}
	maps.DeleteFunc(t.seen, func(_ session.ID, at int64) bool { return at < from })
	t.begun = true
	return text
}
