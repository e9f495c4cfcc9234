package sessionlogfindingsreceiver

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"

	"github.com/otel-sessionlog/sessionlog/query/findings"
)

func configOf(t *testing.T, text string) (*Config, error) {
	t.Helper()
	var raw map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &raw))
	cfg := createDefaultConfig().(*Config)
	if err := confmap.NewFromStringMap(raw).Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

// TestWrongConfigurations are refused with the key and the remedy.
func TestWrongConfigurations(t *testing.T) {
	for text, want := range map[string]string{
		`interval: 1`: `interval`, `interval: 10ms`: `interval: must be 1s or more`, `initial: -1h`: `initial`, `lookback: 0s`: `lookback: must be 1m0s or more`,
		`answer_time: 1ms`: `answer_time: must be`, `intervall: 1m`: `interval`, `explorer_url: 127.0.0.1:8127`: `explorer_url: must be`,
		`{sqlite: {path: a.db}, postgresql: {endpoints: ["h:5432"]}}`: `sqlite, postgresql: a receiver of findings has one backend`,
		`questions: {failure_bursts: {failures: 0}}`:                  `questions::failure_bursts::failures: must be 1 or more`,
		`questions: {guessed_users: {within: 0s}}`:                    `questions::guessed_users::within: must be 1s or more`,
		`questions: {unusual_hours: {timezone: Berlin}}`:              `"Berlin" is no name of a time zone`,
		`questions: {first_seen: {ipv4_network: 33}}`:                 `ipv4_network is between 0 and 32`,
		`ignore: [{questions: [first-seen]}]`:                         `ignore::0::users: neither users nor networks`,
		`ignore: [{users: [a]}, {networks: [10.0.0.0]}]`:              `ignore::1::networks: "10.0.0.0" is no network`,
		`ignore: [{users: [a], questions: [first_seen]}]`:             `ignore::0::questions: "first_seen" is no question: there are first-seen`,
	} {
		_, err := configOf(t, text)
		require.ErrorContains(t, err, want, text)
	}
	cfg, err := configOf(t, `{questions: {first_seen: {enabled: false}, guessed_users: {within: 2h}}, explorer_url: "https://logins.example.com/"}`)
	require.NoError(t, err)
	require.Len(t, cfg.scheduledQuestions(), len(questionNames)-1)
	require.Equal(t, 2*time.Hour, cfg.Questions.questionOptions().GuessedWithin)
}

// TestEveryQuestionIsScheduled, in the order in which package query has them.
func TestEveryQuestionIsScheduled(t *testing.T) {
	var names []string
	for _, q := range findings.DefaultQuestions {
		names = append(names, q.Name)
	}
	require.Equal(t, names, questionNames)
	require.Len(t, createDefaultConfig().(*Config).scheduledQuestions(), len(names))
}

// TestCheckConnection of a file that is not there, one without logins, and one with some.
func TestCheckConnection(t *testing.T) {
	r := newRig(t)
	findings := r.config.CheckConnection(t.Context())
	require.Len(t, findings, 1)
	require.False(t, findings[0].OK)
	require.Contains(t, findings[0].Detail, filepath.Base(r.config.SQLite.Get().Path))
	r.write()
	require.True(t, r.config.CheckConnection(t.Context())[0].Warning)
	var l logins
	r.write(l.failures(noon, time.Second, "root", sprayer, 1)...)
	require.Equal(t, "the newest is of 2026-03-10T12:00:00Z", r.config.CheckConnection(t.Context())[0].Detail)
}
