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

// spoolDeliverer exports the spool's records in their order, each until the exporter accepts it.
type spoolDeliverer struct {
	cfg      spoolConfig
	store    *segmentStore
	exporter sdklog.Exporter

	ctx              context.Context
	cancel           context.CancelFunc
	ended            chan struct{}
	decoder          *otlprecord.Decoder
	deadLetterWriter *deadletter.Writer
	singleDeliveries int       // how many of the next records are exported one by one, since together they were refused
	lastReported     time.Time // when a failure was last reported
}

func startDeliverer(cfg spoolConfig, s *segmentStore, exporter sdklog.Exporter) *spoolDeliverer {
	c := &spoolDeliverer{cfg: cfg, store: s, exporter: exporter, decoder: otlprecord.NewDecoder(), ended: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go c.deliverUntilStopped()
	return c
}

func (c *spoolDeliverer) deliverUntilStopped() {
	defer close(c.ended)
	var backoff retry.Backoff
	for c.ctx.Err() == nil {
		changed := c.store.nextChange()
		more, err := c.deliverBatch()
		switch {
		case c.ctx.Err() != nil:
			return
		case err != nil:
			c.reportFailure(err)
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

func (c *spoolDeliverer) deliverBatch() (more bool, err error) {
	most := batchRecords
	if c.singleDeliveries > 0 {
		most = 1
	}
	b, ok, err := c.store.nextBatch(most)
	if err != nil || !ok {
		return false, err
	}
	records, whole, err := c.decodeRecords(b.payloads)
	if err != nil {
		return false, err
	}
	if !whole {
		c.store.markDamaged(b.end.segment, 0, true)
	}
	switch err := c.exportRecords(records); {
	case errors.Is(err, errOneRefused):
		c.singleDeliveries = len(b.payloads)
		return true, nil
	case err != nil:
		return false, err
	}
	c.singleDeliveries = max(c.singleDeliveries-1, 0)
	return true, c.store.markDelivered(b.end)
}

var errOneRefused = errors.New("one of the records is refused for good")

func (c *spoolDeliverer) decodeRecords(payloads [][]byte) (list []sdklog.Record, whole bool, err error) {
	whole = true
	for _, p := range payloads {
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(p)
		if err != nil { // no OTLP, in spite of its checksum
			whole = false
			continue
		}
		if list, err = c.decoder.Append(list, ld); err != nil {
			return nil, false, err
		}
	}
	return list, whole, nil
}

// exportRecords writes a record that is refused alone into the dead letter. Records that are refused together are tried alone, and each
// is marked as delivered by itself, so that a retry does not have earlier ones refused again.
func (c *spoolDeliverer) exportRecords(records []sdklog.Record) error {
	if len(records) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.exportTimeout)
	defer cancel()
	err := c.exporter.Export(ctx, records)
	switch {
	case err == nil, !c.cfg.isRefused(err):
		return err
	case len(records) == 1:
		return c.writeDeadLetter(records, err)
	}
	return errOneRefused
}

func (c *spoolDeliverer) writeDeadLetter(records []sdklog.Record, reason error) error {
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

func (c *spoolDeliverer) reportFailure(err error) {
	if now := time.Now(); now.Sub(c.lastReported) >= time.Minute {
		c.lastReported = now
		otel.Handle(fmt.Errorf("spool: %d bytes are not delivered yet and will be tried again: %w", c.store.pendingBytes(), err))
	}
}

func (c *spoolDeliverer) closeDeadLetter() error {
	if c.deadLetterWriter == nil {
		return nil
	}
	return c.deadLetterWriter.Close()
}
