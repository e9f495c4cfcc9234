package cloudwatch

import (
	"context"

	"go.opentelemetry.io/collector/component"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
)

type cloudwatchSource struct {
	cfg      Config
	instance string
}

// New makes the source of a valid configuration. instance is the name of the one server that wrote all streams, where the configuration has
// such a name ([source.Host.InstanceSet]); else each stream bears that of its own.
func New(cfg Config, instance string, _ component.TelemetrySettings) (source.Source, error) {
	return &cloudwatchSource{cfg, instance}, nil
}

type streamReader struct {
	Config
	*awslogs.Reader
	instance string
	client   *logClient

	streams    map[string]*logStream             // by id
	shared     map[string]*logformat.SharedState // by server and format, of those that share
	firstStart bool                              // nothing is remembered
	listed     map[string]bool                   // log groups whose streams were listed since
	// failedLast names, by group, the stream that failed last: it is read after all others, which it, or a quota, would otherwise keep waiting.
	failedLast map[string]string
}

func (c *cloudwatchSource) Run(ctx context.Context, host source.Host) error {
	shared, err := awslogs.NewReader(host, "CloudWatch Logs", c.cfg.TextConfig, c.cfg.explainProblem)
	if err != nil {
		return err
	}
	r := &streamReader{
		Config: c.cfg, Reader: shared, instance: c.instance, streams: map[string]*logStream{}, shared: map[string]*logformat.SharedState{}, listed: map[string]bool{}, failedLast: map[string]string{},
	}
	if !r.Connect(ctx, c.cfg.ClientConfig) {
		return nil // ctx ended
	}
	defer r.Session.Close()
	r.client = newClient(r.Session, r.Config, r.NoteTry)
	if !delivery.LoadUntilDone(ctx, host, r.Status, r.loadStreams) {
		return nil
	}
	defer r.StartDelivery(ctx)()
	var places []*awslogs.ReadTarget
	for _, group := range r.LogGroups {
		places = append(places, &awslogs.ReadTarget{
			Title: "log group " + group, Poll: func(ctx context.Context) (bool, error) { return r.pollGroup(ctx, group) },
		})
	}
	r.PollUntilDone(ctx, r.CollectionInterval, places)
	return nil
}
