package sealtest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// writesInATurn take some tenths of a second at least.
const writesInATurn = 500

// BenchSingleRecords writes one record a commit, in turns with seals every second and without: of_plain is how much more time the sealed ones take.
func BenchSingleRecords(b *testing.B, database func() Database) {
	r := newRig(b, database())
	r.cfg.Interval = time.Second
	plain := database().Open(b, 0)
	require.NoError(b, plain.Start(b.Context()))
	sealed := r.start()
	took := map[backend.Backend]time.Duration{}
	turns := 0
	for b.Loop() {
		for _, each := range []backend.Backend{plain, sealed} {
			begin := time.Now()
			for n := range writesInATurn {
				at := turns*writesInATurn + n
				_, err := each.Write(b.Context(), numbers(at, at+1))
				require.NoError(b, err)
			}
			took[each] += time.Since(begin)
		}
		turns++
	}
	b.ReportMetric(float64(took[sealed])/float64(took[plain]), "of_plain")
	b.ReportMetric(float64(took[sealed].Microseconds())/float64(turns*writesInATurn), "us/record")
	b.ReportMetric(0, "ns/op")
	require.NoError(b, sealed.Shutdown(context.Background()))
	require.NoError(b, plain.Shutdown(context.Background()))
}
