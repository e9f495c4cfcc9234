package engines

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// linked is tiny with a list of links, as the packages of PostgreSQL bring one.
func linked(list string) (e Engine, script string) {
	e = tiny
	e.Links = "links.json"
	return e, brings + `printf '%s' '` + list + `' > "$2/node_modules/@test/tiny/links.json"`
}

func TestInstallMakesTheLinksOfThePackage(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(EnvDir, dir)
	e, script := linked(`[{"source":"lib.so","target":"lib.so.1"}]`)
	fakeNPM(t, script)
	_, err := install(t, e)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "tiny-1.2.3", "lib.so.1"))
	require.NoError(t, err)
	require.Equal(t, "engine", string(text))
	to, err := os.Readlink(filepath.Join(dir, "tiny-1.2.3", "lib.so.1"))
	require.NoError(t, err)
	require.Equal(t, "lib.so", to, "the folder could not be moved")
}

func TestInstallRefusesLinksOutOfThePackage(t *testing.T) {
	for _, list := range []string{
		`[{"source":"../../../etc/passwd","target":"a"}]`,
		`[{"source":"/etc/passwd","target":"a"}]`,
		`[{"source":"lib.so","target":"../../a"}]`,
		`[{"source":"lib.so","target":"/tmp/a"}]`,
		`{`,
	} {
		dir := t.TempDir()
		t.Setenv(EnvDir, dir)
		e, script := linked(list)
		fakeNPM(t, script)
		_, err := install(t, e)
		require.ErrorContains(t, err, "links.json of @test/tiny", list)
		requireNoLeftovers(t, dir)
	}
}
