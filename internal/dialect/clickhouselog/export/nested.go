package export

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// jsonList appends the strings of a JSON array.
func (p *parser) jsonList(raw string, dst []string) ([]string, error) {
	j := scanner{s: raw}
	if !j.take('[') {
		return dst, errJSON
	}
	if j.take(']') {
		return dst, nil
	}
	for {
		s, err := p.jsonScalar(&j)
		if err != nil {
			return dst, err
		}
		dst = append(dst, s)
		if j.take(']') {
			return dst, nil
		}
		if !j.take(',') {
			return dst, errJSON
		}
	}
}

// jsonPairs appends the pairs of an array of tuples, which are arrays or, when their elements have names, objects; or
// those of a map, which is one object.
func (p *parser) jsonPairs(raw string, dst []session.Setting) ([]session.Setting, error) {
	j := scanner{s: raw}
	if j.peek() == '{' {
		return p.jsonMap(&j, dst)
	}
	if !j.take('[') {
		return dst, errJSON
	}
	for more := !j.take(']'); more; more = j.take(',') {
		pair, err := p.jsonPair(&j)
		if err != nil {
			return dst, err
		}
		dst = append(dst, pair)
	}
	return dst, nil
}

// jsonPair reads ["name","value"] or {"a":"name","b":"value"}.
func (p *parser) jsonPair(j *scanner) (pair session.Setting, err error) {
	named := j.peek() == '{'
	closing := byte(']')
	if named {
		closing = '}'
	}
	j.i++ // whatever opened it; anything else fails below
	for n, part := range [2]*string{&pair.Name, &pair.Value} {
		if n > 0 && !j.take(',') {
			return pair, errJSON
		}
		if named {
			if _, _, ok := j.str(); !ok || !j.take(':') {
				return pair, errJSON
			}
		}
		if *part, err = p.jsonScalar(j); err != nil {
			return pair, err
		}
	}
	if !j.take(closing) {
		return pair, errJSON
	}
	return pair, nil
}

func (p *parser) jsonMap(j *scanner, dst []session.Setting) ([]session.Setting, error) {
	j.take('{')
	for more := !j.take('}'); more; more = j.take(',') {
		var pair session.Setting
		var err error
		if pair.Name, err = p.jsonScalar(j); err != nil {
			return dst, err
		}
		if !j.take(':') {
			return dst, errJSON
		}
		if pair.Value, err = p.jsonScalar(j); err != nil {
			return dst, err
		}
		dst = append(dst, pair)
	}
	return dst, nil
}

func (p *parser) jsonScalar(j *scanner) (string, error) {
	c, err := j.value()
	if err != nil {
		return "", err
	}
	if c.kind == kindJSON {
		return "", errJSON
	}
	return p.str(c)
}

// asLiteral writes a JSON array or object as toString() has it in SQL, ['a','b'], so that a column that has no field has
// one text through whichever door it comes. JSON does not tell a tuple from an array inside an array: the one such column
// known, quotas, holds tuples.
func (p *parser) asLiteral(raw string, tuples bool) (string, error) {
	var b strings.Builder
	j := scanner{s: raw}
	for depth := 0; !j.done(); {
		c := j.s[j.i]
		switch c {
		case '[', '{':
			depth++
			b.WriteByte(bracket(c, depth, tuples))
			j.i++
		case ']', '}':
			b.WriteByte(bracket(c, depth, tuples))
			depth--
			j.i++
		case ',', ':':
			b.WriteByte(c)
			j.i++
		default:
			if err := p.literalScalar(&j, &b); err != nil {
				return "", err
			}
		}
	}
	return b.String(), nil
}

func bracket(c byte, depth int, tuples bool) byte {
	if !tuples || depth != 2 {
		return c
	}
	if c == '[' || c == '{' {
		return '('
	}
	return ')'
}

var quoter = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\b", `\b`, "\f", `\f`, "\x00", `\0`)

func (p *parser) literalScalar(j *scanner, b *strings.Builder) error {
	c, err := j.value()
	if err != nil {
		return err
	}
	s, err := p.str(c)
	if err != nil {
		return err
	}
	switch c.kind {
	case kindNull:
		b.WriteString("NULL")
	case kindBare:
		b.WriteString(s)
	default:
		b.WriteByte('\'')
		_, err = quoter.WriteString(b, s)
		b.WriteByte('\'')
	}
	return err
}
