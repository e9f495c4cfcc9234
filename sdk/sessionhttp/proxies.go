package sessionhttp

import (
	"net/http"
	"net/netip"
	"slices"
)

// Header is where a proxy names its client.
type Header string

// The headers that proxies write.
const (
	XForwardedFor   Header = "X-Forwarded-For"
	ForwardedHeader Header = "Forwarded" // RFC 7239
)

// TrustedProxies names the networks of the proxies before this server, and the one header that they write. Any other header, and
// whatever is left of the first address that is no trusted proxy's, was written by the client and is ignored. Without
// this option the client is whoever has connected.
func TrustedProxies(header Header, networks ...netip.Prefix) Option {
	return func(m *eventMiddleware) { m.proxies = trustedProxies{header: header, networks: networks} }
}

type trustedProxies struct {
	header   Header
	networks []netip.Prefix
}

func (p *trustedProxies) clientAddress(r *http.Request) (netip.Addr, uint16) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, 0 // a Unix-domain socket, or a test's request
	}
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	lines := r.Header.Values(string(p.header))
	// Each proxy appends the address that has connected to it.
	for _, line := range slices.Backward(lines) {
		for line != "" && p.isTrusted(at.Addr()) {
			var element string
			line, element = lastElement(line)
			from, ok := p.parseElement(element)
			if !ok {
				return at.Addr(), at.Port() // the last one that is known
			}
			at = from
		}
	}
	return at.Addr(), at.Port()
}

func (p *trustedProxies) isTrusted(a netip.Addr) bool {
	return slices.ContainsFunc(p.networks, func(n netip.Prefix) bool { return n.Contains(a.WithZone("")) })
}

func (p *trustedProxies) parseElement(element string) (netip.AddrPort, bool) {
	if p.header == ForwardedHeader {
		element = forwardedFor(element)
	}
	return parseNode(element)
}
