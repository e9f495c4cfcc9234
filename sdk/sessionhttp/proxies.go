package sessionhttp

import (
	"net/http"
	"net/netip"
	"slices"
)

// Header is where a proxy says for whom it asks.
type Header string

// The headers that proxies write.
const (
	XForwardedFor Header = "X-Forwarded-For"
	Forwarded     Header = "Forwarded" // RFC 7239
)

// TrustedProxies names the networks of the proxies before this server, and the one header that they write. Any other header, and
// whatever stands left of the first address that is no trusted proxy's, is the client's own word and is not believed. Without
// this option the client is whoever has connected.
func TrustedProxies(header Header, networks ...netip.Prefix) Option {
	return func(m *middleware) { m.proxies = proxies{header: header, networks: networks} }
}

type proxies struct {
	header   Header
	networks []netip.Prefix
}

// client finds who asked the first of the trusted proxies. Each proxy appends the address that has connected to it, so the
// header is read from the right, as long as the one who wrote is trusted. Where a trusted proxy wrote something that is no
// address, its own is the last that is known.
func (p *proxies) client(r *http.Request) (netip.Addr, uint16) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, 0 // a Unix-domain socket, or a test's request
	}
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	lines := r.Header.Values(string(p.header))
	for _, line := range slices.Backward(lines) {
		for line != "" && p.trusts(at.Addr()) {
			var element string
			line, element = lastElement(line)
			from, ok := p.node(element)
			if !ok {
				return at.Addr(), at.Port()
			}
			at = from
		}
	}
	return at.Addr(), at.Port()
}

func (p *proxies) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p.networks, func(n netip.Prefix) bool { return n.Contains(a.WithZone("")) })
}

func (p *proxies) node(element string) (netip.AddrPort, bool) {
	if p.header == Forwarded {
		element = forwardedFor(element)
	}
	return parseNode(element)
}
