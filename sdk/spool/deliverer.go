package spool

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/otel-sessionlog/sessionlog/sdk/internal/retry"
	"github.com/otel-sessionlog/sessionlog/sdk/otlprecord"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
)

// deliverer brings the spool's records to the exporter, in their order, until it takes them.
type deliverer struct {
	cfg      config
	store    *store
	exporter sdklog.Exporter

	ctx              context.Context
	stop             context.CancelFunc
	ended            chan struct{}
	decode           *otlprecord.Decoder
	deadLetterWriter *deadletter.Writer
	alone            int       // how many records go to the exporter one by one, since together they were refused
	said             time.Time // when trouble was last reported
}

func startDeliverer(cfg config, s *store, exporter sdklog.Exporter) *deliverer {
	c := &deliverer{cfg: cfg, store: s, exporter: exporter, decode: otlprecord.NewDecoder(), ended: make(chan struct{})}
	c.ctx, c.stop = context.WithCancel(context.Background())
	go c.run()
	return c
}

func (c *deliverer) run() {
	defer close(c.ended)
	var backoff retry.Backoff
	for c.ctx.Err() == nil {
		changed := c.store.awaiting()
		more, err := c.round()
		switch {
		case c.ctx.Err() != nil:
			return
		case err != nil:
			c.say(err)
			_ = backoff.Wait(c.ctx)
		case more:
			backoff = retry.Backoff{}
		default:
			select {
			case <-changed:
			case <-c.ctx.Done():
			}
		}
	}
}

// round delivers one batch.
func (c *deliverer) round() (more bool, err error) {
	most := batchRecords
	if c.alone > 0 {
		most = 1
	}
	b, ok, err := c.store.next(most)
	if err != nil || !ok {
		return false, err
	}
	records, whole, err := c.records(b.payloads)
	if err != nil {
		return false, err
	}
	if !whole {
		c.store.damage(b.end.segment, 0, true)
	}
	switch err := c.export(records); {
	case errors.Is(err, errTogether):
		c.alone = len(b.payloads)
		return true, nil
	case err != nil:
		return false, err
	}
	c.alone = max(c.alone-1, 0)
	return true, c.store.delivered(b.end)
}

var errTogether = errors.New("one of the records is refused for good")

// records reads the payloads. Not all of them are whole if one is no OTLP, whatever its checksum says: the others go on.
func (c *deliverer) records(payloads [][]byte) (list []sdklog.Record, whole bool, err error) {
	whole = true
	for _, p := range payloads {
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(p)
		if err != nil {
			whole = false
			continue
		}
		if list, err = c.decode.Append(list, ld); err != nil {
			return nil, false, err
		}
	}
	return list, whole, nil
}

// export gives the records to the exporter. What it refuses for good is kept aside if it came alone, and else tried alone: each
// counts as delivered by itself then, so that one that has to wait has none before it refused again.
func (c *deliverer) export(records []sdklog.Record) error {
	if len(records) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.exportTimeout)
	defer cancel()
	err := c.exporter.Export(ctx, records)
	switch {
	case err == nil, !c.cfg.refused(err):
		return err
	case len(records) == 1:
		return c.writeDeadLetter(records, err)
	}
	return errTogether
}

func (c *deliverer) writeDeadLetter(records []sdklog.Record, reason error) error {
	if c.deadLetterWriter == nil {
		letter, err := deadletter.Open(filepath.Join(c.store.dir, "refused"), "sdk/spool")
		if err != nil {
			return err
		}
		c.deadLetterWriter = letter
	}
	if err := c.deadLetterWriter.Write(c.ctx, otlprecord.Encode(records), reason); err != nil {
		return err
	}
	otel.Handle(fmt.Errorf("spool: a record was refused for good and is kept in %s: %w", c.deadLetterWriter.Dir(), reason))
	return nil
}

// say reports trouble at once, and then once a minute as long as it lasts.
func (c *deliverer) say(err error) {
	if now := time.Now(); now.Sub(c.said) >= time.Minute {
		c.said = now
		otel.Handle(fmt.Errorf("spool: %d bytes are not delivered yet and will be tried again: %w", c.store.pending(), err))
	}
}

// close ends what delivering has opened.
func (c *deliverer) close() error {
	if c.deadLetterWriter == nil {
		return nil
	}
	return c.deadLetterWriter.Close()
}
