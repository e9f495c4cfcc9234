// Package webhook is the way of contrib's webhookevent receiver with split_logs_at_newline, rebuilt, since its module cannot be had from every
// proxy: each line of a body is a log record with that line as its body.
package webhook

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
)

const longestLine = 1 << 20

// Config has the keys of contrib's receiver that the pipelines use.
type Config struct {
	Endpoint string `mapstructure:"endpoint"`
	Path     string `mapstructure:"path"`
}

// NewFactory makes the receiver.
func NewFactory() receiver.Factory {
	kind := component.MustNewType("webhookevent")
	return receiver.NewFactory(kind, func() component.Config { return &Config{} }, receiver.WithLogs(
		func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
			report, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, Transport: "http", ReceiverCreateSettings: set})
			return &lineReceiver{cfg: cfg.(*Config), report: report, next: next}, err
		}, component.StabilityLevelDevelopment))
}

type lineReceiver struct {
	cfg    *Config
	report *receiverhelper.ObsReport
	next   consumer.Logs
	server *http.Server
}

func (r *lineReceiver) Start(ctx context.Context, _ component.Host) error {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", r.cfg.Endpoint)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc(r.cfg.Path, r.take)
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(listener) }() // ends with Shutdown
	return nil
}

func (r *lineReceiver) take(w http.ResponseWriter, request *http.Request) {
	logs := plog.NewLogs()
	records, now := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords(), pcommon.NewTimestampFromTime(time.Now())
	lines := bufio.NewScanner(request.Body)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		record := records.AppendEmpty()
		record.SetObservedTimestamp(now)
		record.Body().SetStr(lines.Text())
	}
	ctx := r.report.StartLogsOp(request.Context())
	err := errors.Join(lines.Err(), r.next.ConsumeLogs(ctx, logs))
	r.report.EndLogsOp(ctx, "text", records.Len(), err)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func (r *lineReceiver) Shutdown(ctx context.Context) error {
	if r.server == nil {
		return nil
	}
	return r.server.Shutdown(ctx)
}
