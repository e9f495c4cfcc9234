package sessionlogforwardexporter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	// triesBeforeSplit is how often a call is made whole though the target answers that something is wrong with itself.
	triesBeforeSplit = 3
	// triesBeforeRefusal is how often a record alone must get that answer while the target takes others. Behind a balancer with a broken target
	// an innocent record may meet that one each time: it does so ten times in a row once in a thousand.
	triesBeforeRefusal = 10
	// maxSuspects bounds what is kept of them. Where there are more, all are counted anew.
	maxSuspects = 1 << 10
)

// suspectRecords are those with which the calls begin that a target answers with an error of its own: one of the call's records may be the
// cause, or the target is in trouble. It is safe for concurrent use.
type suspectRecords struct {
	mu    sync.Mutex
	tries map[session.ID]suspectTries
}

type suspectTries struct {
	calls int // that began with the record, and had others or not
	alone int // of those that had no other, while the target took others
}

// countCall counts a call that began with the record.
func (s *suspectRecords) countCall(id session.ID) suspectTries {
	return s.count(id, suspectTries{calls: 1})
}

// countAlone counts a call that had this record only.
func (s *suspectRecords) countAlone(id session.ID) suspectTries {
	return s.count(id, suspectTries{alone: 1})
}

func (s *suspectRecords) count(id session.ID, more suspectTries) suspectTries {
	s.mu.Lock()
	defer s.mu.Unlock()
	tries, known := s.tries[id]
	if s.tries == nil || !known && len(s.tries) >= maxSuspects {
		s.tries = map[session.ID]suspectTries{}
	}
	tries.calls, tries.alone = tries.calls+more.calls, tries.alone+more.alone
	s.tries[id] = tries
	return tries
}

// forget is for a record that was taken, or given up.
func (s *suspectRecords) forget(id session.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tries, id)
}

// sendSuspects is for a call that the target answers with an error of its own, which one of its records may cause. From the third try on the
// call is halved until that one stands alone, and its neighbours arrive. A target that is down takes nothing, so that nothing is given up.
func (s *documentSender) sendSuspects(ctx context.Context, r *requestBody, from, to int, got targetAnswer, out *batchOutcome) {
	first := r.records[from].id
	tries := s.suspects.countCall(first)
	isSuspected := out.isSplitting || tries.alone > 0 || tries.calls >= triesBeforeSplit
	switch {
	case !isSuspected, to-from > 1 && !out.isSplitting && s.lastTaken.Load() != nil && !s.takesOthers(ctx):
		out.postpone(r.records[from:to], failureOf(got.reason, got.key))
	case to-from > 1:
		out.isSplitting = true
		s.sendHalves(ctx, r, from, to, got.reason, out)
	case len(out.suspects) >= mostRefusals || !s.takesOthers(ctx):
		out.postpone(r.records[from:to], failureOf(got.reason, got.key))
	default:
		s.suspectRecord(r.records[from], got, out)
	}
}

// suspectRecord keeps a record waiting, or gives it up.
func (s *documentSender) suspectRecord(record requestRecord, got targetAnswer, out *batchOutcome) {
	tries := s.suspects.countAlone(record.id)
	reason := fmt.Sprintf("%s to this record alone, and takes others", got.reason)
	if tries.alone >= triesBeforeRefusal {
		s.suspects.forget(record.id)
		s.conditions.Clear("suspect", reason+": it is in the dead letter now", zap.Stringer("log.record.uid", record.id))
		out.result.Rejected = append(out.result.Rejected, backend.Rejection{Index: record.place, Reason: fmt.Sprintf("%s (%d tries)", reason, tries.alone)})
		return
	}
	out.suspects = append(out.suspects, record.place)
	out.suspicion = failureOf(reason+": record "+record.id.String(), "endpoint")
	s.conditions.Raise("suspect", reason+": its neighbours are delivered; it is tried again, and after "+fmt.Sprint(triesBeforeRefusal)+" tries it goes to the dead letter",
		zap.String("key", "endpoint"), zap.Stringer("log.record.uid", record.id))
}

// takesOthers asks the target for the last record that it took, once or twice, so that a balancer does not give this question always to the one
// target and the record to the other.
func (s *documentSender) takesOthers(ctx context.Context) bool {
	last := s.lastTaken.Load()
	if last == nil {
		return false
	}
	for range 1 + rand.IntN(2) {
		if got, err := s.client.sendCall(ctx, *last, 1); err != nil || !got.hasTakenOne() {
			return false
		}
	}
	return true
}
