package export

import (
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

var errNames = logformat.NewRefusal("the first line does not name the columns type, auth_id and event_time_microseconds: " +
	"export with the names of the columns, FORMAT CSVWithNames, TSVWithNames or JSONCompactEachRowWithNames")

func (p *exportParser) setHeaderColumns(names []string) error {
	header, seen := make([]*exportField, 0, len(names)), uint8(0)
	typeCell := 0
	for i, name := range names {
		f := newExportField(strings.Clone(name))
		if f.needed == typeBit {
			typeCell = i
		}
		seen |= f.needed
		header = append(header, f)
	}
	if seen != requiredColumns|timeBit {
		return errNames
	}
	p.header, p.typeCell = header, typeCell
	return nil
}

// rowOfCells puts the cells of a record into the row, unless they are the names or the types of the columns. Exports that
// were appended to one another repeat those.
func (p *exportParser) rowOfCells() (bool, error) {
	if p.header == nil || p.isHeaderRecord() {
		names := make([]string, 0, len(p.cells))
		for _, c := range p.cells {
			name, err := p.unescapedText(c)
			if err != nil {
				return false, err
			}
			names = append(names, name)
		}
		return false, p.setHeaderColumns(names)
	}
	if len(p.cells) != len(p.header) {
		return false, fmt.Errorf("%d cells, and the table has %d columns", len(p.cells), len(p.header))
	}
	if t := p.cells[p.typeCell].text; strings.HasPrefix(t, "Enum8(") || t == "String" || strings.HasPrefix(t, "LowCardinality(") {
		return false, nil // the line of types
	}
	for i, f := range p.header {
		if err := p.setRowColumn(f, p.cells[i]); err != nil {
			return false, columnError(f, i, err)
		}
	}
	return true, nil
}

func (p *exportParser) isHeaderRecord() bool {
	// No event has the name of a column as its type.
	return p.typeCell < len(p.cells) && columnSetters[p.cells[p.typeCell].text] != nil
}
