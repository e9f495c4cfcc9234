package sessionlogfindingsreceiver

import (
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // not every image has them

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/query/findings"
)

// QuestionsConfig has a block a question; README.md explains every key.
type QuestionsConfig struct {
	FirstSeen           FirstSeenConfig           `mapstructure:"first_seen"`
	FailedThenSucceeded FailedThenSucceededConfig `mapstructure:"failed_then_succeeded"`
	FailureBursts       FailureBurstsConfig       `mapstructure:"failure_bursts"`
	GuessedUsers        GuessedUsersConfig        `mapstructure:"guessed_users"`
	UnusualHours        UnusualHoursConfig        `mapstructure:"unusual_hours"`
	ReturnedAccounts    ReturnedAccountsConfig    `mapstructure:"returned_accounts"`
}

// FirstSeenConfig is about users from addresses that are new to them.
type FirstSeenConfig struct {
	Enabled     bool          `mapstructure:"enabled"`
	Most        int           `mapstructure:"most"`
	History     time.Duration `mapstructure:"history"`
	IPv4Network int           `mapstructure:"ipv4_network"`
	IPv6Network int           `mapstructure:"ipv6_network"`
}

// FailedThenSucceededConfig is about failures of a user before a success.
type FailedThenSucceededConfig struct {
	Enabled  bool          `mapstructure:"enabled"`
	Failures int           `mapstructure:"failures"`
	Within   time.Duration `mapstructure:"within"`
}

// FailureBurstsConfig is about addresses with many failures.
type FailureBurstsConfig struct {
	Enabled  bool          `mapstructure:"enabled"`
	Failures int           `mapstructure:"failures"`
	Within   time.Duration `mapstructure:"within"`
}

// GuessedUsersConfig is about users with failures from many addresses.
type GuessedUsersConfig struct {
	Enabled   bool          `mapstructure:"enabled"`
	Addresses int           `mapstructure:"addresses"`
	Within    time.Duration `mapstructure:"within"`
}

// UnusualHoursConfig is about logins at hours at which a user never came.
type UnusualHoursConfig struct {
	Enabled  bool          `mapstructure:"enabled"`
	Timezone string        `mapstructure:"timezone"`
	Period   time.Duration `mapstructure:"period"`
	Logins   int           `mapstructure:"logins"`
	Since    time.Duration `mapstructure:"since"`
}

// ReturnedAccountsConfig is about users who were away for long.
type ReturnedAccountsConfig struct {
	Enabled   bool          `mapstructure:"enabled"`
	UnusedFor time.Duration `mapstructure:"unused_for"`
}

// Differences to the questions that a person asks: nobody looks at each new address of a known network, and guessing may be slow.
const (
	defaultIPv4Network   = 24
	defaultIPv6Network   = 64
	defaultGuessedWithin = 24 * time.Hour
)

func defaultQuestionsConfig() QuestionsConfig {
	o := findings.DefaultOptions()
	return QuestionsConfig{
		FirstSeen:           FirstSeenConfig{true, o.MostFirstSeen, o.EarliestHistory, defaultIPv4Network, defaultIPv6Network},
		FailedThenSucceeded: FailedThenSucceededConfig{true, o.FailuresBeforeSuccess, o.SuccessWithin},
		FailureBursts:       FailureBurstsConfig{true, o.BurstFailures, o.BurstWithin},
		GuessedUsers:        GuessedUsersConfig{true, o.GuessingAddresses, defaultGuessedWithin},
		UnusualHours:        UnusualHoursConfig{true, "UTC", o.UsualPeriod, o.UsualLogins, o.UsualSince},
		ReturnedAccounts:    ReturnedAccountsConfig{true, o.UnusedFor},
	}
}

const (
	bitsOfIPv4 = 32
	bitsOfIPv6 = 128
)

