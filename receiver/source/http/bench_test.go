package httpsource

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkPost is NDJSON through a socket into a pipeline that does nothing, 1000 events a call, client and all. They are those of
// BenchmarkRead and BenchmarkLimit in internal/dialect/push.
func BenchmarkPost(b *testing.B) {
	const n = 1000
	r := startDiscarding(b)
	line, err := os.ReadFile("../../../internal/dialect/push/testdata/bench.ndjson")
	require.NoError(b, err)
	body := strings.Repeat(string(line), n)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		a := r.post(b, "/v1/events", strings.NewReader(body), "Content-Type", ndjson)
		require.Equal(b, http.StatusOK, a.status)
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "records/s")
}
