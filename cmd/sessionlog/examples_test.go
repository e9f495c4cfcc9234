package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// exampleFolder makes a folder with all that the examples name, and works in it.
func exampleFolder(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	t.Chdir(folder)
	writeStory(t, "session_log.db")
	writeFile(t, "collector.yaml", `
receivers:
  sessionlog/warehouse:
    file: {include: [/var/log/warehouse/*.jsonl], timezone: UTC}
    instance: warehouse
exporters:
  sessionlog:
    sqlite: {path: session_log.db}
`)
	require.NoError(t, os.Mkdir("exports", 0o700))
	writeFile(t, filepath.Join("exports", "2026.jsonl"), "")
}

// runExample runs a line as a shell would, without a shell. What goes on for ever is interrupted after a moment.
func runExample(t *testing.T, line string) {
	t.Helper()
	line, _, _ = strings.Cut(line, " >")
	words := shellWords(line)
	require.Equal(t, "sessionlog", words[0], line)
	if words[1] == "man" {
		words[2] = t.TempDir()
	}
	if words[1] == "keygen" {
		words[len(words)-1] = filepath.Join(t.TempDir(), "seal.key")
	}
	ctx := t.Context()
	if words[1] == "tail" {
		limited, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		ctx = limited
	}
	switch words[1] {
	case "doctor", "verify", "prove", "check", "adopt", "acknowledge":
		return // its sources are not here: TestDoctor; nothing is sealed: TestVerifyTellsByItsExitStatus, TestProveAndCheck, TestAdopt, TestASnapshotIsAcknowledged
	}
	a := caller{}.runContext(ctx, words[1:]...)
	require.Equal(t, 0, a.status, "%s: %s", line, a.errors)
}

// shellWords knows single quotes and globs.
func shellWords(line string) (words []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		for word := range strings.FieldsSeq(part) {
			if found, err := filepath.Glob(word); err == nil && len(found) > 0 && strings.Contains(word, "*") {
				words = append(words, found...)
				continue
			}
			words = append(words, word)
		}
	}
	return words
}
