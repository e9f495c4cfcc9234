//go:build unix

package bench

import (
	"context"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	xstorage "go.opentelemetry.io/collector/extension/xextension/storage"
)

// storage is contrib's file storage, or none.
type storage struct{ client xstorage.Client }

func startStorage(b *testing.B) storage {
	b.Helper()
	factory := filestorage.NewFactory()
	cfg := factory.CreateDefaultConfig().(*filestorage.Config)
	cfg.Directory = b.TempDir()
	extension, err := factory.Create(b.Context(), extensiontest.NewNopSettings(factory.Type()), cfg)
	require.NoError(b, err)
	require.NoError(b, extension.Start(b.Context(), componenttest.NewNopHost()))
	client, err := extension.(xstorage.Extension).GetClient(b.Context(), component.KindReceiver, component.MustNewID("sqlquery"), "")
	require.NoError(b, err)
	b.Cleanup(func() {
		require.NoError(b, client.Close(context.Background()))
		require.NoError(b, extension.Shutdown(context.Background()))
	})
	return storage{client}
}

func (s storage) save(ctx context.Context, text string) error {
	if s.client == nil {
		return nil
	}
	return s.client.Set(ctx, "tracking", []byte(text))
}
