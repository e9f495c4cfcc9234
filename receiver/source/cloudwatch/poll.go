package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
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

func (r *streamReader) pollGroup(ctx context.Context, group string) (more bool, err error) {
	streams, err := r.findStreams(ctx, group)
	if err != nil {
		return false, err
	}
	for _, s := range streams {
		if time.Now().Before(s.nextRead) {
			continue
		}
		streamMore, err := r.readStream(ctx, s)
		r.DiscardBatch()
		switch condition := "content of " + s.streamID(); {
		case errors.Is(err, awslogs.ErrUnknownFormat), logformat.IsRefusal(err):
			r.returnToSubmitted(s)
			r.ReportProblem(condition, "no login of stream "+s.streamID()+" is read", err)
		case err != nil:
			s.pageToken, r.failedLast[group] = nil, s.name
			return more, err
		default:
			r.ClearProblem(condition)
		}
		more = more || streamMore
	}
	return more, nil
}

func (r *streamReader) returnToSubmitted(s *logStream) {
	// What was fetched since the last submission cannot be read as long as the configuration is as it is.
	if err := r.restoreStream(s, s.saved); err != nil {
		r.Host.Log.Warn("a stream's state cannot be read", zap.String("stream", s.streamID()), zap.Error(err))
	}
}

func (r *streamReader) readStream(ctx context.Context, s *logStream) (more bool, err error) {
	if s.unparsed {
		if err := r.parseText(ctx, s, false); err != nil {
			return false, err
		}
		s.unparsed = false
	}
	if s.pageToken == nil {
		s.pagesFrom = s.readFrom(r.Now, r.Overlap)
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
	s.Changed, s.lastRead = true, r.Host.Now()
	begin := s.readFrom(r.Now, r.Overlap)
	if s.floor = s.seen.Forget(begin, maxSeenEvents); s.floor > begin {
		r.Conditions.Raise("overlap", "more events lie within `overlap` than are remembered: it is cut short, and events that arrive later than that are missed: "+
			"make `overlap` shorter, or leave events out with `filter_pattern`", zap.String("stream", s.streamID()))
	}
	return fresh
}

func (r *streamReader) noteLateness(s *logStream, millis int64) {
	if late := time.Duration(s.newest-millis) * time.Millisecond; late > r.Overlap/2 {
		r.Conditions.Raise("late", fmt.Sprintf("events arrive up to %s later than others of their stream; one that is later than `overlap`, %s, is missed: make it longer",
			late.Round(time.Second), r.Overlap), zap.String("stream", s.streamID()))
	}
}

func (r *streamReader) endReading(ctx context.Context, s *logStream, fresh int) error {
	if s.lastRead.IsZero() {
		s.lastRead = r.Now
	}
	s.nextRead = time.Time{}
	if s.newest > 0 && r.Now.Sub(time.UnixMilli(s.newest)) > deadAfter {
		s.nextRead = time.Now().Add(deadInterval)
	}
	if s.Parser == nil {
		return nil
	}
	if fresh == 0 && s.Format.LineMayContinue && len(s.unreadText()) > 0 { // nothing followed since the poll before
		if err := r.parseText(ctx, s, true); err != nil {
			return err
		}
	}
	if r.FlushDue(s.TextParser, max(0, r.Host.Now().Sub(s.lastRead))) {
		return r.submitStream(s)
	}
	r.ReportRecords(&s.Text, "records of "+s.streamID(), s.streamID())
	return nil
}

// explainProblem gives the key and the remedy of what keeps a group from being read.
func (c Config) explainProblem(err error) (key, remedy string) {
	if key, remedy = c.Explain(err); key != "" {
		return key, remedy
	}
	code := configaws.ErrorCode(err)
	switch {
	case errors.Is(err, awslogs.ErrUnknownFormat), logformat.IsRefusal(err):
		return "format", "write what the stream is, or select others with `stream_prefixes`"
	case errors.Is(err, awslogs.ErrStorage):
		return "storage", "let the storage extension write its folder"
	case code == "ResourceNotFoundException":
		return "log_groups", "correct the name and `region`; the group appears when the server first exports its log (docs/clouds.md has the commands)"
	case configaws.IsDenied(err):
		return "role_arn", "let the identity's policy have logs:DescribeLogStreams and logs:FilterLogEvents on the log group (docs/clouds.md has it)"
	case code == "InvalidParameterException":
		return "filter_pattern", "see whether CloudWatch takes filter_pattern and the names: aws logs filter-log-events"
	}
	return "endpoint", "let the collector reach logs.<region>.amazonaws.com on port 443, or write a VPC endpoint's URL as endpoint"
}
