// Package cloudwatch reads the logs that Amazon RDS, Aurora and Redshift write to CloudWatch Logs.
package cloudwatch

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
)

// Config is the block `cloudwatch` of the receiver.
type Config struct {
	configaws.ClientConfig `mapstructure:",squash"`
	awslogs.TextConfig     `mapstructure:",squash"`

	// LogGroups are read: names such as /aws/rds/instance/orders/postgresql, or ARNs of groups in linked accounts.
	LogGroups []string `mapstructure:"log_groups"`
	// StreamPrefixes select the streams of those groups; none is all of them.
	StreamPrefixes []string `mapstructure:"stream_prefixes"`
	// FilterPattern is CloudWatch's own, for events that shall not be fetched; empty fetches all.
	FilterPattern string `mapstructure:"filter_pattern"`

	// CollectionInterval is how often each stream is asked for what is new.
	CollectionInterval time.Duration `mapstructure:"collection_interval"`
	// Overlap is how much of a stream, before its newest event, is asked for again, for events that arrive late.
	Overlap time.Duration `mapstructure:"overlap"`
}

// DefaultConfig has no log groups: those must be written.
func DefaultConfig() Config {
	return Config{TextConfig: awslogs.DefaultTextConfig(), CollectionInterval: 30 * time.Second, Overlap: 10 * time.Minute}
}

// Validate names the key and the remedy of everything that is wrong.
func (c Config) Validate() error {
	return errors.Join(c.Check(), c.checkNames(), c.CheckTexts(), source.CheckDuration("collection_interval", c.CollectionInterval, "30s"),
		source.CheckDuration("overlap", c.Overlap, "30s"))
}

func (c Config) checkNames() error {
	var errs []error
	if len(c.LogGroups) == 0 {
		errs = append(errs, errors.New("log_groups: required: list the log groups to read, as [/aws/rds/instance/orders/postgresql]"))
	}
	seen := map[string]bool{}
	for i, group := range c.LogGroups {
		switch {
		case group == "" || strings.ContainsAny(group, "* "):
			errs = append(errs, fmt.Errorf("log_groups[%d]: %q is not a name: write it whole, as `aws logs describe-log-groups` shows logGroupName or logGroupArn", i, group))
		case seen[group]:
			errs = append(errs, fmt.Errorf("log_groups[%d]: %s is written twice", i, group))
		}
		seen[group] = true
	}
	for i, prefix := range c.StreamPrefixes {
		if prefix == "" || strings.ContainsAny(prefix, ":*") {
			errs = append(errs, fmt.Errorf("stream_prefixes[%d]: %q is not the beginning of a stream's name: leave the key out to read all streams", i, prefix))
		}
	}
	return errors.Join(errs...)
}

func (c Config) listedPrefixes() []string {
	if len(c.StreamPrefixes) == 0 {
		return []string{""}
	}
	return c.StreamPrefixes
}

// DefaultInstance is the first log group. Records bear the name of the server that wrote a stream, where the group's name has it.
func (c Config) DefaultInstance() string {
	if len(c.LogGroups) == 0 {
		return ""
	}
	return c.LogGroups[0]
}
