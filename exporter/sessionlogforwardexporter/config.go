package sessionlogforwardexporter

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

// What Config.Protocol may say.
const (
	protocolElasticsearch = "elasticsearch"
	protocolSplunkHEC     = "splunk_hec"
	protocolNDJSON        = "ndjson"
)

// Config of the exporter.
type Config struct {
	TargetConfig                      `mapstructure:",squash"`
	sessionlogexporter.DeliveryConfig `mapstructure:",squash"`
}

// Unmarshal refuses durations without a unit, and explains unknown keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	for _, block := range []string{protocolElasticsearch, protocolSplunkHEC} {
		if conf.IsSet(block) {
			c.writtenBlocks = append(c.writtenBlocks, block)
		}
	}
	c.CountRecords(conf)
	return strictconfig.Unmarshal(conf, c)
}

// Validate names the key and the remedy.
func (c *Config) Validate() error {
	return errors.Join(c.validateTarget(), c.ValidateDelivery())
}

func createDefaultConfig() component.Config {
	return &Config{TargetConfig: defaultTargetConfig(), DeliveryConfig: sessionlogexporter.DefaultDeliveryConfig()}
}

// TargetConfig says where the documents go, and in which shape.
type TargetConfig struct {
	// Client is the collector's own: endpoint, tls, auth, headers, compression, timeout of a call.
	Client confighttp.ClientConfig `mapstructure:",squash"`
	// Protocol is elasticsearch, splunk_hec or ndjson.
	Protocol string `mapstructure:"protocol"`
	// Format is the shape of the documents: ocsf, ecs, cim, cef or flat. Empty: the protocol's usual one.
	Format shape.Format `mapstructure:"format"`
	// MaxRequestBytes is the most that the body of a call may have before it is compressed. A larger record goes alone.
	MaxRequestBytes int `mapstructure:"max_request_bytes"`
	// Elasticsearch is read with that protocol only.
	Elasticsearch ElasticsearchConfig `mapstructure:"elasticsearch"`
	// SplunkHEC is read with that protocol only.
	SplunkHEC SplunkHECConfig `mapstructure:"splunk_hec"`
	// writtenBlocks are those of protocols that the configuration has.
	writtenBlocks []string
}

// ElasticsearchConfig is the block elasticsearch.
type ElasticsearchConfig struct {
	// Index is the index or data stream. Empty: the data stream logs-sessionlog-default of ECS, the index sessionlog-<format> of other shapes.
	Index string `mapstructure:"index"`
	// Pipeline is an ingest pipeline; none when empty.
	Pipeline string `mapstructure:"pipeline"`
}

// SplunkHECConfig is the block splunk_hec. What is empty is left to the token.
type SplunkHECConfig struct {
	Token      configopaque.String `mapstructure:"token"`
	Index      string              `mapstructure:"index"`
	Source     string              `mapstructure:"source"`
	SourceType string              `mapstructure:"sourcetype"`
	// Acknowledgement waits until the indexers have the events. The token must have it enabled.
	Acknowledgement bool `mapstructure:"acknowledgement"`
}

const (
	defaultMaxRequestBytes = 5 << 20
	leastMaxRequestBytes   = 4 << 10
	defaultTimeout         = 30 * time.Second
	ecsDataStream          = "logs-sessionlog-default"
)

func defaultTargetConfig() TargetConfig {
	client := confighttp.NewDefaultClientConfig()
	client.Timeout = defaultTimeout
	client.Compression = configcompression.TypeGzip
	return TargetConfig{
		Client:          client,
		MaxRequestBytes: defaultMaxRequestBytes,
		SplunkHEC:       SplunkHECConfig{Source: "sessionlog", SourceType: "sessionlog:{format}"},
	}
}

// validateTarget has not the name Validate, or the collector would call it too and print each mistake twice.
func checkEndpoint(text, example string) error {
	switch endpoint, err := url.Parse(text); {
	case text == "":
		return fmt.Errorf("endpoint: required: the address of the target, such as %s", example)
	case err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https":
		return fmt.Errorf("endpoint: must be an address with http:// or https:// and a host, such as %s", example)
	case endpoint.User != nil:
		return errors.New("endpoint: holds a user or password: write them under auth or headers::Authorization")
	}
	return nil
}

func (c TargetConfig) validateTarget() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	p, known := forwardProtocols[c.Protocol]
	switch {
	case c.Protocol == "":
		fail("protocol: required: one of elasticsearch, splunk_hec, ndjson")
	case !known:
		fail("protocol: %q is none of elasticsearch, splunk_hec, ndjson", c.Protocol)
	}
	for _, block := range c.writtenBlocks {
		if known && block != c.Protocol {
			fail("%s: is read with protocol: %s only, and the protocol is %s: take the block away, or change the protocol", block, block, c.Protocol)
		}
	}
	if known && !slices.Contains(p.formats, c.documentFormat()) {
		fail("format: %s documents cannot go through protocol %s: write one of %s", c.documentFormat(), c.Protocol, p.formatNames())
	}
	errs = append(errs, checkEndpoint(c.Client.Endpoint, cmp.Or(p.example, "https://logs.example.com")))
	if _, err := url.ParseRequestURI(c.Client.ProxyURL); c.Client.ProxyURL != "" && err != nil { // its text has the password
		fail("proxy_url: must be an address, such as http://proxy.example.com:3128")
	}
	if c.MaxRequestBytes < leastMaxRequestBytes {
		fail("max_request_bytes: must be at least %d, such as %d", leastMaxRequestBytes, defaultMaxRequestBytes)
	}
	if c.Client.Timeout <= 0 {
		fail("timeout: must be longer than 0, such as %s: without it a target that never answers holds the exporter for ever", defaultTimeout)
	}
	if c.Protocol == protocolElasticsearch && c.Elasticsearch.Index != "" && strings.TrimSpace(c.Elasticsearch.Index) == "" {
		fail("elasticsearch::index: is blank: write an index or data stream, such as %s, or leave it out", ecsDataStream)
	}
	if _, written := c.Client.Headers.Get("Authorization"); c.Protocol == protocolSplunkHEC && c.SplunkHEC.Token == "" && !written && !c.Client.Auth.HasValue() {
		fail("splunk_hec::token: required: the token of the HTTP Event Collector, such as ${env:SPLUNK_HEC_TOKEN}")
	}
	return errors.Join(errs...)
}

func (c ElasticsearchConfig) indexName(format shape.Format) string {
	switch {
	case c.Index != "":
		return c.Index
	case format == shape.ECS:
		return ecsDataStream // a data stream refuses documents without @timestamp
	default:
		return "sessionlog-" + string(format)
	}
}

func (c TargetConfig) documentFormat() shape.Format {
	return cmp.Or(c.Format, forwardProtocols[c.Protocol].defaultFormat)
}
