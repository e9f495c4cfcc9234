package session

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// ID is a record's or a session's identity, 16 bytes, written as a UUID.
type ID [16]byte

// IsZero reports whether there is no id.
func (id ID) IsZero() bool { return id == ID{} }

// String is the UUID text, 36 characters.
func (id ID) String() string { return string(id.AppendText(make([]byte, 0, 36))) }

// AppendText appends the UUID text to b.
func (id ID) AppendText(b []byte) []byte {
	const digits = "0123456789abcdef"
	text := [36]byte{8: '-', 13: '-', 18: '-', 23: '-'}
	at := 0
	for _, octet := range id {
		if at == 8 || at == 13 || at == 18 || at == 23 {
			at++
		}
		text[at], text[at+1] = digits[octet>>4], digits[octet&15]
		at += 2
	}
	return append(b, text[:]...)
}

// Hasher computes ids from the parts that identify something. Every part is written with its length, so that no two
// lists of parts run together. It is reused; it is not safe for concurrent use.
type Hasher struct {
	buf    []byte
	digest hash.Hash // nil until two hashes share their beginning
	sum    [sha256.Size]byte
}

// maxIdleHasher is what a hasher may keep for the next record: one of many megabytes must not hold memory for ever.
const maxIdleHasher = 1 << 20

func (h *Hasher) emptyBuffer() []byte {
	if cap(h.buf) > maxIdleHasher {
		h.buf = nil
	}
	return h.buf[:0]
}

// Start begins a new identity in the namespace of a system's instance.
func (h *Hasher) Start(purpose, system, instance string) *Hasher {
	h.buf = h.emptyBuffer()
	return h.Str(purpose).Str(system).Str(instance)
}

// Str adds a text.
func (h *Hasher) Str(s string) *Hasher {
	h.buf = binary.AppendUvarint(h.buf, uint64(len(s)))
	h.buf = append(h.buf, s...)
	return h
}

// Bytes adds raw bytes.
func (h *Hasher) Bytes(b []byte) *Hasher {
	h.buf = binary.AppendUvarint(h.buf, uint64(len(b)))
	h.buf = append(h.buf, b...)
	return h
}

// Int adds a number.
func (h *Hasher) Int(n int64) *Hasher {
	h.buf = binary.BigEndian.AppendUint64(append(h.buf, 8), uint64(n))
	return h
}

// RecordID is a UUIDv8 (RFC 9562): 48 bits of the event's time in milliseconds, so that indexes stay in order, then 74
// bits of SHA-256 over the parts. unixNano is never the wall clock: the same event must get the same id again.
func (h *Hasher) RecordID(unixNano int64) ID {
	id := h.Key()
	ms := max(unixNano/1e6, 0)
	binary.BigEndian.PutUint16(id[0:], uint16(ms>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(ms))
	return id
}

// Key is a UUIDv8 of the parts alone, 122 bits of SHA-256: a session's key.
func (h *Hasher) Key() ID {
	sum := sha256.Sum256(h.buf)
	id := ID(sum[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Ordinals numbers equal identities among the records of one timestamp, so that two true events that look alike get two
// ids. Its caller never splits a timestamp over two runs.
type Ordinals struct {
	time int64
	seen map[ID]int64
}

// Next is how many times id was asked for at this timestamp before.
func (o *Ordinals) Next(unixNano int64, id ID) int64 {
	if o.seen == nil || o.time != unixNano {
		if o.seen == nil {
			o.seen = make(map[ID]int64)
		}
		clear(o.seen)
		o.time = unixNano
	}
	n := o.seen[id]
	o.seen[id] = n + 1
	return n
}
