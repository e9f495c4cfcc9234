package cloudwatch_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/source/cloudwatch"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
)

// What is throttled is tried again, counted and said.
func TestThrottling(t *testing.T) {
	setCredentials(t)
	s := engine.Start(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "anna", Time: recently()}, 1)...)
	s.Fail("ThrottlingException", "ThrottlingException")
	run := start(t, config(s, group), &sourcetest.Store{})
	run.await(t, "eu-central-1/orders login success anna")
	run.awaitWarning(t, "collection_interval")
	require.Equal(t, 2, run.stats.Counts().Failed)
}

// Credentials that end are asked for anew, and said where there are no others.
func TestExpiredCredentials(t *testing.T) {
	setCredentials(t)
	var asked atomic.Int64
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{
			"AccessKeyId": fmt.Sprintf("ASIA%d", asked.Add(1)), "SecretAccessKey": "test-secret", "Token": "token", "Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		})
	}))
	t.Cleanup(container.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.URL)
	s := engine.Start(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "anna", Time: recently()}, 1)...)
	s.Refuse("ASIA1", "ExpiredTokenException")
	run := start(t, config(s, group), &sourcetest.Store{})
	run.await(t, "eu-central-1/orders login success anna")
	run.awaitWarning(t, "credentials that renew themselves")
	require.Positive(t, s.CallsWith("ASIA2"))
	require.False(t, run.warned("test-secret"))
}

// Another role is taken on with the credentials that there are.
func TestRole(t *testing.T) {
	setCredentials(t)
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
	start(t, cfg, &sourcetest.Store{}).await(t, "eu-central-1/orders login success anna")
	require.Positive(t, s.CallsWith("ASIAROLE"))
	require.Zero(t, s.CallsWith(accessKey))
}

// What keeps a group from being read names its key, and other groups are read.
func TestTroubleNamesItsKey(t *testing.T) {
	setCredentials(t)
	s := engine.Start(t)
	s.Put(group, stream, connection(sourcetest.Row{User: "anna", Time: recently()}, 1)...)
	s.AddGroup("/aws/rds/instance/empty/postgresql")
	run := start(t, config(s, "/aws/rds/instance/gone/postgresql", "/aws/rds/instance/empty/postgresql", group), &sourcetest.Store{})
	run.await(t, "eu-central-1/orders login success anna")
	run.awaitWarning(t, "log_groups")
	run.awaitWarning(t, "the log group has no stream to read")
	s.Deny("FilterLogEvents", true)
	run.awaitWarning(t, "logs:FilterLogEvents on the log group")
	s.Deny("FilterLogEvents", false)
	s.Put(group, stream, connection(sourcetest.Row{User: "bert", Time: time.Now()}, 2)...)
	run.await(t, "eu-central-1/orders login success anna", "eu-central-1/orders login success bert")
}

func TestCheckConnection(t *testing.T) {
	setCredentials(t)
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
	s.Refuse(accessKey, "UnrecognizedClientException")
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
