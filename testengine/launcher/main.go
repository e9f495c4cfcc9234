//go:build linux && amd64

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/otel-sessionlog/sessionlog/testengine/port"
)

// flags are what the command line sets.
type flags struct {
	library          string
	dir              string
	config           string
	host             string
	nativePort       uint
	httpPort         uint
	logFile          string
	logLevel         string
	untilStdinCloses bool
	interserver      string
	queue            string
}

func main() {
	var f flags
	flag.StringVar(&f.library, "library", "", "path of libchdb.so (required)")
	flag.StringVar(&f.dir, "dir", "", "data directory, made when missing (required)")
	flag.StringVar(&f.config, "config", "", "ClickHouse config file (required); users_config in it is relative to it")
	flag.StringVar(&f.host, "host", "127.0.0.1", "IPv4 address to listen on; keep it on loopback, any client may read this user's files")
	flag.UintVar(&f.nativePort, "native-port", 0, "port of the native protocol, 0 for a free one")
	flag.UintVar(&f.httpPort, "http-port", 0, "port of HTTP, 0 for a free one")
	flag.StringVar(&f.logFile, "log", "", "file for the server's own log")
	flag.StringVar(&f.logLevel, "log-level", "information", "level of -log: error, warning, information, debug, trace")
	flag.BoolVar(&f.untilStdinCloses, "until-stdin-closes", false, "stop when standard input ends, as it does when the parent process dies")
	flag.StringVar(&f.interserver, "interserver", "", "IPv4 address of the interserver listener, which takes the number of the HTTP port; makes a node of a cluster")
	flag.StringVar(&f.queue, "ddl-queue", "", "path in ZooKeeper of the queue for ON CLUSTER, as in the config's distributed_ddl; with -interserver")
	flag.Parse()
	if err := run(f); err != nil {
		fmt.Fprintln(os.Stderr, "launcher:", err)
		os.Exit(1)
	}
}

func run(f flags) error {
	if f.library == "" || f.dir == "" || f.config == "" {
		return errors.New("-library, -dir and -config are required")
	}
	// A write to a socket that the peer closed raises SIGPIPE. On a thread of the engine the Go runtime would then end the process.
	signal.Ignore(syscall.SIGPIPE)
	var err error
	for _, path := range []*string{&f.dir, &f.config} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if err := prepareDataDir(f.dir); err != nil {
		return err
	}
	native, err := reserve(f.host, f.nativePort)
	if err != nil {
		return err
	}
	http, err := reserve(f.host, f.httpPort)
	if err != nil {
		return err
	}
	io, err := takeOverStdio()
	if err != nil {
		return err
	}
	e, err := load(f.library)
	if err != nil {
		return err
	}
	if err := e.patch(); err != nil {
		return err
	}
	var node *replica
	if f.interserver != "" {
		if _, err := reserve(f.interserver, uint(http.Addr().Port())); err != nil {
			return err
		}
		if node, err = newReplica(e, f.dir, f.interserver, http.Addr().Port()); err != nil {
			return err
		}
	}
	return serve(e, node, f, io, native.Addr(), http.Addr())
}

// reserve keeps the port ours until the process ends; the engine listens on it beside the reservation.
func reserve(host string, number uint) (*port.Reservation, error) {
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.Is4() {
		return nil, fmt.Errorf("-host %q: want an IPv4 address, such as 127.0.0.1", host)
	}
	if number > 65535 {
		return nil, fmt.Errorf("port %d: want 0 to 65535", number)
	}
	return port.Reserve(context.Background(), netip.AddrPortFrom(addr, uint16(number)))
}
