// Package s3 reads logs and exports that lie as objects in Amazon S3, or in a store that speaks its protocol.
package s3

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
)

// Config is the block `s3` of the receiver.
type Config struct {
	configaws.ClientConfig `mapstructure:",squash"`
	awslogs.TextConfig     `mapstructure:",squash"`

	// Bucket is the name of the bucket.
	Bucket string `mapstructure:"bucket"`
	// Prefixes are what the keys of the objects to read begin with; none is the whole bucket.
	Prefixes []string `mapstructure:"prefixes"`
	// Include are globs of whole keys, where ** stands for any number of folders; none is all objects.
	Include []string `mapstructure:"include"`
	// PathStyle puts the bucket into the path of the URL, as MinIO and others want it, and not into the host's name.
	PathStyle bool `mapstructure:"path_style"`

	// CollectionInterval is how often S3 is asked for objects whose keys are among the last ones.
	CollectionInterval time.Duration `mapstructure:"collection_interval"`
	// RelistInterval is how often S3 is asked for all keys.
	RelistInterval time.Duration `mapstructure:"relist_interval"`
	// Overlap is how long after its LastModified an object may become visible, as one that is uploaded in parts does.
	Overlap time.Duration `mapstructure:"overlap"`
}

// DefaultConfig has no bucket: that must be written.
func DefaultConfig() Config {
	return Config{TextConfig: awslogs.DefaultTextConfig(), CollectionInterval: time.Minute, RelistInterval: 10 * time.Minute, Overlap: time.Hour}
}

// Validate names the key and the remedy of everything that is wrong.
func (c Config) Validate() error {
	return errors.Join(c.Check(), c.checkNames(), c.CheckTexts(), source.CheckDuration("collection_interval", c.CollectionInterval, "30s"),
		source.CheckDuration("relist_interval", c.RelistInterval, "30s"), source.CheckDuration("overlap", c.Overlap, "30s"))
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

func (c Config) isIncluded(key string) bool {
	for _, glob := range c.Include {
		if doublestar.MatchUnvalidated(glob, key) {
			return true
		}
	}
	return len(c.Include) == 0
}

// DefaultInstance is the bucket and its first prefix. Records bear the name of the server that wrote an object, where the object's key has it.
func (c Config) DefaultInstance() string {
	return c.Bucket + "/" + c.listedPrefixes()[0]
}
