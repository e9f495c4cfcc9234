package s3_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/s3"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/s3"
)

const (
	bucket = "audit-logs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

func start(t testing.TB, cfg s3.Config, store *sourcetest.Store, changes ...func(*source.Host)) *sourcetest.Job {
	t.Helper()
	return sourcetest.StartJob(t, newSource(t, cfg), store, changes...)
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
