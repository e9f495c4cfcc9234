// Package configclickhouse has the connection block of every component that connects to ClickHouse, and the one
// connection behind it: the native protocol or HTTP(S), read and written in columns.
package configclickhouse

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
)

// ClientConfig says how to reach a ClickHouse server and as whom.
type ClientConfig struct {
	// Endpoints are addresses of one and the same log, tried in turn from the last one that worked. Forms:
	// clickhouse://host:9000 (native protocol), http://host:8123, https://host:8443, or host:port (native).
	Endpoints []string `mapstructure:"endpoints"`
	// Username of the account, "default" when empty.
	Username string `mapstructure:"username"`
	// Password of that account.
	Password configopaque.String `mapstructure:"password"`
	// Database is the session's current database, "default" when empty.
	Database string `mapstructure:"database"`
	// TLS switches TLS on for native endpoints and configures it for https ones. Native servers listen for it on 9440.
	TLS configoptional.Optional[configtls.ClientConfig] `mapstructure:"tls"`
	// Compression of the blocks that are sent in either direction: lz4 or none. lz4 costs both sides some CPU and saves most of the network.
	Compression string `mapstructure:"compression"`
	// DialTimeout bounds connecting, TLS and login together.
	DialTimeout time.Duration `mapstructure:"dial_timeout"`
	// ReadTimeout is how long a server may be silent while a query runs before the connection counts as dead.
	ReadTimeout time.Duration `mapstructure:"read_timeout"`
}

// The values of the key compression.
const (
	CompressionNone = "none"
	CompressionLZ4  = "lz4"
)

// DefaultClientConfig has no endpoints: those are required.
func DefaultClientConfig() ClientConfig {
	return ClientConfig{
		Username:    "default",
		TLS:         configoptional.Default(configtls.NewDefaultClientConfig()),
		Compression: CompressionNone,
		DialTimeout: 10 * time.Second,
		ReadTimeout: time.Minute,
	}
}

// Check names the key and the remedy of everything that is wrong. It is not called Validate, which confmap would call of an
// embedded struct by itself: every mistake would be reported twice.
func (c ClientConfig) Check() error {
	var errs []error
	if len(c.Endpoints) == 0 {
		errs = append(errs, errors.New("endpoints: none given; write at least one, such as clickhouse://host:9000 or https://host:8443"))
	}
	for i, text := range c.Endpoints {
		e, err := parseEndpoint(text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("endpoints[%d]: %w", i, err))
		case e.scheme == schemeHTTP && c.TLS.HasValue():
			errs = append(errs, fmt.Errorf("endpoints[%d]: http:// does not use the block tls; write https:// or remove tls", i))
		}
	}
	if c.Compression != CompressionNone && c.Compression != CompressionLZ4 {
		errs = append(errs, fmt.Errorf("compression: %q is neither none nor lz4", c.Compression))
	}
	if c.DialTimeout <= 0 {
		errs = append(errs, errors.New("dial_timeout: must be more than zero, such as 10s"))
	}
	if c.ReadTimeout <= 0 {
		errs = append(errs, errors.New("read_timeout: must be more than zero, such as 1m"))
	}
	return errors.Join(errs...)
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
	return e.address
}
