package postgresql

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/postgreslog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
)

type postgresqlSource struct {
	cfg      Config
	instance string
}

// New makes the source of a valid configuration. instance is the stable name of the server.
func New(cfg Config, instance string, set component.TelemetrySettings) (source.Source, error) {
	cfg.WarnOfPlaintext(set.Logger)
	return &postgresqlSource{cfg, instance}, nil
}

// Run reads until ctx ends. Where the server's settings change what its log looks like, it begins again at its cursors.
func (s *postgresqlSource) Run(ctx context.Context, host source.Host) error {
	l := &logConnection{cfg: s.cfg, now: host.Now}
	defer l.closeConnection()
	conditions := conditionlog.New(host.Log, host.Now)
	for ctx.Err() == nil {
		server, ok := s.awaitSettings(ctx, l, host, conditions)
		if !ok {
			return nil // ctx ended
		}
		if err := s.readLog(ctx, l, server, host, conditions); err != nil {
			return err
		}
	}
	return nil
}

func (s *postgresqlSource) awaitSettings(ctx context.Context, l *logConnection, host source.Host, conditions *conditionlog.Logger) (serverSettings, bool) {
	for {
		server, err := l.readSettings(ctx)
		if err == nil {
			err = s.cfg.checkReadable(server)
		}
		if ctx.Err() != nil {
			return serverSettings{}, false
		}
		host.Status(err)
		if err == nil {
			conditions.Clear("reading", "what kept the log from being read is over")
			return server, true
		}
		conditions.RaiseReason("reading", err, "the log cannot be read, so that no login is delivered: trying again")
		if !source.Wait(ctx, min(s.cfg.CollectionInterval, 10*time.Second)) {
			return serverSettings{}, false
		}
	}
}

func (s *postgresqlSource) readLog(ctx context.Context, l *logConnection, server serverSettings, host source.Host, conditions *conditionlog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	zone, err := s.cfg.logTimeZone(server.zone)
	if err != nil {
		return err
	}
	format, err := s.cfg.logFormat(server)
	if err != nil {
		return err
	}
	return tail.Run(ctx, tail.Settings{
		Folder:  &logFolder{link: l, format: format, settings: server, changed: stop, looked: func() { s.checkSettings(l, conditions, server) }},
		Where:   "sessionlog.log_files()",
		Formats: postgreslog.Formats(),
		Format:  format,
		Options: logformat.Options{Instance: s.instance, Zone: zone, LinePrefix: s.cfg.linePrefix(server), DecideAfter: s.cfg.UndecidedAfter},
		Follow:  true, PollInterval: s.cfg.CollectionInterval, BatchSize: s.cfg.BatchSize, MaxLineBytes: s.cfg.MaxLineBytes,
		SkipExisting: s.cfg.Initial == source.InitialEnd,
	}, host)
}

var errDestination = errors.New("log_destination of the server has none of jsonlog, csvlog, stderr: " +
	"set one of them and logging_collector = on, or write `format` to read the files that there are")

// logFormat is the one that is written, else the best that the server writes.
func (c Config) logFormat(server serverSettings) (string, error) {
	if c.Format != formatAuto {
		return c.Format, nil
	}
	for _, format := range logFormats {
		for written := range strings.SplitSeq(server.destination, ",") {
			if strings.EqualFold(strings.TrimSpace(written), format) {
				return format, nil
			}
		}
	}
	return "", errDestination
}

// linePrefix is the one that is written, else the server's.
func (c Config) linePrefix(server serverSettings) string {
	if c.LogLinePrefix != "" {
		return c.LogLinePrefix
	}
	return server.prefix
}

// checkReadable says what keeps the server's log from being read as it is written now.
func (c Config) checkReadable(server serverSettings) error {
	format, err := c.logFormat(server)
	switch {
	case err != nil || format != formats.PostgreSQLStderr:
		return err
	case c.linePrefix(server) == "":
		return errNoPrefix
	}
	return formats.CheckLinePrefix(c.linePrefix(server))
}

var errNoPrefix = errors.New("log_line_prefix of the server is empty, so that no line of its log has a time: set it to '%m [%p] %c %q%u@%d %r %e %a ', " +
	"or let log_destination have jsonlog or csvlog")

func (s *postgresqlSource) checkSettings(l *logConnection, conditions *conditionlog.Logger, server serverSettings) {
	for _, f := range server.settingFindings(s.cfg) {
		if f.OK {
			conditions.Clear(f.Subject, "the server's setting is as it should be", zap.String("setting", f.Detail))
		} else {
			conditions.Raise(f.Subject, f.Detail, zap.String("remedy", f.Remedy))
		}
	}
	if !logsConnections(server.connections) || !isSettingOn(server.disconnections) {
		l.closeIfOlder(conditionlog.RepeatEvery) // a session does not see these change
	}
}
