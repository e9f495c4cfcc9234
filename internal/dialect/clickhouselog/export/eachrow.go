package export

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// knownKey is a key of the row before with quotes and colon: "hostname":
type knownKey struct {
	text  string
	field *exportField
}

func splitJSONObject(p *exportParser, record string) (bool, error) {
	j := jsonScanner{input: record}
	j.consumeByte('[')
	// With output_format_json_array_of_rows lines of brackets are around the rows, and commas between them.
	if j.consumeByte(']') || j.consumeByte(',') || j.isAtEnd() {
		return false, expectEnd(&j)
	}
	if !j.consumeByte('{') {
		return false, errors.New("not a JSON object")
	}
	for n := 0; ; n++ {
		f, err := p.readKeyAndColon(&j, n)
		if err != nil {
			return false, err
		}
		c, err := j.readValue()
		if err == nil {
			err = p.setRowColumn(f, c)
		}
		if err != nil {
			return false, columnError(f, n, err)
		}
		if j.consumeByte('}') {
			break
		}
		if !j.consumeByte(',') {
			return false, errJSON
		}
	}
	p.restoreNullUser()
	if !j.consumeByte(',') {
		j.consumeByte(']')
	}
	return true, expectEnd(&j)
}

// expectEnd: two rows in one line are a torn one and its neighbour.
func expectEnd(j *jsonScanner) error {
	if !j.isAtEnd() {
		return errors.New("more than one JSON value in a line")
	}
	return nil
}

// columnError names the column if it is one of the table's: any other name may be a value that a torn line put there.
func columnError(f *exportField, n int, err error) error {
	if f.set == nil {
		return fmt.Errorf("column %d: %w", n+1, err)
	}
	return fmt.Errorf("column %s: %w", f.name, err)
}

func (p *exportParser) readKeyAndColon(j *jsonScanner, n int) (*exportField, error) {
	j.peekByte()
	// Rows of one export have the same keys in the same order.
	if n < len(p.previousKeys) && strings.HasPrefix(j.input[j.position:], p.previousKeys[n].text) {
		j.position += len(p.previousKeys[n].text)
		return p.previousKeys[n].field, nil
	}
	start := j.position
	raw, escaped, ok := j.readString()
	if !ok || !j.consumeByte(':') {
		return nil, errJSON
	}
	if escaped {
		var err error
		if raw, err = p.jsonTexts.decodeText(raw); err != nil {
			return nil, err
		}
	}
	f := p.findField(raw)
	p.rememberKey(n, j.input[start:j.position], f)
	return f, nil
}

func (p *exportParser) rememberKey(n int, text string, f *exportField) {
	switch {
	case n >= maxDecodedTexts || len(text) > maxDecodedLength:
	case n < len(p.previousKeys):
		p.previousKeys[n] = knownKey{strings.Clone(text), f}
	case n == len(p.previousKeys):
		p.previousKeys = append(p.previousKeys, knownKey{strings.Clone(text), f})
	}
}

func detectJSONObject(head []byte, whole bool) logformat.Verdict {
	head = bytes.TrimLeft(head, " \t\r\n[")
	switch {
	case len(head) == 0 && !whole:
		return logformat.VerdictWait
	case len(head) == 0 || head[0] != '{':
		return logformat.VerdictNo
	case bytes.Contains(head, []byte(`"event_time`)), bytes.Contains(head, []byte(`"auth_id"`)):
		return logformat.VerdictYes
	case !whole && len(head) < 2048 && bytes.IndexByte(head, '\n') < 0:
		return logformat.VerdictWait
	}
	return logformat.VerdictNo // JSON of others, such as MySQL's audit logs: its lines would be bad rows, each of them
}
