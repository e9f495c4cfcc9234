package configclickhouse

import (
	"net"
	"strings"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
)

// PlaintextHosts returns the endpoints on other machines that the password is sent to without TLS.
func (c ClientConfig) PlaintextHosts() (hosts []string) {
	if c.Password == "" {
		return nil
	}
	for _, text := range c.Endpoints {
		e, err := parseEndpoint(text)
		if err != nil || e.scheme == schemeHTTPS || e.scheme == schemeNative && c.TLS.HasValue() && !c.TLS.Get().Insecure {
			continue
		}
		if host, _, _ := net.SplitHostPort(e.address); !loopbackhost.IsLoopback(host) {
			hosts = append(hosts, e.address)
		}
	}
	return hosts
}

// WarnOfPlaintext warns of a password that is sent to another machine without TLS. Components call it once, at start.
func (c ClientConfig) WarnOfPlaintext(log *zap.Logger) {
	if hosts := c.PlaintextHosts(); len(hosts) > 0 {
		log.Warn("tls: the password crosses the network without TLS, and whoever listens can use it: write https:// or tls: {} "+
			"with the port that the server has for it, usually 8443 or 9440", zap.String("to", strings.Join(hosts, ", ")))
	}
}
