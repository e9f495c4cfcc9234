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

// cloudWatch decodes deliveries, compressed or not, one after another. Each is a text: its events are the lines.
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
	all := plog.NewLogs()
	for deliveries := json.NewDecoder(limited); ; {
		var one delivery
		switch err := deliveries.Decode(&one); {
		case errors.Is(err, io.EOF):
			return all, nil
		case limited.N == 0:
			return plog.NewLogs(), fmt.Errorf("envelope: more than %d bytes", maxEnvelope)
		case err != nil || one.MessageType == "":
			return plog.NewLogs(), errEnvelope
		case one.MessageType != "DATA_MESSAGE":
			continue
		}
		logs, err := e.decode(d, one.text())
		if err != nil {
			return plog.NewLogs(), err
		}
		one.describe(logs)
		logs.ResourceLogs().MoveAndAppendTo(all.ResourceLogs())
	}
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
