package session

import (
	"net/netip"
	"strings"
)

// NormalizeClient makes of what senders write for a client's address the one spelling of docs/event.md: the port in its own field, IPv4
// not mapped into IPv6, of a proxy's list the client alone, and nothing for a placeholder.
func (e *Event) NormalizeClient() {
	address, port := splitClientAddress(e.ClientAddress)
	if e.ClientAddress = address; e.ClientPort == 0 {
		e.ClientPort = port
	}
}

func splitClientAddress(text string) (address string, port int32) {
	if text == "" || IsPlaceholder(text) {
		return "", 0
	}
	if first, _, list := strings.Cut(text, ","); list {
		if first, port = splitClientAddress(strings.TrimSpace(first)); isIPAddress(first) {
			return first, port
		}
		return text, 0
	}
	if isIPAddress(text) {
		return unmapIPv4(text), 0
	}
	if both, err := netip.ParseAddrPort(text); err == nil {
		return unmapIPv4(strings.Trim(text[:strings.LastIndexByte(text, ':')], "[]")), int32(both.Port())
	}
	if inside := strings.Trim(text, "[]"); len(inside)+2 == len(text) && isIPAddress(inside) {
		return unmapIPv4(inside), 0
	}
	return text, 0
}

func isIPAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

func unmapIPv4(text string) string {
	if rest, mapped := strings.CutPrefix(strings.ToLower(text), "::ffff:"); mapped && strings.Contains(rest, ".") {
		return rest
	}
	return text
}

// IsPlaceholder is true for the words that senders write where they know no value.
func IsPlaceholder(text string) bool {
	switch strings.ToLower(text) {
	case "-", "n/a", "null", "(null)", "unknown", "undefined", "none":
		return true
	}
	return false
}
