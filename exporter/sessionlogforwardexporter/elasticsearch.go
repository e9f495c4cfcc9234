package sessionlogforwardexporter

import (
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

func openElasticsearch(c TargetConfig, _ shape.Format) protocolWriter {
	head := append([]byte(`{"create":{"_index":`), quoteJSON(c.Elasticsearch.Index)...)
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
	query.Set("filter_path", "errors,items.*.status,items.*.error.type,items.*.error.reason")
	if w.pipeline != "" {
		query.Set("pipeline", w.pipeline)
	}
	call.URL.RawQuery = query.Encode()
}

// isProbeAnswer: a bulk without a line is a bad request, and VictoriaLogs takes it.
func (w *elasticsearchWriter) isProbeAnswer(status int) bool {
	return status == http.StatusBadRequest || isSuccess(status)
}

func (w *elasticsearchWriter) readAnswer(status int, body io.Reader, n int) (answer, error) {
	switch {
	case status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge:
		return answer{verdict: refusedSome, reason: fmt.Sprintf("the target refuses the record (HTTP %d)", status)}, nil
	case !isSuccess(status):
		return answerOfFailure(status, w.authKey()), nil
	}
	return readBulkAnswer(body, n)
}

// readBulkAnswer reads {"errors":true,"items":[{"create":{"status":429,"error":{"type":"…","reason":"…"}}}]}.
func readBulkAnswer(body io.Reader, n int) (answer, error) {
	records, hasErrors := make([]recordAnswer, 0, n), true
	d := jx.Decode(body, 0)
	err := d.Obj(func(d *jx.Decoder, key string) (err error) {
		switch key {
		case "errors":
			hasErrors, err = d.Bool()
			return err
		case "items":
			return d.Arr(func(d *jx.Decoder) error {
				one, err := readBulkItem(d)
				records = append(records, one)
				return err
			})
		}
		return d.Skip()
	})
	switch {
	case err != nil:
		return answer{}, fmt.Errorf("the answer is none of the bulk API: %w", err)
	case !hasErrors && len(records) == 0: // filter_path leaves out what is empty
		return answer{verdict: takenAll}, nil
	case len(records) != n:
		return answer{}, fmt.Errorf("the answer names %d records of %d", len(records), n)
	}
	return answer{verdict: seeRecords, records: records}, nil
}

func readBulkItem(d *jx.Decoder) (one recordAnswer, err error) {
	var status int
	var errorType, reason string
	err = d.Obj(func(d *jx.Decoder, _ string) error { // the action: create
		return d.Obj(func(d *jx.Decoder, key string) (err error) {
			switch {
			case key == "status":
				status, err = d.Int()
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
	return recordAnswer{verdict: verdictOfItem(status, errorType), reason: itemReason(status, errorType, reason)}, err
}

// refusingTypes are the errors of a document itself. Whatever else an item is told (no such index, no right, too much at once) is
// mended at the target, and would meet every document.
var refusingTypes = map[string]bool{
	"mapper_parsing_exception": true, "document_parsing_exception": true, "strict_dynamic_mapping_exception": true,
	"illegal_argument_exception": true, "parse_exception": true,
}

func verdictOfItem(status int, errorType string) recordVerdict {
	switch {
	case isSuccess(status):
		return recordTaken
	case status == http.StatusConflict:
		return recordKnown
	case status == http.StatusBadRequest && refusingTypes[errorType]:
		return recordRefused
	}
	return recordLater
}

var fieldInReason = regexp.MustCompile(`field \[([A-Za-z0-9_.@-]+)\]`)

// itemReason leaves out the text of the error, which quotes values.
func itemReason(status int, errorType, text string) string {
	reason := fmt.Sprintf("%s (HTTP %d)", errorType, status)
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
