package sessionlogencoding

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// cloudWatchMessage is sent by a subscription filter of CloudWatch Logs, over Firehose, Kinesis or Lambda. Source: Amazon
// CloudWatch Logs user guide, real-time processing of log data with subscriptions.
type cloudWatchMessage struct {
	MessageType string `json:"messageType"` // DATA_MESSAGE; CONTROL_MESSAGE is a ping
	Owner       string `json:"owner"`       // AWS account
	LogGroup    string `json:"logGroup"`
	LogStream   string `json:"logStream"`
	LogEvents   []struct {
		Message string `json:"message"`
	} `json:"logEvents"`
}

// maxEnvelopeBytes is the most after decompression; CloudWatch sends some megabytes.
const maxEnvelopeBytes = 64 << 20

// decodeCloudWatch decodes messages, compressed or not, one after another; each holds the lines of one log. One that cannot be read
// does not fail the others.
func (e *logEncoding) decodeCloudWatch(d *decoderState, buf []byte) (plog.Logs, error) {
	var in io.Reader = bytes.NewReader(buf)
	if bytes.HasPrefix(buf, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return plog.NewLogs(), fmt.Errorf("gzip: %w", err)
		}
		in = z
	}
	limited := &io.LimitedReader{R: in, N: maxEnvelopeBytes}
	all, lost := plog.NewLogs(), unreadMessages{}
	for messages := json.NewDecoder(limited); ; {
		var one cloudWatchMessage
		switch err := messages.Decode(&one); {
		case errors.Is(err, io.EOF):
			return all, lost.countOrFail(&e.badRecords)
		case limited.N == 0:
			return plog.NewLogs(), fmt.Errorf("envelope: more than %d bytes", maxEnvelopeBytes)
		case err != nil || one.MessageType == "":
			return plog.NewLogs(), errEnvelope
		case one.MessageType != "DATA_MESSAGE":
			continue
		}
		logs, err := e.decodeText(d, one.joinLines())
		switch {
		case logformat.IsRefusal(err):
			return plog.NewLogs(), err
		case err != nil:
			lost.addUnread(len(one.LogEvents), err)
			continue
		}
		lost.someRead = true
		one.setResource(logs)
		logs.ResourceLogs().MoveAndAppendTo(all.ResourceLogs())
	}
}

// unreadMessages counts what could not be read of a buffer.
type unreadMessages struct {
	events   int
	reason   error // of the first failure
	someRead bool  // were read
}

func (u *unreadMessages) addUnread(events int, reason error) {
	u.events += events
	if u.reason == nil {
		u.reason = reason
	}
}

func (u *unreadMessages) countOrFail(bad *badRecordReporter) error {
	if !u.someRead {
		return u.reason
	}
	bad.reportRecords(u.events, 0, u.reason)
	return nil
}

func (d *cloudWatchMessage) joinLines() string {
	var b strings.Builder
	for i := range d.LogEvents {
		b.WriteString(strings.TrimSuffix(d.LogEvents[i].Message, "\n"))
		b.WriteByte('\n')
	}
	return b.String()
}

func (d *cloudWatchMessage) setResource(logs plog.Logs) {
	for _, resource := range logs.ResourceLogs().All() {
		attributes := resource.Resource().Attributes()
		attributes.PutStr("cloud.provider", "aws")
		attributes.PutStr("cloud.account.id", d.Owner)
		attributes.PutEmptySlice("aws.log.group.names").AppendEmpty().SetStr(d.LogGroup)
		attributes.PutEmptySlice("aws.log.stream.names").AppendEmpty().SetStr(d.LogStream)
	}
}
