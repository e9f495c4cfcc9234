package postgresql

import (
	"slices"
	"strings"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Attributes are a JSON object for queries, each value in JSON's own type where it has one. PostgreSQL's jsonb keeps what a
// document means and not how it was written, and JSON has no bytes and no NaN: an attribute whose type or text would not come
// back is also in attributes_exact, with a letter for its type.

// jsonColumns writes the JSON of one cell after the other, with texts in the form that tables take.
type jsonColumns struct {
	json         jsoncolumn.Writer
	sorted, part []session.Attr
}

func (j *jsonColumns) storableWriter() *jsoncolumn.Writer {
	j.json.AppendText = appendStorable
	return &j.json
}

func (j *jsonColumns) settingsColumn(settings []session.Setting) []byte {
	return j.storableWriter().Settings(settings)
}

var readColumns = jsoncolumn.Reader{OriginalText: restoreText}

// attributesColumn are in order of their keys; of those that share a key the first is here, and all of them are in exactAttributesColumn.
func (j *jsonColumns) attributesColumn(attrs []session.Attr) []byte {
	j.sorted = jsoncolumn.SortAttributes(attrs, j.sorted)
	distinct := slices.CompactFunc(j.sorted, func(a, b session.Attr) bool { return a.Key == b.Key })
	return j.storableWriter().Attributes(distinct, hasJSONValue)
}

// exactAttributesColumn are those that attributesColumn alone does not give back: none, nearly always.
func (j *jsonColumns) exactAttributesColumn(attrs []session.Attr) []byte {
	j.sorted, j.part = jsoncolumn.SortAttributes(attrs, j.sorted), j.part[:0]
	for i := range j.sorted {
		a := &j.sorted[i]
		shared := i > 0 && j.sorted[i-1].Key == a.Key || i+1 < len(j.sorted) && j.sorted[i+1].Key == a.Key
		if shared || !comesBackAlike(a) {
			j.part = append(j.part, *a)
		}
	}
	return j.storableWriter().TypedAttributes(j.part)
}

func hasJSONValue(a *session.Attr) bool {
	switch a.Type {
	case session.AttrInt, session.AttrDouble:
		return fitsNumeric(a.Value) && jsoncolumn.IsNumber(a.Value)
	case session.AttrJSON: // an escape may spell NUL or half a surrogate pair, which jsonb refuses
		return isStorable(a.Value) && !strings.Contains(a.Value, `\u`) &&
			jsoncolumn.IsDocument(a.Value, func(n jx.Num) bool { return !strings.ContainsAny(string(n), "eE") })
	}
	return jsoncolumn.IsNative(a)
}

func fitsNumeric(number string) bool {
	_, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	// Far below what a numeric holds, which ends at an exponent of some hundred thousand.
	return len(number) <= 400 && len(strings.TrimLeft(exponent, "+-0")) <= 3
}

func comesBackAlike(a *session.Attr) bool {
	switch a.Type {
	case session.AttrInt, session.AttrDouble:
		return hasJSONValue(a) && isPlainNumber(a.Value, a.Type == session.AttrDouble)
	case session.AttrJSON:
		return false
	}
	return jsoncolumn.IsNative(a)
}

func isPlainNumber(number string, withPoint bool) bool {
	whole, fraction, found := strings.Cut(number, ".")
	// The server may leave out trailing zeros, and numeric has no negative zero.
	return number != "-0" && found == withPoint && len(whole) < 30 && !strings.ContainsAny(number, "eE") && !strings.HasSuffix(fraction, "0")
}

func readExactAttributes(e *session.Event, cell string, _ bool) error {
	exact, err := readColumns.TypedAttributes(cell, nil)
	attrs := slices.DeleteFunc(e.Extra, func(a session.Attr) bool {
		return slices.ContainsFunc(exact, func(x session.Attr) bool { return x.Key == a.Key })
	})
	e.Extra = append(attrs, exact...)
	return err
}
