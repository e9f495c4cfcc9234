package sessionlogforwardexporter

import (
	"fmt"
	"io"
	"net/http"

	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/session"
)

// ndjsonWriter sends one document a line, to whatever takes that: VictoriaLogs, Vector, Logstash, Fluent Bit, OpenObserve.
type ndjsonWriter struct{}

func openNDJSON(TargetConfig, shape.Format) protocolWriter { return ndjsonWriter{} }

func (ndjsonWriter) appendRecord(body []byte, _ *session.Event, document []byte) []byte {
	return append(append(body, document...), '\n')
}

func (ndjsonWriter) prepare(*http.Request) {}

// isProbeAnswer: what a target without records says is not known; an answer that it is not there, or that we may not, is.
func (ndjsonWriter) isProbeAnswer(status int) bool {
	return status != http.StatusUnauthorized && status != http.StatusForbidden && status != http.StatusNotFound && status < 500
}

func (w ndjsonWriter) readAnswer(status int, _ io.Reader, _ int) (answer, error) {
	switch {
	case isSuccess(status):
		return answer{verdict: takenAll}, nil
	case status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge || status == http.StatusUnprocessableEntity:
		return answer{verdict: refusedSome, reason: fmt.Sprintf("the target refuses the record (HTTP %d)", status)}, nil
	}
	return answerOfFailure(status, w.authKey()), nil
}

func (ndjsonWriter) authKey() string { return "auth" }
