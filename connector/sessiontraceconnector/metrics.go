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

// metricsConnector counts login records and sends what it has counted every interval, and once more at the end.
type metricsConnector struct {
	*sharedState
	startGuard
	next    consumer.Metrics
	tally   *loginmetrics.Tally
	version string
	log     *zap.Logger

	startTime time.Time
	cancel    context.CancelFunc
	sendEnded chan struct{}
}

func newMetricsConnector(h *sharedState, next consumer.Metrics, set connector.Settings) *metricsConnector {
	return &metricsConnector{sharedState: h, next: next, tally: loginmetrics.NewTally(h.cfg.Metrics.MaxSeries), version: set.BuildInfo.Version, log: set.Logger}
}

func (m *metricsConnector) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (m *metricsConnector) Start(context.Context, component.Host) error {
	if err := m.start(m.sharedState); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel, m.sendEnded = cancel, make(chan struct{})
	m.startTime = time.Now()
	go m.sendPeriodically(ctx)
	return nil
}

func (m *metricsConnector) Shutdown(ctx context.Context) error {
	if !m.isStarted {
		return nil
	}
	m.cancel()
	<-m.sendEnded
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	m.sendMetrics(ctx)
	return m.stop(m.sharedState)
}

// ConsumeLogs counts. It promises nothing that could fail.
func (m *metricsConnector) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	if m.logsConnectors == 0 { // no logs connector learns sessions
		m.learnRecords(ld, false)
	}
	d := decoderPool.Get().(*plogs.Decoder)
	defer decoderPool.Put(d)
	for _, e := range d.All(ld) {
		var began int64
		if e.Duration == 0 && !e.SessionKey.IsZero() {
			b := m.lockStore()
			began, _ = b.Began(e.SessionKey)
			b.End()
		}
		m.tally.CountEvent(e, began)
	}
	return nil
}

func (m *metricsConnector) sendPeriodically(ctx context.Context) {
	defer close(m.sendEnded)
	tick := time.NewTicker(m.cfg.Metrics.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.sendMetrics(ctx)
		}
	}
}

// sendMetrics delivers all that was counted since the start: what cannot be delivered is in what is sent the next time.
func (m *metricsConnector) sendMetrics(ctx context.Context) {
	b := m.lockStore()
	m.tally.SetOpenSessions(func(yield func(loginmetrics.Server, int64)) {
		b.Open(func(p correlation.ServerInstance, n int64) { yield(loginmetrics.Server(p), n) })
	})
	b.End()
	md := m.tally.BuildMetrics(m.startTime, time.Now(), m.version)
	if md.DataPointCount() == 0 {
		return
	}
	if err := m.next.ConsumeMetrics(ctx, md); err != nil {
		m.log.Warn("metrics of logins could not be delivered; they are sent again with the next ones", zap.Error(err))
	}
}
