package redaction

import (
	"encoding/base64"

	"github.com/otel-sessionlog/sessionlog/session"
)

// changeAttr changes key and value. A value that is no longer what its type says becomes a text.
func changeAttr(a *session.Attr, field string, change func(field, text string) string) {
	if a.Key == session.AttrLoginUID {
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
			a.Type = session.AttrString
		}
	}
}

// identities are attributes that name a person beside the user name: what a proof of identity said, and the addresses of people.
var identities = map[string]bool{
	session.SourceField + "identity": true, session.SourceField + "gss_principal": true, session.SourceField + "username": true,
	"user.email": true, "user.full_name": true, "enduser.id": true, "audit.actor.id": true, "enduser.pseudo.id": true,
}

// hideIdentities takes out what names the person in another way.
func (p *Policy) hideIdentities(attrs []session.Attr) {
	for i := range attrs {
		if identities[attrs[i].Key] {
			attrs[i].Value, attrs[i].Type = p.replacement("identity", attrs[i].Value), session.AttrString
		}
	}
}
