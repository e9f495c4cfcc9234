package sessionlogexplorer

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/backendblocks"
	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

// Config of the extension. It holds exactly one backend, as the exporter does; SQLite with its defaults when none is written.
type Config struct {
	// Server is the collector's own: endpoint, tls, auth, timeouts.
	Server confighttp.ServerConfig `mapstructure:",squash"`

	// SQLite is a local file. Its default is no [configoptional.Some]: that would stay when another backend is written.
	SQLite configoptional.Optional[sqlite.Config] `mapstructure:"sqlite"`
	// ClickHouse is a ClickHouse server or cluster.
	ClickHouse configoptional.Optional[clickhouse.Config] `mapstructure:"clickhouse"`
	// PostgreSQL is a PostgreSQL server.
	PostgreSQL configoptional.Optional[postgresql.Config] `mapstructure:"postgresql"`

	// TraceLink is the address of a trace in another program, with {trace_id} where the id goes.
	TraceLink string `mapstructure:"trace_link"`
	// SealKeys are public keys whose signatures of seals are checked, and of those that they have named as the next.
	SealKeys []string `mapstructure:"seal_keys"`
	// AllowedHosts are names by which browsers may ask for this server, beside IP addresses, localhost and the host of endpoint.
	AllowedHosts []string `mapstructure:"allowed_hosts"`
	// MaxExportRows is the most events of one export.
	MaxExportRows int `mapstructure:"max_export_rows"`
	// AnswerTime is how long a question counts before it says how far it came.
	AnswerTime time.Duration `mapstructure:"answer_time"`
	// MaxQuestions is how many questions the backend is asked at a time, exports and tails among them.
	MaxQuestions int `mapstructure:"max_questions"`
}

const (
	defaultEndpoint = "127.0.0.1:8127"
	traceIDMark     = "{trace_id}"
)

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultEndpoint
	server.MaxRequestBodySize = 1 << 10 // nobody sends one
	server.CompressionAlgorithms = []string{""}
	server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second, 60*time.Second
	return &Config{
		Server:        server,
		SQLite:        configoptional.Default(sqlite.DefaultConfig()),
		ClickHouse:    configoptional.Default(clickhouse.DefaultConfig()),
		PostgreSQL:    configoptional.Default(postgresql.DefaultConfig()),
		MaxExportRows: 1_000_000,
		AnswerTime:    700 * time.Millisecond,
		MaxQuestions:  4,
	}
}

// Unmarshal refuses durations without a unit, and explains unknown keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return strictconfig.Unmarshal(conf, c) }

func (c *Config) chooseBackend() (backendblocks.Backend, error) {
	return backendblocks.Blocks{SQLite: c.SQLite, ClickHouse: c.ClickHouse, PostgreSQL: c.PostgreSQL}.Choose("an explorer", Type.String())
}

// Validate names the key and the remedy. The blocks of backends validate themselves.
func (c *Config) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := c.chooseBackend(); err != nil {
		errs = append(errs, err)
	}
	if c.Server.NetAddr.Endpoint == "" {
		fail("endpoint: required: the address to listen on, as %s", defaultEndpoint)
	} else if err := loopbackhost.CheckListenAddress(string(c.Server.NetAddr.Transport), c.Server.NetAddr.Endpoint); err != nil {
		errs = append(errs, err)
	} else if !c.Server.Auth.HasValue() && !c.isLoopbackOnly() {
		fail("auth: required, since endpoint %s can be reached from other machines, and whoever reaches it may read who logs in, and from where: "+
			"set auth::authenticator to an extension such as bearertokenauth or oidc, or listen on 127.0.0.1", c.Server.NetAddr.Endpoint)
	}
	if c.Server.CORS.HasValue() {
		fail("cors: not possible: pages of other sites would read who logs in; take the key out")
	}
	if link, err := url.Parse(c.TraceLink); c.TraceLink != "" && (err != nil || link.Scheme != "http" && link.Scheme != "https" || !strings.Contains(c.TraceLink, traceIDMark)) {
		fail("trace_link: must be an http or https address with %s in it, as https://jaeger.example.com/trace/%s", traceIDMark, traceIDMark)
	}
	if _, err := seal.ParseKeys(c.SealKeys...); err != nil {
		fail("seal_keys: %w", err)
	}
	for _, name := range c.AllowedHosts {
		if name == "" || strings.ContainsAny(name, "*/:@ ") {
			fail("allowed_hosts: %q is no host name: write it without scheme, port and wildcard, as logins.example.com", name)
		}
	}
	if c.MaxExportRows < 1 {
		fail("max_export_rows: must be 1 or more")
	}
	if c.AnswerTime < minAnswerTime || c.AnswerTime > maxAnswerTime {
		fail("answer_time: must be between %s and %s", minAnswerTime, maxAnswerTime)
	}
	if c.MaxQuestions < 1 {
		fail("max_questions: must be 1 or more")
	}
	return errors.Join(errs...)
}

const (
	minAnswerTime = 50 * time.Millisecond
	maxAnswerTime = 30 * time.Second
)

func (c *Config) isLoopbackOnly() bool {
	if strings.HasPrefix(string(c.Server.NetAddr.Transport), "unix") {
		return true
	}
	host, _, err := net.SplitHostPort(c.Server.NetAddr.Endpoint)
	return err == nil && loopbackhost.IsLoopback(host)
}
