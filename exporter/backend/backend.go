// Package backend holds the contract that every store of session events keeps.
package backend

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Backend is a durable store of session events: table session_events and the views session_log, stl_connection_log and
// sessions. Its acceptance test is package backendtest.
type Backend interface {
	// Start connects and, unless the configuration says otherwise, creates or migrates the schema. It fails with an error
	// that names the YAML key and the remedy: ErrMisconfigured where no waiting mends it. After any other error Start may be
	// called again, and Shutdown must be called in the end all the same.
	Start(ctx context.Context) error

	// Write makes the events durable: a nil error means that every event which is not among Result.Rejected survives a
	// loss of power, once. A record whose id is there already changes nothing (first write wins). On an error nothing of
	// the batch counts as written, and writing it again does no harm; a [PartialError] says what remains.
	//
	// The sequence can be walked more than once. The event that it yields is valid until the next one.
	//
	// Errors are those of exporterhelper: consumererror.NewPermanent where another try cannot help,
	// exporterhelper.NewThrottleRetry where the store says when, anything else to be tried again.
	//
	// Write is safe for concurrent use.
	Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (Result, error)

	// Shutdown waits for writes under way and closes the store.
	Shutdown(ctx context.Context) error
}

// SharedWriter is a backend for which one large write costs less than several small ones: the exporter has calls that come while a write is
// under way share the next.
type SharedWriter interface {
	WriteSize() WriteSize
}

// WriteSize says which writes a backend likes.
type WriteSize struct {
	Enough int // records of a write that is as cheap as it gets: for so many the next write begins beside those under way
	AtOnce int // writes under way
}

// ErrMisconfigured is an error of Start that stays until somebody changes the configuration or the program: a schema of another
// version, a path that is no database, a server of another kind.
var ErrMisconfigured = errors.New("this cannot work as it is configured")

// ErrBeforeFirstRelease is returned for tables whose numbers of migrations mean something else.
var ErrBeforeFirstRelease = errors.New("the tables are of a program from before 0.1.0, which nothing migrates")

// ErrNameTaken is returned where somebody else's table or view has the name of one that is to be made.
var ErrNameTaken = errors.New("somebody else's table or view has a name that this program needs")

// NameTaken is the error of a store where somebody else's table or view is called name; keys are what the user can change.
func NameTaken(store, name, keys string) error {
	return MarkMisconfigured(fmt.Errorf("%s: %s: %w: name another %s", store, name, ErrNameTaken, keys))
}

// MarkMisconfigured marks err, whose text stays as it is.
func MarkMisconfigured(err error) error { return &misconfiguredError{err} }

type misconfiguredError struct{ error }

func (m *misconfiguredError) Unwrap() []error { return []error{m.error, ErrMisconfigured} }

// Result says what became of a batch.
type Result struct {
	Written    int // new in the table
	Duplicates int // were there already with the same content
	Conflicts  int // were there already with other content: kept aside, may be forgery
	Expired    int // older than the store keeps (ttl): left out, so that what is delivered again does not come back
	LeftOut    int // of a kind for which the store has no place, by its configuration
	Rejected   []Rejection
}

// PartialError is the error of a store that keeps records one by one: what is not among Remaining is written, or among
// Result.Rejected, and must not be written again.
type PartialError struct {
	Err       error
	Remaining []int // the places that are to be written again
}

func (e *PartialError) Error() string { return e.Err.Error() }

func (e *PartialError) Unwrap() error { return e.Err }

// Rejection is a record that this store can never take: the exporter puts it into the dead letter. Reason holds no value
// of the record.
type Rejection struct {
	Index  int
	Reason string
}

// RefusalReason says why no store takes the event, or "" if it is in order. Every backend asks it first, so that all of them
// refuse the same.
func RefusalReason(e *session.Event) string {
	switch {
	case e.RecordID.IsZero():
		return "the record has no id (log.record.uid): it could not be distinguished from its repetition"
	case e.Kind.String() == "":
		return "the record's kind is none of login, logout, session.start, session.update"
	}
	return ""
}
