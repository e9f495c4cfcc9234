package redaction

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"strings"
	"sync"

	"github.com/otel-sessionlog/sessionlog/session"
)

// secret is the key of keyed hashes. Equal texts have equal hashes under one key, and nobody without it can test a guess.
type secret struct{ hashes sync.Pool } // of hash.Hash: to make one takes longer than to use it

func newSecret(key []byte) *secret {
	return &secret{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

func (s *secret) mac(parts ...string) []byte {
	h := s.hashes.Get().(hash.Hash)
	defer s.hashes.Put(h)
	h.Reset()
	for i, part := range parts {
		if i > 0 {
			h.Write([]byte{0})
		}
		_, _ = io.WriteString(h, part) // it never fails
	}
	return h.Sum(nil)
}

// userHash is the value of user.hash: HMAC-SHA256 of the name.
func (s *secret) userHash(name string) string { return hex.EncodeToString(s.mac(name)) }

// hashPrefix begins every hash that stands in a field of its own, so that it is known as one.
const hashPrefix = "hmac:"

const hashDigits = 32

func (s *secret) hashed(purpose, text string) string {
	return hashPrefix + hex.EncodeToString(s.mac(purpose, text))[:hashDigits]
}

func isHashed(text string) bool {
	digits, ok := strings.CutPrefix(text, hashPrefix)
	if !ok || len(digits) != hashDigits {
		return false
	}
	_, err := hex.DecodeString(digits)
	return err == nil
}

// rekey makes keyed hashes of the ids of our sources. A session's key that is made of the source's own session id holds no address.
func (s *secret) rekey(e *session.Event) {
	if !e.RecordID.IsZero() {
		e.RecordID = s.recordID(e.RecordID)
	}
	if !e.SessionKey.IsZero() && e.SessionID == "" {
		copy(e.SessionKey[:], s.mac("session key", string(e.SessionKey[:])))
		markUUID(&e.SessionKey)
	}
	for i := range e.Extra { // a copy since eachText
		a := &e.Extra[i]
		if id, ok := session.ParseID(a.Value); ok && a.Key == session.AttrLoginUID {
			a.Value = s.recordID(id).String()
		}
	}
}

// recordID keeps the time.
func (s *secret) recordID(id session.ID) session.ID {
	copy(id[6:], s.mac("record id", string(id[:])))
	markUUID(&id)
	return id
}

// markUUID sets version 8 and the variant of RFC 9562.
func markUUID(id *session.ID) {
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
}
