package file

import (
	"context"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
)

type fileSource struct {
	settings tail.Settings
	timezone string
}

// maxOpen is how many files stay open between polls.
const maxOpen = 200

// New makes the source of a valid configuration. instance is the stable name of the server whose log the files hold.
func New(cfg Config, instance string, _ component.TelemetrySettings) (source.Source, error) {
	s, err := cfg.tailSettings(instance)
	if err != nil {
		return nil, err
	}
	return &fileSource{s, cfg.Timezone}, nil
}

func (c Config) tailSettings(instance string) (tail.Settings, error) {
	zone, err := formats.LoadZone(c.Timezone)
	if err != nil {
		return tail.Settings{}, err
	}
	folder := newDisk(c.Include, c.Exclude)
	s := tail.Settings{
		Folder: folder, Siblings: folder.Siblings, Unmatched: folder.Unmatched,
		Where:   strings.Join(c.Include, ", "),
		Remedy:  permissionRemedy,
		Formats: formats.All(),
		Options: logformat.Options{Instance: instance, Zone: zone, LinePrefix: c.LogLinePrefix, DecideAfter: c.UndecidedAfter, Once: !c.Follow},
		Follow:  c.Follow, PollInterval: c.PollInterval, BatchSize: c.BatchSize, MaxLineBytes: c.MaxLineBytes,
		SkipExisting: c.Initial == source.InitialEnd,
		HoldOpen:     maxOpen,
	}
	if c.Format != formats.Auto {
		s.Format = c.Format
	} else if c.LogLinePrefix != "" {
		s.FallbackFormat = formats.PostgreSQLStderr
	}
	return s, nil
}

// Run reads until ctx ends; without `follow`, until every file has been read and delivered.
func (s *fileSource) Run(ctx context.Context, host source.Host) error {
	settings := s.settings
	log := parserConditions{conditionlog.New(host.Log, host.Now), settings.Where}
	settings.Options.Conditions = log
	host.Emit = warnOfFuture(host, log, s.timezone)
	return tail.Run(ctx, settings, host)
}

// parserConditions is the [logformat.Conditions] that logs what the parsers notice of the files that are read.
type parserConditions struct {
	log   *conditionlog.Logger
	files string
}

func (c parserConditions) Raise(condition, message string) {
	c.log.Raise(condition, message, zap.String("files", c.files))
}

func (c parserConditions) Clear(condition, message string) {
	c.log.Clear(condition, message, zap.String("files", c.files))
}
