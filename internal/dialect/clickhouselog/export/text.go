package export

import (
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var errEscape = errors.New("a broken escape sequence")

// textDecoder decodes texts with escapes and caches the short ones: a client's name with its slashes comes with every login of that
// client. A full cache is dropped, so that an attacker's many names cost time, not memory.
type textDecoder struct {
	decode  func(dst []byte, raw string) ([]byte, error)
	decoded map[string]string
	buf     []byte
}

const (
	maxDecodedTexts  = 2048
	maxDecodedLength = 1024 // the text of a failure with the server's advice is 600 bytes long
)

func (t *textDecoder) decodeText(raw string) (string, error) {
	if s, ok := t.decoded[raw]; ok {
		return s, nil
	}
	var err error
	if t.buf, err = t.decode(t.buf[:0], raw); err != nil {
		return "", err
	}
	s := string(t.buf)
	if len(raw) > maxDecodedLength {
		if cap(t.buf) > 1<<20 {
			t.buf = nil
		}
		return s, nil
	}
	if t.decoded == nil || len(t.decoded) >= maxDecodedTexts {
		t.decoded = make(map[string]string, 64)
	}
	t.decoded[strings.Clone(raw)] = s // a copy: raw is a part of a large text
	return s, nil
}

func unescapeJSONText(dst []byte, raw string) ([]byte, error) {
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...), nil
		}
		dst = append(dst, raw[:i]...)
		if i+1 >= len(raw) {
			return dst, errEscape
		}
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case '"', '\\', '/':
			dst = append(dst, c)
		case 'b', 'f', 'n', 'r', 't':
			dst = append(dst, controlEscapes[c])
		case 'u':
			r, n, ok := parseEscapedRune(raw)
			if !ok {
				return dst, errEscape
			}
			dst, raw = utf8.AppendRune(dst, r), raw[n:]
		default:
			return dst, errEscape
		}
	}
}

func parseEscapedRune(s string) (r rune, n int, ok bool) {
	r, ok = parseHexDigits(s, 4)
	if !ok || !utf16.IsSurrogate(r) {
		return r, 4, ok
	}
	if len(s) >= 10 && s[4] == '\\' && s[5] == 'u' {
		if low, ok := parseHexDigits(s[6:], 4); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 10, true
			}
		}
	}
	return utf8.RuneError, 4, true
}

func parseHexDigits(s string, n int) (r rune, ok bool) {
	if len(s) < n {
		return 0, false
	}
	for i := range n {
		c := s[i] | 0x20 // lower case of letters; digits stay
		switch {
		case s[i] >= '0' && s[i] <= '9':
			r = r<<4 | rune(s[i]-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// controlEscapes are the letters that follow a backslash in JSON and in ClickHouse's own escaping.
var controlEscapes = [256]byte{'a': 7, 'b': 8, 't': 9, 'n': 10, 'v': 11, 'f': 12, 'r': 13, 'e': 27, '0': 0}

// unescapeBackslashes decodes ClickHouse's own escaping, that of TSV cells and of strings inside arrays. As the server does when
// it reads, a backslash before any other character stands for that character.
func unescapeBackslashes(dst []byte, raw string) ([]byte, error) {
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...), nil
		}
		dst = append(dst, raw[:i]...)
		if i+1 >= len(raw) {
			return dst, errEscape
		}
		c := raw[i+1]
		raw = raw[i+2:]
		switch {
		case c == '0' || controlEscapes[c] != 0:
			dst = append(dst, controlEscapes[c])
		case c == 'x':
			r, ok := parseHexDigits(raw, 2)
			if !ok {
				return dst, errEscape
			}
			dst, raw = append(dst, byte(r)), raw[2:]
		default:
			dst = append(dst, c)
		}
	}
}

func unescapeDoubledQuotes(dst []byte, raw string) ([]byte, error) {
	for {
		i := strings.IndexByte(raw, '"')
		if i < 0 {
			return append(dst, raw...), nil
		}
		dst = append(dst, raw[:i+1]...)
		raw = raw[min(i+2, len(raw)):]
	}
}
