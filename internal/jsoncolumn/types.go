// Package jsoncolumn writes and reads the columns that hold lists, settings and attributes as JSON. It does not insist on UTF-8:
// bytes that are none pass through as they are, unless the backend gives texts another form.
package jsoncolumn

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unsafe"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/session"
)

// typeLetters are indexed by session.AttrType.
const typeLetters = "sidbyje"

// TypeLetter stands for the type in a table.
func TypeLetter(t session.AttrType) byte { return typeLetters[min(int(t), len(typeLetters)-1)] }

// ApplyTypeLetters sets the types of attributes, one letter each in order. A letter of no type changes nothing.
func ApplyTypeLetters(attrs []session.Attr, letters string) {
	for i := range min(len(attrs), len(letters)) {
		if t := strings.IndexByte(typeLetters, letters[i]); t >= 0 {
			attrs[i].Type = session.AttrType(t) //nolint:gosec // there are seven
		}
	}
}

// SortAttributes copies the attributes into scratch and sorts them, so that two records that say the same are stored the same.
func SortAttributes(attrs, scratch []session.Attr) []session.Attr {
	scratch = append(scratch[:0], attrs...)
	slices.SortFunc(scratch, func(a, b session.Attr) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
	})
	return scratch
}

// IsNative reports whether the attribute's text can stand as a JSON value of its own type.
func IsNative(a *session.Attr) bool {
	switch a.Type {
	case session.AttrString:
		return true
	case session.AttrInt, session.AttrDouble:
		return IsNumber(a.Value) && numberType(a.Value) == a.Type
	case session.AttrBool:
		return a.Value == "true" || a.Value == "false"
	case session.AttrJSON:
		return IsDocument(a.Value, nil)
	case session.AttrEmpty:
		return a.Value == ""
	}
	return false
}

// IsNumber reports whether s is a number of JSON.
func IsNumber(s string) bool { return strings.TrimLeft(s, "-0123456789.eE+") == "" && isValidJSON(s) }

func numberType(s string) session.AttrType {
	if strings.ContainsAny(s, ".eE") {
		return session.AttrDouble
	}
	return session.AttrInt
}

func isValidJSON(s string) bool { return json.Valid(unsafe.Slice(unsafe.StringData(s), len(s))) }

// maxDepth keeps documents well below the depth at which the JSON functions of a store give up on the whole query.
const maxDepth = 100

var errUnfit = errors.New("the document is too deep or has a number that the store does not take")

// IsDocument reports whether s is an array or an object that can stand inside another, and whose numbers all are taken; nil takes all.
func IsDocument(s string, takesNumber func(jx.Num) bool) bool {
	if s == "" || s[0] != '{' && s[0] != '[' || s[len(s)-1] <= ' ' || !isValidJSON(s) {
		return false
	}
	return checkDocument(jx.DecodeStr(s), maxDepth, takesNumber) == nil
}

func checkDocument(d *jx.Decoder, depthLeft int, takesNumber func(jx.Num) bool) error {
	inner := func(d *jx.Decoder) error { return checkDocument(d, depthLeft-1, takesNumber) }
	switch d.Next() {
	case jx.Array, jx.Object:
		if depthLeft == 0 {
			return errUnfit
		}
		if d.Next() == jx.Array {
			return d.Arr(inner)
		}
		return d.ObjBytes(func(d *jx.Decoder, _ []byte) error { return inner(d) })
	case jx.Number:
		n, err := d.Num()
		if err == nil && takesNumber != nil && !takesNumber(n) {
			return errUnfit
		}
		return err
	}
	return d.Skip()
}
