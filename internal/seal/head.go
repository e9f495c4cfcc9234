package seal

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	checkpoint "github.com/transparency-dev/formats/log"
	cosignature "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// Hash is a node of the tree.
type Hash [sha256.Size]byte

var treeFactory = compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}

func leafHash(page []byte) []byte { return rfc6962.DefaultHasher.HashLeaf(page) }

var errEdge = fmt.Errorf("%w: the edge of a log is not that of a tree of its size", ErrPagesAltered)

func (t Tip) tree() (*compact.Range, error) {
	if len(t.Edge)%len(Hash{}) != 0 {
		return nil, errEdge
	}
	var hashes [][]byte
	for edge := t.Edge; len(edge) > 0; edge = edge[len(Hash{}):] {
		hashes = append(hashes, edge[:len(Hash{}):len(Hash{})])
	}
	tree, err := treeFactory.NewRange(0, t.Size, hashes)
	if err != nil {
		return nil, errEdge
	}
	return tree, nil
}

func tipOf(tree *compact.Range) (Tip, Hash, error) {
	root, err := tree.GetRootHash(nil)
	if err != nil {
		return Tip{}, Hash{}, err
	}
	if root == nil {
		root = rfc6962.DefaultHasher.EmptyRoot()
	}
	tip := Tip{Size: tree.End()}
	for _, h := range tree.Hashes() {
		tip.Edge = append(tip.Edge, h...)
	}
	return tip, Hash(root), nil
}

// Root is the root hash of the tree that ends here.
func (t Tip) Root() (Hash, error) {
	tree, err := t.tree()
	if err != nil {
		return Hash{}, err
	}
	_, root, err := tipOf(tree)
	return root, err
}

// Head is what a checkpoint says of a log.
type Head struct {
	Origin string
	Size   uint64 // pages
	Root   Hash
}

// Line names the head where a statement is about it.
func (h Head) Line() string {
	return fmt.Sprintf("%s %d %s", h.Origin, h.Size, base64.StdEncoding.EncodeToString(h.Root[:]))
}

// ParseHeadLine reads what Line has written.
func ParseHeadLine(line string) (h Head, ok bool) {
	var root []byte
	if _, err := fmt.Sscanf(line, "%s %d %s", &h.Origin, &h.Size, &root); err != nil {
		return h, false
	}
	n, err := base64.StdEncoding.Strict().Decode(root, root)
	if err != nil || n != len(h.Root) {
		return h, false
	}
	h.Root = Hash(root[:n])
	return h, true
}

func (h Head) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", h.Origin, h.Size, base64.StdEncoding.EncodeToString(h.Root[:]))
}

// Key signs heads.
type Key struct {
	signer *cosignature.Signer
	public string
	secret string
}

// GenerateKey makes an Ed25519 key of a name, in the form of signed notes (c2sp.org/signed-note): the secret, and the public key that verifies.
func GenerateKey(name string) (secret, public string, err error) {
	secret, public, err = note.GenerateKey(nil, name)
	if err != nil {
		return "", "", fmt.Errorf("a key's name is a text without spaces and plus signs, such as audit.example.net/logins: %w", err)
	}
	public, err = cosignature.VKeyToCosignatureV1(public)
	return secret, public, err
}

// ReadKey reads the file of a secret key.
func ReadKey(path string) (*Key, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ParseKey(strings.TrimSpace(string(content)))
}

// ParseKey reads a secret key.
func ParseKey(secret string) (*Key, error) {
	signer, err := cosignature.NewSignerForCosignatureV1(secret)
	if err != nil {
		return nil, errNoSecret
	}
	public, err := publicOf(secret, signer.Name())
	return &Key{signer, public, secret}, err
}

func publicOf(secret, name string) (string, error) {
	public, err := plainKeyOf(secret, name)
	if err != nil {
		return "", err
	}
	return cosignature.VKeyToCosignatureV1(public)
}

// plainKeyOf is the public key under a name, of a secret one, which is PRIVATE+KEY+name+hash+base64 and ends with the seed of Ed25519.
func plainKeyOf(secret, name string) (string, error) {
	parts := strings.SplitN(secret, "+", 5)
	data, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(data) < ed25519.SeedSize {
		return "", errNoSecret
	}
	pair := ed25519.NewKeyFromSeed(data[len(data)-ed25519.SeedSize:])
	return note.NewEd25519VerifierKey(name, pair.Public().(ed25519.PublicKey))
}

// Public is the key that verifies, as `sessionlog keygen` prints it.
func (k *Key) Public() string { return k.public }

// Name of the key.
func (k *Key) Name() string { return k.signer.Name() }

// Keys are those that verify what k signs.
func (k *Key) Keys() Keys { return Keys{k.signer.Verifier()} }

func (k *Key) signHead(h Head) (string, error) {
	signed, err := note.Sign(&note.Note{Text: h.text()}, k.signer)
	return string(signed), err
}

const signatureMark = "\u2014 "

