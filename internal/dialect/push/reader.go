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

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Framing says how the events of a body are put together.
type Framing int

// The framings.
const (
	FramingDocument Framing = iota // one object, or an array of objects
	FramingLines                   // NDJSON: an object a line; a broken line does not hide those after it
)

// Origin is common to all events of a call.
type Origin struct {
	Instance string // service.instance.id of events that name none
	Sender   string // whose ids these are: a namespace of its own
	Key      string // the call's Idempotency-Key; empty for none
	Trace    Trace  // the call's traceparent
	Envelope Envelope
	Observed int64                // nanoseconds since 1970
	Hide     func(*session.Event) // redacts an event before its id is computed; nil: nothing
}

// Sink gets the result of each item. Items are numbered from 0 in the order of the body. An error ends the reading.
type Sink interface {
	// Slot is where the next event may be put, an empty one. It is the reader's until Keep, or until the next Slot; what is not kept
	// is empty again.
	Slot(index int) (*session.Event, error)
	// Keep accepts the event in the slot.
	Keep(index int)
	// Bad gets the reason why an item is refused. It holds no value of the item.
	Bad(index int, reason error)
	// Other is called for an item that is no authentication event.
	Other(index int)
}

// Reader reads bodies of one dialect. It is reused, and not safe for concurrent use.
type Reader struct {
	dialect   *Dialect
	origin    Origin
	sink      Sink
	nextIndex int // the number of the next item

	decoder      jx.Decoder
	doc, inner   jsontree.Doc // inner is of an envelope's data
	record       Record       // scratch
	hash, digest session.Hasher
}

// Read passes every item of body to sink. The events share the memory of body, which must never change afterwards.
func (r *Reader) Read(d *Dialect, framing Framing, body []byte, origin Origin, sink Sink) error {
	r.dialect, r.origin, r.sink, r.nextIndex = d, origin, sink, 0
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	r.doc.Valid = utf8.Valid(body) // faster than once a text
	if framing == FramingLines {
		return r.readNDJSONLines(body)
	}
	return r.readDocument(body)
}

// Forget releases the last body, so that an idle reader does not hold it.
func (r *Reader) Forget() {
	r.decoder.ResetBytes(nil)
	r.doc.Forget()
	r.inner.Forget()
	r.record.Event, r.record.ID = nil, ""
	r.origin, r.sink = Origin{}, nil
}

func (r *Reader) readNDJSONLines(body []byte) error {
	for len(body) > 0 {
		line, after, _ := bytes.Cut(body, []byte("\n"))
		body = after
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		v, flaw, broken := r.doc.ParseText(&r.decoder, line)
		if err := r.handleParsed(v, errors.Join(flaw, describeSyntaxError(broken, ""))); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) readDocument(body []byte) error {
	r.decoder.ResetBytes(body)
	if r.decoder.Next() != jx.Array {
		v, flaw, broken := r.doc.ParseText(&r.decoder, body)
		if first, _, _ := bytes.Cut(body, []byte("\n")); errors.Is(broken, jsontree.ErrTrailing) && jx.Valid(first) { // Auth0 calls its JSON lines application/json
			return r.readNDJSONLines(body)
		}
		return r.handleParsed(v, errors.Join(flaw, describeSyntaxError(broken, "")))
	}
	it, err := r.decoder.ArrIter()
	for err == nil && it.Next() {
		v, flaw, broken := r.doc.Parse(&r.decoder)
		if err = broken; err == nil {
			if stop := r.handleParsed(v, flaw); stop != nil {
				return stop
			}
		}
	}
	if err = errors.Join(err, it.Err()); err == nil {
		if err = r.decoder.Skip(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errMultipleValues
	}
	return r.handleParsed(jsontree.Value{}, describeSyntaxError(err, "; what follows is not read"))
}

var errMultipleValues = errors.New("more than one JSON value: send an array, or NDJSON as application/x-ndjson")

// describeSyntaxError keeps jx's offset and leaves out the bytes that jx quotes.
func describeSyntaxError(err error, consequence string) error {
	switch {
	case err == nil, errors.Is(err, errMultipleValues):
		return err
	case errors.Is(err, jsontree.ErrTrailing):
		return errMultipleValues
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("JSON ends too early%s", consequence)
	}
	text := err.Error()
	if at, parse := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:]); parse == nil {
		return fmt.Errorf("not JSON at byte %d%s", at, consequence)
	}
	return fmt.Errorf("not JSON%s", consequence)
}

func (r *Reader) handleParsed(v jsontree.Value, err error) error {
	if err != nil {
		return r.rejectItem(err)
	}
	env := r.origin.Envelope
	if env.ID != "" && r.nextIndex > 0 {
		env.ID += " " + strconv.Itoa(r.nextIndex)
	}
	opened := isCloudEvent(v)
	if opened {
		v, env, err = r.openCloudEvent(v)
	} else if data, envelope, ok, failed := r.openBrokerEnvelope(v); ok {
		v, env, opened, err = data, envelope, true, failed
	}
	switch {
	case err != nil:
		return r.rejectItem(err)
	case opened && v.Kind() == jsontree.Array:
		return r.readEnvelopeList(v, env)
	}
	if r.dialect.findList != nil {
		if list := r.dialect.findList(v); list.Kind() == jsontree.Array {
			return r.readEnvelopeList(list, env)
		}
	}
	return r.readSingleEvent(v, env)
}

// readEnvelopeList reads the events of a list within one envelope, whose id they share.
func (r *Reader) readEnvelopeList(list jsontree.Value, env Envelope) error {
	id, n := env.ID, 0
	for v := range list.Elements() {
		if id != "" {
			env.ID = id + " " + strconv.Itoa(n)
		}
		if err := r.readSingleEvent(v, env); err != nil {
			return err
		}
		n++
	}
	return nil
}

func (r *Reader) rejectItem(reason error) error {
	if _, err := r.sink.Slot(r.nextIndex); err != nil {
		return err
	}
	r.sink.Bad(r.nextIndex, reason)
	r.nextIndex++
	return nil
}

func (r *Reader) readSingleEvent(v jsontree.Value, env Envelope) error {
	if v.Kind() != jsontree.Object {
		return r.rejectItem(errNoObject)
	}
	e, err := r.sink.Slot(r.nextIndex)
	if err != nil {
		return err
	}
	rec := &r.record
	rec.Event, rec.ID = e, ""
	if r.dialect.unwrap != nil {
		v = r.dialect.unwrap(v)
	}
	err = r.dialect.readItem(v, rec)
	if err == nil {
		if !r.dialect.isNative {
			keepUnmapped(v, e)
		}
		err = r.completeEvent(rec, env)
	}
	switch {
	case err == nil:
		r.sink.Keep(r.nextIndex)
	case errors.Is(err, ErrOther):
		e.Reset()
		r.sink.Other(r.nextIndex)
	default:
		e.Reset()
		r.sink.Bad(r.nextIndex, err)
	}
	r.nextIndex++
	return nil
}
