package server

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/testengine/engines"
)

// The log formats, as log_destination names them. Each has its own file: .log, .csv, .json.
const (
	Stderr  = "stderr"
	CSVLog  = "csvlog"
	JSONLog = "jsonlog"
)

// DefaultLogLinePrefix is the prefix of stderr lines: PostgreSQL's own default.
const DefaultLogLinePrefix = "%m [%p] "

// Config says what kind of server to start. Only Dir is required.
type Config struct {
	Dir           string            // data, certificates and logs; what is there from an earlier run is kept
	Version       int               // 15 or 18, 0 for 18
	LogFormats    []string          // of Stderr, CSVLog, JSONLog; nil for all three, so that a test can compare them
	LogLinePrefix string            // of the format Stderr; "" for DefaultLogLinePrefix
	Timezone      string            // of the logs and of sessions (IANA name), "" for UTC whatever this machine's is
	NoTLS         bool              // leaves TLS off; otherwise a client may choose
	HBA           []string          // lines put before those of pg_hba.conf
	Settings      map[string]string // anything else of postgresql.conf; wins over what the other fields say
}

func (c *Config) setDefaults() error {
	if c.Dir == "" {
		return errors.New("Config.Dir is empty: the server needs a directory for its data")
	}
	if c.Version == 0 {
		c.Version = 18
	}
	if len(c.LogFormats) == 0 {
		c.LogFormats = []string{Stderr, CSVLog, JSONLog}
	}
	if c.LogLinePrefix == "" {
		c.LogLinePrefix = DefaultLogLinePrefix
	}
	if c.Timezone == "" {
		c.Timezone = "UTC"
	}
	var err error
	c.Dir, err = filepath.Abs(c.Dir)
	return err
}

// engine is the build of the version asked for.
func (c *Config) engine() (engines.Engine, error) {
	switch c.Version {
	case 18:
		return engines.PostgreSQL18, nil
	case 15:
		return engines.PostgreSQL15, nil
	}
	return engines.Engine{}, fmt.Errorf("no PostgreSQL %d among the engines: 15 and 18 are", c.Version)
}

func (c *Config) dataDir() string   { return filepath.Join(c.Dir, "data") }
func (c *Config) logDir() string    { return filepath.Join(c.dataDir(), "log") }
func (c *Config) errorFile() string { return filepath.Join(c.Dir, "server.err") }

// settings are those of postgresql.conf, the test's own last.
func (c *Config) settings(port, socketDir string) map[string]string {
	connections := "all"
	if c.Version < 18 {
		connections = "on"
	}
	set := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    port,
		"unix_socket_directories": socketDir,
		"logging_collector":       "on",
		"log_destination":         strings.Join(c.LogFormats, ","),
		"log_directory":           "log",
		"log_filename":            "postgresql-%Y-%m-%d_%H%M%S.log",
		"log_line_prefix":         c.LogLinePrefix,
		"log_connections":         connections,
		"log_disconnections":      "on",
		"log_timezone":            c.Timezone,
		"timezone":                c.Timezone,
	}
	if !c.NoTLS {
		set["ssl"], set["ssl_cert_file"], set["ssl_key_file"], set["ssl_ca_file"] = "on", serverCert, serverKey, caCert
	}
	maps.Copy(set, c.Settings)
	return set
}

// write makes the configuration files in place of initdb's. The server reads them at its start and on a reload.
func (c *Config) write(port, socketDir string) error {
	var conf strings.Builder
	set := c.settings(port, socketDir)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		fmt.Fprintf(&conf, "%s = '%s'\n", name, strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", `\n`).Replace(set[name]))
	}
	files := map[string]string{"postgresql.conf": conf.String(), "pg_hba.conf": c.hba()}
	if !c.NoTLS {
		pair, err := certificates()
		if err != nil {
			return err
		}
		maps.Copy(files, pair.server)
		if err := pair.writeClient(c.Dir); err != nil {
			return err
		}
	}
	for name, text := range files {
		if err := c.writeOwned(filepath.Join(c.dataDir(), name), text); err != nil {
			return err
		}
	}
	return nil
}

// writeOwned gives the file to the server's user: it refuses a key that others may read or own.
func (c *Config) writeOwned(name, text string) error {
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return err
	}
	return own(name)
}