func (c *QuestionsConfig) checkQuestions() (errs []error) {
	for key, count := range map[string]int{
		"first_seen::most": c.FirstSeen.Most, "failed_then_succeeded::failures": c.FailedThenSucceeded.Failures, "failure_bursts::failures": c.FailureBursts.Failures,
		"guessed_users::addresses": c.GuessedUsers.Addresses, "unusual_hours::logins": c.UnusualHours.Logins,
	} {
		if count < 1 {
			errs = append(errs, fmt.Errorf("questions::%s: must be 1 or more", key))
		}
	}
	for key, d := range map[string]time.Duration{
		"first_seen::history": c.FirstSeen.History, "failed_then_succeeded::within": c.FailedThenSucceeded.Within, "failure_bursts::within": c.FailureBursts.Within,
		"guessed_users::within": c.GuessedUsers.Within, "unusual_hours::period": c.UnusualHours.Period, "unusual_hours::since": c.UnusualHours.Since,
		"returned_accounts::unused_for": c.ReturnedAccounts.UnusedFor,
	} {
		if d < time.Second {
			errs = append(errs, fmt.Errorf("questions::%s: must be 1s or more", key))
		}
	}
	if c.FirstSeen.IPv4Network < 0 || c.FirstSeen.IPv4Network > bitsOfIPv4 || c.FirstSeen.IPv6Network < 0 || c.FirstSeen.IPv6Network > bitsOfIPv6 {
		errs = append(errs, fmt.Errorf("questions::first_seen: ipv4_network is between 0 and %d, ipv6_network between 0 and %d; 0 takes each address by itself", bitsOfIPv4, bitsOfIPv6))
	}
	if _, err := time.LoadLocation(c.UnusualHours.Timezone); err != nil {
		errs = append(errs, fmt.Errorf("questions::unusual_hours::timezone: %q is no name of a time zone, such as Europe/Berlin", c.UnusualHours.Timezone))
	}
	return errs
}

// questionOptions are those of package query. The zone was checked.
func (c *QuestionsConfig) questionOptions() findings.Options {
	zone, err := time.LoadLocation(c.UnusualHours.Timezone)
	if err != nil {
		zone = time.UTC
	}
	o := findings.DefaultOptions()
	o.Zone = zone
	o.MostFirstSeen, o.EarliestHistory = c.FirstSeen.Most, c.FirstSeen.History
	o.KnownIPv4Bits, o.KnownIPv6Bits = c.FirstSeen.IPv4Network, c.FirstSeen.IPv6Network
	o.FailuresBeforeSuccess, o.SuccessWithin = c.FailedThenSucceeded.Failures, c.FailedThenSucceeded.Within
	o.BurstFailures, o.BurstWithin = c.FailureBursts.Failures, c.FailureBursts.Within
	o.GuessingAddresses, o.GuessedWithin = c.GuessedUsers.Addresses, c.GuessedUsers.Within
	o.UsualPeriod, o.UsualLogins, o.UsualSince = c.UnusualHours.Period, c.UnusualHours.Logins, c.UnusualHours.Since
	o.UnusedFor = c.ReturnedAccounts.UnusedFor
	return o
}

func (c *QuestionsConfig) longestReach() time.Duration {
	return max(c.FailedThenSucceeded.Within, c.FailureBursts.Within, c.GuessedUsers.Within)
}

type scheduledQuestion struct {
	findings.Question
	severity plog.SeverityNumber
}

// questionNames are those of package query. A name there without a severity here is asked about by nobody: a test holds that there is none.
const (
	firstSeen           = "first-seen"
	failedThenSucceeded = "failed-then-succeeded"
	failureBursts       = "failure-bursts"
	guessedUsers        = "guessed-users"
	unusualHours        = "unusual-hours"
	returnedAccounts    = "returned-accounts"
)

var questionNames = []string{firstSeen, failedThenSucceeded, failureBursts, guessedUsers, unusualHours, returnedAccounts}

func (c *Config) scheduledQuestions() (all []scheduledQuestion) {
	of := map[string]struct {
		enabled  bool
		severity plog.SeverityNumber
	}{
		firstSeen:           {c.Questions.FirstSeen.Enabled, plog.SeverityNumberInfo},
		failedThenSucceeded: {c.Questions.FailedThenSucceeded.Enabled, plog.SeverityNumberWarn},
		failureBursts:       {c.Questions.FailureBursts.Enabled, plog.SeverityNumberWarn},
		guessedUsers:        {c.Questions.GuessedUsers.Enabled, plog.SeverityNumberWarn},
		unusualHours:        {c.Questions.UnusualHours.Enabled, plog.SeverityNumberInfo2},
		returnedAccounts:    {c.Questions.ReturnedAccounts.Enabled, plog.SeverityNumberWarn},
	}
	for _, name := range questionNames {
		if !of[name].enabled {
			continue
		}
		options := c.Questions.questionOptions()
		options.Ignore = ignoredLogins(c.Ignore, name)
		questions := options.Questions()
		if i := slices.IndexFunc(questions, func(q findings.Question) bool { return q.Name == name }); i >= 0 {
			all = append(all, scheduledQuestion{questions[i], of[name].severity})
		}
	}
	return all
}
