package clickhouse

import (
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// Every column changes places; a column that is forgotten in swap would be mapped with the rows of another block.
func TestSwapForgetsNoColumn(t *testing.T) {
	a, b := newBlock(tableName{}, nil), newBlock(tableName{}, nil)
	l := &layout{names: []string{"extra"}}
	l.addExtras(a)
	l.addExtras(b)
	columns := func(b *block) (all []any) {
		for _, t := range b.targets() {
			all = append(all, t.data)
		}
		for _, x := range b.extra {
			all = append(all, x.data)
		}
		return all
	}
	for _, c := range columns(a) {
		require.Positive(t, mark(reflect.ValueOf(c)), "%T has nothing to mark", c)
	}
	a.swap(b)
	for i, c := range columns(a) {
		require.Zero(t, marks(reflect.ValueOf(c)), "column %s kept something", a.targetName(i))
		require.Positive(t, marks(reflect.ValueOf(columns(b)[i])), "column %s did not get everything", a.targetName(i))
	}
	require.Same(t, &a.hostname.index.ColStr, a.hostname.raw.Index)
	require.Same(t, &b.settings.names.index.ColStr, b.settings.names.raw.Index)
}

func (b *block) targetName(i int) string {
	if t := b.targets(); i < len(t) {
		return t[i].name
	}
	return "extra"
}

// mark gives each slice below v one element, and returns how many there are.
func mark(v reflect.Value) (n int) {
	walk(v, func(s reflect.Value) {
		s.Set(reflect.MakeSlice(s.Type(), 1, 1))
		n++
	})
	return n
}

func marks(v reflect.Value) (n int) {
	walk(v, func(s reflect.Value) { n += s.Len() })
	return n
}

func walk(v reflect.Value, visit func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		walk(v.Elem(), visit)
	case reflect.Slice:
		visit(v)
	case reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			if f.CanAddr() {
				f = reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
			}
			walk(f, visit)
		}
	}
}
