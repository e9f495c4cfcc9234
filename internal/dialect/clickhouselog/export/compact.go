package export

import (
	"bytes"
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// splitJSONArray reads a line of JSONCompactEachRowWithNames.
func splitJSONArray(p *exportParser, record string) (bool, error) {
	if strings.TrimSpace(record) == "" {
		return false, nil
	}
	v, err := p.parseJSONLine(record)
	if err != nil {
		return false, err
	}
	if v.Kind() != jsontree.Array {
		return false, errors.New("not a JSON array")
	}
	p.cells = p.cells[:0]
	for element := range v.Elements() {
		p.cells = append(p.cells, newJSONCell(element))
	}
	row, err := p.rowOfCells()
	p.restoreNullUser()
	return row, err
}

func detectJSONArray(head []byte, whole bool) logformat.Verdict {
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 {
		return logformat.Wait
	}
	if head[0] != '[' {
		return logformat.No
	}
	head = bytes.TrimLeft(head[1:], " \t\r\n")
	switch {
	case len(head) == 0 && !whole:
		return logformat.Wait
	case len(head) == 0 || head[0] != '"':
		return logformat.No
	}
	return logformat.Yes
}
