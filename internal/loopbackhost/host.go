// Package loopbackhost recognises hosts that only this machine reaches.
package loopbackhost

import (
	"fmt"
	"net"
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

// CheckListenAddress refuses what no server can listen on: an address with a scheme, or without a port.
func CheckListenAddress(transport, endpoint string) error {
	if strings.HasPrefix(transport, "unix") {
		return nil
	}
	if _, port, err := net.SplitHostPort(endpoint); err != nil || port == "" {
		return fmt.Errorf("endpoint: %q is no address to listen on: write host:port without a scheme, as 127.0.0.1:8128", endpoint)
	}
	return nil
}
