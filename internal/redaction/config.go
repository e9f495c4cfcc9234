// Package redaction hides names, addresses and texts of events by one policy. Receiver and exporter take the same block `redact`
// and apply it with the same result: an event that was redacted is not changed by the same policy again.
package redaction

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/config/configopaque"
)

// Config is the block redact. Keys that are not written have the preset's value.
type Config struct {
	// Preset is a set of values for the other keys: none, evidence or gdpr.
	Preset string `mapstructure:"preset"`
	// Users is what becomes of user names, wherever they stand: keep, hash or drop.
	Users string `mapstructure:"users"`
	// On is whose names: failures (whatever did not succeed) or all.
	On string `mapstructure:"on"`
	// Addresses is what becomes of client addresses and host names: keep, prefix, hash or drop.
	Addresses string `mapstructure:"addresses"`
	// Settings is what becomes of a session's settings: keep or drop.
	Settings string `mapstructure:"settings"`
	// Original is what becomes of verbatim records and bodies: keep or drop.
	Original string `mapstructure:"original"`
	// Attributes is what becomes of attributes without a field: keep or drop.
	Attributes string `mapstructure:"attributes"`
	// Key is the secret under which names, addresses and ids are hashed: without one, anybody could test guesses.
	Key configopaque.String `mapstructure:"key"`
}

// The values of the keys.
const (
	ModeKeep   = "keep"
	ModeHash   = "hash"
	ModeDrop   = "drop"
	ModePrefix = "prefix"
	OnFailures = "failures"
	OnAll      = "all"

	PresetNone     = "none"
	PresetEvidence = "evidence"
	PresetGDPR     = "gdpr"
)

var presetConfigs = map[string]Config{
	PresetNone:     {Users: ModeKeep, On: OnFailures, Addresses: ModeKeep, Settings: ModeKeep, Original: ModeKeep, Attributes: ModeKeep},
	PresetEvidence: {Users: ModeHash, On: OnFailures, Addresses: ModeKeep, Settings: ModeKeep, Original: ModeKeep, Attributes: ModeKeep},
	PresetGDPR:     {Users: ModeHash, On: OnAll, Addresses: ModePrefix, Settings: ModeDrop, Original: ModeDrop, Attributes: ModeDrop},
}

// minKeyBytes is the fewest bytes of a key that withstand guessing.
const minKeyBytes = 16

// DefaultConfig hides nothing.
func DefaultConfig() Config { return Config{Preset: PresetNone} }

type keyChoice struct {
	key     string
	value   *string
	allowed []string
}

func (c *Config) allowedValues() []keyChoice {
	return []keyChoice{
		{"users", &c.Users, []string{ModeKeep, ModeHash, ModeDrop}},
		{"on", &c.On, []string{OnFailures, OnAll}},
		{"addresses", &c.Addresses, []string{ModeKeep, ModePrefix, ModeHash, ModeDrop}},
		{"settings", &c.Settings, []string{ModeKeep, ModeDrop}},
		{"original", &c.Original, []string{ModeKeep, ModeDrop}},
		{"attributes", &c.Attributes, []string{ModeKeep, ModeDrop}},
	}
}

// withPreset fills keys that are not set with the preset's values.
func (c *Config) withPreset() Config {
	e := *c
	preset := presetConfigs[cmp.Or(c.Preset, PresetNone)]
	from := preset.allowedValues()
	for i, k := range e.allowedValues() {
		if *k.value == "" {
			*k.value = *from[i].value
		}
	}
	return e
}

// Validate names the key and the remedy of everything that is wrong.
func (c *Config) Validate() error {
	var errs []error
	if _, known := presetConfigs[c.Preset]; !known && c.Preset != "" {
		errs = append(errs, fmt.Errorf("preset: %q is none of %s, %s, %s", c.Preset, PresetNone, PresetEvidence, PresetGDPR))
	}
	for _, k := range c.allowedValues() {
		if *k.value != "" && !slices.Contains(k.allowed, *k.value) {
			errs = append(errs, fmt.Errorf("%s: %q is none of %s", k.key, *k.value, strings.Join(k.allowed, ", ")))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	return c.validateKey()
}

func (c *Config) validateKey() error {
	e := c.withPreset()
	var needs []string
	if e.Users == ModeHash {
		needs = append(needs, "users: hash")
	}
	if e.Addresses != ModeKeep {
		needs = append(needs, "addresses: "+e.Addresses)
	}
	switch {
	case len(needs) > 0 && len(c.Key) < minKeyBytes:
		return fmt.Errorf("key: %d bytes are too few for %s (ids hold addresses, and an unkeyed hash would let anyone test guesses); give %d random ones or more, as in ${env:REDACT_KEY}",
			len(c.Key), strings.Join(needs, " and "), minKeyBytes)
	case len(needs) == 0 && c.Key != "" && e.Users == ModeKeep:
		return errors.New("key: has no use here; set users: hash, addresses or a preset, or remove the key")
	}
	return nil
}
