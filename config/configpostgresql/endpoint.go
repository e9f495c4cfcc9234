package configpostgresql

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

const defaultPort = 5432

// serverEndpoint is a host, or the folder of a Unix socket.
type serverEndpoint struct {
	host string
	port uint16
}

func (e serverEndpoint) isUnixSocket() bool { return strings.HasPrefix(e.host, "/") }

func (e serverEndpoint) String() string { return net.JoinHostPort(e.host, strconv.Itoa(int(e.port))) }

// parseEndpoint reads a URL, host:port or a folder. Its errors do not repeat a text that may hold a password.
func parseEndpoint(text string) (serverEndpoint, error) {
	if strings.HasPrefix(text, "/") {
		return parseSocketPath(text)
	}
	scheme, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		scheme, rest = "postgresql", text
	}
	usual := defaultPort
	switch scheme {
	case "postgresql", "postgres":
	case "redshift":
		usual = 5439
	default:
		return serverEndpoint{}, errors.New("its scheme is none of postgresql, postgres, redshift")
	}
	u, err := url.Parse("postgresql://" + rest)
	switch {
	case err != nil || u.Hostname() == "":
		return serverEndpoint{}, errors.New("cannot be read; write host:port, postgresql://host:port, or the folder of a socket")
	case u.User != nil:
		return serverEndpoint{}, errors.New("holds a user or password; write them under username and password")
	case u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return serverEndpoint{}, errors.New("has more than host and port; write the database and TLS under database and tls")
	case u.Port() == "":
		return serverEndpoint{}, fmt.Errorf("has no port; the usual one is %d", usual)
	}
	port, err := parsePort(u.Port())
	return serverEndpoint{u.Hostname(), port}, err
}

func parseSocketPath(text string) (serverEndpoint, error) {
	folder, port, found := strings.Cut(text, ":")
	if !found {
		return serverEndpoint{folder, defaultPort}, nil
	}
	n, err := parsePort(port)
	return serverEndpoint{folder, n}, err
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, errors.New("its port is not in 1-65535")
	}
	return uint16(n), nil
}
