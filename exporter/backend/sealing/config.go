package sealing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

// Config is the block `seal` of an exporter.
type Config struct {
	// KeyFile is the secret key that signs, as `sessionlog keygen` writes it.
	KeyFile string `mapstructure:"key_file"`
	// NextKeyFile is the secret key that takes over: the other one signs that it does. Write it in the other's place afterwards.
	NextKeyFile string `mapstructure:"next_key_file"`
	// Origin is the beginning of the log's name; empty: the name of the key.
	Origin string `mapstructure:"origin"`
	// Writer is the end of the log's name, another one for each collector; empty: the host's name.
	Writer string `mapstructure:"writer"`
	// Directory keeps what is still to be sealed, and what was sealed last: on a disk of the collector, not of the database.
	Directory string `mapstructure:"directory"`
	// Interval is how long a record may wait for its seal; 0: a write returns when its records are sealed.
	Interval time.Duration `mapstructure:"interval"`
	Heads    HeadsConfig   `mapstructure:"heads"`
	// Witnesses cosign heads.
	Witnesses []WitnessConfig `mapstructure:"witnesses"`

	beside string // the folder of the log that this one is beside
}

// HeadsConfig says where heads are shown, so that somebody keeps them elsewhere.
type HeadsConfig struct {
	// Every is how often.
	Every time.Duration `mapstructure:"every"`
	// File has them in the file `heads` of the directory.
	File bool `mapstructure:"file"`
	// Telemetry has them in the collector's own log, at the level info.
	Telemetry bool `mapstructure:"telemetry"`
}

// DefaultConfig seals each second.
func DefaultConfig() Config {
	return Config{Interval: time.Second, Heads: HeadsConfig{Every: 10 * time.Minute, File: true, Telemetry: true}}
}

// Validate names the key and the remedy.
func (c *Config) Validate() error {
	var errs []error
	if c.KeyFile == "" {
		errs = append(errs, errors.New("key_file: name the file of a secret key, which `sessionlog keygen FILE` makes"))
	}
	if c.NextKeyFile != "" && c.NextKeyFile == c.KeyFile {
		errs = append(errs, errors.New("next_key_file: it is the file of key_file: write its name in the place of the old one, and leave next_key_file out, once the key has taken over"))
	}
	if c.Directory == "" {
		errs = append(errs, errors.New("directory: name a folder on a disk of this collector, such as /var/lib/sessionlog/seal"))
	}
	if strings.ContainsAny(c.Origin+c.Writer, " \t\n+") {
		errs = append(errs, errors.New("origin, writer: the name of a log has neither spaces nor plus signs, such as audit.example.net/logins"))
	}
	if c.Interval < 0 || c.Interval > time.Minute {
		errs = append(errs, fmt.Errorf("interval: %s is not between 0 and 1m", c.Interval))
	}
	if c.Heads.Every < time.Second {
		errs = append(errs, fmt.Errorf("heads::every: %s is less than 1s", c.Heads.Every))
	}
	for i := range c.Witnesses {
		errs = append(errs, c.Witnesses[i].validateWitness())
	}
	return errors.Join(errs...)
}

// CheckConnection tries the key and the folder.
func (c *Config) CheckConnection(context.Context) []connectcheck.Finding {
	findings := []connectcheck.Finding{checkKey("seal::key_file", c.KeyFile)}
	if c.NextKeyFile != "" {
		findings = append(findings, checkKey("seal::next_key_file", c.NextKeyFile))
	}
	return append(findings, connectcheck.CheckFolder("seal", "seal::directory", c.Directory))
}

func checkKey(name, file string) connectcheck.Finding {
	key, err := seal.ReadKey(file)
	if err == nil {
		return connectcheck.Finding{OK: true, Subject: "seal", Detail: "the key " + key.Name() + " signs"}
	}
	return connectcheck.Finding{Subject: "seal", Detail: err.Error(), Key: name, Remedy: keyRemedy(file, err)}
}

// keyRemedy mends what reading the key has met.
func keyRemedy(file string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "sessionlog keygen " + connectcheck.ShellWord(file)
	case errors.Is(err, fs.ErrPermission):
		return connectcheck.GiveToService(file)
	}
	return "name the secret key, not the public one"
}

// ForImport is what seals an import, which has a log of its own beside the collector's.
func (c Config) ForImport() Config {
	if host, err := os.Hostname(); err == nil && c.Writer == "" {
		c.Writer = host
	}
	c.Writer += "/import"
	c.Witnesses = nil // they know the collector's log
	c.Directory, c.beside = filepath.Join(c.Directory, "import"), c.Directory
	return c
}

// logName is the origin of the log: of the n-th that this writer has begun.
func (c *Config) logName(keyName string, n int) (string, error) {
	origin, writer := c.Origin, c.Writer
	if origin == "" {
		origin = keyName
	}
	if writer == "" {
		host, err := os.Hostname()
		if err != nil {
			return "", fmt.Errorf("seal::writer: %w", err)
		}
		writer = host
	}
	if n > 1 {
		return fmt.Sprintf("%s/%s/%d", origin, writer, n), nil
	}
	return origin + "/" + writer, nil
}
