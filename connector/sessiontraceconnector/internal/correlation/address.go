package correlation

import (
	"net/netip"
	"strings"
)

// NormalAddress spells an address as records of ours have it: IPv4 without ::ffff:, IPv6 in its short form. Whatever is no
// IP address stays as it is. It allocates only where IPv6 is spelled in another way.
func NormalAddress(s string) string {
	if strings.IndexByte(s, ':') < 0 {
		return s
	}
	const mapped = "::ffff:"
	if rest, ok := strings.CutPrefix(s, mapped); ok && strings.IndexByte(rest, '.') > 0 {
		return rest
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return s
	}
	var scratch [64]byte
	if text := a.Unmap().AppendTo(scratch[:0]); string(text) != s {
		return string(text)
	}
	return s
}

func isLoopback(s string) bool {
	return strings.HasPrefix(s, "127.") || s == "::1" || s == "localhost" || strings.HasPrefix(s, "[") || strings.HasPrefix(s, "/")
}
