package journald

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/sshlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
)

type journaldSource struct {
	cfg      Config
	instance string
}

// New makes the source of a valid configuration. instance is the stable name of the machine.
func New(cfg Config, instance string, _ component.TelemetrySettings) (source.Source, error) {
	return &journaldSource{cfg, instance}, nil
}

type journalReader struct {
	Config
	instance   string
	host       source.Host
	conditions *conditionlog.Logger
	status     *delivery.Status
	queue      *delivery.Queue[*entryBatch]

	state       journalState // of what was read: the store's follows it when that was delivered
	parser      *sshlog.Parser
	batch       *entryBatch // that is being filled
	probed      bool        // the journal may be read
	firstStart  bool        // nothing is remembered
	savedPolled int64       // state.Polled that was submitted last
	torn        string      // the cursor before the entry that could not be read at all
	lastRemark  string      // of journalctl
	entries     int         // that were read so far
	lastRead    time.Time   // when the last new entry was read
	greeted     bool
}

func (r *journalReader) newParser() *sshlog.Parser {
	return sshlog.NewParser(logformat.Options{Instance: r.instance})
}

// filterKey names the entries that are read, so that a cursor of others is not missed.
func (r *journalReader) filterKey() string {
	return r.Directory + "|" + strings.Join(r.Identifiers, ",") + "|" + strings.Join(r.Units, ",")
}

// Run reads until ctx ends. Each poll is a run of journalctl that begins at the last entry that was read.
func (s *journaldSource) Run(ctx context.Context, host source.Host) error {
	status := delivery.NewStatus(host)
	r := &journalReader{Config: s.cfg, instance: s.instance, host: host, conditions: conditionlog.New(host.Log, host.Now), status: status}
	if !delivery.LoadUntilDone(ctx, host, status, r.readState) {
		return nil
	}
	r.queue = delivery.New(ctx, host, status, s.cfg.BatchSize, func() *entryBatch { return &entryBatch{stats: host.Stats} })
	defer r.queue.Close()
	r.lastRead = host.Now()
	pauses := source.NewBackOff()
	for ctx.Err() == nil {
		pause := r.PollInterval
		err := r.pollJournal(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if r.reportPoll(err); err != nil {
			pause = max(pause, pauses.NextBackOff())
		} else {
			pauses.Reset()
		}
		if !source.Wait(ctx, pause) {
			return nil
		}
	}
	return nil
}

func (r *journalReader) reportPoll(err error) {
	r.status.Set("journal", err)
	if err != nil {
		r.conditions.RaiseReason("journal", err, "no login is read: "+err.Error())
		return
	}
	r.conditions.Clear("journal", "the journal is read again")
	if r.state.Cursor == "" {
		if r.state.Filter == r.filterKey() { // there were some
			r.conditions.Raise("empty", fmt.Sprintf("the journal holds no entry of %s any more: if logins go on, is key identifiers still as sshd "+
				"calls itself? If it is only quiet, let the journal keep more (SystemMaxUse= in /etc/systemd/journald.conf)", strings.Join(r.Identifiers, ", ")))
			return
		}
		r.conditions.Raise("empty", fmt.Sprintf("the journal holds no entry of %s: is key identifiers as sshd calls itself there, "+
			"and does sshd run on this machine?", strings.Join(r.Identifiers, ", ")))
		return
	}
	r.conditions.Clear("empty", "the journal holds entries of sshd")
	if !r.greeted {
		r.greeted = true
		r.host.Log.Info("reading the journal", zap.Int("entries", r.entries))
	}
}
