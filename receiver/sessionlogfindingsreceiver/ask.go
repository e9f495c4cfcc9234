package sessionlogfindingsreceiver

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/findings"
)

const (
	longestPart = 24 * time.Hour // of time that is asked about at once
	mostRecords = 100            // of one delivery
)

// askAll asks every question up to now. An error of the backend or of the pipeline ends it, and all that was not delivered is asked by the next run.
func (r *findingsReceiver) askAll(ctx context.Context) error {
	store, err := r.backend.OpenQueryStore(ctx)
	if err != nil {
		return r.backendFailed(ctx, err)
	}
	defer func() { _ = store.Close() }()
	oldest, newest, found, err := store.Extent(ctx)
	if err != nil {
		return r.backendFailed(ctx, err)
	}
	if found { // what comes first may be old
		if err := r.warnOfLateEvents(ctx, store); err != nil {
			return r.backendFailed(ctx, err)
		}
	}
	for i := range r.questions {
		if !found {
			break
		}
		if err := r.askUntil(ctx, store, &r.questions[i], time.Unix(0, oldest).UTC(), time.Unix(0, newest).Add(1).UTC()); err != nil {
			return err
		}
	}
	r.conditions.Clear("backend", "the backend answers again")
	r.conditions.Clear("pipeline", "the pipeline takes findings again")
	return nil
}

func (r *findingsReceiver) backendFailed(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		r.conditions.RaiseReason("backend", err, "the backend cannot be asked, so that nothing is found: it is tried again each interval, and no time is left out; "+
			"start the exporter that writes to it, or mend the block sqlite, clickhouse or postgresql", zap.Stringer("interval", r.config.Interval))
	}
	return err
}

// askUntil asks about the time since the last run, in parts, as far as there are events: where a source was away, what comes of it later is not late.
// A part whose answer was not complete is asked again with more time, and is not cut: what is one finding of a day, such as many addresses of a user,
// would be several of its hours.
func (r *findingsReceiver) askUntil(ctx context.Context, store query.Store, q *scheduledQuestion, oldest, end time.Time) error {
	m := r.memories[q.Name]
	end = m.beginAsking(r.now().UTC(), oldest, end)
	limits := query.Limits{Time: r.config.AnswerTime}
	for {
		until := m.Asked.Add(longestPart)
		if until.After(end) {
			until = end
		}
		found, covered, err := q.Ask(ctx, store, r.questionRange(m, until), limits)
		if err != nil {
			return r.backendFailed(ctx, err)
		}
		if !covered.Complete {
			r.warnOfIncomplete(ctx, q, limits.Time)
			limits.Time *= 2
			continue
		}
		if err := r.deliverNew(ctx, q, m, found); err != nil {
			return err
		}
		m.Asked = until
		m.forgetUnreachable(r.config.Lookback + r.config.Questions.longestReach())
		r.saveValue(ctx, q.Name, m)
		if limits.Time == r.config.AnswerTime {
			r.conditions.Clear("answer_time "+q.Name, "answer_time is enough again", zap.String("question", q.Name))
		}
		if !until.Before(end) {
			return nil
		}
		limits.Time = max(limits.Time/2, r.config.AnswerTime)
	}
}

func (r *findingsReceiver) questionRange(m *questionMemory, until time.Time) query.Filter {
	// Events may have come late: some of what was asked is asked again.
	from := m.Asked.Add(-r.config.Lookback)
	if from.Before(m.Begin) {
		from = m.Begin
	}
	return query.Filter{From: from, Until: until}
}

func (r *findingsReceiver) warnOfIncomplete(ctx context.Context, q *scheduledQuestion, limit time.Duration) {
	r.stats.countFor(ctx, r.stats.incomplete, 1, q.Name)
	r.conditions.Raise("answer_time "+q.Name, "answer_time was too short for the answer: the question is asked again with more time, and nothing is left out; "+
		"raise answer_time, shorten lookback, or take the question out (questions::…::enabled: false)", zap.String("question", q.Name), zap.Stringer("time", limit))
}

func (r *findingsReceiver) deliverNew(ctx context.Context, q *scheduledQuestion, m *questionMemory, found []findings.Finding) error {
	for some := range slices.Chunk(m.newDeliveries(found, &r.options), mostRecords) {
		delivered, err := r.deliverFindings(ctx, q, some)
		for i := range some[:delivered] {
			m.rememberDelivered(&some[i])
		}
		if err != nil {
			r.saveValue(ctx, q.Name, m)
			return err
		}
	}
	return nil
}

// deliverFindings hands findings to the pipeline; those that it refuses for good are in a warning, once. The first of them are done.
func (r *findingsReceiver) deliverFindings(ctx context.Context, q *scheduledQuestion, tellings []newDelivery) (done int, err error) {
	err = r.next.ConsumeLogs(ctx, r.records.logsOf(q, tellings))
	switch {
	case err == nil:
		r.stats.countFor(ctx, r.stats.delivered, len(tellings), q.Name)
		return len(tellings), nil
	case !consumererror.IsPermanent(err):
		if ctx.Err() == nil {
			r.conditions.RaiseReason("pipeline", err, "the pipeline does not take findings: they are delivered again in the next run; check its exporters")
		}
		return 0, err
	case len(tellings) == 1:
		r.stats.countFor(ctx, r.stats.refused, 1, q.Name)
		r.set.Logger.Warn("the pipeline refuses a finding for good, and it is not delivered again: lead findings to an exporter that takes any log record, such as otlp_http; "+
			"the exporters sessionlog and sessionlog_forward take logins only", zap.String("question", q.Name), zap.String("id", tellings[0].id), zap.Error(err))
		return 1, nil
	}
	for i := range tellings {
		if _, alone := r.deliverFindings(ctx, q, tellings[i:i+1]); alone != nil {
			return i, alone
		}
	}
	return len(tellings), nil
}
