package sessionlogreceiver

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

func readFolder(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	var out strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		out.Write(text)
	}
	return out.String()
}

var fileStorageID = component.MustNewID("file_storage")

// withFileStorage gives the host the real extension over a folder.
func (h *testHost) withFileStorage(t *testing.T, dir string, change func(*filestorage.Config)) *testHost {
	t.Helper()
	factory := filestorage.NewFactory()
	config := factory.CreateDefaultConfig().(*filestorage.Config)
	config.Directory, config.FSync, config.Timeout = dir, true, time.Second
	if change != nil {
		change(config)
	}
	ext, err := factory.Create(t.Context(), extensiontest.NewNopSettings(factory.Type()), config)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, ext.Shutdown(context.Background())) })
	h.extensions = map[component.ID]component.Component{fileStorageID: ext}
	return h
}

func openStore(t *testing.T, host component.Host, self component.ID, key string) (cursorStore, func()) {
	t.Helper()
	client, err := openCursor(t.Context(), host, &fileStorageID, self, key)
	require.NoError(t, err)
	return cursorStore{client: client, prefix: storageKeyVersion + "/" + key + "/"}, func() { require.NoError(t, client.Close(t.Context())) }
}

func TestACursorOutlivesTheReceiver(t *testing.T) {
	host := newTestHost().withFileStorage(t, t.TempDir(), nil)
	first, closeFirst := openStore(t, host, component.NewID(componentType), "clickhouse")
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, first.Set(stopped, "cursor", []byte("7"))) // what was delivered while stopping
	require.NoError(t, first.Set(t.Context(), "gone", []byte("1")))
	require.NoError(t, first.Delete(t.Context(), "gone"))
	closeFirst()

	again, closeAgain := openStore(t, host, component.NewID(componentType), "clickhouse")
	defer closeAgain()
	value, err := again.Get(t.Context(), "cursor")
	require.NoError(t, err)
	require.Equal(t, "7", string(value))
	value, err = again.Get(t.Context(), "gone")
	require.NoError(t, err)
	require.Nil(t, value)
}

// obedient is a storage over a network: it does nothing for a context that has ended.
type obedient struct{ memoryCursor }

func (o *obedient) Set(ctx context.Context, key string, value []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return o.memoryCursor.Set(ctx, key, value)
}

func TestWhatWasTakenWhileStoppingIsRemembered(t *testing.T) {
	s := cursorStore{client: &obedient{}, prefix: "v1/test/"}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Set(ctx, "cursor", []byte("7")))
	value, err := s.Get(t.Context(), "cursor")
	require.NoError(t, err)
	require.Equal(t, "7", string(value))
}

func TestNoTwoCursorsMix(t *testing.T) {
	host := newTestHost().withFileStorage(t, t.TempDir(), nil)
	for _, self := range []component.ID{component.NewID(componentType), component.NewIDWithName(componentType, "b")} {
		for _, key := range []string{"clickhouse", "file"} {
			s, done := openStore(t, host, self, key)
			value, err := s.Get(t.Context(), "cursor")
			require.NoError(t, err)
			require.Nil(t, value, "%s of %s", key, self)
			require.NoError(t, s.Set(t.Context(), "cursor", []byte("x")))
			done()
		}
	}
}

func TestAFullStorageNamesTheRemedy(t *testing.T) {
	host := newTestHost().withFileStorage(t, t.TempDir(), func(c *filestorage.Config) { c.MaxSize = 64 << 10 })
	s, done := openStore(t, host, component.NewID(componentType), "file")
	defer done()
	err := s.Set(t.Context(), "cursor", make([]byte, 1<<20))
	require.ErrorIs(t, err, storage.ErrStorageFull)
	require.ErrorContains(t, err, "make room on its disk, or raise its max_size")
}

func TestAWrongStorageIsSaidByName(t *testing.T) {
	host := newTestHost().withFileStorage(t, t.TempDir(), nil)
	missing := component.MustNewID("redis_storage")
	_, err := openCursor(t.Context(), host, &missing, component.NewID(componentType), "file")
	require.EqualError(t, err, "storage: extension redis_storage is not set up (file_storage is); "+
		"write it under extensions and under service::extensions")

	health := component.MustNewID("health_check")
	host.extensions[health] = &struct{ component.Component }{}
	_, err = openCursor(t.Context(), host, &health, component.NewID(componentType), "file")
	require.EqualError(t, err, "storage: extension health_check keeps no data; name a storage extension, such as file_storage")

	_, err = openCursor(t.Context(), newTestHost(), &missing, component.NewID(componentType), "file")
	require.ErrorContains(t, err, "(no storage is)")
}

func TestANilValueDeletesItsKey(t *testing.T) {
	host := newTestHost().withFileStorage(t, t.TempDir(), nil)
	onDisk, done := openStore(t, host, component.NewID(componentType), "file")
	defer done()
	for _, s := range []cursorStore{onDisk, {client: &memoryCursor{}}} {
		require.NoError(t, s.SetAll(t.Context(), map[string][]byte{"a": []byte("1"), "b": []byte("2")}))
		require.NoError(t, s.SetAll(t.Context(), map[string][]byte{"a": nil, "c": []byte("3")}))
		for key, want := range map[string]string{"a": "", "b": "2", "c": "3"} {
			value, err := s.Get(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, want, string(value), key)
		}
	}
}
