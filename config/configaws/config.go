// Package configaws has the block of every component that calls an API of Amazon Web Services, and makes its credentials.
package configaws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
)

// ClientConfig says where the API is and as whom it is called. No key or secret is here: credentials are those of the SDK's chain, which
// renews them (environment, shared files, web identity, container, instance).
type ClientConfig struct {
	// Region is that of the resources, such as eu-central-1; empty is that of AWS_REGION, the shared files, or the instance.
	Region string `mapstructure:"region"`
	// RoleARN is a role to take on with those credentials; empty is none.
	RoleARN string `mapstructure:"role_arn"`
	// ExternalID is what the role's trust policy may ask for.
	ExternalID string `mapstructure:"external_id"`
	// Endpoint is the URL of the service where it is not the region's own, as of a VPC endpoint.
	Endpoint string `mapstructure:"endpoint"`
}

// Check names the key and the remedy of everything that is wrong.
func (c ClientConfig) Check() error {
	var errs []error
	if c.RoleARN != "" && !strings.HasPrefix(c.RoleARN, "arn:") {
		errs = append(errs, fmt.Errorf("role_arn: %q is no ARN, as arn:aws:iam::123456789012:role/sessionlog", c.RoleARN))
	}
	if c.ExternalID != "" && c.RoleARN == "" {
		errs = append(errs, errors.New("external_id: has no effect without role_arn"))
	}
	return errors.Join(append(errs, c.checkEndpoint())...)
}

func (c ClientConfig) checkEndpoint() error {
	if c.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil:
		return errors.New("endpoint: cannot be read; write a URL, as https://vpce-0123.logs.eu-central-1.vpce.amazonaws.com, or leave it out")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopbackhost.IsLoopback(u.Hostname())):
		return errors.New("endpoint: must be https; http is for this machine only")
	}
	return nil
}

// Session is what clients of services are made of.
type Session struct {
	aws.Config
	transport *http.Transport
}

const (
	maxAttempts = 5
	maxBackoff  = 20 * time.Second
	// renewBefore is how long before the end of temporary credentials new ones are asked for.
	renewBefore = 2 * time.Minute
)

// Load makes a session. Nothing is asked of AWS but, where no region is written, the instance's own.
func (c ClientConfig) Load(ctx context.Context) (*Session, error) {
	s := &Session{}
	// Credentials are asked for seldom: their connections are not kept.
	seldom := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DisableKeepAlives = true })
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(seldom),
		config.WithLogger(logging.Nop{}),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = maxAttempts, maxBackoff })
		}),
	}
	var err error
	if s.Config, err = config.LoadDefaultConfig(ctx, append(options, config.WithRegion(c.Region))...); err != nil {
		return nil, err
	}
	if s.Region == "" {
		if s.Config, err = config.LoadDefaultConfig(ctx, append(options, config.WithEC2IMDSRegion())...); err != nil || s.Region == "" {
			return nil, ErrNoRegion
		}
	}
	if c.RoleARN != "" {
		s.Credentials = aws.NewCredentialsCache(c.assumeRole(s.Config), func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewBefore })
	}
	s.transport = seldom.GetTransport()
	if client, ok := s.HTTPClient.(*awshttp.BuildableClient); ok { // the one with AWS_CA_BUNDLE
		s.transport = client.GetTransport()
	}
	s.transport.DisableKeepAlives = false
	s.HTTPClient = &http.Client{Transport: s.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s, nil
}

func (c ClientConfig) assumeRole(cfg aws.Config) *stscreds.AssumeRoleProvider {
	return stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), c.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "sessionlog"
		if c.ExternalID != "" {
			o.ExternalID = &c.ExternalID
		}
	})
}

// BaseEndpoint is for a client's options of that name.
func (c ClientConfig) BaseEndpoint() *string {
	if c.Endpoint == "" {
		return nil
	}
	return &c.Endpoint
}

// ForgetCredentials has the next call ask for new ones: those that there are were refused although they seemed valid.
func (s *Session) ForgetCredentials() {
	if cache, ok := s.Credentials.(*aws.CredentialsCache); ok {
		cache.Invalidate()
	}
}

// Close ends idle connections.
func (s *Session) Close() { s.transport.CloseIdleConnections() }
