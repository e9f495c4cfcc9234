package strictconfig

import (
	"encoding"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

type inspectReport struct {
	durations []error
	unknown   []error
	shapes    []error                   // such as a list for one value
	refused   [][]string                // paths of the keys that the errors are about
	outerKeys []map[string]reflect.Type // of the blocks around the one that is inspected, and its own
}

var (
	durationType        = reflect.TypeFor[time.Duration]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func inspectConfig(values map[string]any, config any) *inspectReport {
	r := &inspectReport{}
	r.inspectValue(nil, values, reflect.TypeOf(config))
	return r
}

func (r *inspectReport) inspectValue(path []string, value any, t reflect.Type) {
	t = bareType(t)
	if err := checkShape(path, value, t); err != nil {
		r.shapes = append(r.shapes, err)
		r.refused = append(r.refused, path)
		return
	}
	if t == durationType {
		if err := checkDuration(path, value); err != nil {
			r.durations = append(r.durations, err)
			r.refused = append(r.refused, path)
		}
		return
	}
	if decodesText(t) {
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		if block, ok := value.(map[string]any); ok {
			r.inspectBlock(path, block, t)
		}
	case reflect.Map:
		if entries, ok := value.(map[string]any); ok {
			for _, name := range slices.Sorted(maps.Keys(entries)) {
				r.inspectValue(childPath(path, name), entries[name], t.Elem())
			}
		}
	case reflect.Slice, reflect.Array:
		if list, ok := value.([]any); ok {
			for _, item := range list {
				r.inspectValue(path, item, t.Elem())
			}
		}
	}
}

func (r *inspectReport) inspectBlock(path []string, block map[string]any, t reflect.Type) {
	known, takesRest := structKeys(t)
	r.outerKeys = append(r.outerKeys, known)
	defer func() { r.outerKeys = r.outerKeys[:len(r.outerKeys)-1] }()
	for _, key := range slices.Sorted(maps.Keys(block)) {
		inner := childPath(path, key)
		switch field, ok := known[key]; {
		case ok:
			r.inspectValue(inner, block[key], field)
		case !takesRest && (key != "enabled" || len(path) == 0):
			r.unknown = append(r.unknown, r.unknownKey(inner, known))
			r.refused = append(r.refused, inner)
		}
	}
}

func childPath(path []string, key string) []string { return append(slices.Clone(path), key) }

// structKeys returns the keys of a struct, with those of squashed structs. takesRest: a field takes every other key.
func structKeys(t reflect.Type) (keys map[string]reflect.Type, takesRest bool) {
	keys = map[string]reflect.Type{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		switch {
		case strings.Contains(options, "squash"):
			if squashed := bareType(field.Type); squashed.Kind() == reflect.Struct {
				inner, rest := structKeys(squashed)
				maps.Copy(keys, inner)
				takesRest = takesRest || rest
			}
		case strings.Contains(options, "remain"):
			takesRest = true
		case name != "" && name != "-" && field.IsExported():
			keys[name] = field.Type
		}
	}
	return keys, takesRest
}

func blocksWith(key string, known map[string]reflect.Type) []string {
	var blocks []string
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if t := bareType(known[name]); t.Kind() == reflect.Struct && !decodesText(t) {
			if inner, _ := structKeys(t); inner[key] != nil {
				blocks = append(blocks, name)
			}
		}
	}
	return blocks
}

// bareType removes pointers and configoptional.Optional.
func bareType(t reflect.Type) reflect.Type {
	for {
		switch {
		case t.Kind() == reflect.Pointer:
			t = t.Elem()
		case strings.HasPrefix(t.Name(), "Optional[") && strings.HasSuffix(t.PkgPath(), "/configoptional"):
			get, _ := reflect.PointerTo(t).MethodByName("Get")
			t = get.Type.Out(0)
		default:
			return t
		}
	}
}

// decodesText is true for types that are written as one text, whatever fields they have.
func decodesText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textUnmarshalerType) }
