package configpostgresql

import (
	"slices"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
)

// requireAuthNoCleartext is libpq's require_auth for every method but that of a password in cleartext.
const requireAuthNoCleartext = "!password"

// encryptsConnections is false for `tls: {insecure: true}`, which switches TLS off.
func (c ClientConfig) encryptsConnections() bool {
	if !c.TLS.HasValue() {
		return false
	}
	tls := c.TLS.Get()
	return !tls.Insecure || tls.CAFile != "" || tls.CAPem != "" // as in configtls
}

// hasMatchingHost ignores sockets and invalid endpoints.
func (c ClientConfig) hasMatchingHost(accepts func(host string) bool) bool {
	return slices.ContainsFunc(c.Endpoints, func(text string) bool {
		e, err := parseEndpoint(text)
		return err == nil && !e.isUnixSocket() && accepts(e.host)
	})
}

func (c ClientConfig) refusesCleartext() bool {
	// A block tls that says insecure allows it.
	return !c.TLS.HasValue() && c.hasMatchingHost(func(string) bool { return true })
}

// WarnOfPlaintext warns of a password that is sent to another machine without TLS. Components call it once, at start.
func (c ClientConfig) WarnOfPlaintext(log *zap.Logger) {
	if log == nil || c.Password == "" || c.encryptsConnections() || !c.hasMatchingHost(func(host string) bool { return !loopbackhost.IsLoopback(host) }) {
		return
	}
	log.Warn("the password of `username`, and all that is read or written, crosses the network without TLS: "+
		"write `tls: {}` beside `endpoints`, and on the server ssl = on with hostssl lines in pg_hba.conf", zap.Strings("endpoints", c.Endpoints))
}
