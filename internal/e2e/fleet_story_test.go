package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/proof"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// fleet is examples/fleet: agents on machines of their own, all with the same file, two gateways, one ClickHouse.
type fleet struct {
	machines         *machines
	certificates     string // the folder
	clickhouse       *testengine.Server
	gateways, agents []*collector
	logs             []*os.File
	logins, written  int // of each agent
	kills            int
	agentMiB         int // the most that an agent had of its own, without the pages of the program's file
}

// TestFleetStory: logins of sshd on every machine, while gateways and ClickHouse are killed in turn. Each login and logout is a row, once.
func TestFleetStory(t *testing.T) {
	besideOthers(t)
	rows, agents := number(t, envStoryRows, 2_000), number(t, envStoryAgents, 2)
	f := &fleet{machines: newMachines(t), certificates: t.TempDir(), clickhouse: testengine.ClickHouse(t, testengine.LogsOnDemand()), logins: rows / agents}
	writeCertificate(t, f.certificates, "gateways.example.org")
	begin := time.Now()
	f.startAll(t, agents)
	f.kills = 3 // each gateway and ClickHouse once
	if os.Getenv(envStoryRows) != "" {
		f.kills = kills
	}
	for n := range f.kills {
		f.write(t, f.logins*(n+1)/(f.kills+1))
		f.awaitLogins(t, f.written*agents/2)
		switch victim := n % 3; victim {
		case 2:
			f.clickhouse.Kill(t)
			f.clickhouse.Restart(t)
		default:
			f.gateways[victim].kill(t)
			time.Sleep(time.Second) // the other one has all agents
			f.gateways[victim].start(t)
		}
	}
	f.write(t, f.logins)
	f.awaitLogins(t, f.logins*agents)
	f.requireEachOnce(t)
	f.note(t, time.Since(begin))
}

const (
	envStoryAgents = "SESSIONLOG_STORY_AGENTS"
	envStoryAgent  = "SESSIONLOG_STORY_AGENT" // the agents' program, COMMIT=path, where it is not this tree's
)

// agentProgram is which commit's it is, too.
func agentProgram(t *testing.T) (commit, path string) {
	t.Helper()
	if commit, path, other := strings.Cut(os.Getenv(envStoryAgent), "="); other {
		return commit, path
	}
	return proof.Commit(t.Context()), ""
}

func (f *fleet) startAll(t *testing.T, agents int) {
	environment := []string{
		"SESSIONLOG_TLS=" + f.certificates, "SESSIONLOG_CLICKHOUSE=clickhouse://" + f.machines.publish(t, f.clickhouse.Native),
		"SESSIONLOG_CLICKHOUSE_USER=" + server.Admin.Name, "SESSIONLOG_CLICKHOUSE_PASSWORD=" + server.Admin.Password,
	}
	example, err := filepath.Abs("../../examples/fleet")
	require.NoError(t, err)
	_, agent := agentProgram(t)
	start := func(name, file, overlay, program string) *collector {
		dir := t.TempDir()
		c := &collector{
			config: filepath.Join(example, file), dir: dir, before: f.machines.on(t, name), program: program,
			env: append([]string{"STATE_DIRECTORY=" + dir}, environment...),
		}
		if overlay != "" { // an agent
			c.env = append(c.env, agentMemory)
			c.overlay = filepath.Join(dir, "overlay.yaml")
			require.NoError(t, os.WriteFile(c.overlay, []byte(strings.ReplaceAll(overlay, "$DIR", dir)), 0o600))
		}
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("the log of %s:\n%s", name, c.log)
			}
			if c.cmd != nil {
				c.kill(t)
			}
		})
		c.start(t)
		return c
	}
	for _, name := range []string{"g1", "g2"} {
		f.machines.hosts += f.machines.add(t, name) + " gateways.example.org\n"
		f.gateways = append(f.gateways, start(name, "gateway.yaml", "", ""))
	}
	for i := range agents {
		name := fmt.Sprintf("a%d", i)
		f.machines.add(t, name)
		log, err := os.Create(filepath.Join(t.TempDir(), "auth.log"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = log.Close() })
		f.logs = append(f.logs, log)
		f.agents = append(f.agents, start(name, "agent.yaml", fmt.Sprintf(fileInPlaceOfJournal, log.Name()), agent))
	}
}

// agentMemory is the example's, README.md.
const agentMemory = "GOMEMLIMIT=32MiB"

