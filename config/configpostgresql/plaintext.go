package configpostgresql

import (
	"slices"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
)

// noCleartext is libpq's require_auth for every method but that of a password in cleartext.
const noCleartext = "!password"

// encrypted tells whether TLS is on for hosts: `tls: {insecure: true}` is TLS that is switched off in words.
func (c ClientConfig) encrypted() bool {
	if !c.TLS.HasValue() {
		return false
	}
	tls := c.TLS.Get()
	return !tls.Insecure || tls.CAFile != "" || tls.CAPem != "" // as configtls has it
}

// anyHost tells whether one of the endpoints is a host that the test accepts; folders of sockets are none, nor is what cannot be read.
func (c ClientConfig) anyHost(accepts func(host string) bool) bool {
	return slices.ContainsFunc(c.Endpoints, func(text string) bool {
		e, err := parseEndpoint(text)
		return err == nil && !e.socket() && accepts(e.host)
	})
}

// cleartextIsRefused tells whether a server that asks for the password in cleartext does not get it: a host without TLS, unless somebody
// has written that he wants it so.
func (c ClientConfig) cleartextIsRefused() bool {
	return !c.TLS.HasValue() && c.anyHost(func(string) bool { return true })
}

// WarnOfPlaintext warns of a password that goes to another machine without TLS. Components call it once, where they start.
func (c ClientConfig) WarnOfPlaintext(log *zap.Logger) {
	if log == nil || c.Password == "" || c.encrypted() || !c.anyHost(isRemote) {
		return
	}
	log.Warn("the password of `username`, and all that is read or written, crosses the network without TLS: "+
		"write `tls: {}` beside `endpoints`, and on the server ssl = on with hostssl lines in pg_hba.conf", zap.Strings("endpoints", c.Endpoints))
}

// isRemote tells other machines from this one.
func isRemote(host string) bool { return !loopbackhost.IsLoopback(host) }
