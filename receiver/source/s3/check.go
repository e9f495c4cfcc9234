package s3

import (
	"context"
	"fmt"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

var _ connectcheck.Checker = Config{}

// CheckConnection is part of [connectcheck.Checker]. It asks for credentials, for the first keys of each prefix, and for the beginning of the
// last object among them.
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
	for _, prefix := range c.listedPrefixes() {
		all = append(all, c.checkPrefix(ctx, client, prefix)...)
	}
	return all
}

func (c Config) problemFinding(subject string, err error) connectcheck.Finding {
	key, remedy := c.explainProblem(err)
	return connectcheck.Finding{Subject: subject, Detail: err.Error(), Key: key, Remedy: remedy}
}

func (c Config) checkPrefix(ctx context.Context, client *bucketClient, prefix string) []connectcheck.Finding {
	name := "s3://" + c.Bucket + "/" + prefix
	page, err := client.listPage(ctx, prefix, "")
	if err != nil {
		return []connectcheck.Finding{c.problemFinding(name, err)}
	}
	var last *objectInfo
	included := 0
	for i := range page.objects {
		if o := &page.objects[i]; c.isIncluded(o.key) && o.size > 0 {
			included++
			last = o
		}
	}
	listed := fmt.Sprintf("%d of the first %d objects are to be read", included, len(page.objects))
	if last == nil {
		return []connectcheck.Finding{{Subject: name, Detail: listed, Key: "include", Remedy: "let the server write its log there (docs/clouds.md), and correct prefixes and include"}}
	}
	return []connectcheck.Finding{{OK: true, Subject: name, Detail: listed}, c.checkObject(ctx, client, last)}
}

// checkObject tells whether an object is of a format that can be read.
func (c Config) checkObject(ctx context.Context, client *bucketClient, o *objectInfo) connectcheck.Finding {
	subject := "object " + o.key
	text, err := client.openText(ctx, o, &objectPosition{})
	if err != nil {
		return c.problemFinding(subject, err)
	}
	defer text.Close()
	head := make([]byte, headSize)
	n, _, err := text.fillBuffer(head)
	if err != nil && n == 0 {
		return c.problemFinding(subject, err)
	}
	f := connectcheck.Finding{OK: true, Subject: subject, Detail: "it is read as " + c.Format, Key: "format"}
	if c.Format != formats.Auto {
		return f
	}
	format, verdict := logformat.Detect(formats.All(), head[:n], true)
	if f.Detail = "it is " + format.Name; verdict == logformat.Yes {
		return f
	}
	if f.Detail = "it is read as " + formats.PostgreSQLStderr; c.LogLinePrefix != "" {
		return f
	}
	f.OK, f.Detail, f.Remedy = false, "it has none of the known formats", "write the format under format, PostgreSQL's log_line_prefix under log_line_prefix, or leave the object out with include"
	return f
}
