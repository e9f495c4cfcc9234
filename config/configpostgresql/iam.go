package configpostgresql

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
)

// IAMConfig has AWS make the password: of RDS and Aurora by a signature that is made here, of Redshift by a call. Each connection gets its
// own, so that none expires: RDS takes one for 15 minutes, and asks for it at the login only.
type IAMConfig struct {
	configaws.ClientConfig `mapstructure:",squash"`

	// ClusterIdentifier is the name of a provisioned Redshift cluster.
	ClusterIdentifier string `mapstructure:"cluster_identifier"`
	// Workgroup is the name of a workgroup of Redshift Serverless. Its user follows from the identity, and `username` is not asked for.
	Workgroup string `mapstructure:"workgroup"`
}

// ErrIAM says that AWS made no password.
var ErrIAM = errors.New("AWS makes no password")

func (c ClientConfig) checkIAM() error {
	if !c.IAM.HasValue() {
		return nil
	}
	iam := c.IAM.Get()
	var errs []error
	if err := iam.Check(); err != nil {
		errs = append(errs, fmt.Errorf("iam::%w", err))
	}
	if c.Password != "" {
		errs = append(errs, errors.New("password: must be empty with iam, which makes it"))
	}
	if !c.encryptsConnections() {
		errs = append(errs, errors.New("tls: must be on with iam: write `tls: {}`, with the ca_file of RDS or Redshift where the system does not have it"))
	}
	if iam.ClusterIdentifier != "" && iam.Workgroup != "" {
		errs = append(errs, errors.New("iam::workgroup: is of Redshift Serverless, cluster_identifier of a provisioned cluster: write one"))
	}
	if c.Database == "" && iam.ClusterIdentifier+iam.Workgroup != "" {
		errs = append(errs, errors.New("database: must be written with iam of Redshift, such as dev"))
	}
	for i, text := range c.Endpoints {
		if e, err := parseEndpoint(text); err == nil && e.isUnixSocket() {
			errs = append(errs, fmt.Errorf("endpoints[%d]: a socket has no use for iam", i))
		}
	}
	return errors.Join(errs...)
}

func (c ClientConfig) needsUsername() bool { return !c.IAM.HasValue() || c.IAM.Get().Workgroup == "" }

func (c ClientConfig) withIAMPassword(ctx context.Context, to serverEndpoint) (ClientConfig, error) {
	iam := c.IAM.Get()
	session, err := iam.Load(ctx)
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrIAM, err)
	}
	defer session.Close()
	switch {
	case iam.ClusterIdentifier != "":
		err = c.askCluster(ctx, session, iam)
	case iam.Workgroup != "":
		err = c.askWorkgroup(ctx, session, iam)
	default:
		var token string
		token, err = auth.BuildAuthToken(ctx, to.String(), session.Region, c.Username, session.Credentials)
		c.Password = configopaque.String(token)
	}
	if err != nil {
		return c, iam.explainIAMError(err)
	}
	return c, nil
}

func (c *ClientConfig) askCluster(ctx context.Context, session *configaws.Session, iam *IAMConfig) error {
	api := redshift.NewFromConfig(session.Config, func(o *redshift.Options) { o.BaseEndpoint = cmp.Or(iam.BaseEndpoint(), o.BaseEndpoint) })
	out, err := api.GetClusterCredentials(ctx, &redshift.GetClusterCredentialsInput{ClusterIdentifier: &iam.ClusterIdentifier, DbUser: &c.Username, DbName: &c.Database})
	if err != nil {
		return err
	}
	return takeCredentials(c, out.DbUser, out.DbPassword)
}

func (c *ClientConfig) askWorkgroup(ctx context.Context, session *configaws.Session, iam *IAMConfig) error {
	api := redshiftserverless.NewFromConfig(session.Config, func(o *redshiftserverless.Options) { o.BaseEndpoint = cmp.Or(iam.BaseEndpoint(), o.BaseEndpoint) })
	out, err := api.GetCredentials(ctx, &redshiftserverless.GetCredentialsInput{WorkgroupName: &iam.Workgroup, DbName: &c.Database})
	if err != nil {
		return err
	}
	return takeCredentials(c, out.DbUser, out.DbPassword)
}

var errNoCredentials = errors.New("the answer has no user and password")

func takeCredentials(c *ClientConfig, user, password *string) error {
	if user == nil || password == nil || *user == "" || *password == "" {
		return errNoCredentials
	}
	c.Username, c.Password = *user, configopaque.String(*password)
	return nil
}

func (c *IAMConfig) explainIAMError(err error) error {
	key, remedy := c.Explain(err)
	switch code := configaws.ErrorCode(err); {
	case key == "collection_interval": // of programs that poll
		key, remedy = "iam", "it is tried again later"
	case key != "":
	case configaws.IsDenied(err):
		key, remedy = "role_arn", "let the identity's policy have redshift:GetClusterCredentials, or redshift-serverless:GetCredentials (docs/clouds.md has it)"
	case code == "ClusterNotFound" || code == "ClusterNotFoundFault":
		key, remedy = "cluster_identifier", "correct the name and the region"
	case code == "ResourceNotFoundException":
		key, remedy = "workgroup", "correct the name and the region"
	default:
		key, remedy = "endpoint", "let the collector reach the service's address in its region"
	}
	return fmt.Errorf("%w: iam::%s: %s: %w", ErrIAM, key, remedy, err)
}
