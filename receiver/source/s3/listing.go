package s3

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
)

const (
	// turnSize is how much text of one prefix is read before the others have their turn; an object is read to its end.
	turnSize = 64 << 20
	// maxFaults is how many objects in a row may be unreadable before the others have their turn.
	maxFaults = 5
)

func (r *objectReader) pollPrefix(ctx context.Context, p *objectPrefix) (more bool, err error) {
	if p.listing == nil {
		p.beginListing(r.Now, r.RelistInterval)
	}
	p.turnBytes, p.faults = 0, 0
	page, err := r.client.listPage(ctx, p.name, p.listing.After)
	if err == nil {
		err = r.noteFirstPageTime(ctx, p, page)
	}
	if err != nil {
		return false, err
	}
	more, err = r.readPage(ctx, p, page)
	if ctx.Err() != nil || errors.Is(err, awslogs.ErrStopped) {
		return false, awslogs.ErrStopped
	}
	if err == nil && !more {
		r.endListing(p)
		r.flushDecided(p)
	}
	return more, errors.Join(err, r.submitRest(p))
}

func (p *objectPrefix) beginListing(now time.Time, relistInterval time.Duration) {
	since := now.Sub(p.listedAt)
	if since >= relistInterval || since < 0 || // a clock was put back
		p.listedAt.IsZero() || p.seen.Len() > maxSeenObjects/4*3 {
		p.listing, p.listedAt = &keyListing{Whole: true}, now
		return
	}
	// Keys have the time in them as a rule.
	p.listing = &keyListing{After: p.recentKey}
}

func (r *objectReader) noteFirstPageTime(ctx context.Context, p *objectPrefix, page objectPage) error {
	asked := page.asked
	if asked.IsZero() {
		asked = r.Now
	}
	if p.isNew && r.Initial == source.InitialEnd {
		p.floor = asked.UnixMilli()
		if err := r.Host.Store.Set(ctx, p.storageKey(), p.encodeState()); err != nil {
			return fmt.Errorf("%w: %w", awslogs.ErrStorage, source.ExplainUnsavedStart(err))
		}
	}
	p.isNew = false
	if l := p.listing; l.Whole && l.Floor == 0 {
		l.Floor = max(p.floor, asked.Add(-r.Overlap).UnixMilli())
	}
	return nil
}

func (r *objectReader) readPage(ctx context.Context, p *objectPrefix, page objectPage) (more bool, err error) {
	for i := range page.objects {
		o := &page.objects[i]
		if r.isIncluded(o.key) {
			p.noteKey(o)
			r.forgetVanished(p, o.key)
			if p.isUnread(o) {
				if err := r.finishObject(p, o, r.readObject(ctx, p, o)); err != nil {
					return true, err
				}
			}
		}
		p.listing.After = o.key
		if p.turnBytes >= turnSize || p.faults >= maxFaults {
			return true, nil
		}
	}
	return page.more, nil
}

func (p *objectPrefix) noteKey(o *objectInfo) {
	l := p.listing
	l.last = o.key
	if l.firstRecent == "" && o.modified >= l.Floor {
		l.firstRecent = o.key
	}
}

// behindAllKeys sorts after every key: keys are UTF-8.
const behindAllKeys = "\xff"

// forgetVanished lets go of an object that is not under its key any more. up to is the key that a listing has come to.
func (r *objectReader) forgetVanished(p *objectPrefix, upTo string) {
	if at := p.position; at != nil && at.Key < upTo {
		r.Host.Log.Warn("an object was deleted before it was read to its end", zap.String("object", at.Key))
		p.position, p.changed = nil, true
	}
}

func (p *objectPrefix) isUnread(o *objectInfo) bool {
	return o.size > 0 && o.modified >= p.floor && !p.seen.Contains(o.contentID()) // an empty one has nothing to read, as those that stand for folders
}

// finishObject decides what the outcome of reading an object means. An error ends the turn of the prefix, which begins again at that object.
func (r *objectReader) finishObject(p *objectPrefix, o *objectInfo, err error) error {
	code := configaws.ErrorCode(err)
	switch {
	case err == nil:
		p.faults = 0
		return nil
	case code == "PreconditionFailed" && p.noteReplaced(o): // another content took its place, and is listed next
		p.position, p.reading = nil, nil
		p.listing.keepWanted(o)
		return nil
	case code == "NoSuchKey":
		r.Host.Log.Warn("an object was deleted before it was read", zap.String("object", o.key))
	case errors.Is(err, errCorrupt), code == "InvalidObjectState": // nothing but another content mends the first, and nobody waits for the second
		r.Host.Stats.BadRows(1, o.key, err)
		r.reportObject(p, o, err)
	case errors.Is(err, awslogs.ErrUnknownFormat), logformat.IsRefusal(err), configaws.IsDenied(err), r.isOfObject(err):
		r.noteFault(p, o, err)
		return nil
	default:
		if g := p.reading; g != nil {
			p.position, p.reading, p.changed = r.savePosition(p, g), nil, true
		}
		return err
	}
	p.noteRead(o)
	return nil
}

// isOfObject reports whether S3 refuses one object, and not all.
func (c Config) isOfObject(err error) bool {
	key, _ := c.Explain(err)
	return key == "" && configaws.IsRefused(err) && !slices.Contains([]string{"NoSuchBucket", "PermanentRedirect", "AuthorizationHeaderMalformed", "RequestTimeout"}, configaws.ErrorCode(err))
}

