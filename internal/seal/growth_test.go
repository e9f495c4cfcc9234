package seal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TestAProofOfGrowthBetweenAnyTwoSizes is accepted by another implementation, and refused for another root.
func TestAProofOfGrowthBetweenAnyTwoSizes(t *testing.T) {
	secret, _, err := seal.GenerateKey("log")
	require.NoError(t, err)
	key, err := seal.ParseKey(secret)
	require.NoError(t, err)
	tips, seals := []seal.Tip{{}}, []seal.Seal{}
	for n := range 40 {
		p := seal.NewPending(seal.NewSeed())
		c := seal.NewCommitter(p.Seed)
		for i := range 1 + (n%3)*300 { // one to three pages
			p.AddRecord(c.Entry(seal.KindEvent, &session.Event{RecordID: session.ID{1, byte(n), byte(i >> 8), byte(i)}}))
		}
		s, next, err := p.Seal(tips[n], key, "log/a")
		require.NoError(t, err)
		tips, seals = append(tips, next), append(seals, s)
	}
	for from := range tips {
		g := seal.GrowthFrom(tips[from])
		for to := from; ; to++ {
			hashes, err := g.Prove()
			require.NoError(t, err)
			var path [][]byte
			for _, h := range hashes {
				path = append(path, h[:])
			}
			before, err := tips[from].Root()
			require.NoError(t, err)
			after, err := tips[to].Root()
			require.NoError(t, err)
			require.NoError(t, proof.VerifyConsistency(rfc6962.DefaultHasher, tips[from].Size, tips[to].Size, path, before[:], after[:]), "%d to %d", from, to)
			if after[0] ^= 1; from > 0 {
				require.Error(t, proof.VerifyConsistency(rfc6962.DefaultHasher, tips[from].Size, tips[to].Size, path, before[:], after[:]))
			}
			if to == len(seals) {
				break
			}
			require.NoError(t, g.Append(&seals[to]))
			require.ErrorIs(t, g.Append(&seals[to]), seal.ErrPagesAltered, "it follows itself")
		}
	}
}

// TestAHeadForWitnesses is one that other programs read with the log's own key, and ours with the one of keygen.
func TestAHeadForWitnesses(t *testing.T) {
	secret, public, err := seal.GenerateKey("audit.example.net/logins")
	require.NoError(t, err)
	key, err := seal.ParseKey(secret)
	require.NoError(t, err)
	p := seal.NewPending(seal.NewSeed())
	p.AddStatement("alive")
	s, _, err := p.Seal(seal.Tip{}, key, "audit.example.net/logins/a")
	require.NoError(t, err)
	head, err := key.ForWitness(s.Head)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(head, s.Head))
	plain, err := key.LogKey(s.Log)
	require.NoError(t, err)
	verifier, err := note.NewVerifier(plain)
	require.NoError(t, err)
	require.Equal(t, s.Log, verifier.Name())
	_, err = note.Open([]byte(head), note.VerifierList(verifier))
	require.NoError(t, err)
	keys, err := seal.ParseKeys(public)
	require.NoError(t, err)
	_, _, err = keys.Open(head, s.Log)
	require.NoError(t, err)
}
