package redaction

import (
	"cmp"
	"net/netip"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// The parts of an address that `prefix` leaves: a network, not a machine.
const (
	prefixBits4 = 24
	prefixBits6 = 48
)

func (p *Policy) hideAddress(e *session.Event) bool {
	address, host := e.ClientAddress, e.ClientHostname
	e.ClientAddress, e.ClientHostname = p.maskAddress(address), p.maskAddress(host)
	var names []searchName
	for _, name := range []string{address, host} {
		if _, err := netip.ParseAddr(name); err != nil && len(name) > maxShortName && !isLocalAddress(name) && !isHashedText(name) {
			names = append(names, newSearchName(name))
		}
	}
	client, _ := parseAddress(address)
	if client.IsValid() && p.maskAddress(address) == address {
		client = netip.Addr{} // it was masked before
	}
	changeEveryText(e, func(field, text string) string {
		if text == "" || fieldsWithoutClient[field] {
			return text
		}
		for i := range names {
			text = names[i].hideNameIn(text)
		}
		return p.maskWithin(text, client, field == "Extra")
	})
	return e.ClientAddress != address || e.ClientHostname != host
}

// fieldsWithoutClient cannot hold a client's address, or it has been hidden there.
var fieldsWithoutClient = map[string]bool{"ClientAddress": true, "ClientHostname": true, "ClientVersion": true, "Host": true, "ServerAddress": true}

func (p *Policy) maskAddress(text string) string {
	if text == "" || isLocalAddress(text) || isHashedText(text) {
		return text
	}
	switch p.config.Addresses {
	case ModeHash:
		return p.hashKey.hashTextFor("address", text)
	case ModePrefix:
		if a, ok := parseAddress(text); ok {
			return maskNetwork(a)
		}
	}
	return ""
}

func maskNetwork(a netip.Addr) string {
	bits := prefixBits6
	if a.Is4() {
		bits = prefixBits4
	}
	n, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return n.Addr().String()
}

// isLocalAddress: a socket, or the machine itself.
func isLocalAddress(text string) bool {
	a, _ := parseAddress(text)
	return a.IsLoopback() || text == "[local]" || text == "localhost" || strings.HasPrefix(text, "/")
}

// parseAddress reads an address, with or without a port, a zone or brackets.
func parseAddress(text string) (netip.Addr, bool) {
	if !mayHoldAddress(text) {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		a = withPort.Addr()
	}
	return a.WithZone("").Unmap(), true
}

func (p *Policy) maskWithin(text string, client netip.Addr, attribute bool) string {
	if !mayHoldAddress(text) {
		return text
	}
	// Proxies write lists of addresses: every one of them is hidden.
	list := attribute && isAddressList(text)
	if !list && !client.IsValid() {
		return text
	}
	var out strings.Builder
	from := 0
	for at := 0; at < len(text); at++ {
		if !isAddressByte(text[at]) {
			continue
		}
		end := at
		for end < len(text) && isAddressByte(text[end]) {
			end++
		}
		if begin, length, a := findAddress(text[at:end]); a.IsValid() && (list || a == client) {
			out.WriteString(text[from : at+begin])
			out.WriteString(cmp.Or(p.maskAddress(a.String()), Redacted))
			from = at + begin + length
		}
		at = end
	}
	if from == 0 {
		return text
	}
	out.WriteString(text[from:])
	return out.String()
}

func findAddress(run string) (begin, length int, found netip.Addr) {
	bare := strings.TrimRight(run, ".:")
	for mayHoldAddress(bare) {
		if a, ok := parseAddress(bare); ok {
			if i := strings.LastIndexByte(bare, ':'); i >= 0 && a.Is4() && !strings.HasPrefix(bare, "::") { // the port stays
				return begin, i, a
			}
			return begin, len(bare), a
		}
		colon := strings.IndexByte(bare, ':')
		if colon < 0 {
			break
		}
		begin += colon + 1
		bare = bare[colon+1:]
	}
	return 0, 0, netip.Addr{}
}

// mayHoldAddress excludes most texts quickly: an address has three dots or two colons, and parsing costs a microsecond.
func mayHoldAddress(text string) bool {
	dots, colons := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '.':
			dots++
		case ':':
			colons++
		}
		if dots == 3 || colons == 2 {
			return true
		}
	}
	return false
}

func isAddressList(text string) bool {
	for part := range strings.SplitSeq(text, ",") {
		if !mayHoldAddress(part) {
			return false
		}
		if _, ok := parseAddress(strings.TrimSpace(part)); !ok {
			return false
		}
	}
	return true
}

func isAddressByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c == ':' || c == '.'
}
