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

// delivery is what a subscription filter of CloudWatch Logs sends, over Firehose, Kinesis or Lambda. Source: Amazon
// CloudWatch Logs user guide, real-time processing of log data with subscriptions.
type delivery struct {
	MessageType string `json:"messageType"` // DATA_MESSAGE; CONTROL_MESSAGE asks whether anybody is there
	Owner       string `json:"owner"`       // AWS account
	LogGroup    string `json:"logGroup"`
	LogStream   string `json:"logStream"`
	LogEvents   []struct {
		Message string `json:"message"`
	} `json:"logEvents"`
}

// maxEnvelope bounds what a compressed buffer can become; CloudWatch sends some megabytes at most.
const maxEnvelope = 64 << 20

// cloudWatch decodes deliveries, compressed or not, one after another. Each is a text: its events are the lines. One that cannot be
// read does not take the others along.
func (e *encoding) cloudWatch(d *decoder, buf []byte) (plog.Logs, error) {
	var in io.Reader = bytes.NewReader(buf)
	if bytes.HasPrefix(buf, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return plog.NewLogs(), fmt.Errorf("gzip: %w", err)
		}
		in = z
	}
	limited := &io.LimitedReader{R: in, N: maxEnvelope}
	all, lost := plog.NewLogs(), unread{}
	for deliveries := json.NewDecoder(limited); ; {
		var one delivery
		switch err := deliveries.Decode(&one); {
		case errors.Is(err, io.EOF):
			return all, lost.tell(&e.bad)
		case limited.N == 0:
			return plog.NewLogs(), fmt.Errorf("envelope: more than %d bytes", maxEnvelope)
		case err != nil || one.MessageType == "":
			return plog.NewLogs(), errEnvelope
		case one.MessageType != "DATA_MESSAGE":
			continue
		}
		logs, err := e.decode(d, one.text())
		switch {
		case logformat.IsRefusal(err):
			return plog.NewLogs(), err
		case err != nil:
			lost.note(len(one.LogEvents), err)
			continue
		}
		lost.others = true
		one.describe(logs)
		logs.ResourceLogs().MoveAndAppendTo(all.ResourceLogs())
	}
}

// unread is what deliveries of a buffer could not be read.
type unread struct {
	events int
	reason error // of the first
	others bool  // were read
}

func (u *unread) note(events int, reason error) {
	u.events += events
	if u.reason == nil {
		u.reason = reason
	}
}

// tell counts it, or is the error of a buffer of which nothing could be read.
func (u *unread) tell(bad *badRecords) error {
	if !u.others {
		return u.reason
	}
	bad.add(u.events, 0, u.reason)
	return nil
}

func (d *delivery) text() string {
	var b strings.Builder
	for i := range d.LogEvents {
		b.WriteString(strings.TrimSuffix(d.LogEvents[i].Message, "\n"))
		b.WriteByte('\n')
	}
	return b.String()
}

// describe says where the log lay, in OpenTelemetry's words.
func (d *delivery) describe(logs plog.Logs) {
	for _, resource := range logs.ResourceLogs().All() {
		attributes := resource.Resource().Attributes()
		attributes.PutStr("cloud.provider", "aws")
		attributes.PutStr("cloud.account.id", d.Owner)
		attributes.PutEmptySlice("aws.log.group.names").AppendEmpty().SetStr(d.LogGroup)
		attributes.PutEmptySlice("aws.log.stream.names").AppendEmpty().SetStr(d.LogStream)
	}
}
