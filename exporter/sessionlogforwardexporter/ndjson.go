package sessionlogforwardexporter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"

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
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return false
	}
	return status < 500
}

func (w ndjsonWriter) readAnswer(status int, body io.Reader, n int) (targetAnswer, error) {
	switch {
	case isSuccess(status):
		return readLinesAnswer(body, n)
	case status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge || status == http.StatusUnprocessableEntity:
		return answerOfRefusal(status), nil
	}
	return answerOfFailure(status, w.authKey()), nil
}

// maxLinesAnswer is far above what a target has to say of all records together.
const maxLinesAnswer = 64 << 10

func readLinesAnswer(body io.Reader, n int) (targetAnswer, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxLinesAnswer))
	if err != nil { // what did not come may be that records failed
		return targetAnswer{}, fmt.Errorf("the answer is cut off: %w", err)
	}
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n")
	switch {
	case bytes.HasPrefix(text, []byte("<")):
		return targetAnswer{verdict: tryAgain, reason: "the target answers with a page: it may be a login or a proxy in between", key: "endpoint"}, nil
	case !bytes.HasPrefix(text, []byte("{")):
		return targetAnswer{verdict: takenAll}, nil
	}
	failed := countFailed(text) // {"code":200,"status":[{"name":"default","successful":1,"failed":2}]} of OpenObserve
	const reason = "the target counts the record as failed"
	switch {
	case failed <= 0:
		return targetAnswer{verdict: takenAll}, nil
	case failed < n:
		return targetAnswer{verdict: refusedSome, reason: reason}, nil
	}
	return targetAnswer{verdict: seeRecords, records: slices.Repeat([]recordAnswer{{recordRefused, reason}}, n)}, nil
}

func countFailed(text []byte) (failed int) {
	var answer struct {
		Status []struct {
			Failed int `json:"failed"`
		} `json:"status"`
	}
	if json.Unmarshal(text, &answer) != nil {
		return 0
	}
	for _, stream := range answer.Status {
		failed += stream.Failed
	}
	return failed
}

func (ndjsonWriter) authKey() string { return "auth" }
