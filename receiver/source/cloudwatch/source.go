package cloudwatch

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
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

// streamReader reads all streams, one after another.
type streamReader struct {
	Config
	instance      string
	host          source.Host
	conditions    *conditionlog.Logger
	status        *delivery.Status
	queue         *delivery.Queue[*streamBatch]
	batch         *streamBatch // that is being filled, with what is made of one stream
	client        *logClient
	formats       []logformat.Format
	parserOptions logformat.Options

	streams    map[string]*logStream             // by id
	shared     map[string]*logformat.SharedState // by server and format, of those that share
	firstStart bool                              // nothing is remembered
	listed     bool                              // of every group once
	now        time.Time                         // of this poll
}

// Run reads until ctx ends.
func (c *cloudwatchSource) Run(ctx context.Context, host source.Host) error {
	status := delivery.NewStatus(host)
	zone, err := formats.LoadZone(c.cfg.Timezone)
	if err != nil {
		return err
	}
	r := &streamReader{
		Config: c.cfg, instance: c.instance, host: host, conditions: conditionlog.New(host.Log, host.Now), status: status, formats: formats.All(),
		parserOptions: logformat.Options{Zone: zone, LinePrefix: c.cfg.LogLinePrefix, DecideAfter: c.cfg.UndecidedAfter}, streams: map[string]*logStream{}, shared: map[string]*logformat.SharedState{},
	}
	if !r.connect(ctx) || !r.loadIndex(ctx) {
		return nil // ctx ended
	}
	defer r.client.session.Close()
	r.queue = delivery.New(ctx, host, status, c.cfg.BatchSize, func() *streamBatch { return &streamBatch{stats: host.Stats} })
	defer r.queue.Close()
	r.pollUntilDone(ctx)
	return nil
}

func (r *streamReader) pollUntilDone(ctx context.Context) {
	pauses := source.NewBackOff()
	for ctx.Err() == nil {
		more, failed := r.pollOnce(ctx)
		pause := r.CollectionInterval
		switch {
		case failed:
			pause = max(pause, pauses.NextBackOff())
		case more:
			pause = 0
		default:
			pauses.Reset()
		}
		if !source.Wait(ctx, pause) {
			return
		}
	}
}

// connect waits for credentials and a region.
func (r *streamReader) connect(ctx context.Context) bool {
	pauses := source.NewBackOff()
	for {
		var err error
		r.client, err = openClient(ctx, r.Config, r.noteTry)
		if err == nil {
			r.conditions.Clear("session", "the AWS configuration can be read")
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.reportProblem("session", "no login is read: the AWS configuration cannot be read", err)
		if !source.Wait(ctx, pauses.NextBackOff()) {
			return false
		}
	}
}

// noteTry hears of every try of every call.
func (r *streamReader) noteTry(err error) {
	switch {
	case err == nil:
		r.conditions.Clear("throttled", "CloudWatch Logs answers again")
		return
	case configaws.IsThrottled(err):
		r.conditions.Raise("throttled", "CloudWatch Logs is asked more often than the account may (key collection_interval, or other programs that read there): "+
			"what is refused is tried again, later and later")
	case configaws.IsExpired(err):
		r.client.session.ForgetCredentials()
	}
	r.host.Stats.PollFailed()
}

// reportProblem says in status and log what keeps logins from being read.
func (r *streamReader) reportProblem(condition, what string, err error) {
	key, remedy := r.explainProblem(err)
	r.status.Set(condition, err)
	r.conditions.RaiseReason(condition, err, what+": trying again", zap.String("key", key), zap.String("remedy", remedy))
}

func (r *streamReader) clearProblem(condition string) {
	r.status.Set(condition, nil)
	r.conditions.Clear(condition, "what kept logins from being read is over", zap.String("of", condition))
}

// instanceOf names the server in the ids of a stream's records.
func (r *streamReader) instanceOf(s *logStream) string {
	if r.host.InstanceSet {
		return r.instance
	}
	return s.server
}

// streamConditions logs what a parser notices of a stream.
type streamConditions struct {
	log    *conditionlog.Logger
	stream string
}

func (c streamConditions) Raise(condition, message string) {
	c.log.Raise(c.stream+" "+condition, message, zap.String("stream", c.stream))
}

func (c streamConditions) Clear(condition, message string) {
	c.log.Clear(c.stream+" "+condition, message, zap.String("stream", c.stream))
}
