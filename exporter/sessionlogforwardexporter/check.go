package sessionlogforwardexporter

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/collector/component"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

// CheckConnection makes a call without records, as the exporter does at its start.
func (c *Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	if c.Client.Auth.HasValue() || len(c.Client.Middlewares) > 0 {
		return []connectcheck.Finding{{OK: true, Subject: "target", Detail: "not tried: the extensions of auth and middlewares run in the collector alone"}}
	}
	quiet := component.TelemetrySettings{Logger: zap.NewNop(), MeterProvider: metricnoop.NewMeterProvider(), TracerProvider: tracenoop.NewTracerProvider()}
	s := newSender(c.TargetConfig, quiet, "")
	defer func() { _ = s.Shutdown(ctx) }()
	return s.checkTarget(ctx)
}

// checkTarget is what is asked of a running exporter too.
func (s *sender) checkTarget(ctx context.Context) []connectcheck.Finding {
	err := s.Start(ctx)
	if err == nil {
		return []connectcheck.Finding{{OK: true, Subject: "target", Detail: addressWithoutQuery(s.config.Client.Endpoint)}}
	}
	finding := connectcheck.Finding{Subject: "target", Detail: err.Error(), Key: "endpoint", Remedy: "name a target that runs, such as " + s.protocol.example}
	var failure *targetError
	if errors.As(err, &failure) {
		finding.Key, finding.Detail = cmp.Or(failure.key, finding.Key), failure.reason
		finding.Remedy = remedyOf[finding.Key]
	}
	return []connectcheck.Finding{finding}
}

// addressWithoutQuery leaves out what may hold a secret.
func addressWithoutQuery(endpoint string) string {
	address, _, _ := strings.Cut(endpoint, "?")
	return address
}

var remedyOf = map[string]string{
	"endpoint":                    "see whether the path is the target's: the protocol adds its own (elasticsearch /_bulk, splunk_hec /services/collector/event, ndjson nothing)",
	"auth":                        "write headers::Authorization, or auth::authenticator with an extension",
	"splunk_hec::acknowledgement": "enable indexer acknowledgement for the token and set this to true, or neither",
	"splunk_hec::token":           "write the token that the HTTP Event Collector gave, and see that it is enabled",
}
