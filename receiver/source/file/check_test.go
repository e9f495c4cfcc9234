package file_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
)

// found gives the finding of this subject, and fails the test unless there is exactly one.
func found(t *testing.T, findings []connectcheck.Finding, subject string) connectcheck.Finding {
	t.Helper()
	var all []connectcheck.Finding
	for _, f := range findings {
		require.NotEmpty(t, f.Subject)
		require.NotEmpty(t, f.Detail, f.Subject)
		require.Equal(t, f.OK && !f.Warning, f.Remedy == "", "%s: a remedy is told where one is needed: %q", f.Subject, f.Remedy)
		if strings.HasPrefix(f.Subject, subject) {
			all = append(all, f)
		}
	}
	require.Len(t, all, 1, "%s in %v", subject, findings)
	return all[0]
}

// wrong are the subjects of the findings that are not well.
func wrong(findings []connectcheck.Finding) (subjects []string) {
	for _, f := range findings {
		if !f.OK {
			subjects = append(subjects, f.Subject)
		}
	}
	return subjects
}

// acceptedAt is a line of sshd with a classic stamp, which has neither a year nor a zone.
func acceptedAt(at time.Time, user string) string {
	return at.Format(time.Stamp) + " vm sshd[7]: Accepted password for " + user + " from 10.6.6.6 port 5 ssh2\n"
}

func TestCheckConnectionOfAGoodLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.log")
	at := time.Now().Add(-time.Hour).UTC()
	write(t, path, strings.Repeat(at.Format(time.RFC3339)+" vm sshd[1]: Server listening on 0.0.0.0 port 22.\n", 20_000)+
		at.Add(58*time.Minute).Format(time.RFC3339)+" vm sshd[2]: Accepted password for secretname from 10.6.6.6 port 5 ssh2\n")
	cfg := file.DefaultConfig()
	cfg.Include = []string{path}
	findings := cfg.CheckConnection(t.Context())
	require.Empty(t, wrong(findings))
	require.Equal(t, "files found: 1", found(t, findings, "include "+path).Detail)
	require.Contains(t, found(t, findings, "readable files").Detail, "1 of 1")
	require.Contains(t, found(t, findings, "format sshd").Detail, "detected")
	require.Contains(t, found(t, findings, "timezone").Detail, "not needed")
	require.Contains(t, found(t, findings, "newest line").Detail, "2m", "the end was not looked at")
	require.NotContains(t, fmt.Sprint(findings), "secretname")
}

func TestCheckConnectionNamesWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	now := time.Now().UTC().Truncate(time.Second)
	text := acceptedAt(now.Add(-2*time.Minute), "a") + acceptedAt(now.Add(-time.Minute), "b")
	check := func(change func(cfg *file.Config, path string), text string) (string, []connectcheck.Finding) {
		t.Helper()
		path := filepath.Join(dir, fmt.Sprint(time.Now().UnixNano(), ".log"))
		write(t, path, text)
		cfg := file.DefaultConfig()
		cfg.Include = []string{path}
		change(&cfg, path)
		return path, cfg.CheckConnection(t.Context())
	}
	none := func(*file.Config, string) {}

	path, findings := check(func(cfg *file.Config, path string) {
		cfg.Include = []string{path, path + "x", filepath.Join(dir, "gone", "*")}
	}, text)
	require.Equal(t, []string{"include " + path + "x", "include " + filepath.Join(dir, "gone", "*"), "timezone", "lines of " + path}, wrong(findings))
	require.Equal(t, "include", found(t, findings, "include "+path+"x").Key)
	require.Equal(t, "timezone", found(t, findings, "timezone").Key)

	_, findings = check(func(cfg *file.Config, _ string) { cfg.Timezone = "UTC" }, text)
	require.Empty(t, wrong(findings))
	require.Contains(t, found(t, findings, "timezone").Detail, "those of UTC")
	require.Contains(t, found(t, findings, "newest line").Detail, "1m")

	// A wrong zone makes times that cannot be yet.
	export := row("a", now.Add(-time.Minute))
	_, findings = check(func(cfg *file.Config, _ string) { cfg.Timezone = "America/New_York" }, export)
	require.Equal(t, []string{"newest line"}, wrong(findings))
	require.Equal(t, "timezone", found(t, findings, "newest line").Key)

	// A log that is written no more, unless it is only read once.
	old := row("a", now.AddDate(0, 0, -8))
	_, findings = check(func(cfg *file.Config, _ string) { cfg.Timezone = "UTC" }, old)
	require.Empty(t, wrong(findings))
	require.True(t, found(t, findings, "newest line").Warning)
	require.Contains(t, found(t, findings, "newest line").Remedy, "still written")
	_, findings = check(func(cfg *file.Config, _ string) { cfg.Timezone, cfg.Follow = "UTC", false }, old)
	require.False(t, found(t, findings, "newest line").Warning)

	path, findings = check(none, "secretname said hello\n")
	require.Equal(t, []string{"format of " + path}, wrong(findings))
	require.Contains(t, found(t, findings, "format of").Detail, "text that begins with a letter")
	require.Equal(t, "format", found(t, findings, "format of").Key)

	path, findings = check(func(cfg *file.Config, _ string) { cfg.Format = "jsonlog" }, text)
	require.Contains(t, wrong(findings), "lines of "+path)
	require.Equal(t, "as key format says, by "+path, found(t, findings, "format jsonlog").Detail)

	_, findings = check(none, "")
	require.Equal(t, []string{"content"}, wrong(findings))

	_, findings = check(func(cfg *file.Config, path string) { cfg.Include = []string{filepath.Dir(path)} }, text)
	require.Equal(t, []string{"include " + dir, "file " + dir}, wrong(findings))
}

