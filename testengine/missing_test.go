package testengine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/engines"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
	"github.com/otel-sessionlog/sessionlog/testengine/zookeeper"
)

// runSelf runs one test of this binary in another environment, for a skip or a failure of it is what is to be seen.
func runSelf(t *testing.T, test string, env ...string) (output, skips string, err error) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	skipFile := filepath.Join(t.TempDir(), "skips")
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), EnvRequire+"=", EnvClickHouse+"=", EnvSkips+"="+skipFile)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	written, _ := os.ReadFile(skipFile)
	return string(out), string(written), err
}

func TestAMissingEngineSkipsAndSaysTheRemedy(t *testing.T) {
	output, skips, err := runSelf(t, "TestStartsAndAnswers", engines.EnvDir+"="+t.TempDir())
	require.NoError(t, err, output)
	require.Contains(t, output, "--- SKIP: TestStartsAndAnswers")
	require.Equal(t, "TestStartsAndAnswers\treal ClickHouse missing\trun 'make engines'\n", skips)
}

func TestAMissingEngineFailsWhereEnginesAreRequired(t *testing.T) {
	output, skips, err := runSelf(t, "TestStartsAndAnswers", engines.EnvDir+"="+t.TempDir(), EnvRequire+"=1")
	require.Error(t, err)
	require.Contains(t, output, "--- FAIL: TestStartsAndAnswers")
	require.Contains(t, output, "make engines")
	require.Empty(t, skips)
}

// A cluster's tests are the only ones that need ZooKeeper, and so Java: without it nothing may look as if they had run.
func TestAMissingZooKeeperSkipsOrFails(t *testing.T) {
	const test = "TestAClusterReplicatesAndDistributes"
	withoutJava := []string{"PATH=" + t.TempDir(), EnvCluster + "="}
	output, skips, err := runSelf(t, test, withoutJava...)
	require.NoError(t, err, output)
	require.Contains(t, output, "--- SKIP: "+test)
	require.Equal(t, test+"\treal ZooKeeper missing\t"+zookeeper.Remedy+", or name a cluster of yours in "+EnvCluster+"\n", skips)

	output, skips, err = runSelf(t, test, append(withoutJava, EnvRequire+"=1")...)
	require.Error(t, err)
	require.Contains(t, output, "--- FAIL: "+test)
	require.Contains(t, output, zookeeper.Remedy)
	require.Empty(t, skips)
}

func TestAUsersOwnServer(t *testing.T) {
	s := quiet.Get(t)
	env := EnvClickHouse + "=native=" + s.Native + ",http=" + s.HTTP + ",username=" + server.Admin.Name + ",password=" + server.Admin.Password

	output, skips, err := runSelf(t, "TestStartsAndAnswers", env, engines.EnvDir+"="+t.TempDir())
	require.NoError(t, err, output)
	require.Contains(t, output, "--- PASS: TestStartsAndAnswers")
	require.Empty(t, skips)

	for test, reason := range map[string]string{
		"TestKillKeepsWhatWasFlushed":                   "the server would be killed",
		"TestWithoutSessionLogTheTableIsAbsent":         "it needs a server started with NoSessionLog",
		"TestTimezoneApplies":                           "it needs a server in Asia/Kolkata, this one is in UTC",
		"TestPauseRefusesAndResumeLetsIn":               "the server would close a listener",
		"TestAChangedLogDefinitionPutsTheOldTableAside": "the server would be restarted",
	} {
		output, skips, err := runSelf(t, test, env)
		require.NoError(t, err, output)
		require.Contains(t, output, "--- SKIP: "+test)
		require.Contains(t, skips, reason+"\tunset "+EnvClickHouse+"\n")
	}
}

func TestTheOwnServersAddressIsChecked(t *testing.T) {
	s, err := parseExternal("native=h:9000,http=h:8123,username=a%2Cb,password=50%25=")
	require.NoError(t, err)
	require.Equal(t, server.User{Name: "a,b", Password: "50%="}, server.User{Name: s.admin.Name, Password: s.admin.Password})
	for text, want := range map[string]string{
		"native=h:9000":                     "both required",
		"native=h:9000,htp=h:8123":          "entry 2 is none of",
		"native=h,http=h,password=secret%z": "password: a percent sign is written %25",
	} {
		_, err := parseExternal(text)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestTheAccountsOfAnOwnServerAreValidSQL(t *testing.T) {
	s := quiet.Get(t)
	statements := accountsSQL()
	for _, statement := range statements {
		s.Exec(t, "EXPLAIN AST "+statement)
	}
	all := strings.Join(statements, "\n")
	for _, user := range server.Users {
		if user.Name != server.Default.Name {
			require.Contains(t, all, "CREATE USER IF NOT EXISTS "+user.Name+" IDENTIFIED")
		}
	}
}
