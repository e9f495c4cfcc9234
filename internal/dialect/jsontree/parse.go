// Package jsontree holds one JSON value so that a dialect can ask for its parts by path, and knows which parts nobody asked for.
//
// The JSON itself is read by github.com/go-faster/jx, which docs/adr/0010 chose by measurement. What jx leaves to its caller is
// added here: repeated keys, text that is not UTF-8, and bounds on depth and size, so that no body costs more memory than it has bytes
// by a small factor.
package jsontree

import (
	"errors"
	"unicode/utf8"
	"unsafe"

	"github.com/go-faster/jx"
)

// The bounds of one item. Real events of every dialect have a tenth of these.
const (
	MaxDepth   = 32
	MaxMembers = 1000   // of one object
	MaxValues  = 10_000 // of one item, all depths together
)

// Reasons to refuse an item although it is JSON. The decoder is then past the item, so that its neighbours can be read.
var (
	ErrDepth   = errors.New("nested deeper than 32 levels")
	ErrMembers = errors.New("an object has more than 1000 members")
	ErrValues  = errors.New("more than 10000 values in one item")
	ErrRepeat  = errors.New("an object has the same key twice")
	ErrUTF8    = errors.New("text that is not UTF-8")
)

// Doc is one parsed value. It is reused from item to item; its strings share the memory of what was parsed, which must never change.
type Doc struct {
	// Valid: all input is known to be UTF-8, so that no text is checked again.
	Valid bool

	nodes    []docNode
	flaw     error
	seenKeys [MaxDepth + 1]map[string]struct{} // of the object that is being read at each depth, where it has many members
}

// docNode is a value in document order; the children of a container follow it, up to end.
type docNode struct {
	key, text string
	end       int32
	kind      Kind
	used      bool
}

// Parse reads the decoder's next value. A syntax error is returned as broken: nothing can be read after it. A flaw refuses this value
// alone. The decoder must work on a buffer, not on a reader.
func (d *Doc) Parse(dec *jx.Decoder) (v Value, flaw, broken error) {
	d.nodes, d.flaw = d.nodes[:0], nil
	if err := d.parseValue(dec, "", 0); err != nil {
		return Value{}, nil, err
	}
	return Value{d, 0}, d.flaw, nil
}

// Forget releases the last value's texts.
func (d *Doc) Forget() {
	clear(d.nodes[:cap(d.nodes)])
	d.nodes, d.flaw = d.nodes[:0], nil
	clear(d.seenKeys[:])
}

// ParseText reads a text that is one value and nothing else.
func (d *Doc) ParseText(dec *jx.Decoder, text []byte) (v Value, flaw, broken error) {
	dec.ResetBytes(text)
	if v, flaw, broken = d.Parse(dec); broken != nil {
		return v, nil, broken
	}
	if dec.Next() != jx.Invalid || !hasOnlySpaceLeft(dec) {
		return v, nil, ErrTrailing
	}
	return v, flaw, nil
}

// ErrTrailing is broken of a text that goes on after its value.
var ErrTrailing = errors.New("something follows the value")

func hasOnlySpaceLeft(dec *jx.Decoder) bool { return errors.Is(dec.Skip(), errInputEnd) }

func (d *Doc) parseValue(dec *jx.Decoder, key string, depth int) error {
	if d.flaw == nil && len(d.nodes) == MaxValues {
		d.flaw = ErrValues
	}
	if d.flaw == nil && depth > MaxDepth {
		d.flaw = ErrDepth
	}
	if d.flaw != nil {
		return dec.Skip()
	}
	at := len(d.nodes)
	d.nodes = append(d.nodes, docNode{key: key})
	kind, text, err := d.parseContent(dec, at, depth)
	n := &d.nodes[at]
	n.kind, n.text, n.end = kind, text, int32(len(d.nodes))
	return err
}

func (d *Doc) parseContent(dec *jx.Decoder, at, depth int) (Kind, string, error) {
	switch dec.Next() {
	case jx.String:
		b, err := dec.StrBytes()
		return String, d.checkedString(b), err
	case jx.Number:
		raw, err := dec.Raw()
		return Number, shareString(raw), err
	case jx.Bool:
		b, err := dec.Bool()
		if b {
			return Bool, "true", err
		}
		return Bool, "false", err
	case jx.Null:
		return Null, "", dec.Null()
	case jx.Array:
		return Array, "", d.parseArray(dec, depth)
	case jx.Object:
		return Object, "", d.parseObject(dec, at, depth)
	}
	return Missing, "", dec.Skip() // which says what is wrong
}

func (d *Doc) parseArray(dec *jx.Decoder, depth int) error {
	it, err := dec.ArrIter()
	if err != nil {
		return err
	}
	for it.Next() {
		if err := d.parseValue(dec, "", depth+1); err != nil {
			return err
		}
	}
	return it.Err()
}

func (d *Doc) parseObject(dec *jx.Decoder, at, depth int) error {
	it, err := dec.ObjIter()
	if err != nil {
		return err
	}
	var seen uint64 // a bit for each of 64 classes of keys
	for members := 0; it.Next(); members++ {
		key := d.checkedString(it.Key())
		class := keyClass(key)
		switch {
		case d.flaw != nil:
		case members == MaxMembers:
			d.flaw = ErrMembers
		case members < maxScannedMembers:
			if seen&class != 0 && d.objectHasKey(at, key) { // only a key of a class seen before is compared
				d.flaw = ErrRepeat
			}
		case d.repeatsKeyOfMany(at, depth, members, key):
			d.flaw = ErrRepeat
		}
		seen |= class
		if err := d.parseMemberQuickly(dec, key, depth+1); err != nil {
			return err
		}
	}
	return it.Err()
}

func (d *Doc) parseMemberQuickly(dec *jx.Decoder, key string, depth int) error {
	if d.flaw != nil || depth > MaxDepth || len(d.nodes) == MaxValues || dec.Next() != jx.String {
		return d.parseValue(dec, key, depth)
	}
	b, err := dec.StrBytes()
	d.nodes = append(d.nodes, docNode{key: key, text: d.checkedString(b), end: int32(len(d.nodes) + 1), kind: String})
	return err
}

func keyClass(key string) uint64 {
	n := len(key)
	if n == 0 {
		return 1
	}
	return 1 << ((uint(n)*7 + uint(key[n-1])*11 + uint(key[n/2])*29) & 63)
}

func (d *Doc) objectHasKey(at int, key string) bool {
	for i := at + 1; i < len(d.nodes); i = int(d.nodes[i].end) {
		if d.nodes[i].key == key {
			return true
		}
	}
	return false
}

// maxScannedMembers: so many members are compared faster than hashed.
const maxScannedMembers = 32

func (d *Doc) repeatsKeyOfMany(at, depth, members int, key string) bool {
	keys := d.seenKeys[depth]
	if keys == nil {
		keys = map[string]struct{}{}
		d.seenKeys[depth] = keys
	}
	// Comparing each of a thousand with all before took ten times as long as reading.
	if members == maxScannedMembers {
		clear(keys)
		for i := at + 1; i < len(d.nodes); i = int(d.nodes[i].end) {
			keys[d.nodes[i].key] = struct{}{}
		}
	}
	_, twice := keys[key]
	keys[key] = struct{}{}
	return twice
}

func (d *Doc) checkedString(b []byte) string {
	if !d.Valid && d.flaw == nil && !utf8.Valid(b) {
		d.flaw = ErrUTF8
	}
	return shareString(b)
}

// shareString does not copy: jx returns a part of its input, which never changes, or a fresh buffer where it had to unescape.
func shareString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
