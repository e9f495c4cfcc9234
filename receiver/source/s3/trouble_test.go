package s3_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs/awslogstest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/s3"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/s3"
)

// What is throttled is tried again, counted and said.
func TestThrottling(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.Put(bucket, "p/a", []byte(login(recently(), "anna", 1)))
	s.Fail("SlowDown", "SlowDown")
	run := start(t, config(s, "p/"), &sourcetest.Store{})
	run.AwaitWords(t, "audit-logs/p/ login success anna")
	run.AwaitWarning(t, "collection_interval")
	require.Equal(t, 2, run.Stats.Counts().Failed)
}

// Credentials that end are asked for anew, and said where there are no others.
func TestExpiredCredentials(t *testing.T) {
	awslogstest.SetContainerCredentials(t)
	s := engine.Start(t)
	s.Put(bucket, "p/a", []byte(login(recently(), "anna", 1)))
	s.Refuse("ASIA1", "ExpiredToken")
	run := start(t, config(s, "p/"), &sourcetest.Store{})
	run.AwaitWords(t, "audit-logs/p/ login success anna")
	run.AwaitWarning(t, "credentials that renew themselves")
	require.Positive(t, s.CallsWith("ASIA2"))
	require.False(t, run.Warned("test-secret"))
}

// What keeps a prefix or an object from being read names its key, and the others are read.
func TestTroubleNamesItsKey(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	s.Put(bucket, "p/a", []byte(login(at, "anna", 1)))
	s.Put(bucket, "p/b", []byte("no log of ours\n"))
	s.Put(bucket, "p/c", gzipped(t, login(at, "carl", 3)+login(at, "lost", 4))[:60])
	s.Put(bucket, "p/d", []byte(login(at, "dora", 5)))
	s.Put(bucket, "p/e", []byte(login(at, "emil", 6)))
	s.Put(bucket, "p/f", []byte(login(at, "fred", 7)))
	s.Deny("denied/", "AccessDenied")
	s.Deny("p/d", "AccessDenied")
	s.Deny("p/f", "InvalidObjectState")
	run := start(t, config(s, "denied/", "p/", "empty/"), &sourcetest.Store{})
	run.AwaitWords(t, "audit-logs/p/ login success anna", "audit-logs/p/ login success emil")
	run.AwaitWarning(t, "s3:ListBucket on the bucket")
	run.AwaitWarning(t, "there is no object to read")
	run.AwaitWarning(t, "the content has none of the known formats")
	run.AwaitWarning(t, "cut short or corrupt")
	run.AwaitWarning(t, "object:p/d")
	run.AwaitWarning(t, "the object is in an archive")
	s.Deny("denied/", "")
	s.Deny("p/d", "")
	s.Put(bucket, "denied/a", []byte(login(at, "bert", 2)))
	run.AwaitWords(t, "audit-logs/p/ login success anna", "audit-logs/p/ login success emil", "audit-logs/denied/ login success bert", "audit-logs/p/ login success dora")
	require.Equal(t, 2, run.Stats.Counts().BadRows)
	gets := s.Calls("GetObject")
	awaitListings(t, s, 9)
	require.Greater(t, s.Calls("GetObject"), gets, "what has no format waits for one")
}

// A prefix that fails is asked later and later, by itself: others are read at their own pace meanwhile.
func TestAPrefixThatFailsHoldsUpNoOther(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.Put(bucket, "p/a", []byte(login(recently(), "anna", 1)))
	s.Deny("denied/", "AccessDenied")
	run := start(t, config(s, "denied/", "p/"), &sourcetest.Store{})
	run.AwaitWords(t, "audit-logs/p/ login success anna")
	awaitListings(t, s, 60)
	failed := run.Stats.Counts().Failed
	require.Positive(t, failed, "each try is counted")
	require.Less(t, failed, 20, "it is not asked as often as the other one")
	require.True(t, run.Warned(`no login of the objects under "denied/" is read`))
}

