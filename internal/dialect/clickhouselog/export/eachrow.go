package export

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// keyed is a key of the row before, as it stood: "hostname":
type keyed struct {
	text  string
	field *field
}

// splitObject reads a line of JSONEachRow. With output_format_json_array_of_rows lines of brackets stand around the rows,
// and commas between them.
func splitObject(p *parser, record string) (bool, error) {
	j := scanner{s: record}
	j.take('[')
	if j.take(']') || j.take(',') || j.done() {
		return false, trailing(&j)
	}
	if !j.take('{') {
		return false, errors.New("not a JSON object")
	}
	for n := 0; ; n++ {
		f, err := p.key(&j, n)
		if err != nil {
			return false, err
		}
		c, err := j.value()
		if err == nil {
			err = p.set(f, c)
		}
		if err != nil {
			return false, columnError(f, n, err)
		}
		if j.take('}') {
			break
		}
		if !j.take(',') {
			return false, errJSON
		}
	}
	p.nullSigns()
	if !j.take(',') {
		j.take(']')
	}
	return true, trailing(&j)
}

// trailing makes sure that nothing follows: two rows in one line are a torn one and its neighbour.
func trailing(j *scanner) error {
	if !j.done() {
		return errors.New("more than one JSON value in a line")
	}
	return nil
}

// columnError names the column if it is one of the table's: any other name may be a value that a torn line put there.
func columnError(f *field, n int, err error) error {
	if f.column == other {
		return fmt.Errorf("column %d: %w", n+1, err)
	}
	return fmt.Errorf("column %s: %w", f.name, err)
}

// key reads the n-th key and its colon. Rows of one export have the same keys in the same order, so the key is compared
// with the one that stood there before.
func (p *parser) key(j *scanner, n int) (*field, error) {
	j.peek()
	if n < len(p.order) && strings.HasPrefix(j.s[j.i:], p.order[n].text) {
		j.i += len(p.order[n].text)
		return p.order[n].field, nil
	}
	start := j.i
	raw, escaped, ok := j.str()
	if !ok || !j.take(':') {
		return nil, errJSON
	}
	if escaped {
		var err error
		if raw, err = p.json.text(raw); err != nil {
			return nil, err
		}
	}
	f := p.field(raw)
	p.expect(n, j.s[start:j.i], f)
	return f, nil
}

// expect notes a key for the rows to come.
func (p *parser) expect(n int, text string, f *field) {
	switch {
	case n >= maxKnown || len(text) > maxKnownSize:
	case n < len(p.order):
		p.order[n] = keyed{strings.Clone(text), f}
	case n == len(p.order):
		p.order = append(p.order, keyed{strings.Clone(text), f})
	}
}

func detectObject(head []byte, whole bool) logformat.Verdict {
	head = bytes.TrimLeft(head, " \t\r\n[")
	switch {
	case len(head) == 0 && !whole:
		return logformat.Wait
	case len(head) == 0 || head[0] != '{':
		return logformat.No
	case bytes.Contains(head, []byte(`"event_time`)), bytes.Contains(head, []byte(`"auth_id"`)):
		return logformat.Yes
	case !whole && len(head) < 2048 && bytes.IndexByte(head, '\n') < 0:
		return logformat.Wait
	}
	return logformat.No // JSON of others, such as MySQL's audit logs: its lines would be bad rows, each of them
}
