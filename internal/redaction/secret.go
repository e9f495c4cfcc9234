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

// hashKey makes keyed hashes. Equal texts have equal hashes under one key, and nobody without it can test a guess.
type hashKey struct{ hashes sync.Pool } // of hash.Hash: making one takes longer than using it

func newHashKey(key []byte) *hashKey {
	return &hashKey{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

func (s *hashKey) computeMAC(parts ...string) []byte {
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

func (s *hashKey) hashUserName(name string) string { return hex.EncodeToString(s.computeMAC(name)) }

// hashPrefix distinguishes hashes from values in the same field.
const hashPrefix = "hmac:"

const hashDigits = 32

func (s *hashKey) hashTextFor(purpose, text string) string {
	return hashPrefix + hex.EncodeToString(s.computeMAC(purpose, text))[:hashDigits]
}

func isHashedText(text string) bool {
	digits, ok := strings.CutPrefix(text, hashPrefix)
	if !ok || len(digits) != hashDigits {
		return false
	}
	_, err := hex.DecodeString(digits)
	return err == nil
}

func (s *hashKey) rekeyEventIDs(e *session.Event) {
	if !e.RecordID.IsZero() {
		e.RecordID = s.rekeyRecordID(e.RecordID)
	}
	if !e.SessionKey.IsZero() && e.SessionID == "" { // a key made of the source's own session id holds no address
		copy(e.SessionKey[:], s.computeMAC("session key", string(e.SessionKey[:])))
		markAsUUIDv8(&e.SessionKey)
	}
	for i := range e.Extra { // a copy since changeEveryText
		a := &e.Extra[i]
		if id, ok := session.ParseID(a.Value); ok && session.NamesRecord(a.Key) {
			a.Value = s.rekeyRecordID(id).String()
		}
	}
}

// rekeyRecordID keeps the time.
func (s *hashKey) rekeyRecordID(id session.ID) session.ID {
	copy(id[6:], s.computeMAC("record id", string(id[:])))
	markAsUUIDv8(&id)
	return id
}

// markAsUUIDv8 sets version 8 and the variant of RFC 9562.
func markAsUUIDv8(id *session.ID) {
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
}
