package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	appsToken    = "a-token-for-the-applications"
	corpSecret   = "a-secret-of-the-corp"
	githubSecret = "a-secret-of-github"
)

// TestTheExampleOfPushedEvents runs examples/http: the three events of each dialect end in the table, with user, client, method, outcome
// and reason in their places, each once although all is sent twice.
func TestTheExampleOfPushedEvents(t *testing.T) {
	path, err := binary()
	require.NoError(t, err)
	dir, apps, identity := t.TempDir(), freeAddress(t), freeAddress(t)
	cmd := exec.Command(path, "--config", "examples/http/collector.yaml")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "SESSIONLOG_DATA="+dir, "APPS_ENDPOINT="+apps, "IDENTITY_ENDPOINT="+identity,
		"APPS_TOKEN="+appsToken, "CORP_SECRET="+corpSecret, "GITHUB_SECRET="+githubSecret)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	waitFor(t, apps)
	waitFor(t, identity)

	for range 2 {
		push(t, http.StatusUnauthorized, "http://"+apps+"/v1/events", "examples/http/events.ndjson", nil)
		push(t, http.StatusOK, "http://"+apps+"/v1/events", "examples/http/events.ndjson",
			map[string]string{"Authorization": "Bearer " + appsToken, "Content-Type": "application/x-ndjson"})
		for _, dialect := range []string{"keycloak", "okta", "auth0", "ocsf", "ecs", "gitlab"} {
			push(t, http.StatusOK, "http://"+identity+"/v1/events/"+dialect+"/corp", sampleOf(dialect), map[string]string{"Authorization": corpSecret})
		}
		body, err := os.ReadFile(filepath.Join(root, sampleOf("github")))
		require.NoError(t, err)
		mac := hmac.New(sha256.New, []byte(githubSecret))
		mac.Write(body)
		push(t, http.StatusOK, "http://"+identity+"/v1/events/github/octo", sampleOf("github"),
			map[string]string{"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil))})
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait(), "%s", &log)
	require.Empty(t, log.String(), "nothing in the example deserves a warning")

	rows := query(t, filepath.Join(dir, "session_log.db"), `SELECT user_name, kind, outcome, coalesce(auth_method, ''), coalesce(client_address, ''),
		coalesce(error_type, ''), coalesce(failure_reason, '') FROM session_events ORDER BY instance, system, time`)
	require.Equal(t, wantPushed, rows)
	trace := query(t, filepath.Join(dir, "session_log.db"), `SELECT count(*) FROM session_events WHERE correlation = 'traceparent'`)
	require.Equal(t, "1", trace[0][0])
}

func sampleOf(dialect string) string { return "internal/dialect/push/testdata/" + dialect + ".json" }

func push(t *testing.T, status int, url, file string, headers map[string]string) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(root, file))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for key, value := range headers {
		req.Header.Set(key, value)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, status, resp.StatusCode, url)
}

var wantPushed = [][]string{
	{"alice", "login", "success", "password", "203.0.113.42", "", ""},
	{"mallory", "login", "failure", "password", "198.51.100.7", "invalid_credentials", "wrong password"},
	{"alice", "logout", "success", "", "", "", ""},
	// auth0
	{"alice@example.com", "login", "success", "password", "203.0.113.42", "", ""},
	{"alice@example.com", "login", "failure", "password", "198.51.100.7", "invalid_credentials", "Wrong email or password."},
	{"bob@example.com", "logout", "success", "oidc", "203.0.113.42", "", ""},
	// github
	{"octocat", "login", "success", "", "203.0.113.42", "", ""},
	{"octocat", "login", "failure", "password", "198.51.100.7", "invalid_credentials", "incorrect password"},
	{"hubot", "login", "success", "saml", "203.0.113.43", "", ""},
	{"octocat", "logout", "success", "", "203.0.113.42", "", ""},
	// gitlab
	{"Administrator", "login", "success", "password", "203.0.113.44", "", ""},
	{"alice", "login", "success", "ldap", "203.0.113.42", "", ""},
	{"victim@example.com", "login", "failure", "password", "198.51.100.7", "invalid_credentials", "Failed to login with STANDARD authentication"},
	// ecs: the system is the service
	{"bob", "login", "failure", "", "198.51.100.7", "_OTHER", "invalid password"},
	{"alice", "logout", "success", "", "", "", ""},
	// keycloak
	{"alice", "login", "success", "oidc", "203.0.113.42", "", ""},
	{"mallory", "login", "failure", "password", "2001:db8::17", "user_unknown", "user_not_found"},
	{"alice", "logout", "success", "", "203.0.113.42", "", ""},
	// okta
	{"john.doe@example.com", "login", "success", "password", "10.0.0.1", "", ""},
	{"jane@example.com", "login", "failure", "password", "198.51.100.7", "invalid_credentials", "INVALID_CREDENTIALS"},
	{"john.doe@example.com", "logout", "success", "", "10.0.0.1", "", ""},
	{"john.doe@example.com", "session.start", "success", "", "", "", ""},
	// ocsf: the system is the service
	{"alice", "login", "success", "kerberos", "203.0.113.42", "", ""},
	{"bob", "login", "failure", "password", "198.51.100.7", "invalid_credentials", "INVALID_CREDENTIALS"},
	{"alice", "logout", "success", "", "", "", ""},
	// ecs: the system is the module
	{"alice", "login", "success", "", "203.0.113.42", "", ""},
}
