// Package push maps what applications and identity providers push over HTTP onto events: a vocabulary of our own, which is that of
// docs/event.md, and the dialects of others. It knows JSON and nothing of HTTP.
//
// A dialect is one file with its table, one sample and one golden in testdata.
package push

import (
	"errors"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Dialect is one vocabulary.
type Dialect struct {
	// Name is the last part of its path: /v1/events/okta.
	Name string
	// System is that of events that name none.
	System string
	// findList finds the events within a sender's own envelope; missing when the item is an event itself. nil: no envelope.
	findList func(item jsontree.Value) jsontree.Value
	// unwrap finds the event within a sender's own wrapping. nil: none.
	unwrap func(item jsontree.Value) jsontree.Value
	// readItem fills the record from one object. ErrOther skips it; any other error refuses it, and must hold no value of the item.
	readItem func(item jsontree.Value, r *Record) error
	// isNative is for the vocabulary of docs/event.md, whose unknown members are attributes under their own names.
	isNative bool
}

// Record is an event that is being read.
type Record struct {
	*session.Event
	// ID is the sender's own id of the event, empty where it gives none.
	ID string

	native nativeState
}

// What an item may be refused for beyond the errors of package tree.
var (
	// ErrOther says that an item is something else than an authentication event: no fault, and nothing to keep.
	ErrOther = errors.New("not an authentication event")

	errNoObject = errors.New("not a JSON object")
	errNoTime   = errors.New("no time: an event needs the moment at which it happened")
	errBadTime  = errors.New("its time cannot be read: write RFC 3339 with a zone (2026-01-05T10:00:02Z), or seconds, milliseconds, microseconds or nanoseconds since 1970")
	errNoKind   = errors.New("event_name: none of sessionlog.login, sessionlog.logout, sessionlog.session.start, sessionlog.session.update")
)

// NativeDialect is the vocabulary of docs/event.md.
var NativeDialect = &Dialect{Name: "sessionlog", readItem: readNativeEvent, isNative: true}

var allDialects = []*Dialect{
	NativeDialect,
	{Name: "keycloak", System: "keycloak", readItem: readKeycloakEvent},
	{Name: "okta", System: "okta", findList: listOktaEvents, readItem: readOktaEvent},
	{Name: "auth0", System: "auth0", unwrap: unwrapAuth0, readItem: readAuth0Event},
	{Name: "ocsf", System: "ocsf", readItem: readOCSFEvent},
	{Name: "ecs", System: "ecs", readItem: readECSDocument},
	{Name: "github", System: "github", readItem: readGitHubEntry},
	{Name: "gitlab", System: "gitlab", readItem: readGitLabEvent},
}

// FindDialect is the dialect of a name, nil when there is none.
func FindDialect(name string) *Dialect {
	for _, d := range allDialects {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// DialectNames lists all dialects.
func DialectNames() []string {
	names := make([]string, len(allDialects))
	for i, d := range allDialects {
		names[i] = d.Name
	}
	return names
}

func keepUnmapped(item jsontree.Value, e *session.Event) {
	item.Rest(session.SourceField, func(path string, v jsontree.Value) { e.Extra = append(e.Extra, newAttribute(path, v)) })
}
