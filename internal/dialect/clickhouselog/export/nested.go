package export

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// jsonList appends the strings of a JSON array.
func (p *exportParser) jsonList(raw string, dst []string) ([]string, error) {
	j := jsonScanner{input: raw}
	if !j.accept('[') {
		return dst, errJSON
	}
	if j.accept(']') {
		return dst, nil
	}
	for {
		s, err := p.jsonScalar(&j)
		if err != nil {
			return dst, err
		}
		dst = append(dst, s)
		if j.accept(']') {
			return dst, nil
		}
		if !j.accept(',') {
			return dst, errJSON
		}
	}
}

// jsonPairs appends the pairs of an array of tuples, which are arrays or, when their elements have names, objects; or
// those of a map, which is one object.
func (p *exportParser) jsonPairs(raw string, dst []session.Setting) ([]session.Setting, error) {
	j := jsonScanner{input: raw}
	if j.peek() == '{' {
		return p.jsonMap(&j, dst)
	}
	if !j.accept('[') {
		return dst, errJSON
	}
	for more := !j.accept(']'); more; more = j.accept(',') {
		pair, err := p.jsonPair(&j)
		if err != nil {
			return dst, err
		}
		dst = append(dst, pair)
	}
	return dst, nil
}

// jsonPair reads ["name","value"] or {"a":"name","b":"value"}.
func (p *exportParser) jsonPair(j *jsonScanner) (pair session.Setting, err error) {
	named := j.peek() == '{'
	closing := byte(']')
	if named {
		closing = '}'
	}
	j.position++ // whatever opened it; anything else fails below
	for n, part := range [2]*string{&pair.Name, &pair.Value} {
		if n > 0 && !j.accept(',') {
			return pair, errJSON
		}
		if named {
			if _, _, ok := j.readString(); !ok || !j.accept(':') {
				return pair, errJSON
			}
		}
		if *part, err = p.jsonScalar(j); err != nil {
			return pair, err
		}
	}
	if !j.accept(closing) {
		return pair, errJSON
	}
	return pair, nil
}

func (p *exportParser) jsonMap(j *jsonScanner, dst []session.Setting) ([]session.Setting, error) {
	j.accept('{')
	for more := !j.accept('}'); more; more = j.accept(',') {
		var pair session.Setting
		var err error
		if pair.Name, err = p.jsonScalar(j); err != nil {
			return dst, err
		}
		if !j.accept(':') {
			return dst, errJSON
		}
		if pair.Value, err = p.jsonScalar(j); err != nil {
			return dst, err
		}
		dst = append(dst, pair)
	}
	return dst, nil
}

func (p *exportParser) jsonScalar(j *jsonScanner) (string, error) {
	c, err := j.readValue()
	if err != nil {
		return "", err
	}
	if c.kind == kindJSON {
		return "", errJSON
	}
	return p.cellText(c)
}

// jsonAsLiteral writes a JSON array or object as toString() has it in SQL, ['a','b'], so that a column without a field has one text in
// every format. JSON does not distinguish a tuple from an array inside an array: the one such column known, quotas, holds tuples.
func (p *exportParser) jsonAsLiteral(raw string, tuples bool) (string, error) {
	var b strings.Builder
	j := jsonScanner{input: raw}
	for depth := 0; !j.atEnd(); {
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
	s, err := p.cellText(c)
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
