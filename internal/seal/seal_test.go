package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

const origin = "audit.example.net/logins/collector-a"

func testKey(t testing.TB) *Key {
	t.Helper()
	secret, _, err := GenerateKey(origin)
	require.NoError(t, err)
	key, err := ParseKey(secret)
	require.NoError(t, err)
	return key
}

func eventNumber(n int) *session.Event {
	e := sessiontest.Full()
	e.Time = 1_790_000_000_000_000_000 + int64(n)*1_000_000
	e.RecordID = session.ID{15: byte(n)}
	binary.BigEndian.PutUint64(e.RecordID[:], uint64(e.Time/1_000_000)<<16|uint64(n)&0xffff)
	return e
}

// sealNumbers seals these events behind tip.
func sealNumbers(t testing.TB, tip Tip, key *Key, from, to int, statements ...string) (Seal, Tip) {
	t.Helper()
	p := NewPending(Seed(sha256.Sum256([]byte(fmt.Sprint("seed ", from)))))
	c := NewCommitter(p.Seed)
	for _, s := range statements {
		p.AddStatement(s)
	}
	for n := from; n < to; n++ {
		p.AddRecord(c.Entry(KindEvent, eventNumber(n)))
	}
	s, next, err := p.Seal(tip, key, origin)
	require.NoError(t, err)
	return s, next
}

// TestEachSealIsCheckedFromItsPredecessor: whatever sizes seals have, each is whole by itself, and the tree is that of golang.org/x/mod's tlog.
func TestEachSealIsCheckedFromItsPredecessor(t *testing.T) {
	key := testKey(t)
	var tip Tip
	var leaves [][]byte
	from := 0
	for i, size := range []int{1, 255, 256, 257, 0, 3, 1000, 1} {
		s, next := sealNumbers(t, tip, key, from, from+size, fmt.Sprintf("retention %dh", i))
		require.EqualValues(t, size, s.Entries)
		sealed, err := s.Check(tip, key.Keys())
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), sealed, time.Minute)
		for page, err := range pagesOf(s.Manifest) {
			require.NoError(t, err)
			leaves = append(leaves, page)
		}
		root, err := next.Root()
		require.NoError(t, err)
		require.Equal(t, treeHashByModule(t, leaves), root)
		require.EqualValues(t, len(leaves), next.Size)
		tip, from = next, from+size
	}
}

func treeHashByModule(t *testing.T, leaves [][]byte) Hash {
	t.Helper()
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) (hashes []tlog.Hash, _ error) {
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	for i, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(i), leaf, read)
		require.NoError(t, err)
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(int64(len(leaves)), read)
	require.NoError(t, err)
	return Hash(root)
}

// TestOneFlippedBitAnywhereIsRefused in whatever a row of the two tables holds.
func TestOneFlippedBitAnywhereIsRefused(t *testing.T) {
	key := testKey(t)
	_, tip := sealNumbers(t, Tip{}, key, 0, 700)
	s, _ := sealNumbers(t, tip, key, 700, 710, "begin", "retention 8760h")
	_, err := s.Check(tip, key.Keys())
	require.NoError(t, err)
	flipped := 0
	for name, field := range map[string]func(*Seal) []byte{
		"head": func(s *Seal) []byte { b := []byte(s.Head); s.Head = ""; return b },
		"edge": func(s *Seal) []byte { return s.Edge }, "manifest": func(s *Seal) []byte { return s.Manifest },
		"seed": func(s *Seal) []byte { return s.Seed[:] }, "texts": func(s *Seal) []byte { return []byte(s.Texts) },
		"min": func(s *Seal) []byte { return s.MinID[:] }, "max": func(s *Seal) []byte { return s.MaxID[:] },
	} {
		for bit := range 8 * len(field(new(s))) {
			altered := s
			altered.Edge, altered.Manifest = bytes.Clone(s.Edge), bytes.Clone(s.Manifest)
			b := field(&altered)
			b[bit/8] ^= 1 << (bit % 8)
			switch name {
			case "head":
				altered.Head = string(b)
			case "texts":
				altered.Texts = string(b)
			}
			_, err := altered.Check(tip, key.Keys())
			require.Error(t, err, "%s, bit %d: %q", name, bit, b)
			flipped++
		}
	}
	require.Greater(t, flipped, 5000)
	for _, change := range []func(*Seal){
		func(s *Seal) { s.First++ }, func(s *Seal) { s.Pages-- }, func(s *Seal) { s.Entries++ }, func(s *Seal) { s.Log += "2" },
		func(s *Seal) { s.First, s.Pages = s.First-1, s.Pages+1 }, func(s *Seal) { s.Texts = "" }, func(s *Seal) { s.Texts += "\nalive" },
	} {
		altered := s
		change(&altered)
		_, err := altered.Check(tip, key.Keys())
		require.Error(t, err)
	}
}

