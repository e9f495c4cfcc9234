package cloudwatch_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs/awslogstest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/cloudwatch"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
)

// What is throttled is tried again, counted and said.
func TestThrottling(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "anna", Time: recently()}, 1)...)
	s.Fail("ThrottlingException", "ThrottlingException")
	run := start(t, config(s, group), &sourcetest.Store{})
	run.AwaitWords(t, "eu-central-1/orders login success anna")
	run.AwaitWarning(t, "collection_interval")
	require.Equal(t, 2, run.Stats.Counts().Failed)
}

// Credentials that end are asked for anew, and said where there are no others.
func TestExpiredCredentials(t *testing.T) {
	awslogstest.SetContainerCredentials(t)
	s := engine.Start(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "anna", Time: recently()}, 1)...)
	s.Refuse("ASIA1", "ExpiredTokenException")
	run := start(t, config(s, group), &sourcetest.Store{})
	run.AwaitWords(t, "eu-central-1/orders login success anna")
	run.AwaitWarning(t, "credentials that renew themselves")
	require.Positive(t, s.CallsWith("ASIA2"))
	require.False(t, run.Warned("test-secret"))
}

// Another role is taken on with the credentials that there are.
func TestRole(t *testing.T) {
	awslogstest.SetCredentials(t)
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("RoleArn") != "arn:aws:iam::123456789012:role/reader" || r.FormValue("ExternalId") != "ours" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>`+
			`<SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(sts.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL)
	s := engine.Start(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "anna", Time: recently()}, 1)...)
	cfg := config(s, group)
	cfg.RoleARN, cfg.ExternalID = "arn:aws:iam::123456789012:role/reader", "ours"
	start(t, cfg, &sourcetest.Store{}).AwaitWords(t, "eu-central-1/orders login success anna")
	require.Positive(t, s.CallsWith("ASIAROLE"))
	require.Zero(t, s.CallsWith(awslogstest.AccessKey))
}

// What keeps a group from being read names its key, and other groups are read.
func TestTroubleNamesItsKey(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "anna", Time: recently()}, 1)...)
	s.AddGroup("/aws/rds/instance/empty/postgresql")
	run := start(t, config(s, "/aws/rds/instance/gone/postgresql", "/aws/rds/instance/empty/postgresql", group), &sourcetest.Store{})
	run.AwaitWords(t, "eu-central-1/orders login success anna")
	run.AwaitWarning(t, "log_groups")
	run.AwaitWarning(t, "the log group has no stream to read")
	s.Deny("FilterLogEvents", true)
	run.AwaitWarning(t, "logs:FilterLogEvents on the log group")
	s.Deny("FilterLogEvents", false)
	s.Put(group, stream, connection(sourcetest.Row{User: "bert", Time: time.Now()}, 2)...)
	run.AwaitWords(t, "eu-central-1/orders login success anna", "eu-central-1/orders login success bert")
}

// A group that fails is asked later and later, by itself: others are read at their own pace meanwhile.
func TestALogGroupThatFailsHoldsUpNoOther(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	gone := "/aws/rds/instance/gone/postgresql"
	s.Put(group, stream, connection(sourcetest.Row{User: "anna", Time: recently()}, 1)...)
	run := start(t, config(s, gone, group), &sourcetest.Store{})
	require.Eventually(t, func() bool { return s.Calls("FilterLogEvents") > 60 }, 20*time.Second, time.Millisecond)
	failed := run.Stats.Counts().Failed
	require.Positive(t, failed, "each try is counted")
	require.Less(t, failed, 20, "it is not asked as often as the other one")
	require.True(t, run.Warned("no login of log group "+gone+" is read"))
	require.False(t, run.Warned("no login of log group "+group))
	s.Put(gone, stream, connection(sourcetest.Row{User: "bert", Time: recently()}, 2)...)
	run.AwaitWords(t, "eu-central-1/orders login success anna", "eu-central-1/gone login success bert")
}

// A stream that fails, whatever its place among the names, holds up no other for long, and is told.
func TestAStreamThatFailsHoldsUpNoOther(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	for i := range 3 {
		s.Put(group, fmt.Sprint("orders.", i), connection(sourcetest.Row{User: fmt.Sprint("user", i), Time: recently()}, int64(i+1))...)
	}
	s.FailStream("orders.0", "InvalidParameterException")
	run := start(t, config(s, group), &sourcetest.Store{})
	run.AwaitWords(t, "eu-central-1/orders login success user1", "eu-central-1/orders login success user2")
	run.AwaitWarning(t, "no login of log group")
	s.FailStream("orders.0", "")
	run.AwaitWords(t, "eu-central-1/orders login success user0", "eu-central-1/orders login success user1", "eu-central-1/orders login success user2")
}

