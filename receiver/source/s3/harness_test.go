package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/s3"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	engine "github.com/otel-sessionlog/sessionlog/testengine/s3"
)

const (
	accessKey = "AKIATEST"
	bucket    = "audit-logs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setCredentials has the SDK find a key in the environment and nothing elsewhere.
func setCredentials(t testing.TB) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
}

// config lists all keys with each poll.
func config(s *engine.Server, prefixes ...string) s3.Config {
	cfg := s3.DefaultConfig()
	cfg.Region, cfg.Endpoint, cfg.PathStyle, cfg.Bucket, cfg.Prefixes = "eu-central-1", s.URL, true, bucket, prefixes
	cfg.CollectionInterval, cfg.RelistInterval, cfg.Timezone = 5*time.Millisecond, time.Nanosecond, "UTC"
	return cfg
}

func newSource(t testing.TB, cfg s3.Config) source.Source {
	t.Helper()
	require.NoError(t, cfg.Validate())
	src, err := s3.New(cfg, "test", componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return src
}

// job is a source at work.
type job struct {
	*sourcetest.Recorder
	stats  sourcetest.Stats
	logs   *observer.ObservedLogs
	cancel context.CancelFunc
	done   chan error
}

func start(t testing.TB, cfg s3.Config, store *sourcetest.Store, changes ...func(*source.Host)) *job {
	t.Helper()
	j := &job{Recorder: &sourcetest.Recorder{}, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	j.cancel = cancel
	host := sourcetest.Host(t, j.Recorder, store, &j.stats)
	core, logs := observer.New(zapcore.WarnLevel)
	j.logs, host.Log, host.InstanceSet = logs, zap.New(core), false
	for _, change := range changes {
		change(&host)
	}
	src := newSource(t, cfg)
	go func() { j.done <- src.Run(ctx, host) }()
	t.Cleanup(func() { j.stop(t) })
	return j
}

func (j *job) stop(t testing.TB) {
	t.Helper()
	j.cancel()
	select {
	case err := <-j.done:
		require.NoError(t, err)
		j.done <- nil
	case <-time.After(10 * time.Second):
		t.Fatal("the source does not end")
	}
}

// await waits for what is delivered, in words, and finds no more.
func (j *job) await(t testing.TB, want ...string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) { require.GreaterOrEqual(c, len(j.Delivered()), len(want)) }, 20*time.Second, 2*time.Millisecond)
	require.ElementsMatch(t, want, words(j.Delivered()))
}

func words(events []session.Event) (lines []string) {
	for i := range events {
		e := &events[i]
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", e.Instance, e.Kind, e.Outcome, e.User, e.StatusCode)))
	}
	slices.Sort(lines)
	return lines
}

func (j *job) warned(part string) bool {
	return slices.ContainsFunc(j.logs.All(), func(e observer.LoggedEntry) bool {
		return strings.Contains(e.Message+fmt.Sprint(e.ContextMap()), part)
	})
}

func (j *job) awaitWarning(t testing.TB, part string) {
	t.Helper()
	require.Eventually(t, func() bool { return j.warned(part) }, 20*time.Second, 2*time.Millisecond, "no warning %q among %v", part, j.logs.All())
}

// awaitListings waits until so many further listings are over.
func awaitListings(t testing.TB, s *engine.Server, n int) {
	t.Helper()
	before := s.Calls("ListObjectsV2")
	require.Eventually(t, func() bool { return s.Calls("ListObjectsV2") > before+n }, 20*time.Second, time.Millisecond)
}

// login is a line of Redshift's connectionlog.
func login(at time.Time, user string, pid int) string {
	return fmt.Sprintf("authenticated |%s:%03d|::ffff:10.1.2.3 |40000 |%d|dev |%s |password |0|TLSv1.2 |ECDHE-RSA-AES256-GCM-SHA384 |0| | | |\n",
		at.UTC().Format("Mon, 02 Jan 2006 15:04:05"), at.UnixMilli()%1000, pid, user)
}

// auditKey is the key that Redshift gives to an object.
func auditKey(cluster string, at time.Time) string {
	at = at.UTC()
	return fmt.Sprintf("AWSLogs/123456789012/redshift/eu-central-1/%s/123456789012_redshift_eu-central-1_%s_connectionlog_%s.gz", at.Format("2006/01/02"), cluster, at.Format("2006-01-02T15:04"))
}

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// recently is a time in whole seconds within the overlap.
func recently() time.Time { return time.Now().UTC().Add(-2 * time.Minute).Truncate(time.Second) }
