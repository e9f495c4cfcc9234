package faults

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
	"github.com/otel-sessionlog/sessionlog/testengine/s3"
)

// connectionLine is event i as Redshift writes it into its connectionlog, and the row that the table must have. Its times have milliseconds.
func (k *knownRows) connectionLine(i int, late time.Duration) (line string, at time.Time, r row) {
	kinds := [][3]string{{"authenticated", "login", "success"}, {"authentication failure", "login", "failure"}, {"disconnecting session", "logout", "success"}}
	kind, address, port := kinds[i%3], fmt.Sprintf("10.3.%d.%d", i%7, i%250), 1024+i
	at = k.at(i).Add(-late).Truncate(time.Millisecond)
	line = fmt.Sprintf("%s |%s:%03d|::ffff:%s |%d |%d|dev |%s |password |0|TLSv1.2 |ECDHE-RSA-AES256-GCM-SHA384 |0| | | |",
		kind[0], at.Format("Mon, 02 Jan 2006 15:04:05"), at.UnixMilli()%1000, address, port, i, k.user(i))
	return line, at, eventRow(k.user(i), kind[1], kind[2], kind[0], at.UnixMicro(), address, port)
}

// cloudwatchFeed puts events into two streams; every tenth arrives three minutes late.
type cloudwatchFeed struct {
	*knownRows
	server *cloudwatch.Server
	via    string
}

const logGroup = "/aws/redshift/cluster/faults/connectionlog"

func (f *cloudwatchFeed) block() string {
	return fmt.Sprintf("cloudwatch: {log_groups: [%s], region: eu-central-1, endpoint: 'http://%s', collection_interval: 50ms, batch_size: 20}", logGroup, f.via)
}

func (f *cloudwatchFeed) add(_ context.Context, i int) error {
	late := time.Duration(0)
	if i%10 == 7 {
		late = 3 * time.Minute
	}
	line, at, r := f.connectionLine(i, late)
	f.server.Put(logGroup, fmt.Sprintf("faults.%d", i%2), cloudwatch.Event{Time: at, Message: line})
	f.note(r)
	return nil
}

// s3Feed puts objects, some of them compressed, with keys that sort before others; every fifth one is put again with another line.
type s3Feed struct {
	*knownRows
	server *s3.Server
	via    string
	last   string // the text of the object before
}

func (f *s3Feed) block() string {
	return fmt.Sprintf("s3: {bucket: %s, prefixes: ['%s/'], region: eu-central-1, endpoint: 'http://%s', path_style: true, collection_interval: 50ms, "+
		"relist_interval: 200ms, batch_size: 20}", auditBucket, f.plan.prefix(), f.via)
}

const auditBucket = "faults"

func (f *s3Feed) add(_ context.Context, i int) error {
	line, _, r := f.connectionLine(i, 0)
	text, number := line+"\n", i
	if i%5 == 4 {
		text, number = f.last+text, i-1
	}
	content, key := []byte(text), fmt.Sprintf("%s/%c%06d", f.plan.prefix(), 'z'-number%3, number)
	if number%2 == 0 {
		var err error
		if content, err = gzipText(text); err != nil {
			return err
		}
	}
	f.server.Put(auditBucket, key, content)
	f.last = text
	f.note(r)
	return nil
}

func gzipText(text string) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

// hostOf is what a wire leads to.
func hostOf(url string) string { return strings.TrimPrefix(url, "http://") }
