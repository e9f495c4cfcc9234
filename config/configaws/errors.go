package configaws

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ErrNoRegion is the error of [ClientConfig.Load] where nothing says in which region the service is.
var ErrNoRegion = errors.New("region: not written, and neither AWS_REGION nor the instance says it: write it, as eu-central-1")

var (
	expiredCodes = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
	foreignCodes = []string{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "InvalidAccessKeyId", "MissingAuthenticationToken", "MissingAuthenticationTokenException"}
	deniedCodes  = []string{"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "OptInRequired"}
)

// ErrorCode is the service's code of an error, "" where it has none.
func ErrorCode(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}

// IsThrottled reports whether the account asks more often than the service allows.
func IsThrottled(err error) bool {
	return retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err) == aws.TrueTernary
}

// IsExpired reports whether temporary credentials have come to their end.
func IsExpired(err error) bool { return slices.Contains(expiredCodes, ErrorCode(err)) }

// IsDenied reports whether the identity is known and may not do what it asked for.
func IsDenied(err error) bool { return slices.Contains(deniedCodes, ErrorCode(err)) }

// IsRefused reports whether the service answered, and will answer the same again: HTTP 400 to 499, but for those that ask for another try.
func IsRefused(err error) bool {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) {
		return false
	}
	status := answer.HTTPStatusCode()
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// Explain gives the key and the remedy of an error that has to do with credentials, region or quotas; both are "" for others.
func (c ClientConfig) Explain(err error) (key, remedy string) {
	var signing *smithy.OperationError
	code := ErrorCode(err)
	switch {
	case errors.Is(err, ErrNoRegion):
		return "region", "write the region, as eu-central-1"
	case IsThrottled(err):
		return "collection_interval", "make it longer, or have fewer programs read the same account's logs: quotas are of the account and region"
	case IsExpired(err):
		return "role_arn", "let the collector run with credentials that renew themselves (an instance's or container's role, web identity, or role_arn): " +
			"a session token that stands in the environment ends, and needs a restart with a new one"
	case slices.Contains(foreignCodes, code):
		return "role_arn", "AWS does not know the credentials: see AWS_ACCESS_KEY_ID, AWS_PROFILE or the role, and this machine's clock"
	case IsDenied(err) && c.RoleARN != "" && isAboutRole(err):
		return "role_arn", "let the role's trust policy name the collector's identity (and external_id, where it asks for one)"
	case code == "" && errors.As(err, &signing) && isAboutCredentials(err):
		return "role_arn", "there are no credentials: run the collector with an instance's or container's role, or with AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	}
	return "", ""
}

func isAboutRole(err error) bool {
	var operation *smithy.OperationError
	for errors.As(err, &operation) {
		if operation.ServiceID == "STS" {
			return true
		}
		err = operation.Err
	}
	return false
}

func isAboutCredentials(err error) bool {
	// The SDK has no type for them.
	text := err.Error()
	return slices.ContainsFunc([]string{"get identity", "get credentials", "refresh cached credentials", "static credentials are empty"},
		func(part string) bool { return strings.Contains(text, part) })
}
