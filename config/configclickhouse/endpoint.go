package configclickhouse

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

const (
	schemeNative = "clickhouse"
	schemeHTTP   = "http"
	schemeHTTPS  = "https"
)

type serverEndpoint struct {
	scheme  string
	address string // host:port
}

func (e serverEndpoint) String() string { return e.scheme + "://" + e.address }

// misspeltScheme is a scheme without its "://". A host may be called http, as in http:8123.
var misspeltScheme = regexp.MustCompile(`^(?i)(clickhouse|https?)(?:[:;]?[/\\]|[:;][^0-9/\\])`)

// parseEndpoint reads a URL or host:port. Its errors do not repeat a text that may hold a password.
func parseEndpoint(text string) (serverEndpoint, error) {
	scheme, rest, isURL := strings.Cut(text, "://")
	if begun := misspeltScheme.FindStringSubmatch(text); begun != nil && !isURL {
		scheme = strings.ToLower(begun[1])
		return serverEndpoint{}, fmt.Errorf("has no :// after %s; write %s://host:%s", begun[1], scheme, defaultPort(scheme))
	}
	if !isURL {
		scheme, rest = schemeNative, text
	}
	switch scheme {
	case schemeNative, schemeHTTP, schemeHTTPS:
	default:
		return serverEndpoint{}, fmt.Errorf("scheme %q is none of clickhouse, http, https", scheme)
	}
	u, err := url.Parse(scheme + "://" + rest)
	switch {
	case err != nil || u.Host == "":
		return serverEndpoint{}, errors.New("cannot be read; write clickhouse://host:port, http(s)://host:port, or host:port")
	case u.User != nil:
		return serverEndpoint{}, errors.New("holds a user or password; write them under username and password")
	case u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return serverEndpoint{}, fmt.Errorf("has more than host and port; write %s://%s and put options under keys of their own", scheme, u.Host)
	}
	port := u.Port()
	if port == "" {
		return serverEndpoint{}, fmt.Errorf("has no port; write %s://%s", scheme, net.JoinHostPort(u.Hostname(), defaultPort(scheme)))
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return serverEndpoint{}, fmt.Errorf("port %s is not in 1-65535", port)
	}
	if u.Hostname() == "" {
		return serverEndpoint{}, errors.New("has no host; write host:port")
	}
	return serverEndpoint{scheme: scheme, address: net.JoinHostPort(u.Hostname(), port)}, nil
}

func defaultPort(scheme string) string {
	switch scheme {
	case schemeHTTP:
		return "8123"
	case schemeHTTPS:
		return "8443"
	default:
		return "9000"
	}
}
