package httpsource

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push/pushtest"
	"github.com/otel-sessionlog/sessionlog/session"
)

const perCall = 1000

// envPoster makes the test binary a client that posts to this URL until it is killed.
const envPoster = "SESSIONLOG_BENCH_POST_TO"

// BenchmarkPost is NDJSON through sockets into a pipeline that does nothing, 1000 events a call, in turn with the JSON library alone on the
// same bytes (pushtest.Decode and Texts). All are counted in processor time of this process; the client is another one, as it is for a
// collector.
func BenchmarkPost(b *testing.B) {
	arrived, goOn := make(chan int), make(chan struct{})
	host := quietHost(b)
	host.Emit = func(ctx context.Context, page []session.Event) error {
		select {
		case arrived <- len(page):
			<-goOn
		case <-ctx.Done():
		}
		return nil
	}
	r := startOnHost(b, nil, host)
	b.Cleanup(func() { close(goOn) })
	startPoster(b, "http://"+r.address+"/v1/events")
	// A collector that has this receiver holds some 36 MiB (BenchmarkBacklog of the Redshift source). With the 4 of a test binary the garbage
	// collector would hardly ever rest.
	held := make([]byte, 32<<20)
	body, n := pushtest.Body(perCall), 0
	var dec jx.Decoder
	var ours, decode, texts time.Duration
	<-arrived
	for b.Loop() {
		const turn = 50
		ours += timeSpent(b, turn, func() {
			goOn <- struct{}{}
			n += <-arrived
		})
		decode += timeSpent(b, turn, func() { require.NoError(b, pushtest.Decode(&dec, body)) })
		texts += timeSpent(b, turn, func() { require.NoError(b, pushtest.Texts(&dec, body)) })
	}
	runtime.KeepAlive(held)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(ours.Nanoseconds())/float64(n), "cpu-ns/record")
	b.ReportMetric(decode.Seconds()/ours.Seconds(), "of-decode")
	b.ReportMetric(texts.Seconds()/ours.Seconds(), "of-texts")
}

// timeSpent is the processor time of this process.
func timeSpent(b *testing.B, turns int, work func()) time.Duration {
	start := processorTime(b)
	for range turns {
		work()
	}
	return processorTime(b) - start
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func startPoster(b *testing.B, target string) {
	self, err := os.Executable()
	require.NoError(b, err)
	client := exec.Command(self)
	client.Env, client.Stderr = append(os.Environ(), envPoster+"="+target), os.Stderr
	require.NoError(b, client.Start())
	b.Cleanup(func() {
		_ = client.Process.Kill()
		_ = client.Wait()
	})
}

// runPoster is what the client does.
func runPoster(target string) error {
	for body := pushtest.Body(perCall); ; {
		response, err := http.Post(target, ndjson, bytes.NewReader(body))
		if err != nil {
			return err
		}
		if _, err = io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s, %w", response.Status, err)
		}
		response.Body.Close()
	}
}
