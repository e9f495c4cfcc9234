package sessionlogreceiver

import (
	"errors"
	"reflect"

	"go.opentelemetry.io/collector/consumer/consumererror"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otel-sessionlog/sessionlog/session"
)

// permanentType is the unexported type behind consumererror.NewPermanent. IsPermanent looks through joined errors too, where one
// exporter's refusal must not hide that another one only asks to wait.
var permanentType = reflect.TypeOf(consumererror.NewPermanent(errors.New("")))

// permanent tells whether trying again is in vain for every exporter that an error speaks of.
func permanent(err error) bool {
	for err != nil {
		if reflect.TypeOf(err) == permanentType {
			return true
		}
		if parts := joined(err); parts != nil {
			for _, part := range parts {
				if !permanent(part) {
					return false
				}
			}
			return len(parts) > 0
		}
		err = errors.Unwrap(err)
	}
	return false
}

// joined are the parts of an error, as a fan-out to several pipelines joins them.
func joined(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // exactly this link of the chain is asked
		return j.Unwrap()
	}
	return nil
}

// failed are the events of a page that the pipeline has not taken: none without an error, those that a consumererror.Logs names,
// else all. Several joined errors may each mean other events, and count as all.
func failed(err error, page []session.Event) []session.Event {
	if err == nil {
		return nil
	}
	for link := err; link != nil; link = errors.Unwrap(link) {
		if len(joined(link)) > 1 {
			return page
		}
	}
	var partial consumererror.Logs
	if !errors.As(err, &partial) {
		return page
	}
	ids, ok := idsOf(partial)
	if !ok {
		return page
	}
	var left []session.Event
	for i := range page {
		if ids[page[i].RecordID] {
			left = append(left, page[i])
		}
	}
	return left
}

// idsOf are the record ids that a partial failure names. They may be other callers' too: a queue merges what it sends. Not ok is a
// failure that names nothing, or a record without an id.
func idsOf(partial consumererror.Logs) (ids map[session.ID]bool, ok bool) {
	ids = map[session.ID]bool{}
	for _, resource := range partial.Data().ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				uid, has := record.Attributes().Get(string(semconv.LogRecordUIDKey))
				if !has {
					return nil, false
				}
				id, valid := session.ParseID(uid.Str())
				if !valid {
					return nil, false
				}
				ids[id] = true
			}
		}
	}
	return ids, len(ids) > 0
}
