package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
)

const (
	// pagesInTurn is how many pages of one stream are read before the others have their turn.
	pagesInTurn = 20
	// deadAfter is how long nothing must have been written to a stream to be asked for seldom, deadInterval how seldom: streams of servers
	// that are gone stay in their group for good.
	deadAfter    = 24 * time.Hour
	deadInterval = 10 * time.Minute
	// maxSeenEvents bounds the memory and the stored cursor of a stream: some 1.3 MB. Where more events lie within the overlap, it is cut short.
	maxSeenEvents = 1 << 17
)

// pollOnce reads what is new in every group. It tells whether there is more to read at once, and whether something failed.
func (r *streamReader) pollOnce(ctx context.Context) (more, failed bool) {
	r.now = r.host.Now()
	for _, group := range r.LogGroups {
		groupMore, err := r.pollGroup(ctx, group)
		if ctx.Err() != nil || errors.Is(err, errStopped) {
			return false, false
		}
		condition := "log group " + group
		if more = more || groupMore; err == nil {
			r.clearProblem(condition)
			continue
		}
		failed = true
		r.reportProblem(condition, "no login of log group "+group+" is read", err)
	}
	r.listed = r.listed || !failed
	return more, failed
}

func (r *streamReader) pollGroup(ctx context.Context, group string) (more bool, err error) {
	streams, err := r.findStreams(ctx, group)
	if err != nil {
		return false, err
	}
	for _, s := range streams {
		if r.now.Before(s.nextRead) {
			continue
		}
		streamMore, err := r.readStream(ctx, s)
		r.discardBatch()
		switch condition := "content of " + s.id(); {
		case errors.Is(err, errUnknownFormat), logformat.IsRefusal(err):
			r.resetStream(s)
			r.status.Set(condition, err)
			r.conditions.RaiseReason(condition, err, "no login of this stream is read", zap.String("stream", s.id()))
		case err != nil:
			s.pageToken = nil
			return more, err
		default:
			r.status.Set(condition, nil)
			r.conditions.Clear(condition, "the stream can be read", zap.String("stream", s.id()))
		}
		more = more || streamMore
	}
	return more, nil
}

// resetStream returns to what was submitted last: what was fetched since cannot be read as long as the configuration is as it is.
func (r *streamReader) resetStream(s *logStream) {
	if err := s.restore(s.saved, r.formats, r.optionsOf); err != nil {
		r.host.Log.Warn("a stream's state cannot be read", zap.String("stream", s.id()), zap.Error(err))
	}
}

// readStream reads pages of one stream.
func (r *streamReader) readStream(ctx context.Context, s *logStream) (more bool, err error) {
	if s.unparsed {
		if err := r.parseText(ctx, s, false); err != nil {
			return false, err
		}
		s.unparsed = false
	}
	if s.pageToken == nil {
		s.pagesFrom = s.readFrom(r.now, r.Overlap)
	}
	fresh := 0
	for range pagesInTurn {
		events, next, err := r.client.readPage(ctx, s.group, s.name, s.pagesFrom, s.pageToken)
		if err != nil {
			return false, err
		}
		s.pageToken = next
		n := r.addEvents(s, events)
		if fresh += n; n > 0 {
			if err := r.parseText(ctx, s, false); err != nil {
				return false, err
			}
		}
		if next == nil {
			break
		}
	}
	if s.pageToken != nil {
		return true, nil
	}
	return false, r.endReading(ctx, s, fresh)
}

// addEvents adds the text of events that were not read before, a line each at least.
func (r *streamReader) addEvents(s *logStream, events []types.FilteredLogEvent) (fresh int) {
	for i := range events {
		e := &events[i]
		if e.EventId == nil || e.Timestamp == nil || e.Message == nil || *e.Timestamp < s.floor || !s.seen.Add(*e.EventId, *e.Timestamp) {
			continue
		}
		r.noteLateness(s, *e.Timestamp)
		s.newest = max(s.newest, *e.Timestamp)
		s.text = append(s.text, *e.Message...)
		if n := len(s.text); n == 0 || s.text[n-1] != '\n' {
			s.text = append(s.text, '\n')
		}
		fresh++
	}
	if fresh == 0 {
		return 0
	}
	s.changed, s.lastRead = true, r.host.Now()
	begin := s.readFrom(r.now, r.Overlap)
	if s.floor = s.seen.Forget(begin, maxSeenEvents); s.floor > begin {
		r.conditions.Raise("overlap", "more events lie within `overlap` than are remembered: it is cut short, and events that arrive later than that are missed: "+
			"make `overlap` shorter, or leave events out with `filter_pattern`", zap.String("stream", s.id()))
	}
	return fresh
}

// noteLateness warns before events arrive so late that they are missed.
func (r *streamReader) noteLateness(s *logStream, millis int64) {
	if late := time.Duration(s.newest-millis) * time.Millisecond; late > r.Overlap/2 {
		r.conditions.Raise("late", fmt.Sprintf("events arrive up to %s later than others of their stream; one that is later than `overlap`, %s, is missed: make it longer",
			late.Round(time.Second), r.Overlap), zap.String("stream", s.id()))
	}
}

// endReading decides what only time decides, once all that there is has been read.
func (r *streamReader) endReading(ctx context.Context, s *logStream, fresh int) error {
	if s.lastRead.IsZero() {
		s.lastRead = r.now
	}
	s.nextRead = time.Time{}
	if s.newest > 0 && r.now.Sub(time.UnixMilli(s.newest)) > deadAfter {
		s.nextRead = r.now.Add(deadInterval)
	}
	if s.parser == nil {
		return nil
	}
	if fresh == 0 && s.format.LineMayContinue && len(s.unreadText()) > 0 { // nothing followed since the poll before
		if err := r.parseText(ctx, s, true); err != nil {
			return err
		}
	}
	if !s.format.DecidesByTime || s.parser.LogTime() == 0 || !delivery.AcquireInto(r.queue, &r.batch) {
		return nil
	}
	silence := max(0, r.host.Now().Sub(s.lastRead))
	if s.parser.FlushDue(s.parser.LogTime()+int64(silence), &r.batch.parsed); len(r.batch.parsed.Events) > 0 {
		return r.submitStream(s)
	}
	return nil
}

// explainProblem gives the key and the remedy of what keeps a group from being read.
func (c Config) explainProblem(err error) (key, remedy string) {
	if key, remedy = c.Explain(err); key != "" {
		return key, remedy
	}
	return explainGroup(err)
}
