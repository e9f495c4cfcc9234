package writesize

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheLargestOfAllExportersCounts(t *testing.T) {
	var w WantedRecords
	ctx := NewContext(t.Context(), &w)
	require.Zero(t, w.Records())
	ReportWanted(ctx, 2048)
	ReportWanted(ctx, 8192)
	ReportWanted(ctx, 1024)
	require.Equal(t, 8192, w.Records())
	ReportWanted(context.Background(), 9000)
	require.Equal(t, 8192, w.Records())
}
