package redaction

import (
	"encoding/base64"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

func changeAttr(a *session.Attr, field string, change func(field, text string) string) {
	if session.NamesRecord(a.Key) {
		return
	}
	a.Key = change(field, a.Key)
	if a.Type == session.AttrBytes {
		raw, err := base64.StdEncoding.DecodeString(a.Value)
		if changed := change(field, string(raw)); err == nil && changed != string(raw) {
			a.Value, a.Type = changed, session.AttrString
		}
		return
	}
	if changed := change(field, a.Value); changed != a.Value {
		a.Value = changed
		if a.Type != session.AttrJSON {
			a.Type = session.AttrString // what no longer fits its type
		}
	}
}

// identityKeys are attributes that name a person beside the user name.
var identityKeys = map[string]bool{
	session.SourceField + "identity": true, session.SourceField + "gss_principal": true, session.SourceField + "username": true,
	"audit.actor.id": true, session.AttrActorName: true, session.AttrActorID: true,
}

func isIdentity(key string) bool {
	if identityKeys[key] {
		return true
	}
	key = strings.TrimPrefix(key, session.SourceField)
	// All of user.* and enduser.*: a name that came as a list or an object has no field.
	first, _, _ := strings.Cut(key, ".")
	return first == "user" || first == "enduser"
}

func (p *Policy) hideIdentities(attrs []session.Attr) {
	for i := range attrs {
		if isIdentity(attrs[i].Key) {
			attrs[i].Value, attrs[i].Type = p.replaceIdentity("identity", attrs[i].Value), session.AttrString
		}
	}
}
