package sessionlogexplorer

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
)

const (
	maxHeaderBytes = 64 << 10
	maxQueryBytes  = 16 << 10
)

// contentSecurityPolicy lets the page load its own files and nothing else, and write to the document through lit-html alone.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; " +
	"form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html"

func setSecurityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

func (x *explorerServer) guardRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setSecurityHeaders(w.Header())
		switch {
		case !x.isAllowedHost(r.Host):
			writeRefusal(w, http.StatusMisdirectedRequest, reasonCall, "this server does not answer to the name in the address: add the name to allowed_hosts, or use 127.0.0.1")
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			writeRefusal(w, http.StatusMethodNotAllowed, reasonCall, "only GET and HEAD: nothing can be changed here")
		case len(r.URL.RawQuery) > maxQueryBytes:
			writeRefusal(w, http.StatusRequestURITooLong, reasonCall, "the query string is longer than 16 KiB: leave some conditions out")
		case isFromAnotherSite(r):
			writeRefusal(w, http.StatusForbidden, reasonCall, "another site's page may not ask this server: open the explorer's own page")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (x *explorerServer) isAllowedHost(host string) bool {
	name := hostOf(host)
	// Any IP address: a page that was led here by its own name (DNS rebinding) asks with that name.
	if _, err := netip.ParseAddr(name); err == nil || loopbackhost.IsLoopback(name) || strings.HasPrefix(string(x.config.Server.NetAddr.Transport), "unix") {
		return true
	}
	same := func(allowed string) bool { return name != "" && strings.EqualFold(allowed, name) }
	return same(hostOf(x.config.Server.NetAddr.Endpoint)) || slices.ContainsFunc(x.config.AllowedHosts, same)
}

func hostOf(hostPort string) string {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}

func isFromAnotherSite(r *http.Request) bool {
	isPage := !strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, "/static/")
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		origin := r.Header.Get("Origin") // of browsers that do not say more
		if origin == "" {
			return false
		}
		from, err := url.Parse(origin)
		return err != nil || !strings.EqualFold(from.Host, r.Host)
	}
	// Links from elsewhere may lead to the page, which holds no data.
	return !isPage || r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
}
