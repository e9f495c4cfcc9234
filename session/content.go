package session

import (
	"reflect"
	"slices"
)

// stableField is one of all the others.
type stableField struct {
	index int
	doors leeway // of a system that is read through several doors
}

func (f *stableField) of(e *Event) reflect.Value { return reflect.ValueOf(e).Elem().Field(f.index) }

var stableFields = func() (all []stableField) {
	t := reflect.TypeFor[Event]()
	for i := range t.NumField() {
		name := t.Field(i).Name
		if !slices.ContainsFunc(Fields, func(f Field) bool { return f.Name == name && f.OfReading }) {
			all = append(all, stableField{i, doors[name]})
		}
	}
	return all
}()

// SameContent tells whether two records with one id say the same, trace ids and the time of reading aside. If they do
// not, one of them may be forged. Of a system with several doors it is enough that neither contradicts the other: what
// they say need not be equal byte for byte, so a store that compares hashes asks here before it calls two of them a conflict.
func (e *Event) SameContent(o *Event) bool {
	a, b, many := reflect.ValueOf(e).Elem(), reflect.ValueOf(o).Elem(), e.manyDoors()
	for i := range stableFields {
		f := &stableFields[i]
		if same := sameValue(a.Field(f.index), b.Field(f.index)) || many && e.withinLeeway(o, f); !same {
			return false
		}
	}
	return true
}

func sameValue(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.String:
		return a.String() == b.String()
	case reflect.Slice:
		return sameSlice(a, b)
	default:
		return a.Equal(b)
	}
}

// sameSlice compares in order, but for Extra, whose order a backend need not keep.
func sameSlice(a, b reflect.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	if x, ok := a.Interface().([]Attr); ok {
		return sameAttrs(x, b.Interface().([]Attr))
	}
	for i := range a.Len() {
		if !a.Index(i).Equal(b.Index(i)) {
			return false
		}
	}
	return true
}

// fewAttrs is how many are looked for one after another; a record may be sent with a hundred thousand.
const fewAttrs = 64

func sameAttrs(a, b []Attr) bool {
	if len(a) > fewAttrs {
		return sameMany(a, b)
	}
	for _, x := range a {
		if !slices.Contains(b, x) {
			return false
		}
	}
	return true
}

func sameMany(a, b []Attr) bool {
	count := make(map[Attr]int, len(a))
	for _, x := range a {
		count[x]++
	}
	for _, x := range b {
		if count[x]--; count[x] < 0 {
			return false
		}
	}
	return true
}

// ContentID is the id of an event that came without one: a hash of its content (see [Event.AppendContent]). The same record
// sent again has the same id; two true events that say the same of the same nanosecond would share one, so senders do better
// to give ids.
func (e *Event) ContentID(h *Hasher) ID {
	h.Start("content", e.System, e.Instance)
	h.buf = e.AppendContent(h.buf)
	return h.RecordID(e.Time)
}
