package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
	"github.com/otel-sessionlog/sessionlog/testengine/s3"
)

// TestTheCloudsExampleRuns: examples/clouds as it stands, with a log group of RDS and an audit log of Redshift.
func TestTheCloudsExampleRuns(t *testing.T) {
	t.Parallel()
	const group = "/aws/rds/instance/orders/postgresql"
	logs, objects := cloudwatch.Start(t), s3.Start(t)
	at := time.Now().UTC().Add(-time.Minute).Truncate(time.Second)
	for _, line := range auroraSession(at, 7, "nna") {
		logs.Put(group, "orders.0", cloudwatch.Event{Time: at, Message: line})
	}
	putObject(t, objects, 0, "2026/11/29", redshiftLogin(at, 0, 7, "bert", 0)+"\n")
	objects.Put(auditBucket, objectPrefix(0)+"2026/11/29/123456789012_redshift_eu-central-1_dwh-0_userlog_2026-11-29T10:00.gz", []byte("no login"))
	col := newCollector(t, "", "")
	col.config = filepath.Join("..", "..", "examples", "clouds", "collector.yaml")
	col.env = environment(map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
		"CLOUDWATCH_ENDPOINT": logs.URL, "CLOUDWATCH_INTERVAL": "100ms", "LOG_GROUP": group,
		"S3_ENDPOINT": objects.URL, "S3_PATH_STYLE": "true", "S3_INTERVAL": "100ms", "LOG_BUCKET": auditBucket, "LOG_PREFIX": objectPrefix(0), "SESSIONLOG_DATA": col.dir,
	})
	col.start(t)
	var rows [][]string
	require.Eventually(t, func() bool {
		rows = query(t, col.database(), "SELECT instance, user_name, kind FROM session_events ORDER BY user_name, kind")
		return len(rows) >= 3
	}, patience, 50*time.Millisecond)
	require.Equal(t, [][]string{{"eu-central-1/orders", "anna", "login"}, {"eu-central-1/orders", "anna", "logout"}, {"eu-central-1/dwh-0", "rbert-0", "login"}}, rows)
	col.stop(t)
}
