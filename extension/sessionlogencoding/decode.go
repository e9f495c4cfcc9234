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

// UnmarshalLogs decodes one buffer, which is a text of its own: nothing of it is remembered for the next one, and what it
// leaves undecided is decided at its end. Records that cannot be read are counted and passed over; an error means that
// nothing of the buffer could be read.
func (e *encoding) UnmarshalLogs(buf []byte) (plog.Logs, error) {
	d := e.scratch.Get().(*decoder)
	defer e.scratch.Put(d)
	if e.cfg.Envelope == EnvelopeCloudWatch {
		return e.cloudWatch(d, buf)
	}
	return e.decode(d, string(buf)) // records hold parts of the text, and buf is the caller's
}

func (e *encoding) decode(d *decoder, text string) (plog.Logs, error) {
	defer d.batch.Cut(0)
	if strings.TrimSpace(text) == "" {
		return plog.NewLogs(), nil
	}
	format, err := e.format(text)
	if err != nil {
		return plog.NewLogs(), err
	}
	options := e.options
	options.Written = time.Now()
	parser := format.New(options)
	if err := e.parse(d, parser, text); err != nil {
		return plog.NewLogs(), fmt.Errorf("%s: %w", format.Name, err)
	}
	parser.FlushDue(math.MaxInt64/2, &d.batch)
	now := time.Now().UnixNano()
	for i := range d.batch.Events {
		d.batch.Events[i].Observed = now
	}
	return d.encoder.Encode(d.batch.Events), nil
}

// maxHead is how much of a text its format is told by.
const maxHead = 4096

func (e *encoding) format(text string) (logformat.Format, error) {
	all := formats.All()
	if f, ok := logformat.Find(all, e.cfg.Format); ok {
		return f, nil
	}
	if f, verdict := logformat.Detect(all, []byte(text[:min(len(text), maxHead)]), true); verdict == logformat.Yes {
		return f, nil
	}
	if e.cfg.LogLinePrefix != "" {
		if f, ok := logformat.Find(all, formats.PostgreSQLStderr); ok {
			return f, nil
		}
	}
	return logformat.Format{}, fmt.Errorf("the content has none of the known formats (%s): write its `format`", formats.Names())
}

// parse reads all records of a text.
func (e *encoding) parse(d *decoder, parser logformat.Parser, text string) error {
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
	e.bad.add(bad, first, reason)
	return nil
}

var errEnvelope = errors.New("envelope: cloudwatch: this is not what a subscription filter of CloudWatch Logs sends: " +
	"write `envelope: none` where the lines come as they are")
