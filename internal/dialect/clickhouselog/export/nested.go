package export

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

func (p *exportParser) appendJSONList(raw string, dst []string) ([]string, error) {
	j := jsonScanner{input: raw}
	err := j.eachElement('[', ']', func() error {
		s, err := p.readJSONScalar(&j)
		dst = append(dst, s)
		return err
	})
	return dst, err
}

func (p *exportParser) appendJSONPairs(raw string, dst []session.Setting) ([]session.Setting, error) {
	j := jsonScanner{input: raw}
	// A map is one object; tuples are arrays or, when their elements have names, objects.
	if j.peekByte() == '{' {
		err := j.eachElement('{', '}', func() error {
			pair, err := p.readJSONMember(&j)
			dst = append(dst, pair)
			return err
		})
		return dst, err
	}
	err := j.eachElement('[', ']', func() error {
		pair, err := p.readJSONPair(&j)
		dst = append(dst, pair)
		return err
	})
	return dst, err
}

func (p *exportParser) readJSONPair(j *jsonScanner) (pair session.Setting, err error) {
	// ["name","value"] or {"a":"name","b":"value"}
	named := j.peekByte() == '{'
	closing := byte(']')
	if named {
		closing = '}'
	}
	j.position++ // whatever opened it; anything else fails below
	for n, part := range [2]*string{&pair.Name, &pair.Value} {
		if n > 0 && !j.consumeByte(',') {
			return pair, errJSON
		}
		if named {
			if _, _, ok := j.readString(); !ok || !j.consumeByte(':') {
				return pair, errJSON
			}
		}
		if *part, err = p.readJSONScalar(j); err != nil {
			return pair, err
		}
	}
	if !j.consumeByte(closing) {
		return pair, errJSON
	}
	return pair, nil
}

func (p *exportParser) readJSONMember(j *jsonScanner) (pair session.Setting, err error) {
	if pair.Name, err = p.readJSONScalar(j); err != nil {
		return pair, err
	}
	if !j.consumeByte(':') {
		return pair, errJSON
	}
	pair.Value, err = p.readJSONScalar(j)
	return pair, err
}

func (p *exportParser) readJSONScalar(j *jsonScanner) (string, error) {
	c, err := j.readValue()
	if err != nil {
		return "", err
	}
	if c.kind == kindJSON {
		return "", errJSON
	}
	return p.unescapedText(c)
}

// writeJSONAsLiteral writes a JSON array or object as toString() has it in SQL, ['a','b'], so that a column without a field has one text in
// every format. JSON does not distinguish a tuple from an array inside an array: the one such column known, quotas, holds tuples.
func (p *exportParser) writeJSONAsLiteral(raw string, tuples bool) (string, error) {
	var b strings.Builder
	j := jsonScanner{input: raw}
	for depth := 0; !j.isAtEnd(); {
		c := j.input[j.position]
		switch c {
		case '[', '{':
			depth++
			b.WriteByte(literalBracket(c, depth, tuples))
			j.position++
		case ']', '}':
			b.WriteByte(literalBracket(c, depth, tuples))
			depth--
			j.position++
		case ',', ':':
			b.WriteByte(c)
			j.position++
		default:
			if err := p.writeLiteralScalar(&j, &b); err != nil {
				return "", err
			}
		}
	}
	return b.String(), nil
}

func literalBracket(c byte, depth int, tuples bool) byte {
	if !tuples || depth != 2 {
		return c
	}
	if c == '[' || c == '{' {
		return '('
	}
	return ')'
}

var literalEscaper = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\b", `\b`, "\f", `\f`, "\x00", `\0`)

func (p *exportParser) writeLiteralScalar(j *jsonScanner, b *strings.Builder) error {
	c, err := j.readValue()
	if err != nil {
		return err
	}
	s, err := p.unescapedText(c)
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
		_, err = literalEscaper.WriteString(b, s)
		b.WriteByte('\'')
	}
	return err
}
