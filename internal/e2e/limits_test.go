package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

const (
	bombRecords = 9_000_000
	bombsAtOnce = 8
	peakAllowed = 300 << 20
)

// bomb is a request in protobuf: n elements of two bytes each, n times the tag, within the messages of path.
func bomb(tag byte, n int, path ...byte) []byte {
	b := bytes.Repeat([]byte{tag<<3 | 2, 0}, n)
	for i := len(path) - 1; i >= 0; i-- {
		head := []byte{path[i]<<3 | 2}
		size := len(b)
		for ; size >= 0x80; size >>= 7 {
			head = append(head, byte(size)|0x80)
		}
		b = append(append(head, byte(size)), b...)
	}
	return b
}

func compressed(t *testing.T, encoding string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	switch encoding {
	case "gzip":
		w := gzip.NewWriter(&out)
		_, err := w.Write(b)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	case "zstd":
		w, err := zstd.NewWriter(&out)
		require.NoError(t, err)
		_, err = w.Write(b)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	return out.Bytes()
}

// peakOf is the most memory that a process ever had, in bytes.
func peakOf(t testing.TB, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	require.NotNil(t, m)
	kB, err := strconv.ParseInt(string(m[1]), 10, 64)
	require.NoError(t, err)
	return kB << 10
}

// TestRequestsThatUnpackToMillions are refused by the shipped configuration before they are decoded: eight at once, in both encodings,
// over HTTP and gRPC, cost no more than 300 MB. An honest batch passes before and after.
func TestRequestsThatUnpackToMillions(t *testing.T) {
	shipped, err := os.ReadFile(filepath.Join(root, "config/collector.yaml"))
	require.NoError(t, err)
	grpcAddress, httpAddress := freeAddress(t), freeAddress(t)
	p := newProcess(t, string(shipped))
	p.Args = append(p.Args, shippedElsewhere(p.Dir, grpcAddress, httpAddress, "127.0.0.1:0")...)
	p.Env = append(os.Environ(), "SESSIONLOG_DATA="+p.Dir)
	p.start(t)
	p.logs(t, "Everything is ready")
	honest := func(user string) {
		require.NoError(t, pushOTLP(t.Context(), grpcAddress, user, 8192))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+httpAddress+"/v1/logs", bytes.NewReader(honestJSON(t, user)))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode)
	}
	honest("before")
	t.Logf("an honest batch: peak so far %d MB", peakOf(t, p.Process.Pid)>>20)

	inLogs := []byte{1, 2}
	text := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}` + strings.Repeat(",{}", bombRecords/2) + `]}]}]}`
	for _, c := range []struct {
		name, contentType, key string
		body                   []byte
	}{
		{"records in protobuf", "application/x-protobuf", "max_records", bomb(2, bombRecords, inLogs...)},
		{"records in JSON", "application/json", "max_records", []byte(text)},
		{"attributes", "application/x-protobuf", "max_attributes", bomb(6, bombRecords, 1, 2, 2)},
		{"scopes", "application/x-protobuf", "max_records", bomb(2, bombRecords, 1)},
	} {
		for _, encoding := range []string{"gzip", "zstd"} {
			body := compressed(t, encoding, c.body)
			require.Less(t, len(body), 64<<10)
			atOnce(t, func() { refusedByHTTP(t, httpAddress, c.contentType, encoding, body, c.key) })
			t.Logf("%s, %s: peak so far %d MB", c.name, encoding, peakOf(t, p.Process.Pid)>>20)
		}
	}
	conn, err := grpc.NewClient(grpcAddress, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	for name, body := range map[string][]byte{"max_records": bomb(2, 2_000_000, inLogs...), "max_attributes": bomb(6, 2_000_000, 1, 2, 2)} {
		atOnce(t, func() {
			err := conn.Invoke(t.Context(), "/opentelemetry.proto.collector.logs.v1.LogsService/Export", body, &[]byte{}, grpc.ForceCodec(rawCodec{}), grpc.UseCompressor("gzip"))
			require.Equal(t, codes.ResourceExhausted, status.Code(err), "%v", err)
			require.ErrorContains(t, err, "sessionlog_limits::"+name)
		})
	}
	honest("after")
	require.Len(t, query(t, filepath.Join(p.Dir, "session_log.db"), "SELECT record_id FROM session_log WHERE user IN ('before', 'after')"), 4*8192)
	peak := peakOf(t, p.Process.Pid)
	t.Logf("peak: %d MB", peak>>20)
	require.Less(t, peak, int64(peakAllowed))
	require.Contains(t, p.out.String(), "an OTLP request was refused")
	// A long text costs what it is long, and is refused too.
	long := append([]byte{0x1a, 0x80, 0x80, 0x80, 0x09}, make([]byte, 18<<20)...)
	refusedByHTTP(t, httpAddress, "application/x-protobuf", "gzip", compressed(t, "gzip", long), "max_unpacked_bytes")
	p.terminate(t)
	require.Equal(t, 0, p.status(t, endsWithin))
}

func refusedByHTTP(t *testing.T, address, contentType, encoding string, body []byte, key string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/v1/logs", bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Content-Encoding", encoding)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusRequestEntityTooLarge, answer.StatusCode)
	require.Equal(t, contentType, answer.Header.Get("Content-Type"))
	said, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Contains(t, string(said), "sessionlog_limits::"+key)
	require.Contains(t, string(said), "smaller batches")
}

// honestJSON is the batch of 8,192 logins that exporters send by default, with all that ClickHouse tells of one, in the longest encoding.
func honestJSON(t *testing.T, user string) []byte {
	t.Helper()
	events := make([]session.Event, 8192)
	for i := range events {
		events[i] = session.Event{
			Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: "clickhouse", Instance: "warehouse", Host: "ch-1.internal.example.org", Time: time.Now().UnixNano(),
			User: user, AuthMethod: "password", AuthType: "SHA256_PASSWORD", Interface: "TCP", ClientAddress: "2001:db8::2:1", ClientPort: 50_001, PID: int64(100_000 + i),
			ClientHostname: "laptop-7.internal.example.org", ClientName: "ClickHouse client", ClientVersion: "26.7.1", Roles: []string{"reader", "auditor"}, Profiles: []string{"default"},
			Settings: []session.Setting{{Name: "max_memory_usage", Value: "10000000000"}, {Name: "readonly", Value: "1"}},
		}
	}
	text, err := plogotlp.NewExportRequestFromLogs(plogs.NewEncoder("test").Encode(events)).MarshalJSON()
	require.NoError(t, err)
	t.Logf("8,192 logins in JSON: %d bytes", len(text))
	return text
}

func atOnce(t *testing.T, do func()) {
	t.Helper()
	var calls sync.WaitGroup
	for range bombsAtOnce {
		calls.Go(do)
	}
	calls.Wait()
}

// rawCodec sends bytes as they are.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error)   { return v.([]byte), nil }
func (rawCodec) Unmarshal(b []byte, v any) error { *v.(*[]byte) = bytes.Clone(b); return nil }
func (rawCodec) Name() string                    { return "proto" }
