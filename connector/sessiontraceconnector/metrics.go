package sessiontraceconnector

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector/internal/correlation"
	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector/internal/loginmetrics"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// metrics counts login records and sends what it has counted every interval, and once more at the end.
type metrics struct {
	*sharedState
	lifecycle
	next    consumer.Metrics
	tally   *loginmetrics.Tally
	version string
	log     *zap.Logger

	began  time.Time
	since  time.Time // of what is sent next
	cancel context.CancelFunc
	ended  chan struct{}
}

func newMetrics(h *sharedState, next consumer.Metrics, set connector.Settings) *metrics {
	return &metrics{sharedState: h, next: next, tally: loginmetrics.New(h.cfg.Metrics.MaxSeries), version: set.BuildInfo.Version, log: set.Logger}
}

// Capabilities says that records are only read.
func (m *metrics) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// Start joins the memory of this id and begins to send.
func (m *metrics) Start(context.Context, component.Host) error {
	if m.running() {
		return nil
	}
	if err := m.enter(m.sharedState); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel, m.ended = cancel, make(chan struct{})
	m.began = time.Now()
	m.since = m.began
	go m.run(ctx)
	return nil
}

// Shutdown sends what was counted since the last time, and leaves.
func (m *metrics) Shutdown(ctx context.Context) error {
	if !m.running() {
		return nil
	}
	m.cancel()
	<-m.ended
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	m.send(ctx)
	return m.exit(m.sharedState)
}

// ConsumeLogs counts. It promises nothing that could fail.
func (m *metrics) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	if m.logsConnectors == 0 { // nobody else takes note of sessions
		m.learnRecords(ld, false)
	}
	d := decoderPool.Get().(*plogs.Decoder)
	defer decoderPool.Put(d)
	for _, e := range d.All(ld) {
		var began int64
		if e.Duration == 0 && !e.SessionKey.IsZero() {
			b := m.begin()
			began, _ = b.Began(e.SessionKey)
			b.End()
		}
		m.tally.Event(e, began)
	}
	return nil
}

func (m *metrics) run(ctx context.Context) {
	defer close(m.ended)
	tick := time.NewTicker(m.cfg.Metrics.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.send(ctx)
		}
	}
}

// send delivers what was counted. What cannot be delivered is sent again the next time, with what comes until then.
func (m *metrics) send(ctx context.Context) {
	b := m.begin()
	m.tally.Open(func(yield func(loginmetrics.Place, int64)) {
		b.Open(func(p correlation.Place, n int64) { yield(loginmetrics.Place(p), n) })
	})
	b.End()
	delta := m.cfg.Metrics.Temporality == Delta
	now := time.Now()
	md := m.tally.Build(loginmetrics.Span{Began: m.began, Start: m.since, End: now}, delta, m.version)
	if md.DataPointCount() == 0 {
		return
	}
	if err := m.next.ConsumeMetrics(ctx, md); err != nil {
		m.log.Warn("metrics of logins could not be delivered; they are sent again with the next", zap.Error(err))
		return
	}
	m.tally.Delivered()
	m.since = now
}
