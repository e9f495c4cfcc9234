package sessionlogdelivery

import (
	"fmt"
	"net"
	"slices"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
)

func (w *configWatcher) warnOfOpenListeners(conf map[string]any) {
	for _, b := range eventComponents(conf) {
		// The sessionlog receiver warns of its own.
		if b.class != receiverClass || b.componentType() != "otlp" || slices.Contains(w.cfg.Acknowledge, b.qualifiedName()) {
			continue
		}
		for _, protocol := range []string{"grpc", "http"} {
			if warning := listenerWarning(b, protocol); warning != "" {
				w.log.Warn(warning, zap.String("component", b.qualifiedName()))
			}
		}
	}
}

func listenerWarning(b componentBlock, protocol string) string {
	key := fmt.Sprintf("%s::protocols::%s", b.qualifiedName(), protocol)
	endpoint, _ := b.valueAt("protocols", protocol, "endpoint").(string)
	if transport, _ := b.valueAt("protocols", protocol, "transport").(string); endpoint == "" || transport == "unix" || isLoopbackEndpoint(endpoint) {
		return ""
	}
	auth, tls := b.valueAt("protocols", protocol, "auth") != nil, b.valueAt("protocols", protocol, "tls") != nil
	mutual := b.valueAt("protocols", protocol, "tls", "client_ca_file") != nil && b.valueAt("protocols", protocol, "tls", "client_ca_file") != ""
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

func isLoopbackEndpoint(endpoint string) bool {
	host, _, err := net.SplitHostPort(endpoint)
	if err != nil {
		host = endpoint
	}
	return loopbackhost.IsLoopback(host)
}
