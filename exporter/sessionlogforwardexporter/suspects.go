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
	// triesOfUnavailable is the same for a record of which a bulk answer says that its shard is away: most of an hour with the usual pauses.
	triesOfUnavailable = 100
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

func (s *suspectRecords) countCall(id session.ID) suspectTries {
	return s.count(id, suspectTries{calls: 1})
}

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

func (s *suspectRecords) forget(records ...requestRecord) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < len(records) && len(s.tries) > 0; i++ {
		delete(s.tries, records[i].id)
	}
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
		s.suspectRecord(r.records[from], got.reason, limitsOfCall, out)
	}
}

// suspectItems is for records to which a bulk answer gives an error of the target's own. Where it takes no others, or gives it to many, the target is in
// trouble, and nothing is given up.
func (s *documentSender) suspectItems(ctx context.Context, records []requestRecord, answers []recordAnswer, out *batchOutcome) {
	var failing []int
	takesOthers := false
	for i, one := range answers {
		takesOthers = takesOthers || isTaken(one.verdict)
		if one.verdict == recordFailing || one.verdict == recordUnavailable {
			failing = append(failing, i)
		}
	}
	isTrouble := len(failing)+len(out.suspects) > mostRefusals || len(failing) > 0 && !takesOthers && !s.takesOthers(ctx)
	for _, i := range failing {
		switch {
		case isTrouble:
			out.postponeItem(records[i], answers[i])
		case answers[i].verdict == recordUnavailable:
			s.suspectRecord(records[i], "the target answers "+answers[i].reason, limitsOfShard, out)
		default:
			s.suspectRecord(records[i], "the target answers "+answers[i].reason, limitsOfItem, out)
		}
	}
}

// suspectLimits is how many tries a record has that alone makes the target fail.
type suspectLimits struct {
	reportAt, giveUp int
	key, remedy      string
}

var (
	limitsOfCall  = suspectLimits{1, triesBeforeRefusal, "endpoint", "see in the target's own log what it cannot do with the record"}
	limitsOfItem  = suspectLimits{triesBeforeSplit, triesBeforeRefusal, "elasticsearch", "see in Elasticsearch's own log what it cannot do with the record, and its index and pipeline"}
	limitsOfShard = suspectLimits{triesBeforeSplit, triesOfUnavailable, "elasticsearch", "bring back the shard that is away: GET _cluster/health?level=shards"}
)

// suspectRecord keeps a record waiting, or gives it up.
func (s *documentSender) suspectRecord(record requestRecord, reason string, p suspectLimits, out *batchOutcome) {
	tries := s.suspects.countAlone(record.id)
	reason += " to this record alone, and takes others"
	fields := []zap.Field{zap.String("key", p.key), zap.String("remedy", p.remedy), zap.Stringer("log.record.uid", record.id)}
	if tries.alone >= p.giveUp {
		s.suspects.forget(record)
		s.conditions.Clear("suspect", "the target is not asked any more for the record that made it fail")
		s.settings.Logger.Warn(fmt.Sprintf("%s, %d times: it goes to the dead letter", reason, tries.alone), fields...)
		out.result.Rejected = append(out.result.Rejected, backend.Rejection{Index: record.place, Reason: fmt.Sprintf("%s (%d tries)", reason, tries.alone)})
		return
	}
	out.suspects = append(out.suspects, record.place)
	out.suspicion = failureOf(reason+": record "+record.id.String(), p.key)
	if tries.alone >= p.reportAt {
		s.conditions.Raise("suspect", fmt.Sprintf("%s: its neighbours are delivered; it is tried again, and after %d tries it goes to the dead letter", reason, p.giveUp), fields...)
	}
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
