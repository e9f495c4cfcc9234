// Package workfigures lets a component show extensions what it also gives as metrics: when it last did its work, how far it is behind, how much
// went to the dead letter. An extension cannot read the metrics of the collector that it runs in.
package workfigures

import (
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
)

// Figures are those of a component since it was started.
type Figures struct {
	LastSuccess  time.Time     // when its source was last read and delivered completely, or a batch became durable; zero: not yet
	Lag          time.Duration // how far what was delivered was behind the source's clock then; 0 of an exporter
	DeadLettered int64         // events
}

// Watcher is implemented by an extension that shows figures. It is called when a component starts, and calls read at any time until the
// collector stops.
type Watcher interface {
	WatchFigures(kind component.Kind, id component.ID, read func() Figures)
}

// Recorder keeps a component's figures. Its zero value has none. It is safe for concurrent use.
type Recorder struct{ lastSuccess, lag, deadLettered atomic.Int64 }

// RecordSuccess says that everything was done that there was to do at a time.
func (r *Recorder) RecordSuccess(at time.Time, lag time.Duration) {
	r.lag.Store(int64(lag))
	r.lastSuccess.Store(at.UnixNano())
}

// CountDeadLettered adds events that are in the dead letter.
func (r *Recorder) CountDeadLettered(n int) { r.deadLettered.Add(int64(n)) }

// Figures are those of now.
func (r *Recorder) Figures() Figures {
	f := Figures{Lag: time.Duration(r.lag.Load()), DeadLettered: r.deadLettered.Load()}
	if at := r.lastSuccess.Load(); at != 0 {
		f.LastSuccess = time.Unix(0, at).UTC()
	}
	return f
}

// ShowTo shows them to every extension of the host that is a [Watcher].
func (r *Recorder) ShowTo(host component.Host, kind component.Kind, id component.ID) {
	for _, extension := range host.GetExtensions() {
		if w, ok := extension.(Watcher); ok {
			w.WatchFigures(kind, id, r.Figures)
		}
	}
}
