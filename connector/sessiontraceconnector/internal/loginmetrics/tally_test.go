package loginmetrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otel-sessionlog/sessionlog/session"
)

var epoch = time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)

// build makes the metrics at this second.
func build(tally *Tally, second int) pmetric.Metrics {
	return tally.BuildMetrics(epoch, epoch.Add(time.Duration(second)*time.Second), "test")
}

func event(n int, change ...func(*session.Event)) *session.Event {
	e := &session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeSuccess, Time: epoch.UnixNano(), System: "shop", Instance: "eu",
		AuthMethod: session.AuthPassword, RecordID: session.ID{byte(n), byte(n >> 8), byte(n >> 16), 1},
	}
	for _, f := range change {
		f(e)
	}
	return e
}

func logout(d time.Duration) func(*session.Event) {
	return func(e *session.Event) { e.Kind, e.Duration = session.KindLogout, int64(d) }
}

// points lists what there is as text: resource, metric, attributes, start and value.
func points(md pmetric.Metrics) map[string]string {
	all := map[string]string{}
	for _, rm := range md.ResourceMetrics().All() {
		for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
			name := fmt.Sprint(rm.Resource().Attributes().AsRaw(), m.Name())
			switch m.Type() {
			case pmetric.MetricTypeSum:
				for _, p := range m.Sum().DataPoints().All() {
					all[fmt.Sprint(name, " ", p.Attributes().AsRaw())] = fmt.Sprint(p.IntValue(), " since ", p.StartTimestamp().AsTime().Sub(epoch))
				}
			case pmetric.MetricTypeHistogram:
				for _, p := range m.Histogram().DataPoints().All() {
					all[fmt.Sprint(name, " ", p.Attributes().AsRaw())] = fmt.Sprintf("%d sum %v since %v%v", p.Count(), p.Sum(), p.StartTimestamp().AsTime().Sub(epoch), p.BucketCounts().AsRaw())
				}
			}
		}
	}
	return all
}

const (
	shop      = "map[service.instance.id:eu service.name:shop]"
	succeeded = shop + "sessionlog.logins map[sessionlog.auth.method:password sessionlog.outcome:success]"
	lasted    = shop + "sessionlog.session.duration map[sessionlog.auth.method:password]"
)

// A record that comes again, as it does when the exporter beside this connector has failed, counts once.
func TestARecordCountsOnce(t *testing.T) {
	tally := NewTally(10)
	for range 3 {
		tally.CountEvent(event(1), 0)
		tally.CountEvent(event(2), 0)
		tally.CountEvent(event(3, logout(time.Second)), 0)
	}
	tally.CountEvent(event(4, func(e *session.Event) { e.Kind = session.KindSessionUpdate }), 0)
	require.Equal(t, map[string]string{
		succeeded: "2 since 0s", lasted: "1 sum 1 since 0s[0 0 1 0 0 0 0 0 0 0 0 0]",
	}, points(build(tally, 10)))
}

func TestCumulativeCountsFromTheBeginning(t *testing.T) {
	tally := NewTally(10)
	for i := range 3 {
		tally.CountEvent(event(i), 0)
		require.Equal(t, map[string]string{succeeded: fmt.Sprint(i+1, " since 0s")}, points(build(tally, i+1)))
	}
}

func TestTemporality(t *testing.T) {
	tally := NewTally(10)
	tally.CountEvent(event(1), 0)
	tally.CountEvent(event(2, logout(time.Minute)), 0)
	tally.SetOpenSessions(func(yield func(Server, int64)) { yield(Server{"shop", "eu"}, 1) })
	for _, m := range build(tally, 1).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == SessionDurationMetric {
			require.Equal(t, pmetric.AggregationTemporalityCumulative, m.Histogram().AggregationTemporality())
			continue
		}
		require.Equal(t, pmetric.AggregationTemporalityCumulative, m.Sum().AggregationTemporality())
		require.Equal(t, m.Name() == LoginsMetric, m.Sum().IsMonotonic())
	}
}

