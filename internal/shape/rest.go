package shape

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/session"
)

// writeRest writes every field that has no place yet, under its name in flat JSON, and the attributes that have no field.
func (d *shapedDocument) writeRest() {
	d.writeLeftOver(flatNames)
	d.writeAttributes(memberName, d.attribute)
}

var flatNames = func() (names []exactName) {
	for _, key := range fieldKeys {
		names = append(names, nameExactly(key))
	}
	return names
}()

func (d *shapedDocument) writeLeftOver(names []exactName) {
	for f := range fieldIndex(len(session.Fields)) {
		if d.left[f] {
			d.writeExact(&names[f], f)
		}
	}
}

// nestedName is a field's name as the path within an object of ours: the parents, and the last word.
type nestedName struct {
	parents []string
	last    exactName
}

var nestedNames = func() (names []nestedName) {
	for _, key := range fieldKeys {
		path := strings.Split(trimOwnPrefix(key), ".")
		last := len(path) - 1
		names = append(names, nestedName{path[:last], nameExactly(path[last])})
	}
	return names
}()

// nestedFields are all but Extra in the order of their paths, so that what has the same parents is together. They are apart from the names,
// of which an event needs few.
var nestedFields = func() []fieldIndex {
	fields := slices.Collect(maps.Values(fieldsByKey))
	slices.SortFunc(fields, func(a, b fieldIndex) int {
		return cmp.Or(slices.Compare(nestedNames[a].parents, nestedNames[b].parents), cmp.Compare(a, b))
	})
	return fields
}()

// writeNestedRest writes the object sessionlog with what has no place yet: fields as nested objects, and below `attributes` the attributes that
// have no field, as texts. A backend that learns the type of a name from its first value never meets another.
func (d *shapedDocument) writeNestedRest() {
	d.object("sessionlog", func() {
		var open []string
		for _, f := range nestedFields {
			if d.left[f] {
				name := &nestedNames[f]
				open = d.moveTo(open, name.parents)
				d.writeExact(&name.last, f)
			}
		}
		d.moveTo(open, nil)
		if !d.isPresent(fieldExtra) {
			return
		}
		d.object("attributes", func() {
			d.writeAttributes(nameWithoutDots, func(name string, a *session.Attr) {
				d.attribute(name, &session.Attr{Value: a.Value})
			})
		})
	})
}

// moveTo closes and opens objects of the sink until those of path are open.
func (d *shapedDocument) moveTo(open, path []string) []string {
	common := 0
	for common < len(open) && common < len(path) && open[common] == path[common] {
		common++
	}
	for range len(open) - common {
		d.closeObject()
	}
	for _, name := range path[common:] {
		d.openObject(name)
	}
	return path
}

// maxMembers: more attributes are a list. A member must be compared with all before it, in pdata's maps as well, and a hundred thousand would
// take minutes.
const maxMembers = 128

// maxNameLength in bytes: a longer name is a value in the list. Elasticsearch refuses a document with a name of 32 kB.
const maxNameLength = 256

// writeAttributes writes the attributes that have no field: members, or the list of their names and values.
func (d *shapedDocument) writeAttributes(nameOf func(key string) string, write func(name string, a *session.Attr)) {
	attrs := d.event.Extra
	if len(attrs) == 0 {
		return
	}
	if len(attrs) > maxMembers || slices.ContainsFunc(attrs, func(a session.Attr) bool { return len(a.Key) > maxNameLength }) {
		d.openList("attribute_list")
		for i := range attrs {
			d.writeExactPair(attrs[i].Key, attrs[i].Value)
		}
		d.closeList()
		return
	}
	d.names = d.names[:0]
	for i := range attrs {
		name := d.uniqueName(&attrs[i], nameOf)
		d.names = append(d.names, name)
		switch {
		case !utf8.ValidString(attrs[i].Value):
			d.attribute(name, &session.Attr{Value: encodeBase64(attrs[i].Value)})
		case attrs[i].Type == session.AttrJSON && hasMemberTwice(attrs[i].Value):
			d.attribute(name, &session.Attr{Value: attrs[i].Value})
		default:
			write(name, &attrs[i])
		}
	}
}

func (d *shapedDocument) uniqueName(a *session.Attr, nameOf func(key string) string) string {
	name := nameOf(a.Key)
	if !utf8.ValidString(a.Value) {
		name += suffixBase64
	}
	for d.isNameTaken(name) {
		name += "_"
	}
	return name
}

// absentUser says in OCSF that there was no user.
const absentUser = "sessionlog.user"

// isNameTaken knows the members of ours, the fields that are not absent, and the attributes that were written. An attribute may well be named like a
// field that is absent: its value did not fit the field. A part of the record is no attribute, so that one of its name is another thing.
func (d *shapedDocument) isNameTaken(name string) bool {
	f, isField := fieldsByKey[strings.TrimSuffix(name, suffixBase64)]
	switch {
	case name == absentUser:
		return true
	case isField && f != fieldOutcome && (session.Fields[f].Level == session.LevelRecord || d.isPresent(f)):
		return true
	}
	return slices.Contains(d.names, name)
}

// memberName is a key that any document takes: not blank, UTF-8, without NUL.
func memberName(key string) string {
	if strings.TrimSpace(key) == "" {
		return "_"
	}
	if strings.IndexByte(key, 0) >= 0 {
		key = strings.ReplaceAll(key, "\x00", "_")
	}
	return validText(key)
}

func nameWithoutDots(key string) string { return strings.ReplaceAll(memberName(key), ".", "_") }

func hasMemberTwice(text string) bool {
	var walk func(*jx.Decoder) error
	walk = func(d *jx.Decoder) error {
		switch d.Next() {
		case jx.Array:
			return d.Arr(walk)
		case jx.Object:
			seen := map[string]bool{}
			return d.Obj(func(d *jx.Decoder, name string) error {
				if seen[name] {
					return errNameTwice // Elasticsearch refuses such a document
				}
				seen[name] = true
				return walk(d)
			})
		}
		return d.Skip()
	}
	return errors.Is(walk(jx.DecodeStr(text)), errNameTwice)
}

var errNameTwice = errors.New("a name is there twice")
