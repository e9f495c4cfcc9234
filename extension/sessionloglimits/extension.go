package sessionloglimits

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/extension/sessionloglimits/internal/otlpsize"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
)

var (
	_ extension.Extension            = (*requestLimiter)(nil)
	_ extensionmiddleware.HTTPServer = (*requestLimiter)(nil)
	_ extensionmiddleware.GRPCServer = (*requestLimiter)(nil)
)

type requestLimiter struct {
	component.StartFunc
	component.ShutdownFunc
	cfg        *Config
	id         component.ID
	refused    metric.Int64Counter
	conditions *conditionlog.Logger
}

func (l *requestLimiter) countRefusal(ctx context.Context, err error) error {
	explained := l.cfg.explainLimit(l.id, err)
	reason := "malformed"
	for _, known := range []error{otlpsize.ErrRecords, otlpsize.ErrAttributes, otlpsize.ErrBytes, otlpsize.ErrNesting} {
		if errors.Is(err, known) {
			reason = strings.ReplaceAll(known.Error(), " ", "_")
		}
	}
	l.refused.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", reason)))
	l.conditions.Raise(reason, "an OTLP request was refused", zap.Error(explained))
	return explained
}

// signalFromName takes a path or a type's name; it is Unknown where that names no signal, or several.
func signalFromName(name string) otlpsize.Signal {
	name = strings.ToLower(name)
	found := otlpsize.Unknown
	for word, signal := range map[string]otlpsize.Signal{"log": otlpsize.Logs, "trace": otlpsize.Traces, "metric": otlpsize.Metrics} {
		switch {
		case !strings.Contains(name, word):
		case found != otlpsize.Unknown:
			return otlpsize.Unknown
		default:
			found = signal
		}
	}
	return found
}
