package seal

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// TestEachPageIsProven to a library that is not ours, whatever the size of the seal and of the tree before.
func TestEachPageIsProven(t *testing.T) {
	key := testKey(t)
	for _, before := range []int{0, 1, 256, 257, 3 * 256, 5 * 256, 8 * 256, 13*256 + 7} {
		for _, size := range []int{1, 255, 257, 1000} {
			var tip Tip
			if before > 0 {
				_, tip = sealNumbers(t, tip, key, 0, before)
			}
			s, next := sealNumbers(t, tip, key, before, before+size, "alive")
			root, err := next.Root()
			require.NoError(t, err)
			index := tip.Size
			number := before
			for page := range pagesOf(s.Manifest) {
				p, err := s.Prove(tip, eventNumber(number))
				require.NoError(t, err)
				require.Equal(t, page, p.Page)
				inclusion, err := parseInclusion(p.Inclusion)
				require.NoError(t, err)
				require.Equal(t, index, inclusion.Index)
				hashes := [][]byte{}
				for _, h := range inclusion.Hashes {
					hashes = append(hashes, h[:])
				}
				require.NoError(t, proof.VerifyInclusion(rfc6962.DefaultHasher, index, next.Size, rfc6962.DefaultHasher.HashLeaf(page), hashes, root[:]))
				require.Equal(t, root, rootOfSteps(t, &p))
				shown, err := p.Check(key.Keys())
				require.NoError(t, err)
				require.Equal(t, eventNumber(number).RecordID, shown.Event.RecordID)
				require.Equal(t, []any{origin, index, KindEvent}, []any{shown.Log, shown.Page, shown.Kind})
				require.WithinDuration(t, time.Now(), shown.Sealed, time.Minute)
				index++
				for e, err := range Entries(page) {
					require.NoError(t, err)
					if e.Kind == KindEvent {
						number++
					}
				}
			}
			require.Equal(t, next.Size, index)
			require.Equal(t, before+size, number)
		}
	}
}

// rootOfSteps hashes as the shell does.
func rootOfSteps(t *testing.T, p *RecordProof) Hash {
	t.Helper()
	steps, err := p.InclusionSteps()
	require.NoError(t, err)
	h := sha256.Sum256(append([]byte{0}, p.Page...))
	for _, step := range steps {
		node := unhex(t, step[1:])
		pair := append(append([]byte{1}, h[:]...), node...)
		if step[0] == 'L' {
			pair = append(append([]byte{1}, node...), h[:]...)
		}
		h = sha256.Sum256(pair)
	}
	return h
}

// TestOneFlippedBitOfAProofIsRefused wherever it is.
func TestOneFlippedBitOfAProofIsRefused(t *testing.T) {
	key := testKey(t)
	_, tip := sealNumbers(t, Tip{}, key, 0, 700)
	s, _ := sealNumbers(t, tip, key, 700, 710, "begin")
	p, err := s.Prove(tip, eventNumber(703))
	require.NoError(t, err)
	_, err = p.Check(key.Keys())
	require.NoError(t, err)
	flipped := 0
	for _, part := range []func(*RecordProof) *[]byte{
		func(p *RecordProof) *[]byte { return &p.Record }, func(p *RecordProof) *[]byte { return &p.Page }, func(p *RecordProof) *[]byte { return &p.Inclusion },
	} {
		for bit := 0; bit < 8*len(*part(&p)); bit += 3 {
			altered := p
			b := bytes.Clone(*part(&p))
			b[bit/8] ^= 1 << (bit % 8)
			*part(&altered) = b
			_, err := altered.Check(key.Keys())
			require.Error(t, err, "%q", b)
			flipped++
		}
		for _, change := range []func([]byte) []byte{func(b []byte) []byte { return b[:len(b)-1] }, func(b []byte) []byte { return append(b, '\n') }, func([]byte) []byte { return nil }} {
			altered := p
			*part(&altered) = change(bytes.Clone(*part(&p)))
			_, err := altered.Check(key.Keys())
			require.Error(t, err)
		}
	}
	require.Greater(t, flipped, 5000)
	_, err = p.Check(testKey(t).Keys())
	require.ErrorIs(t, err, ErrForgedHead)
	extra := p
	extra.Inclusion = bytes.Replace(p.Inclusion, []byte("index"), []byte("extra QUFB\nindex"), 1)
	_, err = extra.Check(key.Keys())
	require.ErrorIs(t, err, ErrNotProven, "what nobody has signed")
}

// TestOnlyWhatWasSealedIsProven: not an altered record, not one of altered pages.
func TestOnlyWhatWasSealedIsProven(t *testing.T) {
	key := testKey(t)
	s, _ := sealNumbers(t, Tip{}, key, 0, 300)
	e := eventNumber(7)
	e.User = "mallory"
	_, err := s.Prove(Tip{}, e)
	require.ErrorIs(t, err, ErrNotSealed)
	altered := s
	altered.Manifest = bytes.Clone(s.Manifest)
	altered.Manifest[len(s.Manifest)-1] ^= 1
	_, err = altered.Prove(Tip{}, eventNumber(7))
	require.ErrorIs(t, err, ErrPagesAltered)
}

// TestCanonicalBytesAreRead as they were written: of golden vectors, of each field, of hostile texts.
func TestCanonicalBytesAreRead(t *testing.T) {
	hostile := &session.Event{User: "nul \x00, not UTF-8 \xff", Settings: []session.Setting{{}, {Name: strings.Repeat("n", 128), Value: "v"}}, Extra: []session.Attr{{}, {Key: "k", Type: session.AttrJSON}}, PID: -1}
	for _, e := range append(vectorEvents(1), hostile, sessiontest.Full(), &session.Event{UserEmpty: true}, &session.Event{}) {
		b := e.AppendCanonical(nil)
		read, err := ParseCanonical(b)
		require.NoError(t, err)
		require.Equal(t, e.UserEmpty, read.UserEmpty)
		require.Equal(t, b, read.AppendCanonical(nil))
	}
	full := sessiontest.Full().AppendCanonical(nil)
	for cut := range full {
		if e, err := ParseCanonical(full[:cut]); err == nil { // between two fields
			require.Equal(t, full[:cut], e.AppendCanonical(nil))
		}
	}
	_, err := ParseCanonical([]byte{1, 0x7f, 0})
	require.ErrorIs(t, err, ErrNewerRecord)
	_, err = ParseCanonical([]byte{1, 1, 8, 1, 0, 0, 0, 0, 0, 0, 1})
	require.ErrorIs(t, err, errNotCanonical, "a kind that is larger than a kind can be")
	_, err = ParseCanonical(append((&session.Event{Kind: session.KindLogin}).AppendCanonical(nil), 1, 8, 0, 0, 0, 0, 0, 0, 0, 1))
	require.ErrorIs(t, err, errNotCanonical, "a field twice")
}
