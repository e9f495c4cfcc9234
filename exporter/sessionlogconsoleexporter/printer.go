package sessionlogconsoleexporter

import (
	"context"
	"errors"
	"io"
	"time"

	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/droppingwriter"
	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

const (
	scopeName    = "github.com/otel-sessionlog/sessionlog/exporter/sessionlogconsoleexporter"
	bufferBytes  = 1 << 20
	flushTimeout = time.Second // of Shutdown, for lines that the output has not taken yet
)

// errNotRead is why a line is dropped that found no room.
var errNotRead = errors.New("nobody reads the output")

// linePrinter writes lines such as
//
//	2026-11-21 22:00:39.527909Z login succeeded: user=alice client=127.0.0.1 port=36988
//
// Records that are no events are none of its business. It never waits for the output and never fails a delivery: the lines are a
// view, and the exporters beside it keep the events.
type linePrinter struct {
	out    *droppingwriter.Writer
	redact *redaction.Policy // nil: nothing is hidden
}

func newPrinter(set exporter.Settings, config *Config, file io.Writer) (*linePrinter, error) {
	dropped, err := set.MeterProvider.Meter(scopeName).Int64Counter("otelcol_exporter_sessionlog_console_dropped_lines",
		metric.WithDescription("Lines that the output did not take: nobody reads it, or its disk is full."), metric.WithUnit("{line}"))
	if err != nil {
		return nil, err
	}
	id := metric.WithAttributeSet(attribute.NewSet(attribute.String("exporter", set.ID.String())))
	conditions := conditionlog.New(set.Logger, time.Now)
	onDrop := func(lines int64, reason error) {
		dropped.Add(context.Background(), lines, id)
		if reason == nil {
			reason = errNotRead
		}
		conditions.Raise("dropped", "lines of events are dropped, the events are not: "+config.Output+" cannot be written to; "+
			"read it, make room on its disk, or take sessionlog_console out of the pipeline", zap.String("output", config.Output), zap.Error(reason))
	}
	return &linePrinter{out: droppingwriter.New(file, bufferBytes, onDrop), redact: redaction.New(config.Redact)}, nil
}

func (p *linePrinter) pushLines(_ context.Context, ld plog.Logs) error {
	decoder := plogs.NewDecoder()
	if p.redact != nil {
		decoder.Hiding(p.redact.Apply)
	}
	var line []byte
	for _, e := range decoder.All(ld) {
		line = appendLine(line[:0], e)
		_, _ = p.out.Write(line) // it never fails
	}
	return nil
}

func (p *linePrinter) flushOutput(context.Context) error {
	// A goroutine that is blocked in a write ends with the process.
	p.out.Flush(flushTimeout)
	return nil
}

func appendLine(b []byte, e *session.Event) []byte {
	b = time.Unix(0, e.Time).UTC().AppendFormat(b, "2006-01-02 15:04:05.000000Z ")
	b = e.AppendLine(b)
	return append(b, '\n')
}
