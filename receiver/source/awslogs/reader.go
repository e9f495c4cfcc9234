package awslogs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
)

// ExplainError gives the key and the remedy of what keeps logins from being read.
type ExplainError func(error) (key, remedy string)

// Reader reads texts and delivers what they say. It is used by one goroutine.
type Reader struct {
	Host       source.Host
	Conditions *conditionlog.Logger
	Status     *delivery.Status
	Formats    []logformat.Format
	Session    *configaws.Session
	Now        time.Time // when the place that has its turn got it

	service string
	texts   TextConfig
	explain ExplainError
	options logformat.Options
	queue   *delivery.Queue[*textBatch]
	batch   *textBatch // that is being filled
}

var (
	// ErrStopped says that nothing is delivered any more: the source is to end.
	ErrStopped = errors.New("nothing is delivered any more")
	// ErrStorage is wrapped by errors of what is remembered.
	ErrStorage = errors.New("storage")
)

// NewReader makes the reader of a service, which it names to people.
func NewReader(host source.Host, service string, texts TextConfig, explain ExplainError) (*Reader, error) {
	zone, err := formats.LoadZone(texts.Timezone)
	if err != nil {
		return nil, err
	}
	return &Reader{
		Host: host, Conditions: conditionlog.New(host.Log, host.Now), Status: delivery.NewStatus(host), Formats: formats.All(), service: service, texts: texts, explain: explain,
		options: logformat.Options{Zone: zone, LinePrefix: texts.LogLinePrefix, DecideAfter: texts.UndecidedAfter},
	}, nil
}

// StartDelivery makes the queue of the batches. The caller calls what it returns when it has ended.
func (r *Reader) StartDelivery(ctx context.Context) (end func()) {
	r.queue = delivery.New(ctx, r.Host, r.Status, r.texts.BatchSize, func() *textBatch { return &textBatch{stats: r.Host.Stats} })
	return r.queue.Close
}

// ParserOptions are those of a text that is named so to people: kind is a word for what name is one of.
func (r *Reader) ParserOptions(p *TextParser, instance, name, kind, conditionName string) logformat.Options {
	o := r.options
	o.Instance, o.Name, o.Shared = instance, name, p.Shared
	o.Conditions = parserConditions{r.Conditions, kind, conditionName}
	return o
}

// parserConditions is the [logformat.Conditions] that logs what a parser notices.
type parserConditions struct {
	log        *conditionlog.Logger
	kind, name string
}

func (c parserConditions) Raise(condition, message string) {
	c.log.Raise(c.name+" "+condition, message, zap.String(c.kind, c.name))
}

func (c parserConditions) Clear(condition, message string) {
	c.log.Clear(c.name+" "+condition, message, zap.String(c.kind, c.name))
}

// Connect waits for a configuration of AWS that can be read, and makes Session. It reports whether that came before ctx ended.
func (r *Reader) Connect(ctx context.Context, config configaws.ClientConfig) bool {
	pauses := source.NewBackOff()
	for {
		var err error
		if r.Session, err = config.Load(ctx); err == nil {
			r.Status.Set("session", nil)
			r.Conditions.Clear("session", "the AWS configuration can be read")
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.ReportProblem("session", "no login is read: the AWS configuration cannot be read", err)
		if !source.Wait(ctx, pauses.NextBackOff()) {
			return false
		}
	}
}

// NoteTry gets the error of every try of every call, nil too ([configaws.WatchTries]).
func (r *Reader) NoteTry(err error) {
	switch {
	case err == nil:
		r.Conditions.Clear("throttled", r.service+" answers again")
		return
	case configaws.IsThrottled(err):
		r.Conditions.Raise("throttled", r.service+" is asked more often than it allows (key collection_interval, or other programs that read there): "+
			"what is refused is tried again, later and later")
	case configaws.IsExpired(err):
		r.Session.ForgetCredentials()
	}
	r.Host.Stats.PollFailed()
}

// ReportProblem says in status and log what keeps logins from being read.
func (r *Reader) ReportProblem(condition, what string, err error) {
	key, remedy := r.explain(err)
	r.Status.Set(condition, err)
	r.Conditions.RaiseReason(condition, err, what+": trying again", zap.String("key", key), zap.String("remedy", remedy))
}

// ClearProblem says that it is over.
func (r *Reader) ClearProblem(condition string) {
	r.Status.Set(condition, nil)
	r.Conditions.Clear(condition, "what kept logins from being read is over", zap.String("of", condition))
}

// StallTimeout is how long a service may be silent within a call.
const StallTimeout = time.Minute

// ErrStalled is the cause of a call that ended by [StallTimeout].
var ErrStalled = errors.New("nothing was answered for a minute")

// BoundCall is the context of a call that ends by itself.
func BoundCall(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, StallTimeout, ErrStalled)
}

// StallCause adds to the error of a call that it stalled.
func StallCause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrStalled) {
		return fmt.Errorf("%w: %w", ErrStalled, err)
	}
	return err
}
