package seal

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

const vectorsPath = "testdata/vectors.json"

// vectors are a log with all its parts, in hexadecimal digits and texts, which another program can read.
type vectors struct {
	Public string       `json:"public_key"`
	Origin string       `json:"origin"`
	Seals  []sealVector `json:"seals"`
}

type sealVector struct {
	First    uint64         `json:"first"`
	Pages    []string       `json:"page_leaf_hashes"`
	Seed     string         `json:"seed"`
	Manifest string         `json:"manifest"`
	Texts    string         `json:"texts"`
	Records  []recordVector `json:"records"`
	Erased   []string       `json:"erased"` // entries
	Edge     string         `json:"edge"`
	Root     string         `json:"root"`
	Head     string         `json:"head"`
}

type recordVector struct {
	ID        string `json:"record_id"`
	Nonce     string `json:"nonce"`
	Canonical string `json:"canonical"`
	Entry     string `json:"entry"`
}

// TestVectors: bytes that are sealed stay what they are. UPDATE_VECTORS=1 writes the file anew, under another key: only before the first release.
func TestVectors(t *testing.T) {
	if os.Getenv("UPDATE_VECTORS") != "" {
		content, err := json.MarshalIndent(makeVectors(t), "", " ")
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(vectorsPath, append(content, '\n'), 0o600))
	}
	content, err := os.ReadFile(vectorsPath)
	require.NoError(t, err)
	var v vectors
	require.NoError(t, json.Unmarshal(content, &v))
	keys, err := ParseKeys(v.Public)
	require.NoError(t, err)
	require.Len(t, v.Seals, 4)
	var tip Tip
	for i, one := range v.Seals {
		s := Seal{Log: v.Origin, First: one.First, Pages: uint64(len(one.Pages)), Head: one.Head, Edge: unhex(t, one.Edge), Seed: Seed(unhex(t, one.Seed)), Manifest: unhex(t, one.Manifest), Texts: one.Texts}
		var counted Pending
		for _, r := range one.Records {
			counted.countRecord(session.ID(unhex(t, r.ID)))
		}
		for i, e := range vectorErasures(i) {
			require.Equal(t, one.Erased[i], hex.EncodeToString(e.Append(nil)))
			counted.countRecord(e.ID)
		}
		s.Entries, s.MinID, s.MaxID = counted.records, counted.min, counted.max
		_, err := s.Check(tip, keys)
		require.NoError(t, err)
		require.Equal(t, one.Records, recordsOf(vectorEvents(i), s.Seed), "a record's bytes never change")
		tip = Tip{Size: s.First + s.Pages, Edge: s.Edge}
		root, err := tip.Root()
		require.NoError(t, err)
		require.Equal(t, one.Root, hex.EncodeToString(root[:]))
	}
}

func unhex(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	require.NoError(t, err)
	return b
}

// vectorEvents are those of a seal. Only fields that every release has are in them: a field that is added later is absent.
func vectorEvents(number int) (all []*session.Event) {
	for n := range []int{2, 300, 1, 0}[number] {
		e := &session.Event{
			Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: session.SystemPostgreSQL, User: fmt.Sprint("user-", n), ClientAddress: "192.0.2.15",
			Time: 1_795_000_000_000_000_000 + int64(1000*number+n)*1_000_000,
		}
		e.RecordID = eventID(e.Time, n)
		if n == 1 {
			e.RecordID, e.UserEmpty, e.User = session.ID{0xff, 15: byte(number)}, true, ""
		}
		all = append(all, e)
	}
	return all
}

// vectorErasures are of two records of the first seal: all that there is of one, and what was kept aside of the other.
func vectorErasures(number int) (all []Entry) {
	if number == 3 {
		for i, e := range vectorEvents(0) {
			all = append(all, Entry{Kind: []Kind{KindForgotten, KindPutAside}[i], ID: e.RecordID, Time: e.Time})
		}
	}
	return all
}

func eventID(time int64, n int) session.ID {
	ms := time / 1_000_000
	return session.ID{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms), 0x80, 8: 0x80, 14: byte(n >> 8), 15: byte(n)}
}

func recordsOf(events []*session.Event, seed Seed) []recordVector {
	c, all := NewCommitter(seed), []recordVector{}
	for _, e := range events {
		entry := c.Entry(KindEvent, e)
		all = append(all, recordVector{hex.EncodeToString(e.RecordID[:]), nonceOf(c, e.RecordID), hex.EncodeToString(e.AppendCanonical(nil)), hex.EncodeToString(entry.Append(nil))})
	}
	return all
}

func nonceOf(c *Committer, id session.ID) string {
	nonce := c.Nonce(id)
	return hex.EncodeToString(nonce[:])
}

func makeVectors(t *testing.T) vectors {
	t.Helper()
	secret, public, err := GenerateKey(origin)
	require.NoError(t, err)
	key, err := ParseKey(secret)
	require.NoError(t, err)
	v := vectors{Public: public, Origin: origin}
	var tip Tip
	for number, statements := range [][]string{{"begin empty", "retention 8760h0m0s"}, nil, {"alive"}, nil} {
		p := NewPending(Seed{byte(number + 1)})
		for _, text := range statements {
			p.AddStatement(text)
		}
		c := NewCommitter(p.Seed)
		for _, e := range vectorEvents(number) {
			p.AddRecord(c.Entry(KindEvent, e))
		}
		for _, e := range vectorErasures(number) {
			p.AddRecord(e)
		}
		if number == 3 { // here it is of the same log: `forget` has one of its own
			root, err := tip.Root()
			require.NoError(t, err)
			p.AddStatement("about " + Head{origin, tip.Size, root}.Line())
			p.AddStatement("forgot 2: request 4711")
		}
		s, next, err := p.Seal(tip, key, origin)
		require.NoError(t, err)
		root, err := next.Root()
		require.NoError(t, err)
		one := sealVector{
			First: s.First, Seed: hex.EncodeToString(s.Seed[:]), Manifest: hex.EncodeToString(s.Manifest), Texts: s.Texts, Records: recordsOf(vectorEvents(number), s.Seed),
			Erased: []string{}, Edge: hex.EncodeToString(s.Edge), Root: hex.EncodeToString(root[:]), Head: s.Head,
		}
		for _, e := range vectorErasures(number) {
			one.Erased = append(one.Erased, hex.EncodeToString(e.Append(nil)))
		}
		for page, err := range pagesOf(s.Manifest) {
			require.NoError(t, err)
			one.Pages = append(one.Pages, hex.EncodeToString(leafHash(page)))
		}
		v.Seals, tip = append(v.Seals, one), next
	}
	return v
}
