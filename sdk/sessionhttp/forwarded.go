package sessionhttp

import (
	"net/netip"
	"strings"
)

// lastElement splits off the last element of a comma-separated header. Commas within quotes do not count. Quotes are paired from
// the right, where the trusted proxy has written: an odd one that the client sent further left cannot swallow what follows.
func lastElement(line string) (rest, element string) {
	quoted := false
	for i := len(line) - 1; i >= 0; i-- {
		switch line[i] {
		case '"':
			if !isEscaped(line[:i]) {
				quoted = !quoted
			}
		case ',':
			if !quoted {
				return line[:i], strings.TrimSpace(line[i+1:])
			}
		}
	}
	return "", strings.TrimSpace(line)
}

// isEscaped: an odd number of backslashes comes before.
func isEscaped(before string) bool {
	return (len(before)-len(strings.TrimRight(before, `\`)))%2 == 1
}

func forwardedFor(element string) string {
	for element != "" {
		var pair string
		pair, element = firstPair(element)
		name, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(strings.TrimSpace(name), "for") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func firstPair(element string) (pair, rest string) {
	quoted := false
	for i := range len(element) {
		switch element[i] {
		case '"':
			if !quoted || !isEscaped(element[:i]) {
				quoted = !quoted
			}
		case ';':
			if !quoted {
				return element[:i], element[i+1:]
			}
		}
	}
	return element, ""
}

func parseNode(s string) (netip.AddrPort, bool) {
	// 192.0.2.7, "[2001:db8::1]:4711" and what is between these.
	if n := len(s); n >= 2 && s[0] == '"' && s[n-1] == '"' {
		s = s[1 : n-1]
	}
	if at, err := netip.ParseAddrPort(s); err == nil {
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), true
	}
	if n := len(s); n >= 2 && s[0] == '[' && s[n-1] == ']' {
		s = s[1 : n-1]
	}
	a, err := netip.ParseAddr(s)
	return netip.AddrPortFrom(a.Unmap(), 0), err == nil
}
