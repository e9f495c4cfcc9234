package export

import (
	"strconv"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/quotedtext"
)

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

// controlEscapes are the letters that follow a backslash in ClickHouse's own escaping.
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
			return dst, quotedtext.ErrEscape
		}
		c := raw[i+1]
		raw = raw[i+2:]
		switch {
		case c == '0' || controlEscapes[c] != 0:
			dst = append(dst, controlEscapes[c])
		case c == 'x':
			n, err := strconv.ParseUint(raw[:min(2, len(raw))], 16, 8)
			if err != nil || len(raw) < 2 {
				return dst, quotedtext.ErrEscape
			}
			dst, raw = append(dst, byte(n)), raw[2:]
		default:
			dst = append(dst, c)
		}
	}
}