func TestAMissingBucket(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	run := start(t, config(s), &sourcetest.Store{})
	run.AwaitWarning(t, "correct the name of the bucket")
	s.Put(bucket, "a", []byte(login(recently(), "anna", 1)))
	run.AwaitWords(t, "audit-logs/ login success anna")
}

func TestCheckConnection(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	at := recently()
	s.Put(bucket, "p/a", gzipped(t, login(at, "anna", 1)))
	s.Put(bucket, "odd/a", []byte("no log of ours"))
	cfg := config(s, "p/", "odd/", "empty/")
	check := func() (lines []string) {
		for _, f := range cfg.CheckConnection(t.Context()) {
			require.Equal(t, f.OK, f.Remedy == "", "%+v", f)
			lines = append(lines, fmt.Sprint(f.OK, " ", f.Subject, " ", f.Key))
		}
		return lines
	}
	require.Equal(t, []string{
		"true credentials ", "true s3://audit-logs/p/ ", "true object p/a format", "true s3://audit-logs/odd/ ", "false object odd/a format", "false s3://audit-logs/empty/ include",
	}, check())
	cfg.Prefixes, cfg.Include = []string{"p/"}, []string{"p/b"}
	require.Equal(t, []string{"true credentials ", "false s3://audit-logs/p/ include"}, check())
	cfg.Include = nil
	s.Deny("p/a", "AccessDenied")
	require.Equal(t, []string{"true credentials ", "true s3://audit-logs/p/ ", "false object p/a role_arn"}, check())
	cfg.Bucket = "gone"
	require.Equal(t, []string{"true credentials ", "false s3://gone/p/ bucket"}, check())
	s.Refuse(awslogstest.AccessKey, "InvalidAccessKeyId")
	require.Equal(t, []string{"true credentials ", "false s3://gone/p/ role_arn"}, check())
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	require.Equal(t, []string{"false credentials role_arn"}, check())
	cfg.Region = ""
	require.Equal(t, []string{"false AWS configuration region"}, check())
	var _ connectcheck.Checker = cfg
}

func TestValidate(t *testing.T) {
	s := &engine.Server{URL: "http://127.0.0.1:1"}
	for _, c := range []struct {
		change func(*s3.Config)
		want   string
	}{
		{func(c *s3.Config) { c.Bucket = "" }, "bucket: required"},
		{func(c *s3.Config) { c.Bucket = "s3://audit-logs" }, "bucket: "},
		{func(c *s3.Config) { c.Prefixes = []string{"/AWSLogs"} }, "prefixes[0]: "},
		{func(c *s3.Config) { c.Prefixes = []string{"a/", "a/b/"} }, "prefixes[1]: a/ and a/b/ have objects in common"},
		{func(c *s3.Config) { c.Include = []string{"[a"} }, "include[0]: "},
		{func(c *s3.Config) { c.Endpoint = "http://s3.example.com" }, "endpoint: must be https"},
		{func(c *s3.Config) { c.RoleARN = "reader" }, "role_arn: "},
		{func(c *s3.Config) { c.Format = "text" }, "format: "},
		{func(c *s3.Config) { c.Timezone = "CEST" }, "timezone: "},
		{func(c *s3.Config) { c.LogLinePrefix = "x" }, "log_line_prefix: "},
		{func(c *s3.Config) { c.Overlap = 0 }, "overlap: "},
		{func(c *s3.Config) { c.CollectionInterval = 0 }, "collection_interval: "},
		{func(c *s3.Config) { c.RelistInterval = 0 }, "relist_interval: "},
		{func(c *s3.Config) { c.BatchSize = 0 }, "batch_size: "},
		{func(c *s3.Config) { c.MaxLineBytes = 1 }, "max_line_bytes: "},
		{func(c *s3.Config) { c.Initial = "middle" }, "initial: "},
	} {
		cfg := config(s, "p/")
		require.NoError(t, cfg.Validate())
		c.change(&cfg)
		err := cfg.Validate()
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, strings.ToLower(err.Error()), "secret")
	}
}
