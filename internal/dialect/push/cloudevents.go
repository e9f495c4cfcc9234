package push

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
)

// Envelope has the attributes of a CloudEvents envelope (specification 1.0): around the item in structured and batch mode, in
// the request's headers in binary mode.
type Envelope struct {
	ID    string // source and id, which together are unique; empty for none
	Type  string
	Time  int64 // nanoseconds since 1970; 0 for none
	Trace Trace // of the distributed tracing extension
}

// NewEnvelope is that of binary mode: the ce- headers' values. It is empty where there is no specversion.
func NewEnvelope(header func(name string) string) (Envelope, error) {
	if header("ce-specversion") == "" {
		return Envelope{}, nil
	}
	e := Envelope{ID: envelopeID(header("ce-source"), header("ce-id")), Type: header("ce-type")}
	switch {
	case e.ID == "" || e.Type == "":
		return Envelope{}, errors.New("ce-id, ce-source, ce-type: a CloudEvent needs all three")
	case len(e.ID) > MaxKey:
		return Envelope{}, errLongID
	}
	if text := header("ce-time"); text != "" {
		var ok bool
		if e.Time, ok = parseTimeText(text); !ok {
			return Envelope{}, errors.New("ce-time: not RFC 3339")
		}
	}
	e.Trace, _ = ParseTraceparent(header("ce-traceparent"))
	return e, nil
}

// MaxKey is the most bytes of an id that a call or an envelope gives to many events: each bears it, or a hash is made of it for each.
const MaxKey = 1024

var errLongID = fmt.Errorf("the source and id of an event's envelope are longer than %d bytes", MaxKey)

func envelopeID(source, id string) string {
	if source == "" || id == "" {
		return ""
	}
	return source + " " + id
}

func isCloudEvent(v jsontree.Value) bool {
	return v.Get("specversion").Kind() == jsontree.String && v.Get("id").Kind() == jsontree.String &&
		v.Get("source").Kind() == jsontree.String && v.Get("type").Kind() == jsontree.String
}

func (r *Reader) openCloudEvent(v jsontree.Value) (data jsontree.Value, env Envelope, err error) {
	env = Envelope{ID: envelopeID(v.Text("source"), v.Text("id")), Type: v.Text("type")}
	if len(env.ID) > MaxKey {
		return data, env, errLongID
	}
	env.Trace, _ = ParseTraceparent(v.Text("traceparent"))
	if t := v.Get("time"); t.Kind() > jsontree.Null {
		var ok bool
		if env.Time, ok = parseTimeValue(t); !ok {
			return data, env, errBadTime
		}
	}
	if encoded := v.Get("data_base64"); encoded.Kind() == jsontree.String {
		raw, err := base64.StdEncoding.DecodeString(encoded.Str())
		if err != nil {
			return data, env, errors.New("data_base64: not base64")
		}
		data, err = r.parseInner(raw, "data_base64")
		return data, env, err
	}
	if data = v.Get("data"); data.Kind() == jsontree.String {
		data, err = r.parseInner([]byte(data.Str()), "data")
	}
	return data, env, err
}

// parseInner reads JSON that an envelope holds as a text.
func (r *Reader) parseInner(raw []byte, key string) (jsontree.Value, error) {
	// The other decoder is in the middle of the body.
	var dec jx.Decoder
	v, flaw, broken := r.inner.ParseText(&dec, raw)
	if broken != nil {
		return v, fmt.Errorf("%s: %w", key, describeSyntaxError(broken, ""))
	}
	return v, flaw
}
