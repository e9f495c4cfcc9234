package httpsource

import (
	"fmt"
	"net"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
)

func (c Config) startWarnings(instance string, instanceSet bool) (warnings []string) {
	if missing := c.missingGuards(); len(missing) > 0 && !c.isLoopbackOnly() {
		warnings = append(warnings, fmt.Sprintf("http::endpoint: %s is open to other machines, and %s; or listen on 127.0.0.1 behind a proxy that does both",
			c.Server.NetAddr.Endpoint, strings.Join(missing, ", and ")))
	}
	if !instanceSet {
		warnings = append(warnings, fmt.Sprintf("instance is not set: the endpoint %s stands in for it in the id of every record, "+
			"and with another endpoint the same event would be another record; set the receiver's key `instance` to a name that stays", instance))
	}
	return warnings
}

func (c Config) missingGuards() (missing []string) {
	if !c.Server.Auth.HasValue() && !c.allSigned() {
		missing = append(missing, "anybody who reaches it may write logins: set http::auth, or a signature for each of http::senders")
	}
	if !c.Server.TLS.HasValue() {
		missing = append(missing, "events and secrets cross the network in cleartext: set http::tls")
	}
	return missing
}

func (c Config) allSigned() bool {
	for _, sender := range c.Senders {
		if !sender.Signature.HasValue() {
			return false
		}
	}
	return len(c.Senders) > 0
}

func (c Config) isLoopbackOnly() bool {
	if strings.HasPrefix(string(c.Server.NetAddr.Transport), "unix") {
		return true
	}
	host, _, err := net.SplitHostPort(c.Server.NetAddr.Endpoint)
	if err != nil {
		return false
	}
	return loopbackhost.IsLoopback(host)
}
