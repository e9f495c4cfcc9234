package redaction

import (
	"cmp"
	"net/netip"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// The parts of an address that `prefix` leaves: a network, not a machine.
const (
	prefix4 = 24
	prefix6 = 48
)

// hideAddress hides the client's address and the name of its machine, and tells whether there was one. Sockets and [local] are nobody's.
func (p *Policy) hideAddress(e *session.Event) bool {
	address, host := e.ClientAddress, e.ClientHostname
	e.ClientAddress, e.ClientHostname = p.maskAddress(address), p.maskAddress(host)
	var names []searchName
	for _, name := range []string{address, host} {
		if _, err := netip.ParseAddr(name); err != nil && len(name) > shortName && !isLocal(name) && !isHashed(name) {
			names = append(names, newSearchName(name))
		}
	}
	client, _ := parseAddress(address)
	if client.IsValid() && p.maskAddress(address) == address {
		client = netip.Addr{} // it is a network already
	}
	eachText(e, func(field, text string) string {
		if text == "" || notOfAClient[field] {
			return text
		}
		for i := range names {
			text = names[i].hide(text)
		}
		return p.maskWithin(text, client, field == "Extra")
	})
	return e.ClientAddress != address || e.ClientHostname != host
}

// notOfAClient are fields in which no client's address can stand, or in which it has been hidden.
var notOfAClient = map[string]bool{"ClientAddress": true, "ClientHostname": true, "ClientVersion": true, "Host": true, "ServerAddress": true}

func (p *Policy) maskAddress(text string) string {
	if text == "" || isLocal(text) || isHashed(text) {
		return text
	}
	switch p.config.Addresses {
	case Hash:
		return p.secret.hashed("address", text)
	case Prefix:
		if a, ok := parseAddress(text); ok {
			return network(a)
		}
	}
	return ""
}

func network(a netip.Addr) string {
	bits := prefix6
	if a.Is4() {
		bits = prefix4
	}
	n, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return n.Addr().String()
}

// isLocal tells what is the address of no machine: a socket, or the machine itself.
func isLocal(text string) bool {
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

// maskWithin hides the client's address wherever a text has it, however it is written. An attribute that is a list of addresses, as
// proxies make it, is hidden whole.
func (p *Policy) maskWithin(text string, client netip.Addr, attribute bool) string {
	if !mayHoldAddress(text) {
		return text
	}
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
		if begin, length, a := addressIn(text[at:end]); a.IsValid() && (list || a == client) {
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

// addressIn finds the address in a run of the bytes that addresses are made of: with a port, a colon or a dot around it, or a word of
// hexadecimal letters before it.
func addressIn(run string) (begin, length int, found netip.Addr) {
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

// mayHoldAddress is a quick no to most texts: an address has three dots or two colons, and to try to read one costs a microsecond.
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
