package logformat

import (
	"bytes"
	"strings"
)

// ByteOrderMark may precede the first record of a text. Parsers take it off.
const ByteOrderMark = "\uFEFF"

// FindFormat gives the format of this name, whatever its case.
func FindFormat(formats []Format, name string) (Format, bool) {
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

// Detect asks the formats in turn; the first that does not say No has it. One that needs more text to decide comes before those
// after it that are content with less.
func Detect(formats []Format, head []byte, whole bool) (Format, Verdict) {
	head = bytes.TrimPrefix(head, []byte(ByteOrderMark))
	for _, f := range formats {
		switch f.Detect(head, whole) {
		case VerdictYes:
			return f, VerdictYes
		case VerdictWait:
			if !whole {
				return Format{}, VerdictWait
			}
		case VerdictNo:
		}
	}
	return Format{}, VerdictNo
}

// FirstLineLength is the length of the first line, 0 where its end is not there.
func FirstLineLength(data []byte) int { return bytes.IndexByte(data, '\n') + 1 }

// FrameToEnd is [Parser.Frame] of formats whose frame alone never takes the end of a text for whole: there the last record may lack
// its line end, or wait for more than will come.
func FrameToEnd(frame func(data []byte) int, data []byte, final bool) int {
	n := frame(data)
	if n > 0 || !final || len(data) == 0 {
		return n
	}
	if n = frame(append(bytes.Clone(data), '\n')); n > 0 && n < len(data) {
		return n
	}
	return len(data)
}

// RecordText is a record at this offset of its text without its line end, LF or CRLF, and without the text's byte order mark.
func RecordText(record string, offset int64) string {
	if offset == 0 {
		record = strings.TrimPrefix(record, ByteOrderMark)
	}
	return TrimLineEnd(record)
}

// TrimLineEnd takes LF or CRLF off a record.
func TrimLineEnd(record string) string {
	record = strings.TrimSuffix(record, "\n")
	return strings.TrimSuffix(record, "\r")
}

// CutLast is [strings.Cut] at the last separator.
func CutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}
