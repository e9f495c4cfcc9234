// Package s3 reads logs and exports that lie as objects in Amazon S3, or in a store that speaks its protocol.
package s3

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
)

// Config is the block `s3` of the receiver.
type Config struct {
	configaws.ClientConfig `mapstructure:",squash"`

	// Bucket is the name of the bucket.
	Bucket string `mapstructure:"bucket"`
	// Prefixes are what the keys of the objects to read begin with; none is the whole bucket.
	Prefixes []string `mapstructure:"prefixes"`
	// Include are globs of whole keys, where ** stands for any number of folders; none is all objects.
	Include []string `mapstructure:"include"`
	// PathStyle puts the bucket into the path of the URL, as MinIO and others want it, and not into the host's name.
	PathStyle bool `mapstructure:"path_style"`

	// Format is `auto`, which looks at the content of each object, or a format as its maker spells it: JSONEachRow.
	Format string `mapstructure:"format"`
	// Timezone is the IANA name of the zone of times that carry none.
	Timezone string `mapstructure:"timezone"`
	// LogLinePrefix is PostgreSQL's setting of that name, for stderr; empty is one of those that servers come with.
	LogLinePrefix string `mapstructure:"log_line_prefix"`
	// UndecidedAfter is how long an authorized login is held back where only the absence of a refusal proves it.
	UndecidedAfter time.Duration `mapstructure:"undecided_after"`

	// CollectionInterval is how often S3 is asked for objects whose keys are among the last ones.
	CollectionInterval time.Duration `mapstructure:"collection_interval"`
	// RelistInterval is how often S3 is asked for all keys.
	RelistInterval time.Duration `mapstructure:"relist_interval"`
	// Overlap is how long after its LastModified an object may become visible, as one that is uploaded in parts does.
	Overlap time.Duration `mapstructure:"overlap"`
	// BatchSize is the most events that are handed on together.
	BatchSize int `mapstructure:"batch_size"`
	// MaxLineBytes is the longest record; a longer one is skipped and counted.
	MaxLineBytes int `mapstructure:"max_line_bytes"`
	// Initial is where a prefix begins when it is read for the first time: `beginning` or `end`.
	Initial string `mapstructure:"initial"`
}

const (
	initialBeginning = "beginning"
	initialEnd       = "end"
)

// DefaultConfig has no bucket: that must be written.
func DefaultConfig() Config {
	return Config{
		Format:             formats.Auto,
		UndecidedAfter:     10 * time.Second,
		CollectionInterval: time.Minute,
		RelistInterval:     10 * time.Minute,
		Overlap:            time.Hour,
		BatchSize:          8192,
		MaxLineBytes:       16 << 20,
		Initial:            initialBeginning,
	}
}

// Validate names the key and the remedy of everything that is wrong.
func (c Config) Validate() error {
	_, zoneErr := formats.LoadZone(c.Timezone)
	errs := []error{c.Check(), c.checkNames(), formats.CheckName(c.Format), zoneErr, formats.CheckLinePrefix(c.LogLinePrefix)}
	for key, d := range map[string]time.Duration{
		"collection_interval": c.CollectionInterval, "relist_interval": c.RelistInterval, "overlap": c.Overlap, "undecided_after": c.UndecidedAfter,
	} {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("%s: must be longer than 0, as 10m", key))
		}
	}
	if c.BatchSize < 1 {
		errs = append(errs, errors.New("batch_size: must be 1 or more"))
	}
	if c.MaxLineBytes < 1024 {
		errs = append(errs, errors.New("max_line_bytes: must be 1024 or more"))
	}
	if c.Initial != initialBeginning && c.Initial != initialEnd {
		errs = append(errs, fmt.Errorf("initial: %q is not known: write beginning or end", c.Initial))
	}
	return errors.Join(errs...)
}

func (c Config) checkNames() error {
	var errs []error
	switch {
	case c.Bucket == "":
		errs = append(errs, errors.New("bucket: required: write the name of the bucket, as audit-logs"))
	case strings.ContainsAny(c.Bucket, "/: "):
		errs = append(errs, fmt.Errorf("bucket: %q is not a bucket's name: write it without s3:// and without folders, which are prefixes", c.Bucket))
	}
	for i, prefix := range c.Prefixes {
		switch {
		case prefix == "" || strings.HasPrefix(prefix, "/") || strings.Contains(prefix, "*"):
			errs = append(errs, fmt.Errorf("prefixes[%d]: %q is not the beginning of a key, as AWSLogs/: leave prefixes out to read the whole bucket, and write globs under include", i, prefix))
		default:
			for _, other := range c.Prefixes[:i] {
				if strings.HasPrefix(prefix, other) || strings.HasPrefix(other, prefix) {
					errs = append(errs, fmt.Errorf("prefixes[%d]: %s and %s have objects in common, which would be read twice: leave the longer one out", i, other, prefix))
				}
			}
		}
	}
	for i, glob := range c.Include {
		if glob == "" || !doublestar.ValidatePattern(glob) {
			errs = append(errs, fmt.Errorf("include[%d]: %q is not a glob of a whole key: * and ? match within a name, ** folders, [a-z] and {a,b} alternatives", i, glob))
		}
	}
	return errors.Join(errs...)
}

func (c Config) listedPrefixes() []string {
	if len(c.Prefixes) == 0 {
		return []string{""}
	}
	return c.Prefixes
}

// isIncluded tells whether a key is to be read.
func (c Config) isIncluded(key string) bool {
	for _, glob := range c.Include {
		if doublestar.MatchUnvalidated(glob, key) {
			return true
		}
	}
	return len(c.Include) == 0
}

// DefaultInstance is the bucket and its first prefix. Records bear the name of the server that wrote an object, where the object's key tells it.
func (c Config) DefaultInstance() string {
	return c.Bucket + "/" + c.listedPrefixes()[0]
}
