package postgresql

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

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
func New(cfg Config, instance string, _ component.TelemetrySettings) (source.Source, error) {
	return &postgresqlSource{cfg, instance}, nil
}

// Run reads until ctx ends. Where the server's settings change what its log looks like, it begins again at its cursors.
func (s *postgresqlSource) Run(ctx context.Context, host source.Host) error {
	l := &link{cfg: s.cfg}
	defer l.close()
	for ctx.Err() == nil {
		server, ok := s.ask(ctx, l, host)
		if !ok {
			return nil // ctx ended
		}
		s.warn(host.Log, server)
		if err := s.read(ctx, l, server, host); err != nil {
			return err
		}
	}
	return nil
}

// ask waits for the server to tell its settings.
func (s *postgresqlSource) ask(ctx context.Context, l *link, host source.Host) (settings, bool) {
	for told := ""; ; {
		server, err := l.settings(ctx)
		if err == nil {
			err = s.readable(server)
		}
		if err == nil {
			host.Status(nil)
			return server, true
		}
		if ctx.Err() != nil {
			return settings{}, false
		}
		host.Status(err)
		if err.Error() != told {
			told = err.Error()
			host.Log.Warn("the log cannot be read yet: trying again", zap.Error(err))
		}
		select {
		case <-time.After(min(s.cfg.CollectionInterval, 10*time.Second)):
		case <-ctx.Done():
			return settings{}, false
		}
	}
}

// read tails the log until ctx ends or the settings are others.
func (s *postgresqlSource) read(ctx context.Context, l *link, server settings, host source.Host) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	zone, err := s.cfg.zone(server.zone)
	if err != nil {
		return err
	}
	format, err := s.format(server)
	if err != nil {
		return err
	}
	return tail.Run(ctx, tail.Settings{
		Folder:  &folder{link: l, format: format, settings: server, changed: stop},
		Where:   "sessionlog.log_files()",
		Formats: postgreslog.Formats(),
		Format:  format,
		Options: logformat.Options{Instance: s.instance, Zone: zone, LinePrefix: s.prefix(server), DecideAfter: s.cfg.UndecidedAfter},
		Follow:  true, PollInterval: s.cfg.CollectionInterval, BatchSize: s.cfg.BatchSize, MaxLineBytes: s.cfg.MaxLineBytes,
		SkipExisting: s.cfg.Initial == initialEnd,
	}, host)
}

var errDestination = errors.New("log_destination of the server has none of jsonlog, csvlog, stderr: " +
	"set one of them and logging_collector = on, or write `format` to read the files that there are")

// format is the one that is written, else the best that the server writes.
func (s *postgresqlSource) format(server settings) (string, error) {
	if s.cfg.Format != formatAuto {
		return s.cfg.Format, nil
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

// prefix is the one that is written, else the server's.
func (s *postgresqlSource) prefix(server settings) string {
	if s.cfg.LogLinePrefix != "" {
		return s.cfg.LogLinePrefix
	}
	return server.prefix
}

// readable says what keeps the server's log from being read as it is written now.
func (s *postgresqlSource) readable(server settings) error {
	format, err := s.format(server)
	switch {
	case err != nil || format != formats.PostgreSQLStderr:
		return err
	case s.prefix(server) == "":
		return errNoPrefix
	}
	return formats.CheckLinePrefix(s.prefix(server))
}

var errNoPrefix = errors.New("log_line_prefix of the server is empty, so that no line of its log has a time: set it to '%m [%p] %c %q%u@%d %r %e %a ', " +
	"or let log_destination have jsonlog or csvlog")

// warn says which settings of the server hide logins.
func (s *postgresqlSource) warn(log *zap.Logger, server settings) {
	off := func(value string) bool { return value == "off" || value == "" }
	switch {
	case off(server.collector):
		log.Warn("logging_collector is off: the server writes no log files")
	case off(server.connections):
		log.Warn("log_connections is off: the log tells of refused logins only; set log_connections = on, in 18 and later = 'all'")
	case off(server.disconnections):
		log.Warn("log_disconnections is off: the log tells of no logout, and before 18 not who was let in for certain")
	}
	if m := server.messages; m != "C" && m != "POSIX" && !strings.HasPrefix(m, "en") && !strings.HasPrefix(m, "C.") && m != "" {
		log.Warn("lc_messages is not English: only messages in English can be read; set lc_messages = 'C'", zap.String("lc_messages", m))
	}
}
