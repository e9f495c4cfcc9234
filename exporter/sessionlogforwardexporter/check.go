package sessionlogforwardexporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/shape"
)

// CheckConnection makes a call without records, as the exporter does at its start.
func (c *Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	if c.Client.Auth.HasValue() || len(c.Client.Middlewares) > 0 {
		return []connectcheck.Finding{{OK: true, Subject: "target", Detail: "not tried: the extensions of auth and middlewares run in the collector alone"}}
	}
	quiet := component.TelemetrySettings{Logger: zap.NewNop(), MeterProvider: metricnoop.NewMeterProvider(), TracerProvider: tracenoop.NewTracerProvider()}
	s := newSender(c.TargetConfig, quiet, "")
	defer func() { _ = s.Shutdown(ctx) }()
	return append(s.checkTarget(ctx), c.checkTimeField()...)
}

// victoriaLogsFields names what VictoriaLogs has to know of a shape: the fields of time, message and stream.
var victoriaLogsFields = map[shape.Format][3]string{
	shape.ECS:  {"@timestamp", "message", "event.dataset"},
	shape.OCSF: {"time", "message", "class_name"},
	shape.Flat: {"timestamp", "event_name", "service.name"},
	shape.CIM:  {"time", "signature", "app"},
}

// checkTimeField: without the right field VictoriaLogs takes the time of arrival for that of the login, and says nothing.
func (c TargetConfig) checkTimeField() []connectcheck.Finding {
	address, err := url.Parse(c.Client.Endpoint)
	fields, known := victoriaLogsFields[c.documentFormat()]
	if err != nil || !known {
		return nil
	}
	place := strings.TrimSuffix(strings.TrimSuffix(address.Path, "/"), "/_bulk")
	if !strings.HasSuffix(place, "/insert/jsonline") && !strings.HasSuffix(place, "/insert/elasticsearch") {
		return nil
	}
	header, _ := c.Client.Headers.Get("VL-Time-Field")
	if slices.Contains(strings.Split(cmp.Or(address.Query().Get("_time_field"), string(header)), ","), fields[0]) {
		return nil
	}
	return []connectcheck.Finding{{
		Subject: "time", Key: "endpoint",
		Detail: fmt.Sprintf("VictoriaLogs does not know that the time of %s is in %s: each login would bear the time of its arrival", c.documentFormat(), fields[0]),
		Remedy: fmt.Sprintf("write the query ?_time_field=%s&_msg_field=%s&_stream_fields=%s", fields[0], fields[1], fields[2]),
	}}
}

func (s *documentSender) raiseTimeField() {
	for _, finding := range s.config.checkTimeField() {
		s.conditions.Raise("time field", finding.Detail+"; "+finding.Remedy, zap.String("key", finding.Key))
	}
}

// checkTarget is what is asked of a running exporter too.
func (s *documentSender) checkTarget(ctx context.Context) []connectcheck.Finding {
	err := s.Start(ctx)
	if err == nil {
		return []connectcheck.Finding{{OK: true, Subject: "target", Detail: addressWithoutQuery(s.config.Client.Endpoint)}}
	}
	finding := connectcheck.Finding{Subject: "target", Detail: err.Error(), Key: "endpoint", Remedy: "name a target that runs, such as " + s.protocol.example}
	if strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		finding.Remedy = "write http:// in the place of https://, or switch TLS on at the target"
	}
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
