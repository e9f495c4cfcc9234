package sessionlogexplorer

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
)

// Why a question has no answer, for who chooses what to show beside the sentence.
const (
	reasonCall           = "call" // the call is wrong
	reasonAuth           = "auth"
	reasonNothingWritten = "nothing_written"
	reasonBackend        = "backend"
	reasonBusy           = "busy"
	reasonTimeout        = "timeout"
)

// statusError is an answer that says what is wrong with a call.
type statusError struct {
	status  int
	message string
}

func (e *statusError) Error() string { return e.message }

func badRequest(err error) error { return &statusError{http.StatusBadRequest, err.Error()} }

type errorAnswer struct {
	Error  string `json:"error"`
	Reason string `json:"reason"`
}

func writeRefusal(w http.ResponseWriter, status int, reason, message string) {
	writeJSON(w, status, errorAnswer{query.VisibleText(message), reason})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON","reason":"backend"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

func respondServerError(w http.ResponseWriter, _ *http.Request, _ string, status int) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeRefusal(w, status, reasonAuth, "the authenticator of `auth` does not know you: send a token that it takes, as Authorization: Bearer …")
		return
	}
	// Messages of confighttp may quote the client.
	writeRefusal(w, status, reasonCall, http.StatusText(status))
}

func (x *explorerServer) writeError(w http.ResponseWriter, err error) {
	status, reason, message := x.explainError(err)
	if reason == reasonBusy {
		w.Header().Set("Retry-After", "1")
	}
	writeRefusal(w, status, reason, message)
}

// explainError says what became of a question, in the backend's own words where it failed.
func (x *explorerServer) explainError(err error) (status int, reason, message string) {
	var known *statusError
	switch {
	case errors.As(err, &known):
		return known.status, reasonCall, known.message
	case errors.Is(err, context.Canceled): // of the server; a client that has left reads nothing
		return http.StatusServiceUnavailable, reasonBusy, errStopping.Error()
	case errors.Is(err, errBusy), errors.Is(err, errStopping):
		return http.StatusServiceUnavailable, reasonBusy, err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, reasonTimeout, "the backend did not answer in time: ask about a shorter range"
	case x.backend.IsUnwritten(err):
		return http.StatusServiceUnavailable, reasonNothingWritten, "no login has been written yet: the exporter makes the tables when it starts. " + err.Error()
	}
	return http.StatusServiceUnavailable, reasonBackend, err.Error()
}

// coverageAnswer is part of every answer: how far it came, and what ran.
type coverageAnswer struct {
	Coverage coverageAnswerRange `json:"coverage"`
	SQL      []string            `json:"sql"`
}

type coverageAnswerRange struct {
	Complete bool       `json:"complete"`
	From     *time.Time `json:"from"`
	Until    *time.Time `json:"until"`
}

func newCoverageAnswer(c query.Coverage) coverageAnswer {
	a := coverageAnswer{coverageAnswerRange{c.Complete, timeOrNull(c.From), timeOrNull(c.Until)}, make([]string, 0, len(c.SQL))}
	for _, sql := range c.SQL {
		a.SQL = append(a.SQL, query.VisibleText(sql))
	}
	return a
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func cellText(c query.Cell) *string {
	if c.Absent {
		return nil
	}
	text := query.VisibleText(c.Text)
	return &text
}
