// Package quotedtext reads what is between the quotes of JSON and CSV. Bytes that are not UTF-8 stay as they are: names may have them.
package quotedtext

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrEscape is the error of a backslash that JSON does not have.
var ErrEscape = errors.New("a broken escape sequence")

// JSONEnd is where the JSON string that begins after its quote ends, which is the place of its other quote; negative where that is not there.
func JSONEnd(text string, start int) (end int, escaped bool) {
	for at := start; ; at++ {
		n := strings.IndexByte(text[at:], '"')
		if n < 0 {
			return -1, false
		}
		at += n
		// A quote is a part of the string when an odd number of backslashes precedes it.
		if backslashes := at - start - len(strings.TrimRight(text[start:at], `\`)); backslashes%2 == 0 {
			return at, strings.IndexByte(text[start:at], '\\') >= 0
		}
	}
}

var jsonEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// AppendJSON appends a JSON string without its escapes. Half a surrogate pair becomes U+FFFD.
func AppendJSON(to []byte, raw string) ([]byte, error) {
	for {
		plain, rest, found := strings.Cut(raw, `\`)
		to = append(to, plain...)
		switch {
		case !found:
			return to, nil
		case rest != "" && jsonEscapes[rest[0]] != 0:
			to, raw = append(to, jsonEscapes[rest[0]]), rest[1:]
		default:
			r, length := runeOfEscape(rest)
			if length == 0 {
				return to, ErrEscape
			}
			to, raw = utf8.AppendRune(to, r), rest[length:]
		}
	}
}

func runeOfEscape(text string) (r rune, length int) {
	if r, length = codeUnit(text); !utf16.IsSurrogate(r) {
		return r, length
	}
	if rest, another := strings.CutPrefix(text[length:], `\`); another {
		if low, n := codeUnit(rest); n > 0 {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, length + 1 + n
			}
		}
	}
	return utf8.RuneError, length
}

func codeUnit(text string) (r rune, length int) {
	const spelled = len("u00e9")
	if len(text) < spelled || text[0] != 'u' {
		return 0, 0
	}
	n, err := strconv.ParseUint(text[1:spelled], 16, 16)
	if err != nil {
		return 0, 0
	}
	return rune(n), spelled
}

// AppendCSV appends a CSV cell in which a quote is written twice.
func AppendCSV(to []byte, raw string) ([]byte, error) {
	for {
		plain, rest, found := strings.Cut(raw, `"`)
		if to = append(to, plain...); !found {
			return to, nil
		}
		to, raw = append(to, '"'), rest[min(1, len(rest)):]
	}
}
