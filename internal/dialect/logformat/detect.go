package logformat

import (
	"bytes"
	"strings"
)

// ByteOrderMark may stand before the first record of a text. Parsers take it off.
const ByteOrderMark = "\uFEFF"

// Find gives the format of this name, whatever its case.
func Find(formats []Format, name string) (Format, bool) {
	for _, f := range formats {
		if strings.EqualFold(f.Name, name) {
			return f, true
		}
		for _, alias := range f.Aliases {
			if strings.EqualFold(alias, name) {
				return f, true
			}
		}
	}
	return Format{}, false
}

// Detect asks the formats in turn; the first Yes wins, and Wait wins over No.
func Detect(formats []Format, head []byte, whole bool) (Format, Verdict) {
	head = bytes.TrimPrefix(head, []byte(ByteOrderMark))
	verdict := No
	for _, f := range formats {
		switch f.Detect(head, whole) {
		case Yes:
			return f, Yes
		case Wait:
			verdict = Wait
		case No:
		}
	}
	if whole && verdict == Wait {
		verdict = No
	}
	return Format{}, verdict
}

// Line is [Parser.Frame] of formats whose records never hold a line end.
func Line(data []byte) int { return bytes.IndexByte(data, '\n') + 1 }

// TrimLineEnd takes LF or CRLF off a record.
func TrimLineEnd(record string) string {
	record = strings.TrimSuffix(record, "\n")
	return strings.TrimSuffix(record, "\r")
}
