// Package awslogs has what the sources of logs in services of Amazon have in common: keys, batches, the reading of records, and the turns of
// what is read.
package awslogs

import (
	"cmp"
	"errors"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// TextConfig says what the texts are and how they are read.
type TextConfig struct {
	// Format is `auto`, which looks at the content, or a format as its maker spells it: csvlog.
	Format string `mapstructure:"format"`
	// Timezone is the IANA name of the zone of times that carry none.
	Timezone string `mapstructure:"timezone"`
	// LogLinePrefix is PostgreSQL's setting of that name, for stderr; empty is one of those that servers come with.
	LogLinePrefix string `mapstructure:"log_line_prefix"`
	// UndecidedAfter is how long an authorized login is held back where only the absence of a refusal proves it.
	UndecidedAfter time.Duration `mapstructure:"undecided_after"`
	// BatchSize is the most events that are handed on together.
	BatchSize int `mapstructure:"batch_size"`
	// MaxLineBytes is the longest record; a longer one is skipped and counted.
	MaxLineBytes int `mapstructure:"max_line_bytes"`
	// Initial is where reading begins at the very first start: `beginning` or `end`.
	Initial string `mapstructure:"initial"`
}

// DefaultTextConfig is valid.
func DefaultTextConfig() TextConfig {
	return TextConfig{Format: formats.Auto, UndecidedAfter: 10 * time.Second, BatchSize: 8192, MaxLineBytes: 16 << 20, Initial: source.InitialBeginning}
}

// CheckTexts names the key and the remedy of everything that is wrong.
func (c TextConfig) CheckTexts() error {
	_, zoneErr := formats.LoadZone(c.Timezone)
	return errors.Join(formats.CheckName(c.Format), zoneErr, formats.CheckLinePrefix(c.LogLinePrefix), source.CheckDuration("undecided_after", c.UndecidedAfter, "30s"),
		source.CheckSizes(c.BatchSize, c.MaxLineBytes), source.CheckInitial(c.Initial))
}

// ErrUnknownFormat is the error of a text that no format has.
var ErrUnknownFormat = errors.New("the content has none of the known formats: write its `format`")

// FindFormat gives the format of a text that begins with head: the stored one, else that of the configuration, else what the content is. final
// says that head is all that there is to know it by; without, there is none (an empty name) while there is too little.
func (c TextConfig) FindFormat(all []logformat.Format, stored string, head []byte, final bool) (logformat.Format, error) {
	if format, known := logformat.FindFormat(all, cmp.Or(stored, c.Format)); known {
		return format, nil
	}
	if len(head) == 0 {
		return logformat.Format{}, nil
	}
	format, verdict := logformat.Detect(all, head, final)
	switch {
	case verdict == logformat.VerdictYes || verdict == logformat.VerdictWait:
		return format, nil
	case c.LogLinePrefix == "":
		return format, ErrUnknownFormat
	}
	format, _ = logformat.FindFormat(all, formats.PostgreSQLStderr)
	return format, nil
}

// CheckText reports whether a text that begins so can be read. leaveOut is what to do with texts that are no log.
func (c TextConfig) CheckText(subject string, head []byte, leaveOut string) connectcheck.Finding {
	format, err := c.FindFormat(formats.All(), "", head, true)
	if err != nil {
		return connectcheck.Finding{
			Subject: subject, Detail: "none of the known formats", Key: "format",
			Remedy: "write the format under format, PostgreSQL's log_line_prefix under log_line_prefix, or " + leaveOut,
		}
	}
	return connectcheck.Finding{OK: true, Subject: subject, Detail: "read as " + format.Name, Key: "format"}
}
