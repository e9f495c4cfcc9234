package s3

import (
	"context"
	"fmt"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
)

var _ connectcheck.Checker = Config{}

// CheckConnection is part of [connectcheck.Checker]. It asks for credentials, for the first keys of each prefix, and for the beginning of the
// last object among them.
func (c Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	session, credentials := awslogs.CheckCredentials(ctx, c.ClientConfig, c.explainProblem)
	all := []connectcheck.Finding{credentials}
	if !credentials.OK {
		return all
	}
	defer session.Close()
	client := newClient(session, c, func(error) {})
	for _, prefix := range c.listedPrefixes() {
		all = append(all, c.checkPrefix(ctx, client, prefix)...)
	}
	return all
}

func (c Config) checkPrefix(ctx context.Context, client *bucketClient, prefix string) []connectcheck.Finding {
	name := "s3://" + c.Bucket + "/" + prefix
	page, err := client.listPage(ctx, prefix, "")
	if err != nil {
		return []connectcheck.Finding{awslogs.ProblemFinding(name, err, c.explainProblem)}
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

func (c Config) checkObject(ctx context.Context, client *bucketClient, o *objectInfo) connectcheck.Finding {
	subject := "object " + o.key
	text, err := client.openText(ctx, o, &objectPosition{})
	if err != nil {
		return awslogs.ProblemFinding(subject, err, c.explainProblem)
	}
	defer text.Close()
	head := make([]byte, headSize)
	n, _, err := text.fillBuffer(head)
	if err != nil && n == 0 {
		return awslogs.ProblemFinding(subject, err, c.explainProblem)
	}
	return c.CheckText(subject, head[:n], "leave the object out with include")
}
