package push

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push/tree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Framing says how the events of a body are put together.
type Framing int

// The framings.
const (
	Document Framing = iota // one object, or an array of objects
	Lines                   // NDJSON: an object a line; a broken line does not hide those after it
)

// Origin is what a call says of all its events.
type Origin struct {
	Instance string // service.instance.id of events that name none
	Sender   string // whose ids these are: a namespace of its own
	Key      string // the call's Idempotency-Key; empty for none
	Trace    Trace  // the call's traceparent
	Envelope Envelope
	Observed int64                // nanoseconds since 1970
	Hide     func(*session.Event) // redacts an event before an id is made of what it says; nil: nothing
}

// Sink takes what becomes of the items, which are numbered from 0 in the order of the body. An error ends the reading.
type Sink interface {
	// Slot is where the next event may be put, an empty one. It is the reader's until Keep, or until the next Slot; what is not kept
	// is empty again.
	Slot(index int) (*session.Event, error)
	// Keep says that the slot holds an event.
	Keep(index int)
	// Bad says why an item is refused. The reason holds no value of it.
	Bad(index int, reason error)
	// Other says that an item is no authentication event.
	Other(index int)
}

// Reader reads bodies of one dialect. It is reused, and not safe for concurrent use.
type Reader struct {
	dialect *Dialect
	origin  Origin
	sink    Sink
	next    int // the number of the next item

	dec          jx.Decoder
	doc, inner   tree.Doc // inner is of an envelope's data
	record       Record   // scratch
	hash, digest session.Hasher
}

// Read tells every item of body to sink. The events share the memory of body, which must never change afterwards.
func (r *Reader) Read(d *Dialect, framing Framing, body []byte, origin Origin, sink Sink) error {
	r.dialect, r.origin, r.sink, r.next = d, origin, sink, 0
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	r.doc.Valid = utf8.Valid(body) // once is quicker than for each text
	if framing == Lines {
		return r.lines(body)
	}
	return r.document(body)
}

// Forget lets go of the last body: a reader that waits for the next one shall not keep it.
func (r *Reader) Forget() {
	r.dec.ResetBytes(nil)
	r.doc.Forget()
	r.inner.Forget()
	r.record.Event, r.record.ID = nil, ""
	r.origin, r.sink = Origin{}, nil
}

func (r *Reader) lines(body []byte) error {
	for len(body) > 0 {
		line, after, _ := bytes.Cut(body, []byte("\n"))
		body = after
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		v, flaw, broken := r.doc.ParseText(&r.dec, line)
		if err := r.parsed(v, errors.Join(flaw, whatIsBroken(broken, ""))); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) document(body []byte) error {
	r.dec.ResetBytes(body)
	if r.dec.Next() != jx.Array {
		v, flaw, broken := r.doc.ParseText(&r.dec, body)
		return r.parsed(v, errors.Join(flaw, whatIsBroken(broken, "")))
	}
	it, err := r.dec.ArrIter()
	for err == nil && it.Next() {
		v, flaw, broken := r.doc.Parse(&r.dec)
		if err = broken; err == nil {
			if stop := r.parsed(v, flaw); stop != nil {
				return stop
			}
		}
	}
	if err = errors.Join(err, it.Err()); err == nil {
		if err = r.dec.Skip(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errMore
	}
	return r.parsed(tree.Value{}, whatIsBroken(err, "; what follows is not read"))
}

var errMore = errors.New("more than one JSON value: send an array, or NDJSON as application/x-ndjson")

// whatIsBroken says where JSON ends to be such, without the bytes that jx names.
func whatIsBroken(err error, consequence string) error {
	switch {
	case err == nil, errors.Is(err, errMore):
		return err
	case errors.Is(err, tree.ErrTrailing):
		return errMore
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("JSON ends too early%s", consequence)
	}
	text := err.Error()
	if at, parse := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:]); parse == nil {
		return fmt.Errorf("not JSON at byte %d%s", at, consequence)
	}
	return fmt.Errorf("not JSON%s", consequence)
}

// parsed tells one item, or each one of an envelope.
func (r *Reader) parsed(v tree.Value, err error) error {
	if err != nil {
		return r.refuse(err)
	}
	env := r.origin.Envelope
	if env.ID != "" && r.next > 0 {
		env.ID += " " + strconv.Itoa(r.next)
	}
	opened := isCloudEvent(v)
	if opened {
		v, env, err = r.open(v)
	} else if data, envelope, ok, failed := r.fromBroker(v); ok {
		v, env, opened, err = data, envelope, true, failed
	}
	switch {
	case err != nil:
		return r.refuse(err)
	case opened && v.Kind() == tree.Array:
		return r.each(v, env)
	}
	if r.dialect.list != nil {
		if list := r.dialect.list(v); list.Kind() == tree.Array {
			return r.each(list, env)
		}
	}
	return r.one(v, env)
}

// each tells the events of a list within one envelope, whose id they share.
func (r *Reader) each(list tree.Value, env Envelope) error {
	id, n := env.ID, 0
	for v := range list.Elements() {
		if id != "" {
			env.ID = id + " " + strconv.Itoa(n)
		}
		if err := r.one(v, env); err != nil {
			return err
		}
		n++
	}
	return nil
}

func (r *Reader) refuse(reason error) error {
	if _, err := r.sink.Slot(r.next); err != nil {
		return err
	}
	r.sink.Bad(r.next, reason)
	r.next++
	return nil
}

func (r *Reader) one(v tree.Value, env Envelope) error {
	if v.Kind() != tree.Object {
		return r.refuse(errNoObject)
	}
	e, err := r.sink.Slot(r.next)
	if err != nil {
		return err
	}
	rec := &r.record
	rec.Event, rec.ID = e, ""
	if r.dialect.within != nil {
		v = r.dialect.within(v)
	}
	err = r.dialect.read(v, rec)
	if err == nil {
		if !r.dialect.own {
			rest(v, e)
		}
		err = r.finish(rec, env)
	}
	switch {
	case err == nil:
		r.sink.Keep(r.next)
	case errors.Is(err, ErrOther):
		e.Reset()
		r.sink.Other(r.next)
	default:
		e.Reset()
		r.sink.Bad(r.next, err)
	}
	r.next++
	return nil
}
