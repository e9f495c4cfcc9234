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
// from ~/.pgpass: the collector's configuration is complete.
type ClientConfig struct {
	// Endpoints are addresses of one and the same data, tried in the order written; a backend skips servers that are
	// read-only. Forms: host:port, postgresql://host:port, redshift://host:port, or the folder of a Unix socket, such as
	// /var/run/postgresql or /var/run/postgresql:5433.
	Endpoints []string `mapstructure:"endpoints"`
	// Username of the account.
	Username string `mapstructure:"username"`
	// Password of that account; empty where the server asks for none.
	Password configopaque.String `mapstructure:"password"`
	// Database to connect to; that of the account's name when empty, as PostgreSQL has it.
	Database string `mapstructure:"database"`
	// TLS switches TLS on, with the server's name verified unless it says otherwise. Sockets of the machine never use it.
	TLS configoptional.Optional[configtls.ClientConfig] `mapstructure:"tls"`
	// IAM has AWS make the password for each connection, in place of Password.
	IAM configoptional.Optional[IAMConfig] `mapstructure:"iam"`
	// DialTimeout bounds connecting, TLS and login together, for each endpoint.
	DialTimeout time.Duration `mapstructure:"dial_timeout"`
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
