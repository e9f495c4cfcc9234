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

// failed are the events of a page that the pipeline has not taken: none without an error, those that are named where every part of the
// error is or holds a consumererror.Logs, else all. Joined parts are several pipelines', and what any of them has not taken is not taken.
func failed(err error, page []session.Event) []session.Event {
	if err == nil {
		return nil
	}
	ids := map[session.ID]bool{}
	if !addNamed(err, ids) {
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

// addNamed adds the record ids that an error names, and tells whether it names what failed at all.
func addNamed(err error, ids map[session.ID]bool) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if partial, ok := err.(consumererror.Logs); ok { //nolint:errorlint // exactly this link of the chain is asked
			return addIDs(partial, ids)
		}
		if parts := joined(err); parts != nil {
			for _, part := range parts {
				if !addNamed(part, ids) {
					return false
				}
			}
			return len(parts) > 0
		}
	}
	return false
}

// addIDs adds the record ids that a partial failure names. They may be other callers' too: a queue merges what it sends. Not ok is a
// failure that names nothing, or a record without an id.
func addIDs(partial consumererror.Logs, ids map[session.ID]bool) (ok bool) {
	for _, resource := range partial.Data().ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				uid, has := record.Attributes().Get(string(semconv.LogRecordUIDKey))
				if !has {
					return false
				}
				id, valid := session.ParseID(uid.Str())
				if !valid {
					return false
				}
				ids[id], ok = true, true
			}
		}
	}
	return ok
}
