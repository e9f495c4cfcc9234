package writesize

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheLargestOfAllExportersCounts(t *testing.T) {
	var w Wanted
	ctx := NewContext(t.Context(), &w)
	require.Zero(t, w.Records())
	Tell(ctx, 2048)
	Tell(ctx, 8192)
	Tell(ctx, 1024)
	require.Equal(t, 8192, w.Records())
	Tell(context.Background(), 9000)
	require.Equal(t, 8192, w.Records())
}
