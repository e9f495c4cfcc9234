package sessionlogexplorer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/bundle"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	sealSealed    = "sealed"
	sealPending   = "pending"    // it came after the last head
	sealNone      = "none"       // no seal has it
	sealOtherwise = "otherwise"  // it was sealed with another content
	sealBroken    = "broken"     // its seal is not as it should be
	sealUnlooked  = "not_looked" // there was no time to look at all seals
)

type sealAnswer struct {
	State string `json:"state"`
	// IsChecked reports whether the signature is that of a key of seal_keys.
	IsChecked bool       `json:"signature_checked"`
	Sealed    *time.Time `json:"sealed"`
	Log       string     `json:"log"`
	Page      *uint64    `json:"page"`
	IsFound   bool       `json:"found"` // adopted: it was found in the table, not written through the collector
	Error     string     `json:"error,omitempty"`
}

type recordSealAnswer struct {
	Seal *sealAnswer `json:"seal"` // null where nothing is sealed
	coverageAnswer
}

// unreadPause is how long seals are not asked for again, where their tables are not there or may not be read.
const unreadPause = time.Minute

// sealReader asks for seals where there are some.
type sealReader struct {
	keys        atomic.Pointer[seal.Keys] // of seal_keys, and those that they have named
	unreadUntil atomic.Int64              // nanoseconds since 1970
	followed    atomic.Int64
}

func newSealReader(keys seal.Keys) *sealReader {
	r := &sealReader{}
	r.keys.Store(&keys)
	return r
}

func (r *sealReader) trusted() seal.Keys { return *r.keys.Load() }

// followPause is between two looks for keys that have taken over.
const followPause = time.Minute

// followKeys looks for keys that have taken over, where a signature is that of none that is known. It reports whether there are more now.
func (r *sealReader) followKeys(ctx context.Context, s query.Store) bool {
	before, last := r.trusted(), r.followed.Load()
	if now := time.Now().UnixNano(); len(before) == 0 || now-last < int64(followPause) || !r.followed.CompareAndSwap(last, now) {
		return false
	}
	keys, err := sealquery.FollowKeys(ctx, s, before)
	if err != nil || len(keys) == len(before) {
		return false
	}
	r.keys.Store(&keys)
	return true
}

// lastHeads are none where seals cannot be read: an account that may read logins only has no use for them.
func (r *sealReader) lastHeads(ctx context.Context, s query.Store) []*sealquery.StoredSeal {
	if time.Now().UnixNano() < r.unreadUntil.Load() {
		return nil
	}
	last, err := sealquery.LastHeads(ctx, s)
	if err != nil {
		if ctx.Err() == nil {
			r.unreadUntil.Store(time.Now().Add(unreadPause).UnixNano())
		}
		return nil
	}
	return last
}

// sealDelay is how long a record may have waited for its seal when a head is signed.
const sealDelay = 10 * time.Second

func mayFollowHeads(e *session.Event, last []*sealquery.StoredSeal, now time.Time) bool {
	seen := time.Unix(0, cmp.Or(e.Observed, e.Time))
	for _, one := range last {
		if _, at, err := seal.ReadHead(one.Head); err == nil && at.After(seen.Add(sealDelay)) {
			return false
		}
	}
	return seen.Before(now.Add(sealDelay))
}

func (x *explorerServer) answerSeal(c *apiCall) (any, error) {
	answer := recordSealAnswer{coverageAnswer: newCoverageAnswer(query.Coverage{Complete: true})}
	err := x.askRecord(c, func(ctx context.Context, s query.Store, e *session.Event) (err error) {
		last := x.seals.lastHeads(ctx, s)
		if len(last) == 0 {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, x.config.AnswerTime)
		defer cancel()
		proof, err := x.proveRecord(ctx, s, e)
		proofErr := err
		answer.Seal, err = x.seals.explainProof(&proof, proofErr)
		if err == nil && answer.Seal.State == sealBroken && x.seals.followKeys(ctx, s) {
			answer.Seal, err = x.seals.explainProof(&proof, proofErr)
		}
		if err == nil && (answer.Seal.State == sealNone || answer.Seal.State == sealUnlooked) && mayFollowHeads(e, last, c.now) {
			answer.Seal.State = sealPending
		}
		return err
	})
	if err == nil {
		answer.Coverage.Complete = answer.Seal == nil || answer.Seal.State != sealUnlooked
	}
	return answer, err
}

