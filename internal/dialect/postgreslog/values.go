package postgreslog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

type prefixValues struct {
	time, start, session, pid, activity, state string
	user, database, app                        string
	host, port                                 string
	timeOf, hostOf                             byte // the escapes of the time and of the host
}

// readBoundedValue returns the longest value at the beginning of text up to this length, and its length with padding; negative for none.
func (p *prefixPart) readBoundedValue(text string, longest int) (value string, n int) {
	lead := 0
	if p.width > 0 {
		if lead = prefixLengthOf(text, " "); lead >= p.width {
			return "", p.width
		}
	}
	n = prefixValueLength(p.escape, text[lead:min(len(text), lead+longest)])
	if n < 0 {
		return "", -1
	}
	value = text[lead : lead+n]
	n = max(lead+n, p.width, -p.width)
	if n > len(text) || strings.Trim(text[lead+len(value):n], " ") != "" {
		return value, -1
	}
	return value, n
}

const (
	digitBytes  = "0123456789"
	letterBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	// hostChars are those of addresses and of hosts' names.
	hostChars = digitBytes + letterBytes + ".:-_%"
	hexDigits = digitBytes + "abcdef"
)

func valueChars(escape byte) string {
	switch escape {
	case 'm', 't', 's':
		return letterBytes + digitBytes + "+-"
	case 'c':
		return hexDigits + "."
	case 'v':
		return digitBytes + "/"
	case 'h', 'L':
		return hostChars
	case 'r':
		return hostChars + "("
	case 'e':
		return ""
	}
	return digitBytes
}

func prefixValueLength(escape byte, text string) int {
	switch escape {
	case 'm', 't', 's':
		return stampLength(text)
	case 'p', 'l', 'x':
		return positiveLength(prefixLengthOf(text, digitBytes))
	case 'P':
		return prefixLengthOf(text, digitBytes)
	case 'Q':
		return signedLength(text)
	case 'n':
		if n := prefixLengthOf(text, digitBytes); n > 0 && len(text) >= n+4 && text[n] == '.' && prefixLengthOf(text[n+1:n+4], digitBytes) == 3 {
			return n + 4
		}
		return -1
	case 'c':
		return pairLength(text, hexDigits, '.')
	case 'v':
		return max(0, pairLength(text, digitBytes, '/'))
	case 'e':
		if len(text) < 5 || prefixLengthOf(text[:5], digitBytes+letterBytes[26:]) < 5 {
			return -1
		}
		return 5
	case 'r', 'h', 'L':
		return hostLength(escape, text)
	}
	return -1
}

func positiveLength(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

func signedLength(text string) int {
	unsigned := strings.TrimPrefix(text, "-")
	if n := prefixLengthOf(unsigned, digitBytes); n > 0 {
		return n + len(text) - len(unsigned)
	}
	return 0
}

func pairLength(text, chars string, between byte) int {
	n := prefixLengthOf(text, chars)
	if n == 0 || n == len(text) || text[n] != between {
		return -1
	}
	second := prefixLengthOf(text[n+1:], chars)
	if second == 0 {
		return -1
	}
	return n + 1 + second
}

func hostLength(escape byte, s string) int {
	for _, word := range [...]string{"[local]", unknownValue, "[none]"} {
		if strings.HasPrefix(s, word) {
			return len(word)
		}
	}
	n := prefixLengthOf(s, hostChars)
	switch {
	case escape == 'r' && n > 0 && n < len(s) && s[n] == '(':
		return strings.IndexByte(s, ')') + 1 // with the port in parentheses
	case escape == 'r':
		return 0
	}
	return n
}

func prefixLengthOf(s, chars string) int {
	for i := range len(s) {
		if strings.IndexByte(chars, s[i]) < 0 {
			return i
		}
	}
	return len(s)
}

func stampLength(s string) int {
	if len(s) < 21 {
		return -1
	}
	if _, ok := localtime.ParseCivil(s[:19]); !ok {
		return -1
	}
	_, rest, ok := localtime.ParseFraction(s[19:])
	if !ok || len(rest) < 2 || rest[0] != ' ' {
		return -1
	}
	n := zoneLength(rest[1:])
	if n < 0 {
		return -1
	}
	return len(s) - len(rest) + 1 + n
}

func zoneLength(s string) int {
	if s[0] != '+' && s[0] != '-' {
		return positiveLength(prefixLengthOf(s, letterBytes))
	}
	switch n := prefixLengthOf(s[1:], digitBytes); {
	case n >= 4:
		return 5
	case n >= 2:
		return 3
	}
	return -1
}

// setPrefixValue prefers a time with milliseconds, and an address with a port.
func (v *prefixValues) setPrefixValue(escape byte, text string) {
	switch escape {
	case 'm', 'n':
		v.time, v.timeOf = text, escape
	case 't':
		if v.timeOf == 0 || v.timeOf == 't' {
			v.time, v.timeOf = text, escape
		}
	case 's':
		v.start = text
	case 'c':
		v.session = text
	case 'p':
		v.pid = text
	case 'u':
		v.user = text
	case 'd':
		v.database = text
	case 'a':
		v.app = text
	case 'i':
		v.activity = text
	case 'e':
		v.state = text
	case 'h':
		if v.hostOf != 'r' {
			v.host, v.hostOf = text, escape
		}
	case 'r':
		v.host, v.port, v.hostOf = text, "", escape
		if host, port, found := strings.Cut(text, "("); found && strings.HasSuffix(port, ")") {
			v.host, v.port = host, port[:len(port)-1]
		}
	}
}
