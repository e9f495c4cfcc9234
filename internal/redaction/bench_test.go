//go:build linux

package redaction

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// benchEvents are a page of logins, of which one in twenty failed and has the name in three texts.
func benchEvents() []session.Event {
	events := make([]session.Event, 1000)
	for i := range events {
		e := &events[i]
		sessiontest.Typical(e, i)
		if e.Outcome = session.OutcomeSuccess; i%20 == 0 {
			e.Outcome, e.Kind, e.Database = session.OutcomeFailure, session.KindLogin, e.User
			e.FailureReason = "no such user " + e.User
		}
	}
	return events
}

// measure counts processor time, which a busy machine does not change much.
func measure(b *testing.B, events int, step func()) {
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		step()
	}
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N*events), "cpu-ns/event")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPage is what one event costs in the receiver. "failures" are events that all failed: a password guesser's.
func BenchmarkPage(b *testing.B) {
	failures := benchEvents()
	for i := range failures {
		failures[i].Outcome = session.OutcomeFailure
	}
	for _, c := range []struct {
		name   string
		config Config
		events []session.Event
	}{
		{"none", DefaultConfig(), benchEvents()},
		{"evidence", Config{Preset: PresetEvidence, Key: redactKey}, benchEvents()},
		{"gdpr", Config{Preset: PresetGDPR, Key: redactKey}, benchEvents()},
		{"evidence, failures", Config{Preset: PresetEvidence, Key: redactKey}, failures},
		{"everything hashed", Config{Users: ModeHash, On: OnAll, Addresses: ModeHash, Key: redactKey}, benchEvents()},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := New(c.config)
			measure(b, len(c.events), func() { p.RedactEvents(c.events) })
		})
	}
}

// BenchmarkRecords is what one record costs in the exporter, beside decoding it without redaction.
func BenchmarkRecords(b *testing.B) {
	ld := plogs.NewEncoder("bench").Encode(benchEvents())
	b.Run("none", func(b *testing.B) {
		d := plogs.NewDecoder()
		measure(b, ld.LogRecordCount(), func() {
			for range d.All(ld) { //nolint:revive // decoding is the work
			}
		})
	})
	for name, config := range map[string]Config{"evidence": {Preset: PresetEvidence, Key: redactKey}, "gdpr": {Preset: PresetGDPR, Key: redactKey}} {
		b.Run(name, func(b *testing.B) {
			p := New(config)
			measure(b, ld.LogRecordCount(), func() { plogs.CopyRedacted(ld, "bench", p.Apply) })
		})
	}
}
