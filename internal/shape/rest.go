package shape

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/session"
)

// writeRest writes every field that has no place yet, under its name in flat JSON, and the attributes that have no field.
func (d *document) writeRest() {
	d.writeLeftOver()
	d.writeAttributes(d.sink.attribute)
}

func (d *document) writeLeftOver() {
	for f := range fieldIndex(len(session.Fields)) {
		if d.isLeftOver(f) {
			d.openPending()
			d.writeExact(fieldKeys[f], f)
		}
	}
}

func (d *document) isLeftOver(f fieldIndex) bool {
	return f != fieldExtra && !d.placed[f] && !d.isAbsent(f)
}

// nestedField is a field's name as the path within an object of ours: the parents, and the last word.
type nestedField struct {
	parents []string
	name    string
	field   fieldIndex
}

// nestedFields are in the order of their paths, so that what has the same parents stands together.
var nestedFields = func() (all []nestedField) {
	for f, key := range fieldKeys {
		if f != int(fieldExtra) {
			path := strings.Split(trimOwnPrefix(key), ".")
			last := len(path) - 1
			all = append(all, nestedField{path[:last], path[last], fieldIndex(f)})
		}
	}
	slices.SortFunc(all, func(a, b nestedField) int { return slices.Compare(a.parents, b.parents) })
	return all
}()

// writeNestedRest writes the object sessionlog with what has no place yet: fields as nested objects, and below `attributes` the attributes that
// have no field, as texts. A backend that learns the type of a name from its first value never meets another.
func (d *document) writeNestedRest() {
	d.object("sessionlog", func() {
		var open []string
		for i := range nestedFields {
			n := &nestedFields[i]
			if !d.isLeftOver(n.field) {
				continue
			}
			d.openPending()
			open = d.moveTo(open, n.parents)
			d.writeExact(n.name, n.field)
		}
		d.moveTo(open, nil)
		d.object("attributes", func() {
			d.writeAttributes(func(name string, a *session.Attr) {
				d.sink.attribute(name, &session.Attr{Value: a.Value})
			})
		})
	})
}

// moveTo closes and opens objects of the sink until those of path are open.
func (d *document) moveTo(open, path []string) []string {
	common := 0
	for common < len(open) && common < len(path) && open[common] == path[common] {
		common++
	}
	for range len(open) - common {
		d.sink.closeObject()
	}
	for _, name := range path[common:] {
		d.sink.openObject(name)
	}
	return path
}

// maxMembers: more attributes are a list. A member must be compared with all before it, in pdata's maps as well, and a hundred thousand would
// take minutes.
const maxMembers = 128

// writeAttributes writes the attributes that have no field: members, or the list of their names and values.
func (d *document) writeAttributes(write func(name string, a *session.Attr)) {
	attrs := d.event.Extra
	if len(attrs) == 0 {
		return
	}
	d.openPending()
	if len(attrs) > maxMembers {
		d.sink.openList("attribute_list")
		for i := range attrs {
			d.sink.openObject("")
			d.writeExactText("name", attrs[i].Key)
			d.writeExactText("value", attrs[i].Value)
			d.sink.closeObject()
		}
		d.sink.closeList()
		return
	}
	d.names = d.names[:0]
	for i := range attrs {
		name := d.uniqueName(&attrs[i])
		d.names = append(d.names, name)
		if utf8.ValidString(attrs[i].Value) {
			write(name, &attrs[i])
		} else {
			d.sink.attribute(name, &session.Attr{Value: encodeBase64(attrs[i].Value)})
		}
	}
}

// uniqueName is the attribute's key, changed where a document cannot have it or has it already.
func (d *document) uniqueName(a *session.Attr) string {
	name := memberName(a.Key)
	if !utf8.ValidString(a.Value) {
		name += suffixBase64
	}
	for d.isTaken(name) {
		name += "_"
	}
	return name
}

// isTaken knows the fields that are not absent, and the attributes that were written. An attribute may well be named like a field that is
// absent: its value did not fit the field.
func (d *document) isTaken(name string) bool {
	f, isField := fieldsByKey[name]
	return isField && !d.isAbsent(f) || slices.Contains(d.names, name)
}

// memberName is a key that any document takes: not empty, UTF-8, without NUL.
func memberName(key string) string {
	if key == "" {
		return "_"
	}
	if strings.IndexByte(key, 0) >= 0 {
		key = strings.ReplaceAll(key, "\x00", "_")
	}
	return validText(key)
}
