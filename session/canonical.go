package session

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// canonicalVersion is the first of the canonical bytes.
const canonicalVersion = 1

var (
	canonicalFields = sortedByTag(Fields)
	contentFields   = slices.DeleteFunc(sortedByTag(Fields), func(f Field) bool { return f.OfReading || f.Name == "RecordID" })
)

func sortedByTag(fields []Field) []Field {
	return slices.SortedFunc(slices.Values(fields), func(a, b Field) int { return cmp.Compare(a.Tag, b.Tag) })
}

// AppendCanonical appends the event's canonical bytes: 01, then tag, length and value of every field that is not absent, tags
// ascending. Tags and lengths are uvarints. A text's value is its bytes, an id's its bytes, a number's 8 bytes big endian (kinds
// and outcomes are numbers); a list has its tag once for each element. A setting's value is uvarint(length of the name), name,
// value. Attributes are in the order of key, value, type, each as type (1 byte), uvarint(length of the key), key, value. A user
// name that is given but empty is tag 12 with length 0.
//
// The bytes do not depend on Go: neither a new field that is absent nor another name or place of a field in [Event] changes them.
func (e *Event) AppendCanonical(b []byte) []byte { return e.appendFields(b, canonicalFields) }

// AppendContent appends the canonical bytes of what the event says, whenever and by whom it was read: all fields but RecordID,
// Observed, TraceID, SpanID and Correlation.
func (e *Event) AppendContent(b []byte) []byte { return e.appendFields(b, contentFields) }

func (e *Event) appendFields(b []byte, fields []Field) []byte {
	b = append(b, canonicalVersion)
	for i := range fields {
		tag := fields[i].Tag
		switch v := fields[i].In(e).(type) {
		case *string:
			if *v != "" || v == &e.User && e.UserEmpty {
				b = appendCanonicalText(b, tag, *v)
			}
		case *[]string:
			for _, s := range *v {
				b = appendCanonicalText(b, tag, s)
			}
		case *int64:
			b = appendCanonicalNumber(b, tag, *v)
		case *int32:
			b = appendCanonicalNumber(b, tag, int64(*v))
		case *uint32:
			b = appendCanonicalNumber(b, tag, int64(*v))
		case *Kind:
			b = appendCanonicalNumber(b, tag, int64(*v))
		case *Outcome:
			b = appendCanonicalNumber(b, tag, int64(*v))
		case *ID:
			b = appendCanonicalID(b, tag, v[:])
		case *[16]byte:
			b = appendCanonicalID(b, tag, v[:])
		case *[8]byte:
			b = appendCanonicalID(b, tag, v[:])
		case *[]Setting:
			b = appendSettings(b, tag, *v)
		case *[]Attr:
			b = appendAttrs(b, tag, *v)
		default:
			panic(fmt.Sprintf("session: field %s has a type without canonical bytes", fields[i].Name))
		}
	}
	return b
}

func appendCanonicalText(b []byte, tag uint64, s string) []byte {
	return append(appendHeader(b, tag, len(s)), s...)
}

func appendHeader(b []byte, tag uint64, length int) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, tag), uint64(length))
}

func appendCanonicalNumber(b []byte, tag uint64, n int64) []byte {
	if n == 0 {
		return b
	}
	return binary.BigEndian.AppendUint64(appendHeader(b, tag, 8), uint64(n))
}

func appendCanonicalID(b []byte, tag uint64, id []byte) []byte {
	for _, c := range id {
		if c != 0 {
			return append(appendHeader(b, tag, len(id)), id...)
		}
	}
	return b
}

func appendSettings(b []byte, tag uint64, settings []Setting) []byte {
	for _, s := range settings {
		b = appendHeader(b, tag, uvarintLen(len(s.Name))+len(s.Name)+len(s.Value))
		b = append(binary.AppendUvarint(b, uint64(len(s.Name))), s.Name...)
		b = append(b, s.Value...)
	}
	return b
}

// appendAttrs sorts a copy, which stays on the stack where there are no more than 32.
func appendAttrs(b []byte, tag uint64, attrs []Attr) []byte {
	var few [32]Attr
	if !slices.IsSortedFunc(attrs, compareAttrs) {
		attrs = append(few[:0], attrs...)
		slices.SortFunc(attrs, compareAttrs)
	}
	for i := range attrs {
		a := &attrs[i]
		b = appendHeader(b, tag, 1+uvarintLen(len(a.Key))+len(a.Key)+len(a.Value))
		b = binary.AppendUvarint(append(b, byte(a.Type)), uint64(len(a.Key)))
		b = append(append(b, a.Key...), a.Value...)
	}
	return b
}

func compareAttrs(a, b Attr) int {
	if c := strings.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.Value, b.Value), cmp.Compare(a.Type, b.Type))
}

func uvarintLen(n int) int {
	length := 1
	for ; n >= 0x80; n >>= 7 {
		length++
	}
	return length
}
