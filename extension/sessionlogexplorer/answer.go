package sessionlogexplorer

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
)

// statusError is an answer that tells what is wrong with a call.
type statusError struct {
	status  int
	message string
}

func (e *statusError) Error() string { return e.message }

func badRequest(err error) error { return &statusError{http.StatusBadRequest, err.Error()} }

type errorAnswer struct {
	Error string `json:"error"`
}

func refuse(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, errorAnswer{visibleText(message)})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

func writeError(w http.ResponseWriter, err error) {
	status, message := http.StatusServiceUnavailable, err.Error()
	var known *statusError
	switch {
	case errors.As(err, &known):
		status, message = known.status, known.message
	case errors.Is(err, context.DeadlineExceeded):
		status, message = http.StatusGatewayTimeout, "the backend did not answer in time: ask about a shorter range"
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "1")
	}
	refuse(w, status, message)
}

// coverageAnswer is part of every answer: how far it came, and what ran.
type coverageAnswer struct {
	Coverage struct {
		Complete bool       `json:"complete"`
		From     *time.Time `json:"from"`
		Until    *time.Time `json:"until"`
	} `json:"coverage"`
	SQL []string `json:"sql"`
}

func newCoverageAnswer(c query.Coverage) (a coverageAnswer) {
	a.Coverage.Complete, a.Coverage.From, a.Coverage.Until = c.Complete, timeOrNull(c.From), timeOrNull(c.Until)
	a.SQL = make([]string, 0, len(c.SQL))
	for _, sql := range c.SQL {
		a.SQL = append(a.SQL, visibleText(sql))
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
