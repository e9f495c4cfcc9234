package server

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

// DefaultFlushInterval is how often the server writes its logs out. ClickHouse's own default of 7.5 s is long for a test, and to write each costs 7 ms of the processor.
const DefaultFlushInterval = 500 * time.Millisecond

// Config says what kind of server to start. Only Dir is required.
type Config struct {
	Dir           string        // data, configuration and the server's log; what is there from an earlier run is kept
	Timezone      string        // the server's zone (IANA name), "" for UTC whatever this machine's is
	FlushInterval time.Duration // of the system logs, 0 for DefaultFlushInterval
	// TraceFlushInterval is that of query_log and opentelemetry_span_log, 0 for FlushInterval.
	TraceFlushInterval time.Duration
	NoSessionLog       bool   // leaves the session_log section out: the table is never made
	NoReplication      bool   // of a cluster: no ZooKeeper, for tests of queries that nodes send each other
	ConfigXML          string // elements merged into config.xml, as a file in config.d would be
	UsersXML           string // elements (users, roles, profiles, quotas) merged into users.xml, as a file in users.d would be
	LogLevel           string // of server.log, "" for information
}

var (
	//go:embed config.xml.tmpl
	configText     string
	configTemplate = template.Must(template.New("config.xml").Parse(configText))

	//go:embed users.xml
	usersXML string
)

func (c *Config) setDefaults() error {
	if c.Dir == "" {
		return errors.New("Config.Dir is empty: the server needs a directory for its data")
	}
	if c.Timezone == "" {
		c.Timezone = "UTC"
	}
	if c.FlushInterval <= 0 {
		c.FlushInterval = DefaultFlushInterval
	}
	if c.LogLevel == "" {
		c.LogLevel = "information"
	}
	var err error
	c.Dir, err = filepath.Abs(c.Dir)
	return err
}

func (c *Config) configFile() string { return filepath.Join(c.Dir, "config.xml") }
func (c *Config) logFile() string    { return filepath.Join(c.Dir, "server.log") }
func (c *Config) errorFile() string  { return filepath.Join(c.Dir, "launcher.err") }
func (c *Config) dataDir() string    { return filepath.Join(c.Dir, "data") }

// write makes the configuration files. The server reads them at its start only.
func (c *Config) write(m *member) error {
	traced := cmp.Or(c.TraceFlushInterval, c.FlushInterval)
	logs := map[string]int64{"query_log": traced.Milliseconds(), "opentelemetry_span_log": traced.Milliseconds()}
	if !c.NoSessionLog {
		logs["session_log"] = c.FlushInterval.Milliseconds()
	}
	var config strings.Builder
	err := configTemplate.Execute(&config, map[string]any{"Logs": logs})
	if err != nil {
		return fmt.Errorf("config.xml: %w", err)
	}
	files := map[string]string{
		"config.xml":         config.String(),
		"users.xml":          usersXML,
		"config.d/extra.xml": "<clickhouse>" + c.ConfigXML + "</clickhouse>\n",
		"users.d/extra.xml":  "<clickhouse>" + c.UsersXML + "</clickhouse>\n",
	}
	if m != nil {
		files["config.d/cluster.xml"] = "<clickhouse>" + m.xml + "</clickhouse>\n"
	}
	for name, text := range files {
		file := filepath.Join(c.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
