// Package push maps what applications and identity providers push over HTTP onto events: a vocabulary of our own, which is that of
// docs/event.md, and the dialects of others. It knows JSON and nothing of HTTP.
//
// A dialect is one file with its table, one sample and one golden in testdata.
package push

import (
	"errors"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push/tree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Dialect is one vocabulary.
type Dialect struct {
	// Name is the last part of the path that takes it: /v1/events/okta.
	Name string
	// System is that of events that name none.
	System string
	// list finds the events within a sender's own envelope; missing when the item is an event itself. nil where there is no envelope.
	list func(item tree.Value) tree.Value
	// within finds the event within a sender's own wrapping. nil where there is none.
	within func(item tree.Value) tree.Value
	// read fills the record from one object. ErrOther passes it over; any other error refuses it, and must hold no value of the item.
	read func(item tree.Value, r *Record) error
	// own marks the vocabulary of docs/event.md, whose unknown members are attributes under their own names.
	own bool
}

// Record is an event on its way.
type Record struct {
	*session.Event
	// ID is the sender's own id of the event, empty where it gives none.
	ID string

	own ownState
}

// What an item may be refused for beyond the errors of package tree.
var (
	// ErrOther says that an item is something else than an authentication event: no fault, and nothing to keep.
	ErrOther = errors.New("not an authentication event")

	errNoObject = errors.New("not a JSON object")
	errNoTime   = errors.New("no time: an event needs the moment at which it happened")
	errBadTime  = errors.New("its time cannot be read")
	errNoKind   = errors.New("event_name: none of sessionlog.login, sessionlog.logout, sessionlog.session.start, sessionlog.session.update")
)

// Own is the vocabulary of docs/event.md.
var Own = &Dialect{Name: "sessionlog", read: readOwn, own: true}

// dialects are all that the path can name.
var dialects = []*Dialect{
	Own,
	{Name: "keycloak", System: "keycloak", read: readKeycloak},
	{Name: "okta", System: "okta", list: listOkta, read: readOkta},
	{Name: "auth0", System: "auth0", within: withinAuth0, read: readAuth0},
	{Name: "ocsf", System: "ocsf", read: readOCSF},
	{Name: "ecs", System: "ecs", read: readECS},
	{Name: "github", System: "github", read: readGitHub},
	{Name: "gitlab", System: "gitlab", read: readGitLab},
}

// Find is the dialect of a name, nil when there is none.
func Find(name string) *Dialect {
	for _, d := range dialects {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// Names are those of all dialects.
func Names() []string {
	names := make([]string, len(dialects))
	for i, d := range dialects {
		names[i] = d.Name
	}
	return names
}

// rest keeps what the dialect's table has no field for.
func rest(item tree.Value, e *session.Event) {
	item.Rest(session.SourceField, func(path string, v tree.Value) { e.Extra = append(e.Extra, attr(path, v)) })
}
