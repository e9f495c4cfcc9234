package jsontree

import (
	"io"
	"iter"
	"strconv"

	"github.com/go-faster/jx"
)

// errInputEnd is jx's error at the end of its input.
var errInputEnd = io.EOF

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
	doc   *Doc
	index int32
}

// Kind is Missing for a value that does not exist.
func (v Value) Kind() Kind {
	if v.doc == nil {
		return Missing
	}
	return v.doc.nodes[v.index].kind
}

// Get follows keys from object to object, and marks none of them as used.
func (v Value) Get(path ...string) Value {
	for _, key := range path {
		v = v.findMember(key)
	}
	return v
}

func (v Value) findMember(key string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	nodes := v.doc.nodes
	for i := v.index + 1; i < nodes[v.index].end; i = nodes[i].end {
		if nodes[i].key == key {
			return Value{v.doc, i}
		}
	}
	return Value{}
}

// Str returns the value's text (a string's content, a number or truth value as it is written) and marks it as used. Null, arrays and
// objects have none, and are not marked.
func (v Value) Str() string {
	s := v.Peek()
	if v.doc != nil && v.doc.nodes[v.index].kind <= String {
		v.doc.nodes[v.index].used = true
	}
	return s
}

// Peek is Str without marking the value as used.
func (v Value) Peek() string {
	if k := v.Kind(); k != String && k != Number && k != Bool {
		return ""
	}
	return v.doc.nodes[v.index].text
}

// Is compares the value's text, and does not mark it as used.
func (v Value) Is(text string) bool { return v.Peek() == text && v.Kind() > Null }

// Text is Str at the end of a path.
func (v Value) Text(path ...string) string { return v.Get(path...).Str() }

// Int reads an integer, also one that is written as a string, and marks it as used. ok is false for anything else.
func (v Value) Int() (n int64, ok bool) {
	if k := v.Kind(); k != Number && k != String {
		return 0, false
	}
	node := &v.doc.nodes[v.index]
	n, err := strconv.ParseInt(node.text, 10, 64)
	node.used = node.used || err == nil
	return n, err == nil
}

// MarkUsed keeps Rest from returning the value and everything in it.
func (v Value) MarkUsed() {
	if v.doc == nil {
		return
	}
	for i := v.index; i < v.doc.nodes[v.index].end; i++ {
		v.doc.nodes[i].used = true
	}
}

// Elements are those of an array, none of anything else.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() == Array {
			v.Children()(func(_ string, child Value) bool { return yield(child) })
		}
	}
}

// Members are those of an object, none of anything else.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() == Object {
			v.Children()(yield)
		}
	}
}

// Children are the elements of an array, without keys, or the members of an object.
func (v Value) Children() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() < Array {
			return
		}
		nodes := v.doc.nodes
		for i := v.index + 1; i < nodes[v.index].end; i = nodes[i].end {
			if !yield(nodes[i].key, Value{v.doc, i}) {
				return
			}
		}
	}
}

// JSON writes the value compactly.
func (v Value) JSON() string {
	var e jx.Encoder
	v.encodeCompactly(&e)
	return e.String()
}

func (v Value) encodeCompactly(e *jx.Encoder) {
	n := &v.doc.nodes[v.index]
	switch n.kind {
	case String:
		e.Str(n.text)
	case Number, Bool:
		e.Raw(jx.Raw(n.text))
	case Array:
		e.ArrStart()
		for child := range v.Elements() {
			child.encodeCompactly(e)
		}
		e.ArrEnd()
	case Object:
		e.ObjStart()
		for key, child := range v.Members() {
			e.FieldStart(key)
			child.encodeCompactly(e)
		}
		e.ObjEnd()
	default:
		e.Null()
	}
}

// maxPathBytes: Rest does not descend below longer paths. Every value repeats its path: one key of a megabyte over ten thousand values
// would take ten gigabytes.
const maxPathBytes = 256

// Rest calls keep for every value within an object that was not used, by its path with dots between the keys. Arrays of which only a
// part was used, and objects below a path that is too long, are passed whole; null and empty containers are left out.
func (v Value) Rest(prefix string, keep func(path string, rest Value)) {
	for key, child := range v.Members() {
		switch n := &v.doc.nodes[child.index]; {
		case n.used || n.kind == Null || n.kind > String && n.end == child.index+1:
		case n.kind == Object && len(prefix)+len(key) < maxPathBytes:
			child.Rest(prefix+key+".", keep)
		default:
			keep(prefix+key, child)
		}
	}
}
