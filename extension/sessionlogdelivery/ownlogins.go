package sessionlogdelivery

import (
	"fmt"
	"net/url"
	"slices"

	"go.uber.org/zap"
)

// warnOfOwnLogins: over HTTP each request is a login, and a write that is logged as a login is written again, without end.
func (w *configWatcher) warnOfOwnLogins(conf map[string]any) {
	blocks := eventComponents(conf)
	for _, to := range blocks {
		if to.class != exporterClass || to.componentType() != "sessionlog" || slices.Contains(w.cfg.Acknowledge, to.qualifiedName()) {
			continue
		}
		username, _ := to.valueAt("clickhouse", "username").(string)
		for _, from := range blocks {
			if from.class != receiverClass || from.componentType() != "sessionlog" || !sharesHTTPServer(from, to) {
				continue
			}
			if excluded, _ := from.valueAt("clickhouse", "exclude_users").([]any); slices.Contains(excluded, any(username)) {
				continue
			}
			w.log.Warn(fmt.Sprintf("%s::clickhouse::endpoints: writes over HTTP to a server whose logins %s reads, and each write is logins that are read and written again, without end: "+
				"write clickhouse:// here, which logs in once, or give it an account of its own and name that under %s::clickhouse::exclude_users", to.qualifiedName(), from.qualifiedName(), from.qualifiedName()),
				zap.String("component", to.qualifiedName()))
		}
	}
}

func sharesHTTPServer(from, to componentBlock) bool {
	read := endpointHosts(from)
	for host, overHTTP := range endpointHosts(to) {
		if _, shared := read[host]; shared && overHTTP {
			return true
		}
	}
	return false
}

// endpointHosts says of each host of a block clickhouse whether it is spoken to over HTTP.
func endpointHosts(b componentBlock) map[string]bool {
	hosts := map[string]bool{}
	endpoints, _ := b.valueAt("clickhouse", "endpoints").([]any)
	for _, one := range endpoints {
		text, _ := one.(string)
		if address, err := url.Parse(text); err == nil && address.Host != "" {
			hosts[address.Hostname()] = address.Scheme == "http" || address.Scheme == "https"
		}
	}
	return hosts
}