// TestWhatIsWrongIsNamed: the errors that a verifier tells apart.
func TestWhatIsWrongIsNamed(t *testing.T) {
	key, stranger := testKey(t), testKey(t)
	s, _ := sealNumbers(t, Tip{}, key, 0, 3, "begin")
	forged, _ := sealNumbers(t, Tip{}, stranger, 0, 3, "begin")
	_, err := forged.Check(Tip{}, key.Keys())
	require.ErrorIs(t, err, ErrForgedHead)

	altered := s
	altered.Seed[0]++
	_, err = altered.Check(Tip{}, key.Keys())
	require.ErrorIs(t, err, ErrSeedAltered)

	altered = s
	altered.Texts = "end"
	_, err = altered.Check(Tip{}, key.Keys())
	require.ErrorIs(t, err, ErrStatementAltered)

	altered = s
	altered.Manifest = s.Manifest[:len(s.Manifest)-1]
	_, err = altered.Check(Tip{}, key.Keys())
	require.ErrorIs(t, err, ErrPagesAltered)
}

// TestAnEntryCommitsToEveryField of an event, and to the nonce of its seed.
func TestAnEntryCommitsToEveryField(t *testing.T) {
	c := NewCommitter(Seed{1})
	e := sessiontest.Full()
	before := c.Entry(KindEvent, e)
	require.Equal(t, before, c.Entry(KindEvent, e))
	require.NotEqual(t, before.Hash, NewCommitter(Seed{2}).Entry(KindEvent, e).Hash)
	for i := range session.Fields {
		other := sessiontest.Full()
		switch v := session.Fields[i].In(other).(type) {
		case *string:
			*v += "x"
		case *int64:
			*v++
		case *[16]byte:
			v[0]++
		case *[8]byte:
			v[0]++
		default:
			continue // sessiontest and session hold every type
		}
		require.NotEqual(t, before.Hash, c.Entry(KindEvent, other).Hash, session.Fields[i].Name)
	}
}

// TestAnEntryTellsTheTimeOfItsEvent, whatever id a sender has chosen: how long a record is kept is judged by it.
func TestAnEntryTellsTheTimeOfItsEvent(t *testing.T) {
	p := NewPending(Seed{})
	c := NewCommitter(p.Seed)
	ours, chosen, ancient := eventNumber(5), eventNumber(6), eventNumber(7)
	chosen.RecordID = session.ID{0xff, 15: 1}
	ancient.Time, ancient.RecordID = -1, session.ID{}
	for _, e := range []*session.Event{ours, chosen, ancient} {
		p.AddRecord(c.Entry(KindConflict, e))
	}
	var got []Entry
	for e, err := range Entries(p.manifest) {
		require.NoError(t, err)
		got = append(got, e)
	}
	require.Len(t, got, 4)
	require.Equal(t, KindSeed, got[0].Kind)
	for i, e := range []*session.Event{ours, chosen, ancient} {
		require.Equal(t, KindConflict, got[i+1].Kind)
		require.Equal(t, e.RecordID, got[i+1].ID)
		require.Equal(t, e.Time, got[i+1].Time)
	}
	require.Len(t, p.manifest, entryBytes+entryBytes+2*timedEntryBytes)
}
