package session

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

const canonicalVersion = 1

var (
	fieldsOfContent = slices.DeleteFunc(sortedByTag(Fields), isOfReading)
	contentFields   = locateFields(fieldsOfContent)
	readingFields   = locateFields(slices.DeleteFunc(sortedByTag(Fields), func(f Field) bool { return !isOfReading(f) }))
)

func isOfReading(f Field) bool { return f.OfReading || f.Name == "RecordID" }

func sortedByTag(fields []Field) []Field {
	return slices.SortedFunc(slices.Values(fields), func(a, b Field) int { return cmp.Compare(a.Tag, b.Tag) })
}

// AppendCanonical appends the event's canonical bytes: 01, then tag, length and value of every field that is not absent: those of
// [Event.AppendContent], tags ascending, and after them the others, tags ascending. Tags and lengths are uvarints. A text's value is its bytes, an id's its bytes, a number's 8 bytes big endian (kinds
// and outcomes are numbers); a list has its tag once for each element. A setting's value is uvarint(length of the name), name,
// value. Attributes are in the order of key, value, type, each as type (1 byte), uvarint(length of the key), key, value. A user
// name that is given but empty is tag 12 with length 0.
//
// The bytes do not depend on Go: neither a new field that is absent nor another name or place of a field in [Event] changes them.
func (e *Event) AppendCanonical(b []byte) []byte {
	return e.appendFields(e.AppendContent(b), readingFields)
}

// AppendContent appends the canonical bytes of what the event says, whenever and by whom it was read: all fields but RecordID,
// Observed, TraceID, SpanID and Correlation.
func (e *Event) AppendContent(b []byte) []byte {
	return e.appendFields(append(b, canonicalVersion), contentFields)
}

// canonicalField is where a field is in [Event], and of what type it is. Asking [Field.In] of each field of each record takes twice as long.
type canonicalField struct {
	tag    uint64
	offset uintptr
	form   canonicalForm
}

type canonicalForm uint8

const (
	formText canonicalForm = iota
	formUser
	formTexts
	formInt64
	formInt32
	formUint32
	formUint8
	formID
	formSpanID
	formSettings
	formAttrs
)

// locateFields panics where a field is of a type without canonical bytes.
func locateFields(fields []Field) []canonicalField {
	e, located := new(Event), make([]canonicalField, len(fields))
	for i := range fields {
		field := fields[i].In(e)
		located[i] = canonicalField{
			tag:    fields[i].Tag,
			offset: reflect.ValueOf(field).Pointer() - uintptr(unsafe.Pointer(e)),
			form:   formOfField(fields[i].Name, field),
		}
	}
	return located
}

func formOfField(name string, field any) canonicalForm {
	switch field.(type) {
	case *string:
		if name == "User" {
			return formUser
		}
		return formText
	case *[]string:
		return formTexts
	case *int64:
		return formInt64
	case *int32:
		return formInt32
	case *uint32:
		return formUint32
	case *Kind, *Outcome:
		return formUint8
	case *ID, *[16]byte:
		return formID
	case *[8]byte:
		return formSpanID
	case *[]Setting:
		return formSettings
	case *[]Attr:
		return formAttrs
	}
	panic(fmt.Sprintf("session: field %s has a type without canonical bytes", name))
}

func (e *Event) appendFields(b []byte, fields []canonicalField) []byte {
	for i := range fields {
		tag, at := fields[i].tag, unsafe.Add(unsafe.Pointer(e), fields[i].offset)
		switch fields[i].form {
		case formText:
			if s := *(*string)(at); s != "" {
				b = appendCanonicalText(b, tag, s)
			}
		case formUser:
			if e.User != "" || e.UserEmpty {
				b = appendCanonicalText(b, tag, e.User)
			}
		case formTexts:
			for _, s := range *(*[]string)(at) {
				b = appendCanonicalText(b, tag, s)
			}
		case formInt64:
			b = appendCanonicalNumber(b, tag, *(*int64)(at))
		case formInt32:
			b = appendCanonicalNumber(b, tag, int64(*(*int32)(at)))
		case formUint32:
			b = appendCanonicalNumber(b, tag, int64(*(*uint32)(at)))
		case formUint8:
			b = appendCanonicalNumber(b, tag, int64(*(*uint8)(at)))
		case formID:
			b = appendCanonicalID(b, tag, (*[16]byte)(at)[:])
		case formSpanID:
			b = appendCanonicalID(b, tag, (*[8]byte)(at)[:])
		case formSettings:
			b = appendSettings(b, tag, *(*[]Setting)(at))
		case formAttrs:
			b = appendAttrs(b, tag, *(*[]Attr)(at))
		}
	}
	return b
}

func appendCanonicalText(b []byte, tag uint64, s string) []byte {
	return append(appendHeader(b, tag, len(s)), s...)
}

func appendHeader(b []byte, tag uint64, length int) []byte {
	if tag|uint64(length) < 0x80 { // each is its own uvarint then
		return append(b, byte(tag), byte(length))
	}
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
