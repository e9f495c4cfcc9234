package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

var _ connectcheck.Checker = Config{}

// sampleAge is how far back the check looks for events.
const sampleAge = 24 * time.Hour

// CheckConnection is part of [connectcheck.Checker]. It asks for credentials, and for the streams and the newest day of each group.
func (c Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	client, err := openClient(ctx, c, func(error) {})
	if err != nil {
		return []connectcheck.Finding{c.problemFinding("AWS configuration", err)}
	}
	defer client.session.Close()
	if _, err := client.session.Credentials.Retrieve(ctx); err != nil {
		f := c.problemFinding("credentials", err)
		if f.Key == "endpoint" {
			f.Key, f.Remedy = "role_arn", "run the collector with an instance's or container's role, or with AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
		}
		return []connectcheck.Finding{f}
	}
	all := []connectcheck.Finding{{OK: true, Subject: "credentials", Detail: "there are some, for region " + client.session.Region}}
	for _, group := range c.LogGroups {
		all = append(all, c.checkGroup(ctx, client, group)...)
	}
	return all
}

func (c Config) problemFinding(subject string, err error) connectcheck.Finding {
	key, remedy := c.explainProblem(err)
	return connectcheck.Finding{Subject: subject, Detail: err.Error(), Key: key, Remedy: remedy}
}

func (c Config) checkGroup(ctx context.Context, client *logClient, group string) []connectcheck.Finding {
	var names []string
	prefixes := c.StreamPrefixes
	if len(prefixes) == 0 {
		prefixes = []string{""}
	}
	for _, prefix := range prefixes {
		listed, err := client.listStreams(ctx, group, prefix)
		if err != nil {
			return []connectcheck.Finding{c.problemFinding("log group "+group, err)}
		}
		for i := range listed {
			names = append(names, *listed[i].LogStreamName)
		}
	}
	if len(names) == 0 {
		return []connectcheck.Finding{{
			Subject: "streams of " + group, Detail: "there are none to read", Key: "stream_prefixes", Remedy: "let the server export this log (docs/clouds.md), and correct stream_prefixes",
		}}
	}
	all := []connectcheck.Finding{{OK: true, Subject: "streams of " + group, Detail: fmt.Sprintf("%d", len(names))}}
	text := ""
	for _, name := range names {
		events, _, err := client.readPage(ctx, group, name, time.Now().Add(-sampleAge).UnixMilli(), nil)
		if err != nil {
			return append(all, c.problemFinding("events of "+group, err))
		}
		for i := range events {
			text += *events[i].Message + "\n"
		}
		if text != "" {
			break
		}
	}
	return append(all, c.checkText(group, text))
}

var errNoEvents = errors.New("none of the last day: of a server that nobody uses it is well")

// checkText tells whether the events are of a format that can be read.
func (c Config) checkText(group, text string) connectcheck.Finding {
	f := connectcheck.Finding{Subject: "events of " + group, Key: "format"}
	if text == "" {
		f.Detail, f.Remedy = errNoEvents.Error(), "log in once and see whether the log group has an event of it"
		return f
	}
	if c.Format != formats.Auto {
		f.OK, f.Detail = true, "there are some; they are read as "+c.Format
		return f
	}
	format, verdict := logformat.Detect(formats.All(), []byte(text), true)
	if verdict != logformat.Yes && c.LogLinePrefix == "" {
		f.Detail, f.Remedy = "they have none of the known formats", "write the format under format, or PostgreSQL's log_line_prefix under log_line_prefix"
		return f
	}
	f.OK, f.Detail = true, "there are some; they are "+format.Name
	return f
}
