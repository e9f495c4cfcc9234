package sessionlogdelivery

import (
	"slices"
	"time"

	"go.uber.org/zap"
)

const (
	otlpDefaultTimeout  = 5 * time.Second  // of otlp_grpc; that of otlp_http is 30s
	shortestOTLPTimeout = 30 * time.Second // a gateway answers when its backend has committed, which may take as long as a failover does
)

func (w *configWatcher) warnOfShortTimeouts(conf map[string]any) {
	for _, b := range eventComponents(conf) {
		if b.class != exporterClass || !slices.Contains([]string{"otlp", "otlp_grpc"}, b.componentType()) || acknowledgesEarly(b) || slices.Contains(w.cfg.Acknowledge, b.qualifiedName()) {
			continue
		}
		if timeout := b.durationAt(otlpDefaultTimeout, "timeout"); timeout > 0 && timeout < shortestOTLPTimeout {
			w.log.Warn(b.qualifiedName()+"::timeout: a gateway that answers when the events are stored may need longer than this, and each batch that is given up is sent once more: "+
				"set timeout: 60s", zap.String("component", b.qualifiedName()), zap.Stringer("timeout", timeout))
		}
	}
}