// However many users, systems and reasons senders make up, there are no more series than the limit and one.
func TestSeriesAreBounded(t *testing.T) {
	tally := NewTally(3)
	for n := range 100 {
		tally.CountEvent(event(n, func(e *session.Event) { e.Outcome, e.ErrorType = session.OutcomeFailure, fmt.Sprint("made-up-", n) }), 0)
		tally.CountEvent(event(1000+n, logout(time.Second), func(e *session.Event) { e.Instance = fmt.Sprint(n) }), 0)
	}
	tally.SetOpenSessions(func(yield func(Server, int64)) {
		for n := range 100 {
			yield(Server{"shop", fmt.Sprint(n)}, 2)
		}
	})
	got := points(build(tally, 1))
	require.Len(t, got, 3*(3+1))
	require.Equal(t, "97 since 0s", got["map[]sessionlog.logins map[otel.metric.overflow:true]"])
	require.Equal(t, "194 since 0s", got["map[]sessionlog.session.open map[otel.metric.overflow:true]"])
	require.Equal(t, "97 sum 97 since 0s[0 0 97 0 0 0 0 0 0 0 0 0]", got["map[]sessionlog.session.duration map[otel.metric.overflow:true]"])
}

// Neither does a long text get a series.
func TestLongTextsAreOverflow(t *testing.T) {
	tally, long := NewTally(10), strings.Repeat("x", 2000)
	tally.CountEvent(event(1, func(e *session.Event) { e.AuthMethod = long }), 0)
	tally.CountEvent(event(2, logout(time.Second), func(e *session.Event) { e.Instance = long }), 0)
	tally.SetOpenSessions(func(yield func(Server, int64)) { yield(Server{long, "eu"}, 1) })
	require.Len(t, points(build(tally, 1)), 3)
	require.Empty(t, tally.logins)
	require.Empty(t, tally.durations)
	require.Empty(t, tally.open)
}

// A server whose last session has ended has none, and says so.
func TestNoSessionsAreToldToo(t *testing.T) {
	tally := NewTally(10)
	tally.SetOpenSessions(func(yield func(Server, int64)) { yield(Server{"postgresql", "eu"}, 3) })
	tally.SetOpenSessions(func(func(Server, int64)) {})
	require.Equal(t, map[string]string{"map[service.instance.id:eu service.name:postgresql]sessionlog.session.open map[db.system.name:postgresql]": "0 since 0s"},
		points(build(tally, 1)))
}

// A duration on a bound is in the bucket below it, as OTel has it.
func TestBuckets(t *testing.T) {
	require.Len(t, DurationBounds, bucketCount-1)
	for d, want := range map[time.Duration]int{
		time.Nanosecond: 0, 10 * time.Millisecond: 0, 11 * time.Millisecond: 1, time.Second: 2, 7 * 24 * time.Hour: 10, 8 * 24 * time.Hour: 11,
	} {
		var h durationHistogram
		h.observeDuration(int64(d))
		require.EqualValues(t, 1, h.buckets[want], d)
	}
}

// One: the record that is remembered.
func TestCountingAllocatesOnce(t *testing.T) {
	tally, n := NewTally(10), 0
	e := event(1)
	tally.CountEvent(e, 0)
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() {
		n++
		e.RecordID = session.ID{2, byte(n), byte(n >> 8)}
		tally.CountEvent(e, 0)
	}), 1.0)
}

// Neither does a text that is no UTF-8: one such label would have a strict backend refuse all series, every time.
func TestTextsOfMetricsAreUTF8(t *testing.T) {
	tally, odd := NewTally(10), "\xff"
	tally.CountEvent(event(1, func(e *session.Event) { e.AuthMethod = odd }), 0)
	tally.CountEvent(event(2, func(e *session.Event) { e.ErrorType = odd }), 0)
	tally.CountEvent(event(3, logout(time.Second), func(e *session.Event) { e.System = odd }), 0)
	tally.SetOpenSessions(func(yield func(Server, int64)) { yield(Server{"shop", odd}, 1) })
	require.Equal(t, map[string]string{
		"map[]sessionlog.logins map[otel.metric.overflow:true]":           "2 since 0s",
		"map[]sessionlog.session.open map[otel.metric.overflow:true]":     "1 since 0s",
		"map[]sessionlog.session.duration map[otel.metric.overflow:true]": "1 sum 1 since 0s[0 0 1 0 0 0 0 0 0 0 0 0]",
	}, points(build(tally, 1)))
}
