package sessionlogfindingsreceiver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/backendblocks"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

// Config of the receiver. It holds exactly one backend, as the exporter does; SQLite with its defaults when none is written.
type Config struct {
	// SQLite is a local file. Its default is no [configoptional.Some]: that would stay when another backend is written.
	SQLite configoptional.Optional[sqlite.Config] `mapstructure:"sqlite"`
	// ClickHouse is a ClickHouse server or cluster.
	ClickHouse configoptional.Optional[clickhouse.Config] `mapstructure:"clickhouse"`
	// PostgreSQL is a PostgreSQL server.
	PostgreSQL configoptional.Optional[postgresql.Config] `mapstructure:"postgresql"`

	// Interval is how often the questions are asked.
	Interval time.Duration `mapstructure:"interval"`
	// Initial is how far before its first start the receiver asks.
	Initial time.Duration `mapstructure:"initial"`
	// Lookback is how late an event may come and still be found.
	Lookback time.Duration `mapstructure:"lookback"`
	// AnswerTime is how long the backend may count for one question before it is asked again with more time.
	AnswerTime time.Duration `mapstructure:"answer_time"`
	// Questions are asked unless they are disabled.
	Questions QuestionsConfig `mapstructure:"questions"`
	// Ignore says which logins are not asked about.
	Ignore []IgnoreConfig `mapstructure:"ignore"`
	// ExplorerURL is where the explorer can be reached by those who read the findings.
	ExplorerURL string `mapstructure:"explorer_url"`
	// Storage is the storage extension that keeps what was delivered. None: it is kept in memory.
	Storage *component.ID `mapstructure:"storage"`
}

func createDefaultConfig() component.Config {
	return &Config{
		SQLite:     configoptional.Default(sqlite.DefaultConfig()),
		ClickHouse: configoptional.Default(clickhouse.DefaultConfig()),
		PostgreSQL: configoptional.Default(postgresql.DefaultConfig()),
		Interval:   time.Minute,
		Initial:    24 * time.Hour,
		Lookback:   time.Hour,
		AnswerTime: 10 * time.Second,
		Questions:  defaultQuestionsConfig(),
	}
}

// Unmarshal refuses durations without a unit, and explains unknown keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return strictconfig.Unmarshal(conf, c) }

const (
	leastInterval   = time.Second
	leastLookback   = time.Minute
	leastAnswerTime = 100 * time.Millisecond
)

// Validate names the key and the remedy. The blocks of backends validate themselves.
func (c *Config) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := c.chooseBackend(); err != nil {
		errs = append(errs, err)
	}
	if c.Interval < leastInterval {
		fail("interval: must be %s or more", leastInterval)
	}
	if c.Initial < 0 {
		fail("initial: must not be negative; with 0 nothing of the time before the first start is delivered")
	}
	if c.Lookback < leastLookback {
		fail("lookback: must be %s or more: events come later than they happen", leastLookback)
	}
	if c.AnswerTime < leastAnswerTime {
		fail("answer_time: must be %s or more", leastAnswerTime)
	}
	if link, err := url.Parse(c.ExplorerURL); c.ExplorerURL != "" && (err != nil || link.Scheme != "http" && link.Scheme != "https" || link.Host == "" || link.RawQuery != "" || link.Fragment != "" || link.User != nil) {
		fail("explorer_url: must be the http or https address of the explorer, without a query, as http://127.0.0.1:8127")
	}
	errs = append(errs, c.Questions.checkQuestions()...)
	for i, entry := range c.Ignore {
		if err := entry.checkEntry(); err != nil {
			fail("ignore::%d::%w", i, err)
		}
	}
	return errors.Join(errs...)
}

func (c *Config) chooseBackend() (backendblocks.Backend, error) {
	return backendblocks.Blocks{SQLite: c.SQLite, ClickHouse: c.ClickHouse, PostgreSQL: c.PostgreSQL}.Choose("a receiver of findings", componentType.String())
}

// CheckConnection implements [connectcheck.Checker]. It asks for the newest login.
func (c *Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	failed := func(err error) []connectcheck.Finding {
		return []connectcheck.Finding{{Subject: "stored logins", Detail: err.Error(), Remedy: "start the exporter that makes the tables, or name the backend that it writes to"}}
	}
	chosen, err := c.chooseBackend()
	if err != nil {
		return failed(err)
	}
	store, err := chosen.OpenQueryStore(ctx)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = store.Close() }()
	_, newest, found, err := store.Extent(ctx)
	switch {
	case err != nil:
		return failed(err)
	case !found:
		return []connectcheck.Finding{{OK: true, Warning: true, Subject: "stored logins", Detail: "there are none yet"}}
	}
	return []connectcheck.Finding{{OK: true, Subject: "stored logins", Detail: "the newest is of " + time.Unix(0, newest).UTC().Format(time.RFC3339)}}
}
