package sessionlogforwardexporter

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/session"
)

// splunkWriter speaks the HTTP Event Collector of Splunk.
type splunkWriter struct {
	authorization string
	metadata      []byte // index, source and sourcetype as members, each with its comma
	isText        bool   // documents are no JSON
	acknowledges  bool
}

func openSplunkHEC(c TargetConfig, format shape.Format) protocolWriter {
	w := &splunkWriter{isText: format == shape.CEF, acknowledges: c.SplunkHEC.Acknowledgement}
	if c.SplunkHEC.Token != "" {
		w.authorization = "Splunk " + string(c.SplunkHEC.Token)
	}
	for _, member := range []struct{ name, value string }{
		{"index", c.SplunkHEC.Index},
		{"source", c.SplunkHEC.Source},
		{"sourcetype", strings.ReplaceAll(c.SplunkHEC.SourceType, "{format}", string(format))},
	} {
		if member.value != "" {
			w.metadata = append(append(append(w.metadata, `"`+member.name+`":`...), quoteJSON(member.value)...), ',')
		}
	}
	return w
}

// appendRecord writes the time in seconds, with all nine digits: Splunk sorts by it.
func (w *splunkWriter) appendRecord(body []byte, e *session.Event, document []byte) []byte {
	body = append(body, '{')
	if at := e.Time; at > 0 {
		body = append(body, `"time":`...)
		body = strconv.AppendInt(body, at/1e9, 10)
		body = fmt.Appendf(body, ".%09d,", at%1e9)
	}
	if host := cmp.Or(e.Host, e.ServerAddress, e.Instance); host != "" {
		body = append(append(append(body, `"host":`...), quoteJSON(host)...), ',')
	}
	body = append(append(body, w.metadata...), `"event":`...)
	if w.isText {
		document = quoteJSON(string(document))
	}
	body = append(append(body, document...), `,"fields":{"log_record_uid":"`...)
	return append(e.RecordID.AppendText(body), "\"}}\n"...)
}

func (w *splunkWriter) prepare(call *http.Request) {
	if w.authorization != "" {
		call.Header.Set("Authorization", w.authorization)
	}
}

// isProbeAnswer: a call without an event is "No data".
func (w *splunkWriter) isProbeAnswer(status int) bool {
	return status == http.StatusBadRequest || isSuccess(status)
}

// hecTexts are the codes of the collector's answers with status 400, from its documentation of possible error codes. The text of an answer is not
// repeated: what is no Splunk may quote the record in it.
var hecTexts = map[int]string{
	hecNoData: "No data", hecInvalidData: "Invalid data format", hecIncorrectIndex: "Incorrect index", hecNoChannel: "Data channel is missing",
	hecInvalidChannel: "Invalid data channel", hecEventRequired: "Event field is required", hecEventBlank: "Event field cannot be blank",
	hecAckDisabled: "ACK is disabled", hecIndexedFields: "Error in handling indexed fields",
}

const (
	hecNoData          = 5
	hecInvalidData     = 6
	hecIncorrectIndex  = 7
	hecNoChannel       = 10
	hecInvalidChannel  = 11
	hecEventRequired   = 12
	hecEventBlank      = 13
	hecAckDisabled     = 14
	hecIndexedFields   = 15
	maxHECAnswerLength = 64 << 10
)

// readAnswer reads {"text":"Invalid data format","code":6,"invalid-event-number":3}. The number is no guide: what comes before it
// may be indexed or not, and the collector stops at it, so that the call is halved like those of which nothing is said.
func (w *splunkWriter) readAnswer(status int, body io.Reader, _ int) (targetAnswer, error) {
	got := readHECAnswer(body)
	switch {
	case isSuccess(status) && !got.isSuccess:
		return targetAnswer{verdict: tryAgain, reason: "the answer is none of the HTTP Event Collector", key: "endpoint"}, nil
	case isSuccess(status) && w.acknowledges && got.ackID == nil:
		return targetAnswer{verdict: tryAgain, reason: "the answer has no ackId: enable indexer acknowledgement for the token, or do not ask for it", key: "splunk_hec::acknowledgement"}, nil
	case isSuccess(status):
		return targetAnswer{verdict: takenAll, ackID: got.ackID}, nil
	case status == http.StatusRequestEntityTooLarge:
		return answerOfRefusal(status), nil
	case status != http.StatusBadRequest:
		return answerOfFailure(status, w.authKey()), nil
	}
	reason := fmt.Sprintf("%s (code %d, HTTP 400)", cmp.Or(hecTexts[got.code], "the target refuses the record"), got.code)
	switch got.code {
	case hecInvalidData, hecEventRequired, hecEventBlank, hecIndexedFields, 0:
		return targetAnswer{verdict: refusedSome, reason: reason}, nil
	case hecIncorrectIndex:
		return targetAnswer{verdict: tryAgain, reason: reason, key: "splunk_hec::index"}, nil
	case hecNoChannel, hecInvalidChannel, hecAckDisabled:
		return targetAnswer{verdict: tryAgain, reason: reason + ": the token and this exporter do not agree on indexer acknowledgement", key: "splunk_hec::acknowledgement"}, nil
	}
	return targetAnswer{verdict: tryAgain, reason: reason, key: "splunk_hec"}, nil
}

type hecAnswer struct {
	code      int
	isSuccess bool // it says so itself: a login page does not
	ackID     *int
}

func readHECAnswer(body io.Reader) (got hecAnswer) {
	d := jx.Decode(io.LimitReader(body, maxHECAnswerLength), 0)
	_ = d.Obj(func(d *jx.Decoder, key string) (err error) {
		switch {
		case key == "code" && d.Next() == jx.Number:
			got.code, err = d.Int()
			got.isSuccess = got.isSuccess || err == nil && got.code == 0
		case key == "text" && d.Next() == jx.String:
			var text string
			text, err = d.Str()
			got.isSuccess = got.isSuccess || text == "Success"
		case key == "ackId" && d.Next() == jx.Number:
			got.ackID = new(int)
			*got.ackID, err = d.Int()
		default:
			err = d.Skip()
		}
		return err
	})
	return got
}

func (*splunkWriter) authKey() string { return "splunk_hec::token" }
