package sessionlogencoding

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// UnmarshalLogs decodes one buffer by itself: no state is kept for the next one, and logins that are pending at its end are
// delivered. Records that cannot be read are counted and skipped; an error means that nothing of the buffer could be read.
func (e *logEncoding) UnmarshalLogs(buf []byte) (plog.Logs, error) {
	d := e.decoders.Get().(*decoderState)
	defer e.decoders.Put(d)
	if e.cfg.Envelope == EnvelopeCloudWatch {
		return e.decodeCloudWatch(d, buf)
	}
	return e.decodeText(d, string(buf)) // a copy: records refer to the text, and buf belongs to the caller
}

func (e *logEncoding) decodeText(d *decoderState, text string) (plog.Logs, error) {
	defer d.batch.Cut(0)
	if strings.TrimSpace(text) == "" {
		return plog.NewLogs(), nil
	}
	format, err := e.selectFormat(text)
	if err != nil {
		return plog.NewLogs(), err
	}
	options := e.options
	options.Written = time.Now()
	parser := format.New(options)
	if err := e.parseRecords(d, parser, text); err != nil {
		return plog.NewLogs(), fmt.Errorf("%s: %w", format.Name, err)
	}
	parser.FlushDue(math.MaxInt64/2, &d.batch)
	now := time.Now().UnixNano()
	for i := range d.batch.Events {
		d.batch.Events[i].Observed = now
	}
	return d.encoder.Encode(d.batch.Events), nil
}

// detectionBytes is how much of a text is given to format detection.
const detectionBytes = 4096

func (e *logEncoding) selectFormat(text string) (logformat.Format, error) {
	all := formats.All()
	if f, ok := logformat.FindFormat(all, e.cfg.Format); ok {
		return f, nil
	}
	if f, verdict := logformat.Detect(all, []byte(text[:min(len(text), detectionBytes)]), true); verdict == logformat.VerdictYes {
		return f, nil
	}
	if e.cfg.LogLinePrefix != "" {
		if f, ok := logformat.FindFormat(all, formats.PostgreSQLStderr); ok {
			return f, nil
		}
	}
	return logformat.Format{}, fmt.Errorf("the content has none of the known formats (%s): write its `format`", formats.Names())
}

func (e *logEncoding) parseRecords(d *decoderState, parser logformat.Parser, text string) error {
	data := []byte(text)
	bad, first, records := 0, int64(0), 0
	var reason error
	for at := 0; at < len(text); records++ {
		n := parser.Frame(data[at:], true)
		err := parser.Parse(text[at:at+n], int64(at), &d.batch)
		if logformat.IsRefusal(err) {
			return err
		}
		if err != nil {
			if bad++; reason == nil {
				first, reason = int64(at), err
			}
		}
		at += n
	}
	if bad == records && bad > 0 {
		return fmt.Errorf("none of %d records can be read: %w", bad, reason)
	}
	e.badRecords.reportRecords(bad, first, reason)
	return nil
}

var errEnvelope = errors.New("envelope: cloudwatch: this is not what a subscription filter of CloudWatch Logs sends: " +
	"write `envelope: none` where the lines come as they are")