// fileInPlaceOfJournal is all that differs from the example: these machines have no journal of their own.
const fileInPlaceOfJournal = `
receivers:
  sessionlog/story:
    file: {include: [%q], format: sshd, poll_interval: 100ms, batch_size: 256}
    storage: file_storage
    dead_letter: {directory: $DIR/dead_letter}
service: {pipelines: {logs: {receivers: [sessionlog/story]}}}
`

// write lets every log have so many logins, each with its logout.
func (f *fleet) write(t *testing.T, logins int) {
	t.Helper()
	at := time.Now().Add(-time.Hour)
	for i, log := range f.logs {
		var text strings.Builder
		for k := f.written; k < logins; k++ {
			head := fmt.Sprintf("%s a%d sshd[%d]: ", at.Add(time.Duration(k)*time.Millisecond).Format("2006-01-02T15:04:05.000000-07:00"), i, 1000+k)
			fmt.Fprintf(&text, "%sAccepted publickey for a%d-%d from 192.0.2.%d port %d ssh2: ED25519 SHA256:PcCpmeqAGLM2znGCnA/qBQir4tIJ0w06IFpnpZZF2Jc\n", head, i, k, i%250, 1024+k%60_000)
			fmt.Fprintf(&text, "%spam_unix(sshd:session): session closed for user a%d-%d\n", head, i, k)
		}
		_, err := log.WriteString(text.String())
		require.NoError(t, err)
	}
	f.written = logins
}

func (f *fleet) awaitLogins(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		f.agentMiB = max(f.agentMiB, mostMiB(f.agents, "RssAnon"))
		rows, err := f.clickhouse.TryQuery(t.Context(), "SELECT count() FROM sessionlog.session_events WHERE kind = 'login'")
		if err != nil {
			return false // not started yet, or killed
		}
		stored, _ := strconv.Atoi(rows[0][0])
		return stored >= n
	}, patience*4+time.Duration(n/2000)*time.Second, 3*quick)
}

func (f *fleet) requireEachOnce(t *testing.T) {
	t.Helper()
	agents, all := len(f.agents), strconv.Itoa(len(f.agents)*f.logins)
	require.Eventually(t, func() bool { // logouts come behind logins
		return f.clickhouse.Query(t, "SELECT count() FROM sessionlog.session_events WHERE kind = 'logout'")[0][0] == all
	}, patience, quick)
	got := f.clickhouse.Query(t, `SELECT count(), uniqExact(record_id), countIf(kind = 'login'), uniqExactIf(user_name, kind = 'login'), uniqExactIf(user_name, kind = 'logout'),
		uniqExact(instance), countIf(kind = 'login' AND client_port != 1024 + toUInt32(splitByChar('-', user_name)[2]) % 60000),
		countIf(NOT startsWith(instance, splitByChar('-', user_name)[1] || ':')) FROM sessionlog.session_events`)
	twice := strconv.Itoa(2 * agents * f.logins)
	require.Equal(t, []string{twice, twice, all, all, all, strconv.Itoa(agents), "0", "0"}, got[0])
}

// note appends to the file of results. An agent's peak has the pages of the program's file in it, which are shared and can be dropped: 30 or 75 MiB
// of the same file, by how large the pieces are in which the system's cache has it.
func (f *fleet) note(t *testing.T, spent time.Duration) {
	t.Helper()
	agentCommit, _ := agentProgram(t)
	result := []string{proof.Commit(t.Context()), agentCommit, strconv.Itoa(len(f.agents)), strconv.Itoa(len(f.gateways)), strconv.Itoa(f.logins * len(f.agents)), strconv.Itoa(f.kills), fmt.Sprintf("%.0f", spent.Seconds())}
	for _, value := range []int{mostMiB(f.agents, "VmHWM"), f.agentMiB, mostMiB(f.gateways, "VmHWM")} {
		result = append(result, strconv.Itoa(value))
	}
	t.Log(result)
	if path := os.Getenv(envStoryResults); path != "" {
		require.NoError(t, proof.Append(path, result))
	}
}

// mostMiB is the highest value of /proc/PID/status.
func mostMiB(collectors []*collector, key string) int {
	most := 0
	for _, c := range collectors {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
		if m := regexp.MustCompile(key + `:\s+(\d+) kB`).FindSubmatch(status); m != nil {
			kib, _ := strconv.Atoi(string(m[1]))
			most = max(most, kib>>10)
		}
	}
	return most
}

// writeCertificate makes one certificate that is its own authority, for servers and clients.
func writeCertificate(t *testing.T, folder string, names ...string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: slices.Clone(names), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for file, text := range map[string][]byte{"ca.pem": certificate, "cert.pem": certificate, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, file), text, 0o600))
	}
}
