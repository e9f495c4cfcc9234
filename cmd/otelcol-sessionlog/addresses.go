package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"syscall"

	"go.opentelemetry.io/collector/config/confignet"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

const addressTaken = "the address %s is taken by another process, perhaps a second collector: end that one, or write another address here"

func tryNewAddresses(ctx context.Context, running, next *otelcol.Config) error {
	// A reload stops everything first: a collector that then cannot listen ends.
	held := map[string]bool{}
	for _, address := range listenAddresses(running) {
		held[portOf(address)] = true
	}
	wanted := listenAddresses(next)
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		if held[portOf(wanted[key])] {
			continue
		}
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", wanted[key])
		if errors.Is(err, syscall.EADDRINUSE) {
			return explainWithKeys(key, err, addressTaken, wanted[key])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		_ = listener.Close()
	}
	return nil
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// listenAddresses are those of the servers of all components in use, and of the collector's own metrics, by their keys.
func listenAddresses(config *otelcol.Config) map[string]string {
	addresses := map[string]string{}
	walkUsedConfigs(config, func(key string, value any) bool {
		switch server := value.(type) {
		case confignet.AddrConfig:
			if server.Transport == confignet.TransportTypeTCP {
				addresses[key+"::endpoint"] = server.Endpoint
			}
		case confignet.TCPAddrConfig:
			addresses[key+"::endpoint"] = server.Endpoint
		default:
			return true
		}
		return false
	})
	telemetry, ok := config.Service.Telemetry.(*otelconftelemetry.Config)
	if !ok {
		return addresses
	}
	for i, reader := range telemetry.Metrics.Readers {
		if reader.Pull == nil || reader.Pull.Exporter.Prometheus == nil {
			continue
		}
		if server := reader.Pull.Exporter.Prometheus; server.Host != nil && server.Port != nil {
			addresses[fmt.Sprintf("%s[%d]", metricsReaders, i)] = net.JoinHostPort(*server.Host, strconv.Itoa(*server.Port))
		}
	}
	return addresses
}
