package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

// payloadPrograms are the languages of docs/payloads.md: how a block is run, and what the machine needs for it.
var payloadPrograms = map[string]struct {
	file    string
	command []string
	remedy  string
}{
	"bash":       {"send.sh", []string{"bash"}, "install bash and curl"},
	"python":     {"send.py", []string{"python3"}, "install python3"},
	"javascript": {"send.cjs", []string{"node"}, "install nodejs"},
	"java":       {"SendLogin.java", []string{"java"}, "install a JDK (Debian, Ubuntu: apt-get install default-jdk-headless)"},
	"go":         {"main.go", []string{"go", "run"}, ""},
}

// TestPayloadsOfTheDocs runs every program of docs/payloads.md as it stands.
func TestPayloadsOfTheDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "payloads.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```([a-z]+)\n(.*?)\n```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, blocks, len(payloadPrograms))
	address := freeAddress(t)
	col := newCollector(t, fmt.Sprintf("  otlp:\n    protocols: {http: {endpoint: %q}}\n", address), "otlp")
	col.start(t)
	waitFor(t, address)
	for _, block := range blocks {
		program, known := payloadPrograms[block[1]]
		require.True(t, known, block[1])
		if _, err := exec.LookPath(program.command[0]); err != nil {
			testengine.Missing(t, program.command[0], program.remedy)
		}
		file := filepath.Join(t.TempDir(), program.file)
		require.NoError(t, os.WriteFile(file, []byte(block[2]), 0o600))
		run := exec.Command(program.command[0], append(program.command[1:], file)...)
		run.Dir = filepath.Dir(file)
		// What Java compiles, collects and verifies otherwise takes it longer than to run this.
		run.Env = append(os.Environ(), "OTLP_ENDPOINT=http://"+address, "GOWORK=off", "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote")
		said, err := run.CombinedOutput()
		require.NoError(t, err, "%s: %s", block[1], said)
	}
	col.stop(t)
	var want [][]string
	for _, language := range []string{"curl", "go", "java", "node", "python"} {
		want = append(want, []string{language, "login", "failure", "invalid_credentials", "203.0.113.7", "password", "shop"})
	}
	require.Equal(t, want, query(t, col.database(), `SELECT user_name, kind, outcome, error_type, client_address, auth_method, system FROM session_events ORDER BY user_name`))
}
