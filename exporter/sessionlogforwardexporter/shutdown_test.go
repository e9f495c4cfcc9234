package sessionlogforwardexporter

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/exporter/exportertest"

	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// TestEndWhileTheTargetMisbehaves: a caller that waits gets an error and keeps its events, and nothing is left behind (goleak).
func TestEndWhileTheTargetMisbehaves(t *testing.T) {
	for name, misbehave := range map[string]func(net.Conn){
		"hangs":         func(net.Conn) {},
		"closes":        func(c net.Conn) { _ = c.Close() },
		"half a header": func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 200 O")); _ = c.Close() },
		"half a body": func(c net.Conn) {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"errors\":"))
			_ = c.Close()
		},
		"hangs within a body": func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"errors\":")) },
		"no HTTP":             func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-OpenSSH_9.2\r\n")); _ = c.Close() },
		"unknown encoding": func(c net.Conn) {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var connections []net.Conn
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			accepted := make(chan struct{}, 1000)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					c, err := listener.Accept()
					if err != nil {
						return
					}
					connections = append(connections, c)
					call, err := http.ReadRequest(bufio.NewReader(c))
					if err != nil {
						continue
					}
					if call.ContentLength == 0 { // the call without records
						_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
						continue
					}
					misbehave(c)
					accepted <- struct{}{}
				}
			}()
			factory := NewFactory()
			c := factory.CreateDefaultConfig().(*Config)
			bulk(&c.TargetConfig)
			c.Client.Endpoint, c.Client.Timeout = "http://"+listener.Addr().String(), 100*time.Millisecond
			c.DeadLetter.Directory = filepath.Join(t.TempDir(), "letters")
			c.BackOffConfig.InitialInterval = 10 * time.Millisecond
			set := exportertest.NewNopSettings(factory.Type())
			e, err := factory.CreateLogs(t.Context(), set, c)
			require.NoError(t, err)
			require.NoError(t, e.Start(t.Context(), &statusHost{}))
			result := make(chan error, 1)
			go func() {
				result <- e.ConsumeLogs(context.Background(), plogs.NewEncoder("test").Encode(eventsWith("alice", "")))
			}()
			<-accepted
			<-accepted
			begun := time.Now()
			require.NoError(t, e.Shutdown(t.Context()))
			require.Less(t, time.Since(begun), 5*time.Second)
			require.Error(t, <-result)
			_ = listener.Close()
			<-done
			for _, c := range connections {
				_ = c.Close()
			}
		})
	}
}
