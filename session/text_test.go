package session

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryTextWeighs: a text that is not counted could make a block of any size.
func TestEveryTextWeighs(t *testing.T) {
	typ := reflect.TypeFor[Event]()
	for i := range typ.NumField() {
		var e Event
		f := reflect.ValueOf(&e).Elem().Field(i)
		heavy := strings.Repeat("x", 1000)
		switch f.Interface().(type) {
		case string:
			f.SetString(heavy)
		case []string:
			f.Set(reflect.ValueOf([]string{heavy}))
		case []Setting:
			e.Settings = []Setting{{Name: heavy}}
		case []Attr:
			e.Extra = []Attr{{Value: heavy}}
		default:
			continue
		}
		require.Equal(t, 1000, e.TextBytes(), typ.Field(i).Name)
	}
}

// TestTextBeginning ends with a whole character.
func TestTextBeginning(t *testing.T) {
	for _, c := range []struct {
		text, want string
		isCut      bool
	}{{"abc", "abc", false}, {"abcd", "abc", true}, {"ab\u00e9", "ab", true}, {"a\xff\xff\xff", "a\xff\xff", true}} {
		beginning, isCut := TextBeginning(c.text, 3)
		require.Equal(t, c.want, beginning)
		require.Equal(t, c.isCut, isCut)
	}
}
