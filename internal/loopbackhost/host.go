// Package loopbackhost recognises hosts that only this machine reaches.
package loopbackhost

import (
	"net/netip"
	"strings"
)

// IsLoopback tells whether a host of an endpoint, without its port, is this machine's own: localhost or a loopback address.
func IsLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && address.Unmap().IsLoopback()
}