// proveRecord distinguishes a table of seals that somebody has removed from one that nothing was written into.
func (x *explorerServer) proveRecord(ctx context.Context, s query.Store, e *session.Event) (seal.RecordProof, error) {
	proof, err := sealquery.Prove(ctx, s, e)
	if err != nil && x.backend.IsUnwritten(err) {
		err = fmt.Errorf("%w: %s", sealquery.ErrSealMissing, err.Error())
	}
	return proof, err
}

func (x *explorerServer) askRecord(c *apiCall, do func(context.Context, query.Store, *session.Event) error) error {
	id, err := c.idParameter("record_id")
	if err != nil {
		return err
	}
	return x.askStore(c.Context(), func(ctx context.Context, s query.Store, _ *timeBudget) error {
		e, err := sealquery.ReadRecord(ctx, s, id)
		if errors.Is(err, sealquery.ErrNoRecord) {
			return &statusError{http.StatusNotFound, "there is no record " + id.String()}
		}
		if err != nil {
			return err
		}
		return do(ctx, s, e)
	})
}

func (r *sealReader) explainProof(proof *seal.RecordProof, err error) (*sealAnswer, error) {
	answer := &sealAnswer{State: sealSealed}
	var shown seal.Proven
	if err == nil {
		if answer.IsChecked = len(r.trusted()) > 0; answer.IsChecked {
			shown, err = proof.Check(r.trusted())
		} else {
			shown, err = proof.Show()
		}
	}
	isOne := func(errs ...error) bool {
		return slices.ContainsFunc(errs, func(known error) bool { return errors.Is(err, known) })
	}
	switch {
	case err == nil:
		answer.Sealed, answer.Log, answer.Page, answer.IsFound = timeOrNull(shown.Sealed), query.VisibleText(shown.Log), &shown.Page, shown.Kind == seal.KindAdopted
		return answer, nil
	case isOne(seal.ErrSealedOtherwise):
		answer.State = sealOtherwise
	case isOne(seal.ErrNotSealed):
		answer.State = sealNone
	case isOne(context.DeadlineExceeded):
		answer.State = sealUnlooked
	case isOne(seal.ErrPagesAltered, seal.ErrForgedHead, seal.ErrNotProven, seal.ErrNewerRecord, sealquery.ErrSealMissing):
		answer.State, answer.Error = sealBroken, query.VisibleText(err.Error())
	default:
		return nil, err
	}
	answer.IsChecked = false
	return answer, nil
}

func (x *explorerServer) answerBundle(w http.ResponseWriter, c *apiCall) error {
	var content []byte
	err := x.askRecord(c, func(ctx context.Context, s query.Store, e *session.Event) error {
		proof, err := x.proveRecord(ctx, s, e)
		if errors.Is(err, seal.ErrNotSealed) {
			return &statusError{http.StatusNotFound, "the record is in no seal, or not as it was sealed: `sessionlog verify` says which"}
		}
		if err == nil {
			content, err = bundle.Zip(&proof)
		}
		return err
	})
	if err != nil {
		return err
	}
	setDownload(w, c, "zip", "application/zip")
	_, _ = w.Write(content)
	return nil
}

type headAnswer struct {
	Log       string     `json:"log"`
	Sealed    *time.Time `json:"sealed"` // null where it cannot be read
	IsChecked bool       `json:"signature_checked"`
	Error     string     `json:"error,omitempty"`
}

func (x *explorerServer) answerHeads(ctx context.Context, s query.Store) []headAnswer {
	all := []headAnswer{}
	for _, one := range x.seals.lastHeads(ctx, s) {
		h := headAnswer{Log: query.VisibleText(one.Log)}
		_, at, err := seal.ReadHead(one.Head)
		if len(x.seals.trusted()) > 0 {
			_, at, err = x.seals.trusted().Open(one.Head, one.Log)
			if err != nil && x.seals.followKeys(ctx, s) {
				_, at, err = x.seals.trusted().Open(one.Head, one.Log)
			}
			h.IsChecked = err == nil
		}
		if h.Sealed = timeOrNull(at); err != nil {
			h.Sealed, h.Error = nil, query.VisibleText(err.Error())
		}
		all = append(all, h)
	}
	return all
}