// HeadsIn are the signed heads in what somebody has kept of them: the file of heads itself, or JSON in which heads are texts, as a backend of logs gives its records back and a collector
// writes its own log. What cannot be read is given back as it is, to be named as such.
func HeadsIn(content string) (heads []string) {
	trimmed := strings.TrimSpace(content)
	lines := trimmed
	if !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") {
		lines = ""
		for line := range strings.Lines(content) {
			if _, object, found := strings.Cut(line, "\t{"); found && strings.Contains(object, signatureMark) {
				lines += "{" + object
			}
		}
		if lines == "" {
			return splitHeads(content)
		}
	}
	for values := json.NewDecoder(strings.NewReader(lines)); ; {
		var value any
		err := values.Decode(&value)
		switch {
		case errors.Is(err, io.EOF) && len(heads) > 0:
			return heads
		case errors.Is(err, io.EOF):
			return []string{content}
		case err != nil:
			return append(heads, lines[values.InputOffset():])
		}
		heads = append(heads, headsOfJSON(value)...)
	}
}

func headsOfJSON(value any) (heads []string) {
	switch v := value.(type) {
	case string:
		if strings.Contains(v, "\n\n"+signatureMark) {
			return splitHeads(v)
		}
	case []any:
		for _, one := range v {
			heads = append(heads, headsOfJSON(one)...)
		}
	case map[string]any:
		for _, one := range v {
			heads = append(heads, headsOfJSON(one)...)
		}
	}
	return heads
}

// splitHeads takes a file of signed heads apart: each ends with the lines of its signatures, and an empty line.
func splitHeads(content string) (heads []string) {
	var head strings.Builder
	end := func() {
		if text := head.String(); text != "" {
			heads = append(heads, strings.TrimSuffix(text, "\n")+"\n") // where it was kept, white space at the end may have been cut off
		}
		head.Reset()
	}
	for line := range strings.Lines(content) {
		switch {
		case head.Len() > 0 && line == "\n" && strings.Contains(head.String(), "\n"+signatureMark):
			end()
		case head.Len() > 0 || line != "\n":
			head.WriteString(line)
		}
	}
	end()
	return heads
}

// Keys are the public keys that are trusted.
type Keys []note.Verifier

// ParseKeys reads public keys.
func ParseKeys(public ...string) (keys Keys, err error) {
	for _, k := range public {
		v, err := cosignature.NewVerifierForCosignatureV1(strings.TrimSpace(k))
		if err != nil {
			return nil, fmt.Errorf("%q is no public key, as `sessionlog keygen` prints it", k)
		}
		keys = append(keys, v)
	}
	return keys, nil
}

// Opening are those of the keys that have signed a head.
func (k Keys) Opening(signed, origin string) (some Keys) {
	for _, v := range k {
		if _, _, err := (Keys{v}).Open(signed, origin); err == nil {
			some = append(some, v)
		}
	}
	return some
}

// Contains reports whether a key is among them.
func (k Keys) Contains(other note.Verifier) bool {
	return slices.ContainsFunc(k, func(v note.Verifier) bool { return v.Name() == other.Name() && v.KeyHash() == other.KeyHash() })
}

// Without are those that are not among others.
func (k Keys) Without(others Keys) Keys {
	return slices.DeleteFunc(slices.Clone(k), others.Contains)
}

// Open reads a signed head of a log, and when it was signed. An error is ErrForgedHead.
func (k Keys) Open(signed, origin string) (Head, time.Time, error) {
	head, at, _, err := k.OpenBy(signed, origin)
	return head, at, err
}

// OpenBy is Open, and gives the key that opens it.
func (k Keys) OpenBy(signed, origin string) (Head, time.Time, note.Verifier, error) {
	for _, v := range k {
		c, _, n, err := checkpoint.ParseCheckpoint([]byte(signed), origin, v)
		if err != nil || len(c.Hash) != len(Hash{}) {
			continue
		}
		for _, signature := range n.Sigs {
			at, err := cosignature.CoSigV1Timestamp(signature)
			_, strict := base64.StdEncoding.Strict().DecodeString(signature.Base64) // the library reads over bits that mean nothing
			if err == nil && strict == nil && signature.Hash == v.KeyHash() {
				return Head{Origin: c.Origin, Size: c.Size, Root: Hash(c.Hash)}, at, v, nil
			}
		}
	}
	return Head{}, time.Time{}, nil, fmt.Errorf("%w: no trusted key has signed it for %s", ErrForgedHead, origin)
}

// ReadHead is what a signed head says, and when it says that it was signed, whoever did.
func ReadHead(signed string) (Head, time.Time, error) {
	var c checkpoint.Checkpoint
	if _, err := c.Unmarshal([]byte(signed)); err != nil || len(c.Hash) != len(Hash{}) {
		return Head{}, time.Time{}, fmt.Errorf("%w: it is no checkpoint", ErrForgedHead)
	}
	head := Head{Origin: c.Origin, Size: c.Size, Root: Hash(c.Hash)}
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open([]byte(signed), note.VerifierList()); errors.As(err, &unverified) {
		for _, signature := range unverified.Note.UnverifiedSigs {
			if at, err := cosignature.CoSigV1Timestamp(signature); err == nil {
				return head, at, nil
			}
		}
	}
	return Head{}, time.Time{}, fmt.Errorf("%w: nobody has signed it", ErrForgedHead)
}