// A log group that is left out of the configuration for a while, and comes back, is read on from where it was.
func TestALogGroupThatComesBackIsReadOn(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	other, store := "/aws/rds/instance/other/postgresql", &sourcetest.Store{}
	s.Put(group, stream, connection(sourcetest.Row{User: "anna", Time: recently()}, 1)...)
	s.AddGroup(other)
	run := start(t, config(s, group, other), store)
	run.AwaitWords(t, "eu-central-1/orders login success anna")
	run.Stop(t)
	s.Put(other, stream, connection(sourcetest.Row{User: "bert", Time: recently()}, 2)...)
	run = start(t, config(s, other), store)
	run.AwaitWords(t, "eu-central-1/other login success bert")
	run.Stop(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "carl", Time: time.Now()}, 3)...)
	start(t, config(s, group, other), store).AwaitWords(t, "eu-central-1/orders login success carl")
}

func TestCheckConnection(t *testing.T) {
	awslogstest.SetCredentials(t)
	s := engine.Start(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "anna", Time: recently()}, 1)...)
	s.Put("/aws/rds/instance/odd/postgresql", "odd.0", engine.Event{Time: recently(), Message: "no log of ours"})
	s.Put("/aws/rds/instance/quiet/postgresql", "quiet.0")
	cfg := config(s, group, "/aws/rds/instance/odd/postgresql", "/aws/rds/instance/quiet/postgresql", "/aws/rds/instance/gone/postgresql")
	check := func() (lines []string) {
		for _, f := range cfg.CheckConnection(t.Context()) {
			require.Equal(t, f.OK, f.Remedy == "", "%+v", f)
			lines = append(lines, fmt.Sprint(f.OK, " ", f.Subject, " ", f.Key))
		}
		return lines
	}
	require.Equal(t, []string{
		"true credentials ", "true streams of " + group + " ", "true events of " + group + " format",
		"true streams of /aws/rds/instance/odd/postgresql ", "false events of /aws/rds/instance/odd/postgresql format",
		"true streams of /aws/rds/instance/quiet/postgresql ", "false events of /aws/rds/instance/quiet/postgresql format",
		"false log group /aws/rds/instance/gone/postgresql log_groups",
	}, check())
	cfg.LogGroups = []string{group}
	s.Refuse(awslogstest.AccessKey, "UnrecognizedClientException")
	require.Equal(t, []string{"true credentials ", "false log group " + group + " role_arn"}, check())
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	require.Equal(t, []string{"false credentials role_arn"}, check())
	cfg.Region = ""
	require.Equal(t, []string{"false AWS configuration region"}, check())
	var _ connectcheck.Checker = cfg
}

func TestValidate(t *testing.T) {
	s := &engine.Server{URL: "http://127.0.0.1:1"}
	for _, c := range []struct {
		change func(*cloudwatch.Config)
		want   string
	}{
		{func(c *cloudwatch.Config) { c.LogGroups = nil }, "log_groups: required"},
		{func(c *cloudwatch.Config) { c.LogGroups = []string{"/aws/*"} }, "log_groups[0]: "},
		{func(c *cloudwatch.Config) { c.LogGroups = []string{"a", "a"} }, "log_groups[1]: a is written twice"},
		{func(c *cloudwatch.Config) { c.StreamPrefixes = []string{""} }, "stream_prefixes[0]: "},
		{func(c *cloudwatch.Config) { c.Endpoint = "http://logs.example.com" }, "endpoint: must be https"},
		{func(c *cloudwatch.Config) { c.RoleARN = "reader" }, "role_arn: "},
		{func(c *cloudwatch.Config) { c.ExternalID = "x" }, "external_id: "},
		{func(c *cloudwatch.Config) { c.Format = "text" }, "format: "},
		{func(c *cloudwatch.Config) { c.Timezone = "CEST" }, "timezone: "},
		{func(c *cloudwatch.Config) { c.LogLinePrefix = "x" }, "log_line_prefix: "},
		{func(c *cloudwatch.Config) { c.Overlap = 0 }, "overlap: "},
		{func(c *cloudwatch.Config) { c.CollectionInterval = 0 }, "collection_interval: "},
		{func(c *cloudwatch.Config) { c.BatchSize = 0 }, "batch_size: "},
		{func(c *cloudwatch.Config) { c.MaxLineBytes = 1 }, "max_line_bytes: "},
		{func(c *cloudwatch.Config) { c.Initial = "middle" }, "initial: "},
	} {
		cfg := config(s, group)
		require.NoError(t, cfg.Validate())
		c.change(&cfg)
		err := cfg.Validate()
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, strings.ToLower(err.Error()), "secret")
	}
}
