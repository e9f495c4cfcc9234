package migrations

import (
	"fmt"
	"os"
	"strings"
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

func TestMustReadViews(t *testing.T) {
	files := fstest.MapFS{
		"v/b.sql": {Data: []byte("-- of a\n-- and more\nCREATE VIEW b AS\nSELECT * FROM a;\n")}, "v/a.sql": {Data: []byte("CREATE VIEW a AS\nSELECT 1;\n")},
		"v/cluster/a.sql": {Data: []byte("elsewhere")},
	}
	require.Equal(t, []View{{"a", "CREATE VIEW a AS\nSELECT 1"}, {"b", "CREATE VIEW b AS\nSELECT * FROM a"}}, MustReadViews(files, "v"))
	files["v/c.sql"] = &fstest.MapFile{Data: []byte("CREATE VIEW d AS\nSELECT 1")}
	require.PanicsWithValue(t, "v/c.sql does not begin with CREATE VIEW c AS", func() { MustReadViews(files, "v") })
	require.NotEqual(t, ViewDigest("a"), ViewDigest("b"))
}

// TestAChangedViewHasAnotherRevision: by the revision two programs know which of them has the newer views.
func TestAChangedViewHasAnotherRevision(t *testing.T) {
	digests := map[int]string{ // add a line, do not change one that was released
		1: "a620a6a071231966",
		2: "a5e70894ec52c5cc",
	}
	var all strings.Builder
	for _, folder := range []string{"clickhouse", "postgresql", "sqlite"} {
		for _, v := range MustReadViews(os.DirFS("../"+folder), "views") {
			all.WriteString(v.SQL)
		}
	}
	require.Equal(t, digests[ViewRevision], ViewDigest(all.String()), "a view has changed: raise ViewRevision, and write the new digest behind it")
}

func TestANewerProgramIsKnownByItsRevision(t *testing.T) {
	require.False(t, IsOfNewerProgram(View{"a", "b"}.Comment()))
	require.True(t, IsOfNewerProgram(fmt.Sprintf("sessionlog %d abc", ViewRevision+1)))
	for _, comment := range []string{"", "sessionlog 0123456789abcdef", "theirs"} {
		require.False(t, IsOfNewerProgram(comment), comment)
	}
}
