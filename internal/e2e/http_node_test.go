package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/engines"
)

// TestDialectsOfAnotherLanguagesSDK sends three events in each dialect of docs/event.md from Node's OpenTelemetry SDK over OTLP, and
// finds user, client, method, outcome and reason in their places.
func TestDialectsOfAnotherLanguagesSDK(t *testing.T) {
	sdk := nodeSDK(t)
	address := freeAddress(t)
	col := newCollector(t, fmt.Sprintf("  otlp:\n    protocols: {http: {endpoint: %q}}\n", address), "otlp")
	col.start(t)
	waitFor(t, address)
	cmd := exec.Command("node", "emit.mjs", "http://"+address+"/v1/logs")
	cmd.Dir = sdk
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	col.stop(t)

	rows := query(t, col.database(), `SELECT user_name, kind, outcome, coalesce(auth_method, ''), client_address, coalesce(error_type, ''), coalesce(failure_reason, ''), system
		FROM session_events ORDER BY user_name`)
	var want [][]string
	for _, d := range []struct{ name, method, class, method2, reason string }{
		{"aspnetcore", "password", "not_permitted", "password", "wrong"},
		{"audit", "saml", "account_locked", "", "wrong"},
		{"ecs", "ldap", "invalid_credentials", "", "wrong"},
		{"enduser", "oidc", "token_expired", "", "wrong"},
		{"ours", "password", "invalid_credentials", "", "wrong"},
		{"user", "password", "user_unknown", "", "wrong"},
	} {
		want = append(want,
			[]string{d.name + "-1", "login", "success", d.method, "203.0.113.1", "", "", "node-shop"},
			[]string{d.name + "-2", "login", "failure", d.method2, "203.0.113.2", d.class, d.reason, "node-shop"},
			[]string{d.name + "-3", "logout", "success", "", "203.0.113.3", "", "", "node-shop"})
	}
	require.Equal(t, want, rows)
}

// nodeSDK is a folder with testdata/node and its modules, as package-lock.json pins them by their checksums. It is kept beside the
// engines, and made by the first run.
func nodeSDK(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			testengine.Missing(t, tool, "install it (Debian, Ubuntu: apt-get install nodejs npm)")
		}
	}
	files := map[string][]byte{}
	sum := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json", "emit.mjs"} {
		text, err := os.ReadFile(filepath.Join("testdata", "node", name))
		require.NoError(t, err)
		sum.Write(text)
		files[name] = text
	}
	kept, err := engines.Dir()
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(kept, 0o755))
	dir := filepath.Join(kept, "node-otel-"+hex.EncodeToString(sum.Sum(nil))[:16])
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	// Made aside and renamed: a run that is cut off leaves nothing half done.
	temp, err := os.MkdirTemp(kept, ".installing-")
	require.NoError(t, err)
	defer os.RemoveAll(temp)
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(temp, name), text, 0o600))
	}
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = temp
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	if err := os.Rename(temp, dir); err != nil {
		_, stat := os.Stat(dir) // another run was quicker
		require.NoError(t, stat, err)
	}
	return dir
}
