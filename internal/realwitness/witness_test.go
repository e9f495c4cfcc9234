// Package realwitness has heads of a collector cosigned by the witness of the public witness network. It is a module of its own, which imports nothing of ours.
package realwitness

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/transparency-dev/formats/log"
	cosignature "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

const config = `
receivers:
  sessionlog: {file: {include: ['$ROOT/internal/dialect/sshlog/testdata/auth.log'], timezone: UTC}, instance: bastion}
exporters:
  sessionlog:
    sqlite: {path: '$DIR/session_log.db'}
    seal:
      key_file: $DIR/seal.key
      directory: $DIR/seal
      writer: a
      interval: 20ms
      heads: {every: 1s}
      witnesses: [{endpoint: '$WITNESS', key: '$KEY'}]
service:
  telemetry:
    logs: {level: info, encoding: json}
    metrics: {level: none}
  pipelines:
    logs: {receivers: [sessionlog], exporters: [sessionlog]}
`

// recorder is a witness, and what it has answered.
type recorder struct {
	sync.Mutex
	answers []int
	key     string // of the log; empty: it knows none
}

func (r *recorder) start(t *testing.T) (url, public string) {
	secret, public, err := note.GenerateKey(nil, "witness.example.net/w1")
	require.NoError(t, err)
	signer, err := cosignature.NewSignerForCosignatureV1(secret)
	require.NoError(t, err)
	public, err = cosignature.VKeyToCosignatureV1(public)
	require.NoError(t, err)
	w, err := witness.New(t.Context(), witness.Opts{Persistence: inmemory.New(), Signers: []note.Signer{signer}, VerifierForLog: r.verifierForLog})
	require.NoError(t, err)
	handler := witness.NewHTTPHandler(w)
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		recorded := httptest.NewRecorder()
		handler.AddCheckpoint(recorded, request)
		r.Lock()
		r.answers = append(r.answers, recorded.Code)
		r.Unlock()
		answer.WriteHeader(recorded.Code)
		_, _ = answer.Write(recorded.Body.Bytes())
	}))
	t.Cleanup(server.Close)
	return server.URL, public
}

func (r *recorder) verifierForLog(_ context.Context, origin string) (note.Verifier, bool, error) {
	r.Lock()
	defer r.Unlock()
	if r.key == "" {
		return nil, false, nil
	}
	verifier, err := note.NewVerifier(r.key)
	return verifier, err == nil && verifier.Name() == origin, err
}

// TestTheWitnessNetworksOwnWitness: it cosigns each head within a run, and after a restart, which it answers with 409 first.
func TestTheWitnessNetworksOwnWitness(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	program := os.Getenv("SESSIONLOG_COLLECTOR")
	if program == "" {
		program = filepath.Join(root, ".cache", "bench", "otelcol-sessionlog")
		build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", program, "./cmd/otelcol-sessionlog")
		build.Dir, build.Env = root, append(os.Environ(), "GOWORK=")
		out, err := build.CombinedOutput()
		require.NoError(t, err, string(out))
	}

	r := &recorder{}
	url, public := r.start(t)
	dir := t.TempDir()
	secret, _, err := note.GenerateKey(nil, "audit.example.net/logins")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "seal.key"), []byte(secret), 0o600))
	file := filepath.Join(dir, "collector.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.NewReplacer("$ROOT", root, "$DIR", dir, "$WITNESS", url, "$KEY", public).Replace(config)), 0o600))
	run := func(enough func(said string) bool) {
		said, err := os.Create(filepath.Join(dir, "log"))
		require.NoError(t, err)
		c := exec.Command(program, "--config", file)
		c.Stdout, c.Stderr = said, said
		require.NoError(t, c.Start())
		require.Eventually(t, func() bool {
			text, err := os.ReadFile(said.Name())
			return err == nil && enough(string(text))
		}, 20*time.Second, 20*time.Millisecond)
		require.NoError(t, c.Process.Signal(os.Interrupt))
		require.NoError(t, c.Wait())
		require.NoError(t, said.Close())
	}

	run(func(said string) bool { // it tells the key that the witness has to know
		_, rest, found := strings.Cut(said, `"log_key":"`)
		r.Lock()
		defer r.Unlock()
		r.key, _, _ = strings.Cut(rest, `"`)
		return found && len(r.answers) > 1
	})
	require.NotContains(t, r.answers[1:], http.StatusConflict, "one run knows what was cosigned")
	first := len(r.answers)
	run(func(string) bool {
		r.Lock()
		defer r.Unlock()
		return len(r.answers) > first+2
	})
	require.Equal(t, []int{http.StatusConflict, http.StatusOK}, r.answers[first:first+2])
	require.NotContains(t, r.answers[first+1:], http.StatusConflict)
	require.NotContains(t, r.answers, http.StatusUnprocessableEntity)

	heads, err := os.ReadFile(filepath.Join(dir, "seal", "heads"))
	require.NoError(t, err)
	verifier, err := cosignature.NewVerifierForCosignatureV1(public)
	require.NoError(t, err)
	blocks := strings.Split(strings.TrimSpace(string(heads)), "\n\naudit.")
	last := "audit." + strings.TrimPrefix(blocks[len(blocks)-1], "audit.") + "\n"
	_, _, _, err = log.ParseCheckpoint([]byte(last), "audit.example.net/logins/a", verifier)
	require.NoError(t, err, last)
}
