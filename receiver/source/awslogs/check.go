package awslogs

import (
	"context"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

// CheckCredentials asks for credentials, which the session has where the finding is OK. The caller closes it; else there is none.
func CheckCredentials(ctx context.Context, config configaws.ClientConfig, explain ExplainError) (*configaws.Session, connectcheck.Finding) {
	session, err := config.Load(ctx)
	if err != nil {
		return nil, ProblemFinding("AWS configuration", err, explain)
	}
	if _, err := session.Credentials.Retrieve(ctx); err != nil {
		session.Close()
		f := ProblemFinding("credentials", err, explain)
		if f.Key == "endpoint" {
			f.Key, f.Remedy = "role_arn", "run the collector with an instance's or container's role, or with AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
		}
		return nil, f
	}
	return session, connectcheck.Finding{OK: true, Subject: "credentials", Detail: "there are some, for region " + session.Region}
}

// ProblemFinding is that of something that cannot be read.
func ProblemFinding(subject string, err error, explain ExplainError) connectcheck.Finding {
	key, remedy := explain(err)
	return connectcheck.Finding{Subject: subject, Detail: err.Error(), Key: key, Remedy: remedy}
}
