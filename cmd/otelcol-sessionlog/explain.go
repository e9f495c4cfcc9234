package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"go.opentelemetry.io/collector/confmap"
)

const metricsReaders = "service::telemetry::metrics::readers"

// explainStart puts the keys and the remedy before the error of a start that names neither: an address that is taken, a folder
// that the process may not write.
func explainStart(ctx context.Context, set confmap.ResolverSettings, err error) error {
	var socket *net.OpError
	if errors.As(err, &socket) && errors.Is(err, syscall.EADDRINUSE) {
		if taken, ok := socket.Addr.(*net.TCPAddr); ok {
			keys := keysOf(ctx, set, func(text string) bool { return namesAddress(text, taken) })
			if strings.Contains(err.Error(), "for Prometheus exporter") {
				keys = metricsReaders + " (host and port of the collector's own metrics)"
			}
			return keyed(keys, err, "the address %s is taken by another process, perhaps a second collector: end that one, or write another address here", taken)
		}
	}
	var file *fs.PathError
	if errors.As(err, &file) && errors.Is(err, fs.ErrPermission) {
		keys := keysOf(ctx, set, func(text string) bool { return isBelow(file.Path, text) || isBelow(text, file.Path) })
		return keyed(keys, err, "user %d may not use %s: give that user the folder (chown), or write another one here", os.Getuid(), file.Path)
	}
	return err
}

func keyed(keys string, err error, format string, args ...any) error {
	if keys == "" {
		return err
	}
	return fmt.Errorf("%s: %s: %w", keys, fmt.Sprintf(format, args...), err)
}

// namesAddress compares without asking any name server.
func namesAddress(text string, address *net.TCPAddr) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || port != strconv.Itoa(address.Port) {
		return false
	}
	switch host {
	case "":
		return address.IP.IsUnspecified()
	case "localhost":
		return address.IP.IsLoopback()
	}
	return address.IP.Equal(net.ParseIP(host))
}

// isBelow tells whether path is a folder of a configuration or something in it.
func isBelow(path, folder string) bool {
	if !strings.ContainsRune(path, filepath.Separator) || !strings.ContainsRune(folder, filepath.Separator) {
		return false
	}
	relative, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(relative)
}

// keysOf are the keys of a configuration whose value matches, with the value as it is written where it holds variables. "": there are none.
func keysOf(ctx context.Context, set confmap.ResolverSettings, matches func(value string) bool) string {
	resolver, err := confmap.NewResolver(set)
	if err != nil {
		return ""
	}
	defer func() { _ = resolver.Shutdown(ctx) }()
	conf, err := resolver.Resolve(ctx)
	if err != nil {
		return ""
	}
	written := resolver.UnexpandedConf()
	var keys []string
	walkTexts(nil, conf.ToStringMap(), func(path []string, text string) {
		if !matches(text) {
			return
		}
		key := strings.Join(path, "::")
		if as, _ := written.Get(key).(string); strings.Contains(as, "${") {
			key += " (" + as + ")"
		}
		keys = append(keys, key)
	})
	return strings.Join(keys, ", ")
}
