package sessionlogdelivery

import (
	"net/url"
	"slices"

	"go.uber.org/zap"
)

func (w *configWatcher) warnOfWeakSeals(conf map[string]any) {
	for _, b := range eventComponents(conf) {
		if b.class != exporterClass || b.componentType() != "sessionlog" || b.valueAt("seal") == nil || slices.Contains(w.cfg.Acknowledge, b.qualifiedName()) {
			continue
		}
		if !b.boolAt(true, "seal", "heads", "file") && !b.boolAt(true, "seal", "heads", "telemetry") && b.valueAt("seal", "witnesses") == nil {
			w.log.Warn(b.qualifiedName()+"::seal::heads: heads are given to nobody, and a log whose end was cut off looks like a shorter one: set file or telemetry, and keep copies elsewhere",
				zap.String("component", b.qualifiedName()))
		}
		if isBackendHere(b) {
			w.log.Warn(b.qualifiedName()+"::seal::key_file: the key lies on the database's host, whose administrator can seal what he has forged: run the collector on another one",
				zap.String("component", b.qualifiedName()))
		}
	}
}

func isBackendHere(b componentBlock) bool {
	for _, backend := range []string{"clickhouse", "postgresql"} { // a file of SQLite always is, and its page says so
		endpoints, _ := b.valueAt(backend, "endpoints").([]any)
		for _, one := range endpoints {
			endpoint, _ := one.(string)
			if address, err := url.Parse(endpoint); err == nil && address.Host != "" {
				endpoint = address.Host
			}
			if isLoopbackEndpoint(endpoint) {
				return true
			}
		}
	}
	return false
}
