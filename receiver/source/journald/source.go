package journald

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/sshlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

type journaldSource struct {
	cfg      Config
	instance string
}

// New makes the source of a valid configuration. instance is the stable name of the machine.
func New(cfg Config, instance string, _ component.TelemetrySettings) (source.Source, error) {
	return &journaldSource{cfg, instance}, nil
}

// reader reads one journal.
type reader struct {
	Config
	instance   string
	host       source.Host
	conditions *conditionlog.Logger

	state   state
	parser  *sshlog.Parser
	page    logformat.EventBatch
	probed  bool  // the journal may be read
	first   bool  // nothing is remembered: the very first start
	unsaved bool  // state is newer than the store's
	saved   int64 // Polled in the store
	torn    string
	remark  string    // of the last look
	entries int       // that were read so far
	grown   time.Time // when the last new entry was read
	greeted bool

	storageErr error
}

func (r *reader) newParser() *sshlog.Parser {
	return sshlog.NewParser(logformat.Options{Instance: r.instance})
}

// filter names the entries that are read, so that a cursor of others is not missed.
func (r *reader) filter() string {
	return r.Directory + "|" + strings.Join(r.Identifiers, ",") + "|" + strings.Join(r.Units, ",")
}

// Run reads until ctx ends. Each look at the journal is a run of journalctl that begins at the last entry that was delivered.
func (s *journaldSource) Run(ctx context.Context, host source.Host) error {
	r := &reader{Config: s.cfg, instance: s.instance, host: host, conditions: conditionlog.New(host.Log, host.Now)}
	for attempt := 0; ; attempt++ {
		err := r.load(ctx)
		host.Status(err)
		if err == nil {
			break
		}
		if ctx.Err() == nil {
			r.conditions.Raise("load", "the cursor cannot be read: trying again: "+err.Error())
		}
		if !wait(ctx, pause(attempt)) {
			return nil
		}
	}
	r.grown = host.Now()
	for failures := 0; ctx.Err() == nil; {
		if err := r.pollJournal(ctx); err != nil && ctx.Err() == nil {
			r.report(err)
			failures++
			if !wait(ctx, max(r.PollInterval, pause(failures))) {
				break
			}
			continue
		}
		failures = 0
		if !wait(ctx, r.PollInterval) {
			break
		}
	}
	if r.unsaved {
		r.save(ctx)
	}
	return nil
}

// report tells the collector and the log how the last look went.
func (r *reader) report(err error) {
	r.host.Status(errors.Join(err, r.storageErr))
	if r.storageErr != nil {
		r.conditions.Raise("storage", "what was delivered cannot be remembered, and is told again after a restart: "+r.storageErr.Error())
	} else {
		r.conditions.Clear("storage", "what was delivered is remembered again")
	}
	if err != nil {
		r.conditions.RaiseReason("journal", err, "no login is read: "+err.Error())
		return
	}
	r.conditions.Clear("journal", "the journal is read again")
	if r.state.Cursor == "" {
		if r.state.Filter == r.filter() { // there were some
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

// deliver hands on what was read, up to the entry of this cursor, and remembers that.
func (r *reader) deliver(ctx context.Context, cursor string) bool {
	now := r.host.Now()
	for i := range r.page.Events {
		r.page.Events[i].Observed = now.UnixNano()
	}
	for rest := r.page.Events; len(rest) > 0; {
		part := rest[:min(len(rest), r.BatchSize)]
		for attempt := 0; ; attempt++ {
			err := r.host.Emit(ctx, part)
			if err == nil {
				break
			}
			r.host.Status(err)
			if !wait(ctx, pause(attempt)) {
				return false
			}
		}
		rest = rest[len(part):]
	}
	if n := len(r.page.Events); n > 0 {
		last := time.Unix(0, r.page.Events[n-1].Time)
		r.host.Stats.Read(last.UTC(), max(0, now.Sub(last)))
	}
	r.state.Cursor, r.state.Parser, r.state.Filter = cursor, r.parser.ResumeState(), r.filter()
	r.page.Cut(0)
	r.save(ctx)
	return true
}

// pause grows from a tenth of a second to ten, with a random half, so that several receivers do not come back at once.
func pause(attempt int) time.Duration {
	full := min(100*time.Millisecond<<min(attempt, 7), 10*time.Second)
	return full/2 + rand.N(full/2)
}

// wait tells whether the time passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
