package file_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Real logs of every format are told apart by their content alone, and a restart behind each page tells the same.
func TestRealLogsOfEveryFormat(t *testing.T) {
	const dialects = "../../../internal/dialect/"
	for _, test := range []struct{ path, prefix, system string }{
		{"postgreslog/testdata/18/log.jsonl", "", session.SystemPostgreSQL},
		{"postgreslog/testdata/15/log.csv", "", session.SystemPostgreSQL},
		{"postgreslog/testdata/15/stderr.log", "%m [%p] %q%u@%d %h %a ", session.SystemPostgreSQL},
		{"mariadblog/testdata/server_audit.log", "", "mariadb"},
		{"mongodblog/testdata/mongod.log", "", session.SystemMongoDB},
		{"sshlog/testdata/auth.log", "", "sshd"},
	} {
		t.Run(test.path, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			write(t, path, content(t, dialects+test.path))
			cfg := config(path)
			cfg.LogLinePrefix = test.prefix
			want := once(t, cfg, &sourcetest.Store{})
			require.Zero(t, want.stats.Counts().BadRows, "%v", want.stats.Counts().Reasons)
			require.Greater(t, len(want.Delivered()), 10)
			for i := range want.Delivered() {
				require.Equal(t, test.system, want.Delivered()[i].System)
			}

			cfg.BatchSize = 1
			store := &sourcetest.Store{}
			byID := map[session.ID]bool{}
			for runs := 0; len(byID) < len(want.Delivered()) && runs < 3*len(want.Delivered()); runs++ {
				j := newJob(t)
				j.Fate = stopAfter(j, 4) // one record may decide several
				cfg.Follow = false
				j.begin(t, newSource(t, cfg), store)
				j.wait(t)
				for _, e := range j.Delivered() {
					byID[e.RecordID] = true
				}
			}
			for _, id := range ids(want.Delivered()) {
				require.True(t, byID[id], "a restart has lost a record")
			}
			require.Len(t, byID, len(want.Delivered()))
		})
	}
}
