package sealtest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	checkpoint "github.com/transparency-dev/formats/log"
	cosignature "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealing"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
)

// standInWitness does what c2sp.org/tlog-witness says, for one log, and checks proofs with another implementation than ours.
type standInWitness struct {
	*httptest.Server
	t      testing.TB
	public string
	signer *cosignature.Signer
	log    note.Verifier

	mu      sync.Mutex
	last    checkpoint.Checkpoint
	text    string // of the last one, cosigned
	asked   []string
	refuses int           // with which status; 0: it does not
	delay   time.Duration // before each answer
}

func startWitness(t testing.TB, log string) *standInWitness {
	secret, public, err := note.GenerateKey(nil, "witness.example.net/w1")
	require.NoError(t, err)
	signer, err := cosignature.NewSignerForCosignatureV1(secret)
	require.NoError(t, err)
	public, err = cosignature.VKeyToCosignatureV1(public)
	require.NoError(t, err)
	verifier, err := note.NewVerifier(log)
	require.NoError(t, err)
	w := &standInWitness{t: t, public: public, signer: signer, log: verifier}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

func (w *standInWitness) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.Method == http.MethodGet {
		if r.URL.Path == fmt.Sprintf("/%x/checkpoint", sha256.Sum256([]byte(w.log.Name()))) {
			_, _ = io.WriteString(answer, w.text)
		}
		return
	}
	time.Sleep(w.delay)
	status, text := w.addCheckpoint(r.URL.Path, string(body))
	if w.asked = append(w.asked, fmt.Sprint(status)); status == http.StatusConflict {
		answer.Header().Set("Content-Type", "text/x.tlog.size")
	}
	answer.WriteHeader(status)
	_, _ = io.WriteString(answer, text)
}

func (w *standInWitness) addCheckpoint(path, body string) (status int, answer string) {
	if w.refuses != 0 {
		return w.refuses, ""
	}
	request, text, found := strings.Cut(body, "\n\n")
	lines := strings.Split(request, "\n")
	old, err := strconv.ParseUint(strings.TrimPrefix(lines[0], "old "), 10, 63)
	if path != "/log/add-checkpoint" || !found || err != nil {
		return http.StatusBadRequest, ""
	}
	next, _, n, err := checkpoint.ParseCheckpoint([]byte(text), w.log.Name(), w.log)
	if err != nil {
		return http.StatusForbidden, ""
	}
	if old != w.last.Size {
		return http.StatusConflict, fmt.Sprintln(w.last.Size)
	}
	var hashes [][]byte
	for _, line := range lines[1:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return http.StatusBadRequest, ""
		}
		hashes = append(hashes, hash)
	}
	if old > 0 && proof.VerifyConsistency(rfc6962.DefaultHasher, old, next.Size, hashes, w.last.Hash, next.Hash) != nil || old == 0 && len(hashes) > 0 {
		return http.StatusUnprocessableEntity, ""
	}
	signed, err := note.Sign(&note.Note{Text: n.Text, Sigs: n.Sigs}, w.signer)
	if err != nil {
		return http.StatusInternalServerError, ""
	}
	w.last, w.text = *next, string(signed)
	lines = strings.Split(strings.TrimSuffix(w.text, "\n"), "\n")
	return http.StatusOK, "\u2014 somebody.else AAAAAAAA\n" + lines[len(lines)-1] + "\n"
}

// takeAsked are the answers since the last call.
func (w *standInWitness) takeAsked() (asked []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked, w.asked = w.asked, nil
	return asked
}

func (w *standInWitness) refuse(status int, delay time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuses, w.delay = status, delay
}

