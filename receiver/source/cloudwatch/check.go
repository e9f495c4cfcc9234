package cloudwatch

import (
	"context"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
)

var _ connectcheck.Checker = Config{}

// sampleAge is how far back the check looks for events.
const sampleAge = 24 * time.Hour

// CheckConnection is part of [connectcheck.Checker]. It asks for credentials, and for the streams and the newest day of each group.
func (c Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	session, credentials := awslogs.CheckCredentials(ctx, c.ClientConfig, c.explainProblem)
	all := []connectcheck.Finding{credentials}
	if !credentials.OK {
		return all
	}
	defer session.Close()
	client := newClient(session, c, func(error) {})
	for _, group := range c.LogGroups {
		all = append(all, c.checkGroup(ctx, client, group)...)
	}
	return all
}

func (c Config) checkGroup(ctx context.Context, client *logClient, group string) []connectcheck.Finding {
	var names []string
	for _, prefix := range c.listedPrefixes() {
		listed, _, err := client.listStreams(ctx, group, prefix)
		if err != nil {
			return []connectcheck.Finding{awslogs.ProblemFinding("log group "+group, err, c.explainProblem)}
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
			return append(all, awslogs.ProblemFinding("events of "+group, err, c.explainProblem))
		}
		for i := range events {
			text += *events[i].Message + "\n"
		}
		if text != "" {
			break
		}
	}
	if text == "" {
		return append(all, connectcheck.Finding{
			Subject: "events of " + group, Detail: "none of the last day: of a server that nobody uses it is well", Key: "format",
			Remedy: "log in once and see whether the log group has an event of it",
		})
	}
	return append(all, c.CheckText("events of "+group, []byte(text), "leave the streams out with stream_prefixes"))
}
