package push

import "github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"

func (r *Reader) openBrokerEnvelope(v jsontree.Value) (data jsontree.Value, env Envelope, ok bool, err error) {
	var at jsontree.Value
	switch {
	case v.Get("detail-type").Kind() == jsontree.String && v.Get("detail").Kind() > jsontree.Null:
		// Amazon EventBridge, whose partner events of Okta and Auth0 have one event or several in detail.
		data, at = v.Get("detail"), v.Get("time")
		env.ID, env.Type = envelopeID(v.Text("source"), v.Text("id")), v.Text("detail-type")
	case v.Get("eventType").Kind() == jsontree.String && v.Get("eventTime").Kind() == jsontree.String && v.Get("dataVersion").Kind() != jsontree.Missing:
		// Azure Event Grid in its own schema.
		data, at = v.Get("data"), v.Get("eventTime")
		env.ID, env.Type = envelopeID(firstNonEmptyText(v.Get("topic"), v.Get("subject")), v.Text("id")), v.Text("eventType")
	default:
		return v, env, false, nil
	}
	if len(env.ID) > MaxKey {
		return data, env, true, errLongID
	}
	if env.Time, ok = parseTimeValue(at); !ok && at.Kind() > jsontree.Null {
		return data, env, true, errBadTime
	}
	if data.Kind() == jsontree.String {
		data, err = r.parseInner([]byte(data.Str()), "detail")
	}
	return data, env, true, err
}
