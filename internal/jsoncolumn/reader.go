package jsoncolumn

import (
	"errors"
	"io"
	"strings"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/session"
)

// errMalformed has no value of the cell in it.
var errMalformed = errors.New("the column holds JSON of another form")

// Reader reads what [Writer] has written and a server may have spelled anew. Its errors are for cells that somebody else has written.
type Reader struct {
	// OriginalText undoes AppendText; nil where texts are stored as they are.
	OriginalText func(string) string
}

// Strings appends the texts of a list to to.
func (r Reader) Strings(cell string, to []string) ([]string, error) {
	err := readWholeCell(cell, func(d *jx.Decoder) error {
		return d.Arr(func(d *jx.Decoder) error {
			s, err := r.readText(d)
			to = append(to, s)
			return err
		})
	})
	return to, err
}

// Settings appends settings to to.
func (r Reader) Settings(cell string, to []session.Setting) ([]session.Setting, error) {
	err := r.readTexts(cell, 2, func(texts []string) error {
		to = append(to, session.Setting{Name: texts[0], Value: texts[1]})
		return nil
	})
	return to, err
}

// TypedAttributes appends attributes to to.
func (r Reader) TypedAttributes(cell string, to []session.Attr) ([]session.Attr, error) {
	err := r.readTexts(cell, 3, func(texts []string) error {
		t := strings.Index(typeLetters, texts[1])
		if len(texts[1]) != 1 || t < 0 {
			return errMalformed
		}
		to = append(to, session.Attr{Key: texts[0], Type: session.AttrType(t), Value: texts[2]}) //nolint:gosec // there are seven
		return nil
	})
	return to, err
}

// Attributes appends attributes to to, each of the type that JSON has for its value.
func (r Reader) Attributes(cell string, to []session.Attr) ([]session.Attr, error) {
	err := readWholeCell(cell, func(d *jx.Decoder) error {
		return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
			a := session.Attr{Key: r.originalText(string(key))}
			err := r.readValue(d, &a)
			to = append(to, a)
			return err
		})
	})
	return to, err
}

func (r Reader) readValue(d *jx.Decoder, a *session.Attr) (err error) {
	switch d.Next() {
	case jx.String:
		a.Value, err = r.readText(d)
		return err
	case jx.Null:
		a.Type = session.AttrEmpty
		return d.Null()
	case jx.Bool:
		a.Type = session.AttrBool
	case jx.Array, jx.Object:
		a.Type = session.AttrJSON
	}
	raw, err := d.Raw()
	a.Value = string(raw)
	if raw.Type() == jx.Number {
		a.Type = numberType(a.Value)
	}
	return err
}

func (r Reader) readTexts(cell string, n int, take func([]string) error) error {
	texts := make([]string, 0, n)
	return readWholeCell(cell, func(d *jx.Decoder) error {
		return d.Arr(func(d *jx.Decoder) error {
			texts = texts[:0]
			err := d.Arr(func(d *jx.Decoder) error {
				s, err := r.readText(d)
				texts = append(texts, s)
				return err
			})
			if err != nil {
				return err
			}
			if len(texts) != n {
				return errMalformed
			}
			return take(texts)
		})
	})
}

func (r Reader) readText(d *jx.Decoder) (string, error) {
	s, err := d.Str()
	return r.originalText(s), err
}

func (r Reader) originalText(s string) string {
	if r.OriginalText == nil {
		return s
	}
	return r.OriginalText(s)
}

// readWholeCell reads nothing of an empty cell, and one value of another.
func readWholeCell(cell string, read func(*jx.Decoder) error) error {
	if cell == "" {
		return nil
	}
	d := jx.DecodeStr(cell)
	if read(d) != nil || !errors.Is(d.Skip(), io.EOF) {
		return errMalformed
	}
	return nil
}
