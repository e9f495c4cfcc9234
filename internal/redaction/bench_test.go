package redaction

import (
	"testing"

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
		{"everything hashed", Config{Users: Hash, On: All, Addresses: Hash, Key: redactKey}, benchEvents()},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := New(c.config)
			b.ReportAllocs()
			for b.Loop() {
				p.Page(c.events)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(c.events)), "ns/event")
		})
	}
}

// BenchmarkRecords is what one record costs in the exporter, beside decoding it without redaction.
func BenchmarkRecords(b *testing.B) {
	ld := plogs.NewEncoder("bench").Encode(benchEvents())
	decode := func(b *testing.B, step func()) {
		b.ReportAllocs()
		for b.Loop() {
			step()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*ld.LogRecordCount()), "ns/event")
	}
	b.Run("none", func(b *testing.B) {
		d := plogs.NewDecoder()
		decode(b, func() {
			for range d.All(ld) { //nolint:revive // decoding is the work
			}
		})
	})
	for name, config := range map[string]Config{"evidence": {Preset: PresetEvidence, Key: redactKey}, "gdpr": {Preset: PresetGDPR, Key: redactKey}} {
		b.Run(name, func(b *testing.B) {
			p := New(config)
			decode(b, func() { plogs.Hidden(ld, "bench", p.Apply) })
		})
	}
}
