package sessionlogforwardexporter

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/session"
)

// elasticsearchWriter speaks the bulk API of Elasticsearch, OpenSearch and VictoriaLogs.
type elasticsearchWriter struct {
	actionHead []byte // before the document's id
	pipeline   string
}

func openElasticsearch(c TargetConfig, format shape.Format) protocolWriter {
	head := append([]byte(`{"create":{"_index":`), quoteJSON(c.Elasticsearch.indexName(format))...)
	return &elasticsearchWriter{actionHead: append(head, `,"_id":"`...), pipeline: c.Elasticsearch.Pipeline}
}

// appendRecord creates and never replaces: a data stream takes nothing else, and a document that is there stays as it is.
func (w *elasticsearchWriter) appendRecord(body []byte, e *session.Event, document []byte) []byte {
	body = append(body, w.actionHead...)
	body = e.RecordID.AppendText(body)
	body = append(body, "\"}}\n"...)
	body = append(body, document...)
	return append(body, '\n')
}

func (w *elasticsearchWriter) prepare(call *http.Request) {
	query := call.URL.Query()
	query.Set("filter_path", "errors,items.*.status,items.*.failure_store,items.*.error.type,items.*.error.reason")
	if w.pipeline != "" {
		query.Set("pipeline", w.pipeline)
	}
	call.URL.RawQuery = query.Encode()
}

// isProbeAnswer: a bulk without a line is a bad request, and VictoriaLogs takes it.
func (w *elasticsearchWriter) isProbeAnswer(status int) bool {
	return status == http.StatusBadRequest || isSuccess(status)
}

func (w *elasticsearchWriter) readAnswer(status int, body io.Reader, n int) (targetAnswer, error) {
	switch {
	case status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge:
		return answerOfRefusal(status), nil
	case !isSuccess(status):
		return answerOfFailure(status, w.authKey()), nil
	}
	return readBulkAnswer(body, n)
}

func readBulkAnswer(body io.Reader, n int) (targetAnswer, error) {
	records, hasErrors := make([]recordAnswer, 0, n), true
	d := jx.Decode(body, 0)
	// {"errors":true,"items":[{"create":{"status":429,"error":{"type":"…","reason":"…"}}}]}
	err := d.Obj(func(d *jx.Decoder, key string) (err error) {
		switch key {
		case "errors":
			hasErrors, err = d.Bool()
			return err
		case "items":
			return d.Arr(func(d *jx.Decoder) error {
				one, err := readBulkItem(d)
				if len(records) == n {
					return errTooManyRecords
				}
				records = append(records, one)
				return err
			})
		}
		return d.Skip()
	})
	switch {
	case err != nil:
		return targetAnswer{}, fmt.Errorf("the answer is not one of the bulk API: %w", err)
	case !hasErrors && len(records) == 0: // filter_path leaves out what is empty
		return targetAnswer{verdict: takenAll}, nil
	case len(records) != n:
		return targetAnswer{}, fmt.Errorf("the answer names %d records of %d", len(records), n)
	}
	return targetAnswer{verdict: seeRecords, records: records}, nil
}

var errTooManyRecords = errors.New("it names more records than there were")

func readBulkItem(d *jx.Decoder) (one recordAnswer, err error) {
	var status int
	var errorType, reason, failureStore string
	err = d.Obj(func(d *jx.Decoder, _ string) error { // the action: create
		return d.Obj(func(d *jx.Decoder, key string) (err error) {
			switch {
			case key == "status":
				status, err = d.Int()
			case key == "failure_store" && d.Next() == jx.String:
				failureStore, err = d.Str()
			case key == "error" && d.Next() == jx.Object:
				err = d.Obj(func(d *jx.Decoder, key string) (err error) {
					switch {
					case key == "type" && d.Next() == jx.String:
						errorType, err = d.Str()
					case key == "reason" && d.Next() == jx.String:
						reason, err = d.Str()
					default:
						err = d.Skip()
					}
					return err
				})
			default:
				err = d.Skip()
			}
			return err
		})
	})
	if isSuccess(status) && failureStore == "used" {
		return recordAnswer{verdict: recordSetAside, reason: setAsideReason}, err
	}
	return recordAnswer{verdict: verdictOfItem(status, errorType), reason: reasonWithoutValues(status, errorType, reason)}, err
}

// setAsideReason is of a document that a data stream's mapping or pipeline refuses, and that Elasticsearch (by itself since 9.1, for streams named
// logs-…) answers for with 201, since it keeps it in the stream's failure store, where no search of the stream finds it.
const setAsideReason = "the mapping or pipeline refuses it: it is in the failure store, GET <data stream>::failures/_search"

// waitingTypes are errors of a status that otherwise says that a document cannot be taken, and are mended at the target: a closed index, no
// shard left, an index that another call makes at the moment.
var waitingTypes = map[string]bool{
	"index_closed_exception": true, "invalid_index_name_exception": true, "invalid_alias_name_exception": true, "index_not_found_exception": true,
	"resource_already_exists_exception": true, "resource_not_found_exception": true, "validation_exception": true,
	"action_request_validation_exception": true, "illegal_state_exception": true,
}

// failProcessor is the error of an ingest pipeline that does not want a document; its status is 500.
const failProcessor = "fail_processor_exception"

func verdictOfItem(status int, errorType string) recordVerdict {
	switch {
	case isSuccess(status):
		return recordTaken
	case status == http.StatusConflict && (errorType == "version_conflict_engine_exception" || errorType == ""):
		return recordKnown
	case errorType == failProcessor:
		return recordRefused
	case waitingTypes[errorType]:
		return recordLater
	case status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge || status == http.StatusUnprocessableEntity:
		return recordRefused
	case status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		return recordUnavailable
	case status >= http.StatusInternalServerError:
		return recordFailing
	}
	return recordLater
}

var (
	wordOfType = regexp.MustCompile(`^[a-z0-9_]{1,80}_exception$`)
	// fieldInReason is at the beginning: what comes later may be a value.
	fieldInReason = regexp.MustCompile(`^(?:\[[0-9:]+\] )?failed to parse field \[([A-Za-z0-9_.@-]{1,200})\]`)
)

func reasonWithoutValues(status int, errorType, text string) string {
	if !wordOfType.MatchString(errorType) {
		errorType = "error"
	}
	reason := fmt.Sprintf("%s (HTTP %d)", errorType, status)
	// The rest of the text quotes values.
	if field := fieldInReason.FindStringSubmatch(text); field != nil {
		reason += " at field " + field[1]
	}
	return reason
}

func quoteJSON(s string) []byte {
	var e jx.Encoder
	e.Str(s)
	return e.Bytes()
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

func (*elasticsearchWriter) authKey() string { return "auth" }
