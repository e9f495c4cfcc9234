package sqlite

import (
	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Attributes are a JSON object, each value in JSON's own type where that is the attribute's and keeps its text. Any other
// value (bytes, a double without a point, NaN, JSON that is a single word or no JSON at all) is stored as text, and the column
// attribute_types, one letter for each attribute in order, says what it was.

const naturalType = '-'

// attributeTypes is nothing when all attributes have JSON's types. It is good until the next call.
func (b *rowBinder) attributeTypes(attrs []session.Attr) []byte {
	b.letters = b.letters[:0]
	allNatural := true
	for i := range attrs {
		if jsoncolumn.IsNative(&attrs[i]) {
			b.letters = append(b.letters, naturalType)
			continue
		}
		allNatural = false
		b.letters = append(b.letters, jsoncolumn.TypeLetter(attrs[i].Type))
	}
	if allNatural {
		return nil
	}
	return b.letters
}
