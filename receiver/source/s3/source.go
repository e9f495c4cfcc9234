package s3

import (
	"context"
	"errors"
	"fmt"
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

type bucketSource struct {
	cfg      Config
	instance string
}

// New makes the source of a valid configuration. instance is the name of the one server that wrote all objects, where the configuration has
// such a name ([source.Host.InstanceSet]); else each object bears that of its own.
func New(cfg Config, instance string, _ component.TelemetrySettings) (source.Source, error) {
	return &bucketSource{cfg, instance}, nil
}

// objectReader reads all prefixes, one after another.
type objectReader struct {
	Config
	instance      string
	host          source.Host
	conditions    *conditionlog.Logger
	status        *delivery.Status
	queue         *delivery.Queue[*prefixBatch]
	batch         *prefixBatch // that is being filled, with what is made of one prefix
	client        *bucketClient
	formats       []logformat.Format
	parserOptions logformat.Options
	buffer        []byte

	prefixes []*objectPrefix
	now      time.Time // of this poll
}

// Run reads until ctx ends.
func (b *bucketSource) Run(ctx context.Context, host source.Host) error {
	status := delivery.NewStatus(host)
	zone, err := formats.LoadZone(b.cfg.Timezone)
	if err != nil {
		return err
	}
	r := &objectReader{
		Config: b.cfg, instance: b.instance, host: host, conditions: conditionlog.New(host.Log, host.Now), status: status, formats: formats.All(),
		parserOptions: logformat.Options{Zone: zone, LinePrefix: b.cfg.LogLinePrefix, DecideAfter: b.cfg.UndecidedAfter}, buffer: make([]byte, chunkSize),
	}
	if !delivery.LoadUntilDone(ctx, host, status, r.loadPrefixes) || !r.connect(ctx) {
		return nil // ctx ended
	}
	defer r.client.session.Close()
	r.queue = delivery.New(ctx, host, status, b.cfg.BatchSize, func() *prefixBatch { return &prefixBatch{stats: host.Stats} })
	defer r.queue.Close()
	r.pollUntilDone(ctx)
	return nil
}

// loadPrefixes reads what is remembered.
func (r *objectReader) loadPrefixes(ctx context.Context) error {
	r.prefixes = nil
	for _, name := range r.listedPrefixes() {
		p := &objectPrefix{name: name}
		stored, err := r.host.Store.Get(ctx, p.key())
		if err != nil {
			return fmt.Errorf("%w: %w", errStorage, err)
		}
		if err := p.restore(stored, func(key string) (*serverFormat, error) { return r.storedFormat(p, key) }); err != nil {
			return err
		}
		r.prefixes = append(r.prefixes, p)
	}
	return nil
}

func (r *objectReader) pollUntilDone(ctx context.Context) {
	pauses := source.NewBackOff()
	for ctx.Err() == nil {
		more, failed := r.pollOnce(ctx)
		pause := r.CollectionInterval
		if more {
			pause = 0
		}
		if failed {
			pause = max(pause, pauses.NextBackOff())
		} else {
			pauses.Reset()
		}
		if !source.Wait(ctx, pause) {
			return
		}
	}
}

// pollOnce gives each prefix a turn. It tells whether there is more to read at once, and whether something failed.
func (r *objectReader) pollOnce(ctx context.Context) (more, failed bool) {
	r.now = r.host.Now()
	for _, p := range r.prefixes {
		if p.listing == nil && r.now.Before(p.nextPoll) {
			continue
		}
		prefixMore, err := r.pollPrefix(ctx, p)
		if errors.Is(err, errStopped) {
			return false, false
		}
		condition := "prefix " + p.name
		if more = more || prefixMore; err == nil {
			r.status.Set(condition, nil)
			r.conditions.Clear(condition, "what kept logins from being read is over", zap.String("prefix", p.name))
			continue
		}
		failed = true
		r.reportProblem(condition, fmt.Sprintf("no login of the objects under %q is read", p.name), err)
	}
	return more, failed
}

// connect waits for credentials and a region.
func (r *objectReader) connect(ctx context.Context) bool {
	pauses := source.NewBackOff()
	for {
		var err error
		if r.client, err = openClient(ctx, r.Config, r.noteTry); err == nil {
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
func (r *objectReader) noteTry(err error) {
	switch {
	case err == nil:
		r.conditions.Clear("throttled", "S3 answers again")
		return
	case configaws.IsThrottled(err):
		r.conditions.Raise("throttled", "S3 is asked more often than it allows (key collection_interval, or other programs that read there): "+
			"what is refused is tried again, later and later")
	case configaws.IsExpired(err):
		r.client.session.ForgetCredentials()
	}
	r.host.Stats.PollFailed()
}

// reportProblem says in status and log what keeps logins from being read.
func (r *objectReader) reportProblem(condition, what string, err error) {
	key, remedy := r.explainProblem(err)
	r.status.Set(condition, err)
	r.conditions.RaiseReason(condition, err, what+": trying again", zap.String("key", key), zap.String("remedy", remedy))
}

// prefixConditions logs what a parser notices of the objects of a prefix.
type prefixConditions struct {
	log    *conditionlog.Logger
	prefix string
}

func (c prefixConditions) Raise(condition, message string) {
	c.log.Raise(c.prefix+" "+condition, message, zap.String("prefix", c.prefix))
}

func (c prefixConditions) Clear(condition, message string) {
	c.log.Clear(c.prefix+" "+condition, message, zap.String("prefix", c.prefix))
}
