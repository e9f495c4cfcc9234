package sessionlogdelivery

import (
	"fmt"
	"net"
	"slices"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
)

// warnOfListeners says which OTLP receivers listen beyond this machine without asking who sends, or without TLS. The sessionlog
// receiver says it of its own.
func (w *watcher) warnOfListeners(conf map[string]any) {
	for _, b := range blocks(conf) {
		if b.class != receivers || b.typ() != "otlp" || slices.Contains(w.cfg.Acknowledge, b.name()) {
			continue
		}
		for _, protocol := range []string{"grpc", "http"} {
			if warning := unguarded(b, protocol); warning != "" {
				w.log.Warn(warning, zap.String("component", b.name()))
			}
		}
	}
}

// unguarded is the warning about one listener, or "".
func unguarded(b block, protocol string) string {
	key := fmt.Sprintf("%s::protocols::%s", b.name(), protocol)
	endpoint, _ := b.get("protocols", protocol, "endpoint").(string)
	if transport, _ := b.get("protocols", protocol, "transport").(string); endpoint == "" || transport == "unix" || onlyThisMachine(endpoint) {
		return ""
	}
	auth, tls := b.get("protocols", protocol, "auth") != nil, b.get("protocols", protocol, "tls") != nil
	mutual := b.get("protocols", protocol, "tls", "client_ca_file") != nil && b.get("protocols", protocol, "tls", "client_ca_file") != ""
	switch {
	case !auth && !mutual:
		return fmt.Sprintf("%s::endpoint: %s can be reached from other machines, and whoever reaches it may write logins: set %s::auth, or "+
			"tls::client_ca_file, or listen on 127.0.0.1", key, endpoint, key)
	case !tls:
		return fmt.Sprintf("%s::endpoint: %s can be reached from other machines without TLS, so that logins and the senders' credentials cross the "+
			"network in the clear: set %s::tls, or listen on 127.0.0.1", key, endpoint, key)
	}
	return ""
}

// onlyThisMachine tells whether an address is of the loopback interface.
func onlyThisMachine(endpoint string) bool {
	host, _, err := net.SplitHostPort(endpoint)
	if err != nil {
		host = endpoint
	}
	return loopbackhost.IsLoopback(host)
}