func (r *objectReader) noteFault(p *objectPrefix, o *objectInfo, err error) {
	p.position, p.reading, p.changed = nil, nil, true
	l := p.listing
	p.faults++
	l.Failed = true
	l.keepWanted(o)
	r.reportObject(p, o, err)
}

// keepWanted has the next whole listing find an object again, however old it is.
func (l *keyListing) keepWanted(o *objectInfo) {
	if l.Whole {
		l.Floor = min(l.Floor, o.modified)
	}
}

// reportObject says in status and log what keeps an object from being read.
func (r *objectReader) reportObject(p *objectPrefix, o *objectInfo, err error) {
	condition := "objects of " + p.name
	key, remedy := r.explainProblem(err)
	r.Status.Set(condition, fmt.Errorf("%s: %w", o.key, err))
	r.Conditions.RaiseReason(condition, err, "no login of an object is read", zap.String("object", o.key), zap.String("key", key), zap.String("remedy", remedy))
}

func (r *objectReader) endListing(p *objectPrefix) {
	l := p.listing
	r.forgetVanished(p, behindAllKeys)
	p.listing = nil
	if !l.Whole {
		return
	}
	r.reportNone(p, l.last == "")
	if !l.Failed {
		r.Status.Set("objects of "+p.name, nil)
		r.Conditions.Clear("objects of "+p.name, "the objects can be read", zap.String("prefix", p.name))
	}
	if p.seenFrom > l.Floor {
		r.Conditions.Raise("overlap", "more objects lie within `overlap` than are remembered: it is cut short, and objects that become visible later than that are missed: "+
			"make `overlap` shorter, or list several `prefixes`", zap.String("prefix", p.name))
	}
	p.floor = p.seen.Forget(max(l.Floor, p.seenFrom), maxSeenObjects)
	if p.recentKey = l.firstRecent; p.recentKey == "" {
		p.recentKey = l.last
	}
	p.changed = true
}

func (r *objectReader) reportNone(p *objectPrefix, none bool) {
	condition := "none of " + p.name
	if none {
		r.Conditions.Raise(condition, "there is no object to read: is the server set up to write its log there (docs/clouds.md), and are `bucket`, `prefixes` and `include` right?",
			zap.String("bucket", r.Bucket), zap.String("prefix", p.name))
		return
	}
	r.Conditions.Clear(condition, "there are objects to read", zap.String("prefix", p.name))
}

func (r *objectReader) flushDecided(p *objectPrefix) {
	if p.lastRead.IsZero() {
		p.lastRead = r.Now
	}
	silence := r.Now.Sub(p.lastRead)
	// The end of an object is no silence: the server may go on in the next one, which is awaited for as long as objects may take.
	if silence < r.Overlap {
		return
	}
	for _, f := range p.formats {
		p.changed = r.FlushDue(f, silence) || p.changed
	}
}

func (r *objectReader) submitRest(p *objectPrefix) error {
	if !p.changed {
		r.DiscardBatch()
		return nil
	}
	return r.SubmitBatch(p.storageKey(), p.encodeState(), 0)
}

// explainProblem gives the key and the remedy of what keeps objects from being read.
func (c Config) explainProblem(err error) (key, remedy string) {
	code := configaws.ErrorCode(err)
	switch {
	case configaws.IsThrottled(err):
		return "collection_interval", "make it and `relist_interval` longer, or leave objects out with `prefixes`: S3 refuses too many calls for one prefix"
	case errors.Is(err, awslogs.ErrUnknownFormat), logformat.IsRefusal(err):
		return "format", "write what the objects are, and leave others out with `include`"
	case errors.Is(err, awslogs.ErrStorage):
		return "storage", "let the storage extension write its folder"
	case errors.Is(err, errCorrupt):
		return "bucket", "upload the object again: what could be read of it is delivered"
	case code == "InvalidObjectState":
		return "include", "the object is in an archive: restore it under another key, or leave it out"
	}
	if key, remedy = c.Explain(err); key != "" {
		return key, remedy
	}
	switch {
	case code == "NoSuchBucket":
		return "bucket", "correct the name of the bucket"
	case configaws.IsDenied(err):
		return "role_arn", "let the identity's policy have s3:ListBucket on the bucket and s3:GetObject on the objects, and kms:Decrypt on the key of encrypted ones (docs/clouds.md has it)"
	case code == "PermanentRedirect", code == "AuthorizationHeaderMalformed":
		return "region", "write the region of the bucket: aws s3api get-bucket-location --bucket " + c.Bucket
	case strings.HasPrefix(code, "KMS."):
		return "role_arn", "the object's key of encryption cannot be used: enable it, or leave the object out with `include`"
	case code == "PreconditionFailed":
		return "bucket", "the store lists the object with an ETag under which it does not give it: see whether it is overwritten all the time"
	case c.isOfObject(err):
		return "include", "the object alone is refused (one that is encrypted with a key of its owner's cannot be read): leave it out, or store it otherwise"
	}
	return "endpoint", "let the collector reach s3.<region>.amazonaws.com on port 443, or write the store's URL as endpoint (and path_style: true, where it wants that)"
}