// witnessCosigns: the last head of a run is cosigned, and those before that came while nobody was asked, across restarts. A witness that refuses or is silent holds up nothing, and one that remembers shows what went back.
func witnessCosigns(t *testing.T, r *sealRig) {
	secret, err := os.ReadFile(r.cfg.KeyFile)
	require.NoError(t, err)
	key, err := seal.ParseKey(strings.TrimSpace(string(secret)))
	require.NoError(t, err)
	log, err := key.LogKey(keyName + "/a")
	require.NoError(t, err)
	w := startWitness(t, log)
	r.cfg.Heads.Every = 20 * time.Millisecond
	r.cfg.Witnesses = make([]sealing.WitnessConfig, 1)
	r.cfg.Witnesses[0].Client.Endpoint, r.cfg.Witnesses[0].Key = w.URL+"/log/", w.public
	r.cfg.Witnesses[0].Client.Timeout = time.Second

	runUntil := func(enough func() bool, from, to int) {
		b := r.start()
		_, err := b.Write(t.Context(), numbers(from, to))
		require.NoError(t, err)
		require.Eventually(t, enough, 10*time.Second, 5*time.Millisecond)
		require.NoError(t, b.Shutdown(context.Background()))
	}
	runUntil(func() bool { return r.cosigned.Load() > 3 }, 0, 1000)
	require.NotContains(t, w.takeAsked(), "409", "one run knows what was cosigned")
	witness := func() string { return r.requireWitness(w.public, keyName+"/a") }
	require.Equal(t, "", witness())

	runUntil(func() bool { return r.cosigned.Load() > 8 }, 1000, 3000)
	asked := w.takeAsked()
	require.Equal(t, []string{"409", "200"}, asked[:2], "the first of a run is proven from the table")
	require.NotContains(t, asked[1:], "409")
	require.Equal(t, "", witness())
	require.Zero(t, r.alone.Load())

	for _, status := range []int{403, 404, 422, 503} {
		w.refuse(status, 0)
		before := r.alone.Load()
		runUntil(func() bool { return r.alone.Load() > before+1 }, 3000+status, 3001+status)
	}
	r.cfg.Witnesses[0].Client.Timeout = 30 * time.Millisecond
	w.refuse(0, 100*time.Millisecond)
	before := r.alone.Load()
	runUntil(func() bool { return r.alone.Load() > before }, 4000, 4001)
	w.refuse(0, 2*time.Second)
	r.cfg.Witnesses[0].Client.Timeout = 10 * time.Second
	before = r.alone.Load()
	r.write(numbers(5000, 5001))
	require.Greater(t, r.alone.Load(), before, "a collector that ends does not wait as long as it else would")
	w.refuse(0, 0)
	r.cfg.Witnesses[0].Client.Timeout = time.Second
	before = r.cosigned.Load()
	old := r.copyFolder()
	runUntil(func() bool { return r.cosigned.Load() > before+1 }, 4001, 4002)
	_, found := r.verify(r.heads()...)
	require.Empty(t, found)

	// The table loses its end and the collector its memory: what the witness has tells.
	kept := w.text
	require.NoError(t, os.RemoveAll(r.cfg.Directory))
	require.NoError(t, os.Rename(old, r.cfg.Directory))
	size := fmt.Sprint(w.last.Size - 1)
	r.db.Delete(t, "session_seals", "first >= "+size)
	r.db.Delete(t, "session_seal_pages", "first >= "+size)
	keys, err := seal.ParseKeys(r.public...)
	require.NoError(t, err)
	witnesses, err := seal.ParseKeys(w.public)
	require.NoError(t, err)
	store, err := r.db.Ask(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	var kinds []verify.Kind
	_, err = verify.Run(t.Context(), store, verify.Options{Keys: keys, Witnesses: witnesses, Heads: []string{kept}, At: time.Now()}, func(f verify.Finding) { kinds = append(kinds, f.Kind) })
	require.NoError(t, err)
	require.Contains(t, kinds, verify.KindRolledBack)
	require.Contains(t, kinds, verify.KindNotCosigned)
}

// requireWitness holds the heads that were given away against the table.
func (r *sealRig) requireWitness(public, log string) string {
	witnesses, err := seal.ParseKeys(public)
	require.NoError(r.t, err)
	heads, cosigned := r.heads(), 0
	for i, head := range heads {
		_, _, err := witnesses.Open(head, log)
		if err == nil {
			cosigned++
		} else if i == len(heads)-1 {
			return head // one before may have come while the witness was asked
		}
	}
	keys, err := seal.ParseKeys(r.public...)
	require.NoError(r.t, err)
	store, err := r.db.Ask(r.t.Context())
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, store.Close()) }()
	summary, err := verify.Run(r.t.Context(), store, verify.Options{Keys: keys, Witnesses: witnesses, Heads: heads, At: time.Now(), MaxAge: time.Minute}, func(f verify.Finding) { r.t.Error(f) })
	require.NoError(r.t, err)
	require.Equal(r.t, cosigned, summary.Cosigned)
	return ""
}

func (r *sealRig) copyFolder() string {
	to := filepath.Join(r.t.TempDir(), "seal")
	require.NoError(r.t, exec.CommandContext(r.t.Context(), "cp", "-a", r.cfg.Directory, to).Run())
	return to
}
