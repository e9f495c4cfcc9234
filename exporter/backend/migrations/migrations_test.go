package migrations

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestMustRead(t *testing.T) {
	files := fstest.MapFS{"m/0002_b.sql": {Data: []byte("B")}, "m/0001_a.sql": {Data: []byte("A")}}
	require.Equal(t, []File{{1, "0001_a", "A"}, {2, "0002_b", "B"}}, MustRead(files, "m"))
	files["m/0004_d.sql"] = &fstest.MapFile{}
	require.PanicsWithValue(t, "m: migrations must be numbered 0001, 0002, …: 0004_d.sql", func() { MustRead(files, "m") })
	require.Panics(t, func() { MustRead(files, "elsewhere") })
}
