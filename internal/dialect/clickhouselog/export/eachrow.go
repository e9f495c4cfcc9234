package export

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// splitJSONObject reads a line of JSONEachRow. With output_format_json_array_of_rows lines of brackets stand around the rows,
// and commas between them.
func splitJSONObject(p *exportParser, record string) (bool, error) {
	text := strings.TrimPrefix(strings.TrimSpace(record), "[")
	inner, found := strings.CutSuffix(text, ",")
	if !found {
		inner = strings.TrimSuffix(text, "]")
	}
	if inner == "" {
		return false, nil
	}
	v, err := p.parseJSONLine(inner)
	if err != nil {
		return false, err
	}
	if v.Kind() != jsontree.Object {
		return false, errors.New("not a JSON object")
	}
	n := 0
	for name, value := range v.Members() {
		f := p.columnAtPlace(n, name)
		if err := p.setRowColumn(f, newJSONCell(value)); err != nil {
			return false, columnError(f, n, err)
		}
		n++
	}
	p.restoreNullUser()
	return true, nil
}

// columnAtPlace finds a column by its name only where the row before had another one in this place.
func (p *exportParser) columnAtPlace(n int, name string) exportField {
	switch {
	case n == len(p.previousKeys):
		p.previousKeys = append(p.previousKeys, newExportField(strings.Clone(name)))
	case p.previousKeys[n].name != name:
		p.previousKeys[n] = newExportField(strings.Clone(name))
	}
	return p.previousKeys[n]
}

// columnError names the column if it is one of the table's: any other name may be a value that a torn line put there.
func columnError(f exportField, n int, err error) error {
	if f.column == columnOther {
		return fmt.Errorf("column %d: %w", n+1, err)
	}
	return fmt.Errorf("column %s: %w", f.name, err)
}

func detectJSONObject(head []byte, whole bool) logformat.Verdict {
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
