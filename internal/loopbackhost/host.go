// Package loopbackhost recognises hosts that only this machine reaches.
package loopbackhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
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
	_, port, err := net.SplitHostPort(endpoint)
	if err == nil && port != "" {
		_, err = net.DefaultResolver.LookupPort(context.Background(), "tcp", port) // in a file
	}
	if err != nil || port == "" {
		return fmt.Errorf("endpoint: %q is no address to listen on: write host:port without a scheme, as 127.0.0.1:8128", endpoint)
	}
	return nil
}

// ExplainListen adds the remedy to an error of a server that cannot listen.
func ExplainListen(err error) error {
	var unknown *net.DNSError
	remedy := "another process, or another component of this configuration, may have the port: give this one another"
	switch {
	case errors.As(err, &unknown):
		remedy = "the name leads to no address: write an address of this machine, as 127.0.0.1 or 0.0.0.0"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		remedy = "this machine has no such address: write one of its own, or 0.0.0.0 for all"
	case errors.Is(err, syscall.EACCES):
		remedy = "this user may not have that port: write one above 1023"
	}
	return fmt.Errorf("endpoint: %w: %s", err, remedy)
}
