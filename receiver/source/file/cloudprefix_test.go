package file_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// TestPrefixesOfTheCloudsOnRealServers: the two that read nothing at first, the one that log analysers ask for, and one in which no blank
// stands, with log_error_verbosity = verbose: all that was done is told, SQLSTATEs too.
func TestPrefixesOfTheCloudsOnRealServers(t *testing.T) {
	for _, version := range []int{15, 18} {
		for _, prefix := range []string{"%t-%c-", "%t:%r:%u@%d:[%p]:", "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "%p-%s-%c-%l-%h-%u-%d-%m"} {
			t.Run(fmt.Sprint(version, " ", prefix), func(t *testing.T) {
				t.Parallel()
				s := postgresql.Start(t, postgresql.Version(version), postgresql.LogFormats(server.Stderr), postgresql.LogLinePrefix(prefix),
					postgresql.Setting("log_error_verbosity", "verbose"), postgresql.Timezone("Asia/Kathmandu")) // +0545
				cfg := serverConfig(s.LogDir(), server.Stderr)
				cfg.LogLinePrefix, cfg.Timezone = prefix, "Asia/Kathmandu"
				j := start(t, cfg, &sourcetest.Store{})
				all := mix(t, s.Logins(t), 25, 6)
				awaitDone(t, j, done(all))
				j.stop(t)
				requireNoBadRows(t, j)
			})
		}
	}
}

// TestOneFleetConfigurationOfManyServers: the same text of two servers, as two copies of a machine write it, is two logs, whose records and
// sessions have other ids in every format.
func TestOneFleetConfigurationOfManyServers(t *testing.T) {
	const samples = "../../../internal/dialect/postgreslog/testdata/15/"
	for _, name := range []string{"log.jsonl", "log.csv", "stderr.log"} {
		records, sessions := map[session.ID]string{}, map[session.ID]string{}
		for _, instance := range []string{"db-1:/var/log/postgresql", "db-2:/var/log/postgresql"} {
			cfg := config(samples + name)
			cfg.LogLinePrefix, cfg.Follow = "%m [%p] %q%u@%d %h %a ", false
			src, err := file.New(cfg, instance, componenttest.NewNopTelemetrySettings())
			require.NoError(t, err)
			j := newJob(t)
			j.begin(t, src, &sourcetest.Store{})
			j.wait(t)
			require.NotEmpty(t, j.Delivered())
			for _, e := range j.Delivered() {
				require.Contains(t, []string{"", instance}, records[e.RecordID], "%s: two servers share a record's id", name)
				require.Contains(t, []string{"", instance}, sessions[e.SessionKey], "%s: two servers share a session's key", name)
				records[e.RecordID], sessions[e.SessionKey] = instance, instance
			}
		}
	}
}
