package tree

import (
	"io"
	"iter"
	"strconv"

	"github.com/go-faster/jx"
)

// errEnd is what jx reports where its input ends.
var errEnd = io.EOF

// Kind is the type of a JSON value.
type Kind uint8

// The kinds. Missing is what a path leads to that is not there.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// Value is a place in a [Doc], valid until that parses again. The zero Value is missing.
type Value struct {
	doc *Doc
	at  int32
}

// Kind is Missing where nothing is.
func (v Value) Kind() Kind {
	if v.doc == nil {
		return Missing
	}
	return v.doc.nodes[v.at].kind
}

// Get follows keys from object to object. Whatever it passes is not taken by that.
func (v Value) Get(path ...string) Value {
	for _, key := range path {
		v = v.member(key)
	}
	return v
}

func (v Value) member(key string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	nodes := v.doc.nodes
	for i := v.at + 1; i < nodes[v.at].end; i = nodes[i].end {
		if nodes[i].key == key {
			return Value{v.doc, i}
		}
	}
	return Value{}
}

// Str takes the value and gives its text: a string's content, a number or truth value as it is written. Null, arrays and objects have
// none, and are not taken.
func (v Value) Str() string {
	s := v.Peek()
	if v.doc != nil && v.doc.nodes[v.at].kind <= String {
		v.doc.nodes[v.at].taken = true
	}
	return s
}

// Peek is Str without taking the value.
func (v Value) Peek() string {
	if k := v.Kind(); k != String && k != Number && k != Bool {
		return ""
	}
	return v.doc.nodes[v.at].text
}

// Is tells whether the value's text is this one, and does not take it.
func (v Value) Is(text string) bool { return v.Peek() == text && v.Kind() > Null }

// Text is Str at the end of a path.
func (v Value) Text(path ...string) string { return v.Get(path...).Str() }

// Int takes an integer, also one that is written as a string. ok is false for anything else, which stays.
func (v Value) Int() (n int64, ok bool) {
	if k := v.Kind(); k != Number && k != String {
		return 0, false
	}
	node := &v.doc.nodes[v.at]
	n, err := strconv.ParseInt(node.text, 10, 64)
	node.taken = node.taken || err == nil
	return n, err == nil
}

// Take marks the value, and everything in it, as told elsewhere.
func (v Value) Take() {
	if v.doc == nil {
		return
	}
	for i := v.at; i < v.doc.nodes[v.at].end; i++ {
		v.doc.nodes[i].taken = true
	}
}

// Elements are those of an array, none of anything else.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() == Array {
			v.children(func(_ string, child Value) bool { return yield(child) })
		}
	}
}

// Members are those of an object, none of anything else.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() == Object {
			v.children(yield)
		}
	}
}

func (v Value) children(yield func(string, Value) bool) {
	nodes := v.doc.nodes
	for i := v.at + 1; i < nodes[v.at].end; i = nodes[i].end {
		if !yield(nodes[i].key, Value{v.doc, i}) {
			return
		}
	}
}

// JSON writes the value compactly.
func (v Value) JSON() string {
	var e jx.Encoder
	v.encode(&e)
	return e.String()
}

func (v Value) encode(e *jx.Encoder) {
	n := &v.doc.nodes[v.at]
	switch n.kind {
	case String:
		e.Str(n.text)
	case Number, Bool:
		e.Raw(jx.Raw(n.text))
	case Array:
		e.ArrStart()
		for child := range v.Elements() {
			child.encode(e)
		}
		e.ArrEnd()
	case Object:
		e.ObjStart()
		for key, child := range v.Members() {
			e.FieldStart(key)
			child.encode(e)
		}
		e.ObjEnd()
	default:
		e.Null()
	}
}

// longestPath is the most bytes of a path behind which Rest still goes from object to object. Every value repeats its path: one key of a
// megabyte over ten thousand values would take ten gigabytes. No real event comes near.
const longestPath = 256

// Rest calls keep for every value within an object that nobody took, by its path with dots between the keys. Arrays are told whole, and
// so are they when only a part was taken, and objects behind a path that is too long; null and empty containers say nothing and are left
// out.
func (v Value) Rest(prefix string, keep func(path string, rest Value)) {
	for key, child := range v.Members() {
		switch n := &v.doc.nodes[child.at]; {
		case n.taken || n.kind == Null || n.kind > String && n.end == child.at+1:
		case n.kind == Object && len(prefix)+len(key) < longestPath:
			child.Rest(prefix+key+".", keep)
		default:
			keep(prefix+key, child)
		}
	}
}
