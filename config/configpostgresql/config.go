// Package configpostgresql has the connection block of every component that connects to PostgreSQL or Amazon Redshift,
// and makes its connections.
package configpostgresql

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
)

// ClientConfig says how to reach a server and as whom. Nothing is taken from the environment (PGHOST, PGPASSWORD, …) nor
// from ~/.pgpass: the collector's configuration is complete. The READMEs of the components that have it explain its keys.
type ClientConfig struct {
	Endpoints   []string                                        `mapstructure:"endpoints"`
	Username    string                                          `mapstructure:"username"`
	Password    configopaque.String                             `mapstructure:"password"`
	Database    string                                          `mapstructure:"database"`
	TLS         configoptional.Optional[configtls.ClientConfig] `mapstructure:"tls"`
	IAM         configoptional.Optional[IAMConfig]              `mapstructure:"iam"`
	DialTimeout time.Duration                                   `mapstructure:"dial_timeout"`
}

// DefaultClientConfig has no endpoints and no user: those are required.
func DefaultClientConfig() ClientConfig {
	return ClientConfig{
		TLS:         configoptional.Default(configtls.NewDefaultClientConfig()),
		IAM:         configoptional.Default(IAMConfig{}),
		DialTimeout: 10 * time.Second,
	}
}

// Check names the key and the remedy of everything that is wrong. It is not called Validate, which confmap would call of an
// embedded struct by itself: every mistake would be reported twice.
func (c ClientConfig) Check() error {
	var errs []error
	if len(c.Endpoints) == 0 {
		errs = append(errs, errors.New("endpoints: none given; write at least one, such as postgresql://host:5432"))
	}
	for i, text := range c.Endpoints {
		if _, err := parseEndpoint(text); err != nil {
			errs = append(errs, fmt.Errorf("endpoints[%d]: %w", i, err))
		}
	}
	if c.Username == "" && c.needsUsername() {
		errs = append(errs, errors.New("username: empty; name the account to log in as"))
	}
	for key, value := range map[string]string{"username": c.Username, "password": string(c.Password), "database": c.Database} {
		if strings.ContainsRune(value, 0) {
			errs = append(errs, fmt.Errorf("%s: must not hold a NUL byte", key))
		}
	}
	if c.DialTimeout <= 0 {
		errs = append(errs, errors.New("dial_timeout: must be more than zero, such as 10s"))
	}
	return errors.Join(append(errs, c.checkIAM())...)
}

// FirstHost is host:port of the first endpoint, or "" when there is no valid one.
func (c ClientConfig) FirstHost() string {
	if len(c.Endpoints) == 0 {
		return ""
	}
	e, err := parseEndpoint(c.Endpoints[0])
	if err != nil {
		return ""
	}
	return e.String()
}
