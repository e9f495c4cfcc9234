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

// explainStart adds keys and remedy to errors of a start that name neither: an address in use, a folder
// that the process may not write.
func explainStart(ctx context.Context, set confmap.ResolverSettings, err error) error {
	var socket *net.OpError
	if errors.As(err, &socket) && errors.Is(err, syscall.EADDRINUSE) {
		if taken, ok := socket.Addr.(*net.TCPAddr); ok {
			keys := keysWithValue(ctx, set, func(text string) bool { return matchesAddress(text, taken) })
			if strings.Contains(err.Error(), "for Prometheus exporter") {
				keys = metricsReaders + " (host and port of the collector's own metrics)"
			}
			return explainWithKeys(keys, err, addressTaken, taken)
		}
	}
	var file *fs.PathError
	if errors.As(err, &file) && errors.Is(err, fs.ErrPermission) {
		keys := keysWithValue(ctx, set, func(text string) bool { return isWithinFolder(file.Path, text) || isWithinFolder(text, file.Path) })
		return explainWithKeys(keys, err, "user %d may not use %s: give that user the folder (chown), or write another one here", os.Getuid(), file.Path)
	}
	return err
}

func explainWithKeys(keys string, err error, format string, args ...any) error {
	if keys == "" {
		return err
	}
	return fmt.Errorf("%s: %s: %w", keys, fmt.Sprintf(format, args...), err)
}

func matchesAddress(text string, address *net.TCPAddr) bool {
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

func isWithinFolder(path, folder string) bool {
	if !strings.ContainsRune(path, filepath.Separator) || !strings.ContainsRune(folder, filepath.Separator) {
		return false
	}
	relative, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(relative)
}

// keysWithValue lists the keys whose value matches, each with its unexpanded value where that holds variables.
func keysWithValue(ctx context.Context, set confmap.ResolverSettings, matches func(value string) bool) string {
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
