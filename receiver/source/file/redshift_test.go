package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

// The audit log as Redshift puts it into S3, synced into a folder: names say whose it is, several files of an hour follow one
// another.
func TestRedshiftAuditLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "AWSLogs", "123456789012", "redshift", "eu-west-1", "2023", "01", "01")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	put := func(time, text string) {
		write(t, filepath.Join(dir, "123456789012_redshift_eu-west-1_sales_connectionlog_2023-01-01T"+time+".gz"), gzipped(t, text))
	}
	put("00:02", "authenticated |Sun, 01 Jan 2023 00:02:14:010|::ffff:10.11.12.16 |66790 |12324|testdb |test|user |password |0|TLSv1.2 |ECDHE-RSA-AES256-SHA384 |0| | | |\n"+
		"disconnecting session |Sun, 01 Jan 2023 00:02:21:471|[local] | |12324|testdb |testuser |Ident |7460885| | |0| | | | | | | |0|03e74c8e-0b52-4a47-a0e3-6d1b5e3f4b0c\n")
	cfg := config(filepath.Join(dir, "..", "..", "..", "**", "*_connectionlog_*.gz"))
	cfg.Timezone = ""
	store := &sourcetest.Store{}
	j := start(t, cfg, store)
	j.awaitUsers(t, "test|user", "testuser")
	put("01:02", "authentication failure |Sun, 01 Jan 2023 01:02:10:123|::ffff:10.11.12.16 |66790 |98031|vendor |someuser |password |0|TLSv1.2 |ECDHE-RSA-AES256-SHA384 |0| | | |\n")
	j.awaitUsers(t, "test|user", "testuser", "someuser")
	j.stop(t)
	require.Empty(t, once(t, cfg, store).Delivered())
	require.Zero(t, j.stats.Counts().BadRows)
	for _, e := range j.Delivered() {
		require.Equal(t, "sales", e.Host)
		require.True(t, strings.HasPrefix(e.System, "aws.redshift"), e.System)
	}
}
