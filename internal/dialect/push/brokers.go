package push

import (
	"github.com/otel-sessionlog/sessionlog/internal/dialect/push/tree"
)

// openBrokerEnvelope unwraps the envelope of a cloud's event bus: Amazon EventBridge, whose partner events of Okta and Auth0 have
// one event or several in detail, or Azure Event Grid in its own schema. ok is false for an item that is in neither.
func (r *Reader) openBrokerEnvelope(v tree.Value) (data tree.Value, env Envelope, ok bool, err error) {
	var at tree.Value
	switch {
	case v.Get("detail-type").Kind() == tree.String && v.Get("detail").Kind() > tree.Null:
		data, at = v.Get("detail"), v.Get("time")
		env.ID, env.Type = envelopeID(v.Text("source"), v.Text("id")), v.Text("detail-type")
	case v.Get("eventType").Kind() == tree.String && v.Get("eventTime").Kind() == tree.String && v.Get("dataVersion").Kind() != tree.Missing:
		data, at = v.Get("data"), v.Get("eventTime")
		env.ID, env.Type = envelopeID(firstText(v.Get("topic"), v.Get("subject")), v.Text("id")), v.Text("eventType")
	default:
		return v, env, false, nil
	}
	if len(env.ID) > MaxKey {
		return data, env, true, errLongID
	}
	if env.Time, ok = parseTimeValue(at); !ok && at.Kind() > tree.Null {
		return data, env, true, errBadTime
	}
	if data.Kind() == tree.String {
		data, err = r.parseInner([]byte(data.Str()), "detail")
	}
	return data, env, true, err
}
