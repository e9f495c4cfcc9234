// Package jsontext writes and reads the JSON that backends keep in a column, without allocation but for the texts. It
// does not insist on UTF-8: bytes that are none pass through as they are, and it is the backend's business what its store
// makes of them.
package jsontext

const hexDigits = "0123456789abcdef"

// Opening is what stands before the n-th element of a list: the bracket, or a comma.
func Opening(bracket byte, n int) byte {
	if n == 0 {
		return bracket
	}
	return ','
}

// AppendString quotes s with JSON's own escapes. Control characters never reach a terminal through it.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, s[start:]...), '"')
}
