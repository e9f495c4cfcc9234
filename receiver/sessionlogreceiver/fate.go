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

func permanentForAll(err error) bool {
	for err != nil {
		if reflect.TypeOf(err) == permanentType {
			return true
		}
		if parts := joinedErrors(err); parts != nil {
			for _, part := range parts {
				if !permanentForAll(part) {
					return false
				}
			}
			return len(parts) > 0
		}
		err = errors.Unwrap(err)
	}
	return false
}

// joinedErrors returns the errors that a fan-out to several pipelines has joined, nil for any other error.
func joinedErrors(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // exactly this link of the chain is asked
		return j.Unwrap()
	}
	return nil
}

func undeliveredEvents(err error, events []session.Event) []session.Event {
	if err == nil {
		return nil
	}
	ids := map[session.ID]bool{}
	if !collectFailedIDs(err, ids) {
		return events // not every part of the error names its records
	}
	var left []session.Event
	for i := range events {
		if ids[events[i].RecordID] {
			left = append(left, events[i])
		}
	}
	return left
}

// collectFailedIDs adds the record ids that an error names. It returns false for an error that names none.
func collectFailedIDs(err error, ids map[session.ID]bool) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if partial, ok := err.(consumererror.Logs); ok { //nolint:errorlint // exactly this link of the chain is asked
			return addRecordIDs(partial, ids)
		}
		if parts := joinedErrors(err); parts != nil {
			for _, part := range parts {
				if !collectFailedIDs(part, ids) {
					return false
				}
			}
			return len(parts) > 0
		}
	}
	return false
}

func addRecordIDs(partial consumererror.Logs, ids map[session.ID]bool) (ok bool) {
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
				ids[id], ok = true, true // of other callers too, since a queue merges what it sends
			}
		}
	}
	return ok
}
