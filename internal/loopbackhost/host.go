// Package loopbackhost recognises hosts that only this machine reaches.
package loopbackhost

import (
	"net/netip"
	"strings"
)

// IsLoopback says whether a host of an endpoint, without its port, is this machine's own: a loopback address, localhost, or a name
// below localhost, which RFC 6761 reserves for loopback.
func IsLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	name := strings.ToLower(host)
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || err == nil && address.Unmap().IsLoopback()
}
