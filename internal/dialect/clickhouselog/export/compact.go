package export

import (
	"bytes"
	"errors"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

func splitJSONArray(p *exportParser, record string) (bool, error) {
	j := jsonScanner{input: record}
	if j.isAtEnd() {
		return false, nil
	}
	if j.peekByte() != '[' {
		return false, errors.New("not a JSON array")
	}
	p.cells = p.cells[:0]
	err := j.eachElement('[', ']', func() error {
		c, err := j.readValue()
		p.cells = append(p.cells, c)
		return err
	})
	if err != nil {
		return false, err
	}
	if err := expectEnd(&j); err != nil {
		return false, err
	}
	row, err := p.rowOfCells()
	p.restoreNullUser()
	return row, err
}

func detectJSONArray(head []byte, whole bool) logformat.Verdict {
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 {
		return logformat.VerdictWait
	}
	if head[0] != '[' {
		return logformat.VerdictNo
	}
	head = bytes.TrimLeft(head[1:], " \t\r\n")
	switch {
	case len(head) == 0 && !whole:
		return logformat.VerdictWait
	case len(head) == 0 || head[0] != '"':
		return logformat.VerdictNo
	}
	return logformat.VerdictYes
}
