// Package httpsource takes authentication events that others push: POST /v1/events with JSON in our own vocabulary, and
// /v1/events/<dialect> with what identity providers send. It answers 2xx only when the pipeline has the events.
package httpsource

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
)

// Config is the block `http` of the receiver.
type Config struct {
	// Server is the collector's own: endpoint, tls, auth, limits, timeouts.
	Server confighttp.ServerConfig `mapstructure:",squash"`
	// DeliveryTimeout is how long a call waits for the pipeline before it is answered with 503.
	DeliveryTimeout time.Duration `mapstructure:"delivery_timeout"`
	// MaxInFlight is the most calls whose events are on their way into the pipeline.
	MaxInFlight int `mapstructure:"max_in_flight"`
	// MaxBufferedBytes is the most that the bodies of all calls may take together, decompressed.
	MaxBufferedBytes int64 `mapstructure:"max_buffered_bytes"`
	// MaxItems is the most events of one call.
	MaxItems int `mapstructure:"max_items"`
	// Senders, where any are named, are the only ones accepted: each at /v1/events/<dialect>/<its name>.
	Senders map[string]SenderConfig `mapstructure:"senders"`
}

// SenderConfig is one of the block `senders`.
type SenderConfig struct {
	// Signature is what each of its calls must bear.
	Signature configoptional.Optional[SignatureConfig] `mapstructure:"signature"`
}

// SignatureConfig says how a sender proves that a call is its own.
type SignatureConfig struct {
	// Style is hmac_sha256 or header.
	Style string `mapstructure:"style"`
	// Header bears the signature, or the secret itself. Empty: X-Hub-Signature-256 of hmac_sha256, Authorization of header.
	Header string `mapstructure:"header"`
	// Secret is the key of the HMAC, or the header's whole value.
	Secret configopaque.String `mapstructure:"secret"`
}

// The values of signature::style.
const (
	StyleHMAC   = "hmac_sha256"
	StyleHeader = "header"
)

const (
	defaultEndpoint = "127.0.0.1:8128"
	defaultMaxBody  = 20 << 20
	minSecretBytes  = 16 // bytes of a secret that withstands guessing
)

// DefaultConfig is complete: what it opens is a port of this machine only.
func DefaultConfig() Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultEndpoint
	server.MaxRequestBodySize = defaultMaxBody
	server.CompressionAlgorithms = []string{"", "gzip", "zstd"}
	server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout = 10*time.Second, 30*time.Second, 90*time.Second
	return Config{
		Server:           server,
		DeliveryTimeout:  30 * time.Second,
		MaxInFlight:      64,
		MaxBufferedBytes: 128 << 20,
		MaxItems:         100_000,
	}
}

// Validate names the key and the remedy.
func (c Config) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	s := c.Server
	if s.NetAddr.Endpoint == "" {
		fail("endpoint: required: the address to listen on, as %s", defaultEndpoint)
	} else if err := loopbackhost.CheckListenAddress(string(s.NetAddr.Transport), s.NetAddr.Endpoint); err != nil {
		errs = append(errs, err)
	}
	if s.MaxRequestBodySize <= 0 {
		fail("max_request_body_size: must be more than 0 bytes, as %d", defaultMaxBody)
	}
	if c.MaxBufferedBytes < s.MaxRequestBodySize {
		fail("max_buffered_bytes: must be at least max_request_body_size (%d), or no call of that size is ever taken", s.MaxRequestBodySize)
	}
	if s.ReadTimeout <= 0 {
		fail("read_timeout: must be longer than 0, as 30s: without it a slow sender holds its connection for ever")
	}
	if c.DeliveryTimeout <= 0 {
		fail("delivery_timeout: must be longer than 0, as 30s")
	}
	if s.WriteTimeout > 0 && s.WriteTimeout < s.ReadTimeout+c.DeliveryTimeout {
		fail("write_timeout: must be at least read_timeout plus delivery_timeout (%s), or the answer of a slow delivery is lost", s.ReadTimeout+c.DeliveryTimeout)
	}
	if c.MaxInFlight < 1 {
		fail("max_in_flight: must be 1 or more")
	}
	if c.MaxItems < 1 {
		fail("max_items: must be 1 or more")
	}
	return errors.Join(append(errs, c.validateSenders())...)
}

func (c Config) validateSenders() error {
	var errs []error
	for _, name := range c.senderNames() {
		if name == "" || strings.ContainsAny(name, "/?#% ") {
			errs = append(errs, fmt.Errorf("senders: %q cannot be the last part of a path: use letters, digits and dashes", name))
		}
		sender := c.Senders[name]
		if signature := sender.Signature.Get(); signature != nil {
			if err := signature.validateSignature(); err != nil {
				errs = append(errs, fmt.Errorf("senders::%s::signature::%w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (s *SignatureConfig) validateSignature() error {
	switch {
	case s.Style != StyleHMAC && s.Style != StyleHeader:
		return fmt.Errorf("style: %q is none of %s, %s", s.Style, StyleHMAC, StyleHeader)
	case len(s.Secret) < minSecretBytes:
		return fmt.Errorf("secret: %d bytes are too few to withstand guessing; give %d random ones or more, as in ${env:SENDER_SECRET}", len(s.Secret), minSecretBytes)
	}
	return nil
}

func (c Config) senderNames() []string {
	names := make([]string, 0, len(c.Senders))
	for name := range c.Senders {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// DefaultInstance is the endpoint. A name that says who pushes here is better: it is part of every record id.
func (c Config) DefaultInstance() string { return c.Server.NetAddr.Endpoint }
