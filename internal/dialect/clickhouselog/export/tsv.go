package export

import (
	"bytes"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

func splitTSVLine(p *exportParser, record string) (bool, error) {
	if record == "" {
		return false, nil
	}
	p.cells = p.cells[:0]
	for {
		text, rest, more := strings.Cut(record, "\t")
		p.cells = append(p.cells, newTSVCell(text))
		if !more {
			return p.rowOfCells()
		}
		record = rest
	}
}

func detectTSVHeader(head []byte, whole bool) logformat.Verdict {
	return detectColumnNames(head, whole, '\t')
}

// detectColumnNames requires a first line of names with this separator, two of them of session_log.
func detectColumnNames(head []byte, whole bool, separator byte) logformat.Verdict {
	head = bytes.TrimLeft(head, "\r\n")
	line, _, complete := bytes.Cut(head, []byte{'\n'})
	if !complete && !whole {
		return logformat.VerdictWait
	}
	known := 0
	for name := range bytes.SplitSeq(line, []byte{separator}) {
		if columnSetters[string(bytes.Trim(name, "\"\r "))] != nil {
			known++
		}
	}
	if known >= 2 {
		return logformat.VerdictYes
	}
	return logformat.VerdictNo
}
