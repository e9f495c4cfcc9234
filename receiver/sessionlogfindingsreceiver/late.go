package sessionlogfindingsreceiver

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/query"
)

const (
	watchedTime  = 24 * time.Hour // before lookback, for sources that are always late
	watchedEvery = time.Hour      // is looked at so far back
)

type instanceName struct{ system, instance query.Cell }

// newestEvents are those of each instance that were seen by the last run, also by that before the start.
type newestEvents struct {
	times      map[instanceName]time.Time
	lookedBack time.Time // when the whole watched time was looked at
}

// warnOfLateEvents warns of instances whose events came further back than lookback after their time had been asked about: no question sees them. An instance
// that had nothing to say meanwhile is none.
func (r *findingsReceiver) warnOfLateEvents(ctx context.Context, store query.Store) error {
	begin, asked := r.askedTimes()
	unasked := asked.Add(-r.config.Lookback) // nothing before it is asked any more
	filter, isFirst := query.Filter{From: unasked}, r.newest.times == nil
	if since := r.now().Sub(r.newest.lookedBack); isFirst || since < 0 || since >= watchedEvery {
		filter.From, r.newest.lookedBack = unasked.Add(-watchedTime), r.now()
	}
	groups, _, err := query.Groups(ctx, store, filter, []string{"system", "instance"}, query.Limits{Time: r.config.AnswerTime})
	if err != nil {
		return err
	}
	isNewer := false
	if isFirst {
		r.newest.times = map[instanceName]time.Time{}
	}
	for _, g := range groups {
		of := instanceName{g.Values[0], g.Values[1]}
		before, known := r.newest.times[of]
		if !known {
			before = unasked.Add(-watchedTime)
		}
		if before.Before(begin) {
			before = begin
		}
		if !g.Last.After(before) {
			continue
		}
		if !isFirst {
			if err := r.warnOfLateInstance(ctx, store, of, before, unasked); err != nil {
				return err
			}
		}
		r.newest.times[of], isNewer = g.Last, true
	}
	if isNewer {
		r.saveNewest(ctx)
	}
	return nil
}

func (r *findingsReceiver) askedTimes() (begin, asked time.Time) {
	for _, m := range r.memories {
		begin = m.Begin
		if asked.Before(m.Asked) {
			asked = m.Asked
		}
	}
	return begin, asked
}

func (r *findingsReceiver) warnOfLateInstance(ctx context.Context, store query.Store, of instanceName, seen, unasked time.Time) error {
	f := query.Filter{From: seen.Add(1), Until: unasked, Conditions: []query.Condition{conditionOf("system", of.system), conditionOf("instance", of.instance)}}
	var late []query.Group
	if f.From.Before(f.Until) {
		var err error
		if late, _, err = query.Groups(ctx, store, f, []string{"system"}, query.Limits{Time: r.config.AnswerTime}); err != nil {
			return err
		}
	}
	name := "late " + of.system.Text + " " + of.instance.Text
	where := []zap.Field{zap.String("system", of.system.Text), zap.String("instance", of.instance.Text)}
	if len(late) == 0 {
		r.conditions.Clear(name, "events come within lookback again", where...)
		return nil
	}
	r.conditions.Raise(name, "events were stored later than lookback allows, after their time had been asked about, and no question is asked about them: raise lookback to more than "+
		"the source may be away, and see that time in the explorer (New, with from and to)",
		append(where, zap.Int64("events", late[0].Count), zap.Time("after", seen), zap.Time("before", unasked), zap.Stringer("lookback", r.config.Lookback))...)
	return nil
}

func conditionOf(column string, value query.Cell) query.Condition {
	field := query.MustFieldOf(column)
	if value.Absent {
		return query.Condition{Field: field, Match: query.IsAbsent}
	}
	return query.Condition{Field: field, Value: value.Text}
}
