package export

import (
	"bytes"
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

var errCSV = errors.New("a quote that is not closed where its cell ends")

// frameCSVRecord finds the end of a record, whose quoted cells may hold line ends. A closing quote that no comma or line end
// follows shows that the line was torn inside a cell, and that this quote opens a cell of the next: the record then ends
// with its line, and the next one is whole.
func frameCSVRecord(data []byte) int {
	for i := 0; i < len(data); {
		if data[i] != '"' {
			n := bytes.IndexAny(data[i:], ",\n")
			if n < 0 {
				return 0
			}
			if i += n + 1; data[i-1] == '\n' {
				return i
			}
			continue
		}
		end, ok := closingQuote(data, i+1)
		if !ok {
			return 0
		}
		switch next := data[end]; {
		case next == ',':
			i = end + 1
		case next == '\n':
			return end + 1
		case next == '\r' && end+1 == len(data):
			return 0
		case next == '\r' && data[end+1] == '\n':
			return end + 2
		default:
			return logformat.FirstLineLength(data)
		}
	}
	return 0
}

func closingQuote(data []byte, i int) (int, bool) {
	for {
		n := bytes.IndexByte(data[i:], '"')
		if n < 0 || i+n+1 >= len(data) { // without the next character it may be doubled
			return 0, false
		}
		i += n + 1
		if data[i] != '"' {
			return i, true
		}
		i++
	}
}

func splitCSVRecord(p *exportParser, record string) (bool, error) {
	if record == "" {
		return false, nil
	}
	p.cells = p.cells[:0]
	for {
		var c rowCell
		var ok bool
		if c, record, ok = cutCSVCell(record); !ok {
			return false, errCSV
		}
		p.cells = append(p.cells, c)
		if record == "" {
			break
		}
		if record[0] != ',' {
			return false, errCSV
		}
		record = record[1:]
	}
	return p.rowOfCells()
}

func cutCSVCell(s string) (c rowCell, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		n := strings.IndexByte(s, ',')
		if n < 0 {
			n = len(s)
		}
		return newBareCell(s[:n]), s[n:], true
	}
	kind := kindString
	for i := 1; ; {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			return c, s, false
		}
		i += n + 1
		if i == len(s) || s[i] != '"' {
			return rowCell{text: s[1 : i-1], kind: kind}, s[i:], true
		}
		kind = kindCSVString
		i++
	}
}

func detectCSVHeader(head []byte, whole bool) logformat.Verdict {
	return detectColumnNames(head, whole, ',')
}
