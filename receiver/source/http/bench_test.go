package httpsource

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkPost is NDJSON through a socket into a pipeline that does nothing, 1000 events a call.
func BenchmarkPost(b *testing.B) {
	const n = 1000
	r := startDiscarding(b)
	body := lines(0, n)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		a := r.post(b, "/v1/events", strings.NewReader(body), "Content-Type", ndjson)
		require.Equal(b, http.StatusOK, a.status)
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "records/s")
}