func TestCheckConnectionOfAPrefix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postgresql.log")
	write(t, path, received(0, 1)+authorized(0, 1)+line(0, 1, "LOG", "disconnection: session time: 0:00:01.000 user=alice database=app host=10.0.0.7 port=1"))
	cfg := file.DefaultConfig()
	cfg.Include, cfg.LogLinePrefix = []string{path}, "%m [%p] %c %q%u@%d "
	require.Empty(t, wrong(cfg.CheckConnection(t.Context())))
	cfg.LogLinePrefix = "%t:%r:%u@%d:[%p]:"
	findings := cfg.CheckConnection(t.Context())
	require.Contains(t, wrong(findings), "log_line_prefix")
	require.Equal(t, "log_line_prefix", found(t, findings, "log_line_prefix").Key)
	require.Contains(t, found(t, findings, "log_line_prefix").Remedy, "SHOW log_line_prefix")

	// The server writes no connections: that is no matter of the prefix.
	cfg.LogLinePrefix = "%m [%p] %c %q%u@%d "
	write(t, path, line(0, 1, "LOG", "database system is ready to accept connections")+line(20*time.Second, 2, "LOG", "disconnection: session time: 0:00:01.000 user=alice database=app host=10.0.0.7 port=1"))
	findings = cfg.CheckConnection(t.Context())
	require.Equal(t, []string{"what " + path + " says"}, wrong(findings))
	require.Contains(t, fmt.Sprint(findings), "log_connections")
}

// Root may read everything, so the test runs itself as another.
func TestCheckConnectionOfAFileWithoutPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		out := t.TempDir()
		cmd := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		cmd.Env, cmd.Dir = append(os.Environ(), "TMPDIR="+out), "/"
		require.NoError(t, os.Chmod(out, 0o777))               //nolint:gosec // for another user
		require.NoError(t, os.Chmod(filepath.Dir(out), 0o755)) //nolint:gosec // for another user
		text, err := cmd.CombinedOutput()
		require.NoError(t, err, string(text))
		return
	}
	dir := t.TempDir()
	good, secret, closed := filepath.Join(dir, "a.jsonl"), filepath.Join(dir, "b.jsonl"), filepath.Join(dir, "closed")
	write(t, good, row("a", time.Now()))
	require.NoError(t, os.WriteFile(secret, []byte(row("b", time.Now())), 0o000))
	require.NoError(t, os.Mkdir(closed, 0o000))
	cfg := config(filepath.Join(dir, "*.jsonl"), filepath.Join(closed, "*"))
	findings := cfg.CheckConnection(t.Context())
	require.Equal(t, []string{"include " + filepath.Join(closed, "*"), "file " + secret, "file " + closed}, wrong(findings))
	for _, path := range []string{secret, closed} {
		finding := found(t, findings, "file "+path)
		require.Equal(t, "include", finding.Key)
		require.Equal(t, "permission denied", finding.Detail)
		require.Contains(t, finding.Remedy, "setfacl -m u:")
	}
	require.Equal(t, "1 of 2", found(t, findings, "readable files").Detail)
	require.Equal(t, "files found: 2", found(t, findings, "include "+filepath.Join(dir, "*")).Detail)
}
