package cloudwatch

import (
	"context"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
)

// logClient asks CloudWatch Logs. The SDK tries again what is throttled or lost.
type logClient struct {
	api     *cloudwatchlogs.Client
	pattern *string
}

// newClient makes a client. tried gets the error of every try, nil too.
func newClient(session *configaws.Session, cfg Config, tried func(error)) *logClient {
	c := &logClient{}
	if cfg.FilterPattern != "" {
		c.pattern = &cfg.FilterPattern
	}
	c.api = cloudwatchlogs.NewFromConfig(session.Config, func(o *cloudwatchlogs.Options) {
		if endpoint := cfg.BaseEndpoint(); endpoint != nil {
			o.BaseEndpoint = endpoint
		}
		o.APIOptions = append(o.APIOptions, configaws.WatchTries(tried))
	})
	return c
}

// groupParameter gives a group by its name, or by its ARN where it is in a linked account.
func groupParameter(group string) (name, identifier *string) {
	if strings.HasPrefix(group, "arn:") {
		return nil, &group
	}
	return &group, nil
}

// listStreams gives the streams of a group whose names begin so. asked is when, by the clock of CloudWatch; zero where it does not say.
func (c *logClient) listStreams(ctx context.Context, group, prefix string) (streams []types.LogStream, asked time.Time, err error) {
	in := &cloudwatchlogs.DescribeLogStreamsInput{}
	in.LogGroupName, in.LogGroupIdentifier = groupParameter(group)
	if prefix != "" {
		in.LogStreamNamePrefix = &prefix
	}
	for {
		call, end := awslogs.BoundCall(ctx)
		out, err := c.api.DescribeLogStreams(call, in)
		end()
		if err != nil {
			return nil, asked, awslogs.StallCause(call, err)
		}
		if asked.IsZero() {
			asked, _ = awsmiddleware.GetServerTime(out.ResultMetadata)
		}
		streams = append(streams, out.LogStreams...)
		if out.NextToken == nil {
			return streams, asked, nil
		}
		in.NextToken = out.NextToken
	}
}

// readPage gives events of a stream in the order of their times, from a time in milliseconds on. A page may be empty and yet not the last:
// that is the one without token.
func (c *logClient) readPage(ctx context.Context, group, stream string, from int64, token *string) (events []types.FilteredLogEvent, next *string, err error) {
	in := &cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{stream}, StartTime: &from, FilterPattern: c.pattern, NextToken: token}
	in.LogGroupName, in.LogGroupIdentifier = groupParameter(group)
	ctx, end := awslogs.BoundCall(ctx)
	defer end()
	out, err := c.api.FilterLogEvents(ctx, in)
	if err != nil {
		return nil, nil, awslogs.StallCause(ctx, err)
	}
	return out.Events, out.NextToken, nil
}
