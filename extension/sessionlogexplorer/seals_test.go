package sessionlogexplorer

import (
	"context"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/extension/sessionlogexplorer/internal/explorertest"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/bundle"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"

	driver "zombiezen.com/go/sqlite"
)

// TestWhatTheSealsSayOfARecord: of one that is as it was sealed, of one that is not, and of one that nobody has sealed.
func TestWhatTheSealsSayOfARecord(t *testing.T) {
	cfg := sqliteConfig(filepath.Join(t.TempDir(), "sealed.db"))
	open := func(ctx context.Context) (query.Store, error) { return sqlite.OpenQueryStore(ctx, cfg) }
	write := func(sealing bool, events ...session.Event) {
		store, err := sqlite.New(cfg, componenttest.NewNopTelemetrySettings())
		require.NoError(t, err)
		b := store
		if sealing {
			b = sealed(t, store, open)
		}
		require.NoError(t, b.Start(t.Context()))
		_, err = b.Write(t.Context(), explorertest.AllEvents(events))
		require.NoError(t, err)
		require.NoError(t, b.Shutdown(t.Context()))
	}
	all := explorertest.Generate(time.Now().Add(-time.Hour), 40)
	sealedEvents, forged, fresh := all[:30], all[30], all[31]
	fresh.Observed = time.Now().UnixNano()
	forged.Observed = forged.Time
	s := startServer(t, func(c *Config) { c.SQLite = configoptional.Some(cfg) })
	write(false, sealedEvents[0])
	ask := func(s *server, e *session.Event) *sealAnswer {
		var answer recordSealAnswer
		s.readInto("/events/"+e.RecordID.String()+"/seal", &answer)
		return answer.Seal
	}
	var health healthCallAnswer
	s.readInto("/health", &health)
	require.Empty(t, health.Heads)
	require.Nil(t, ask(s, &sealedEvents[0]), "nothing is sealed")

	write(true, sealedEvents...)
	write(false, forged, fresh)
	conn, err := driver.OpenConn(cfg.Path, driver.OpenReadWrite)
	require.NoError(t, err)
	require.NoError(t, sqlitex.ExecuteScript(conn, "UPDATE session_events_1 SET user_name = 'mallory' WHERE record_id = x'"+hexOf(sealedEvents[2].RecordID)+"'", nil))
	require.NoError(t, conn.Close())

	for _, keys := range [][]string{nil, {publicKey}} {
		s := startServer(t, func(c *Config) { c.SQLite, c.SealKeys = configoptional.Some(cfg), keys })
		one := ask(s, &sealedEvents[1])
		require.Equal(t, sealSealed, one.State, one.Error)
		require.Equal(t, keys != nil, one.IsChecked)
		require.Equal(t, "audit.example.net/logins/a", one.Log)
		require.WithinDuration(t, time.Now(), *one.Sealed, time.Minute)
		require.Equal(t, sealNone, ask(s, &sealedEvents[0]).State, "it was there before")
		require.Equal(t, sealOtherwise, ask(s, &sealedEvents[2]).State)
		require.Equal(t, sealNone, ask(s, &forged).State)
		require.Equal(t, sealPending, ask(s, &fresh).State)
		s.readInto("/health", &health)
		require.Len(t, health.Heads, 1)
		require.Equal(t, keys != nil, health.Heads[0].IsChecked)
		require.WithinDuration(t, time.Now(), *health.Heads[0].Sealed, time.Minute)
	}
	requireBundle(t, s, &sealedEvents[1])
	for id, said := range map[string]string{forged.RecordID.String(): "in no seal", session.ID{1}.String(): "no record"} {
		status, text := s.read(apiRoot + "/events/" + id + "/bundle")
		require.Equal(t, http.StatusNotFound, status)
		require.Contains(t, text, said)
	}

	_, stranger, err := seal.GenerateKey("audit.example.net/logins")
	require.NoError(t, err)
	s = startServer(t, func(c *Config) { c.SQLite, c.SealKeys = configoptional.Some(cfg), []string{stranger} })
	broken := ask(s, &sealedEvents[1])
	require.Equal(t, sealBroken, broken.State)
	require.Contains(t, broken.Error, "no trusted key has signed it")
	s.readInto("/health", &health)
	require.Nil(t, health.Heads[0].Sealed)

	s = startServer(t, func(c *Config) { c.SQLite = configoptional.Some(cfg) })
	s.config.AnswerTime = 1 // no time at all
	require.Equal(t, sealUnlooked, ask(s, &sealedEvents[1]).State)

	conn, err = driver.OpenConn(cfg.Path, driver.OpenReadWrite)
	require.NoError(t, err)
	require.NoError(t, sqlitex.ExecuteScript(conn, "DROP TABLE session_seal_pages", nil))
	require.NoError(t, conn.Close())
	s = startServer(t, func(c *Config) { c.SQLite = configoptional.Some(cfg) })
	require.Equal(t, sealBroken, ask(s, &sealedEvents[1]).State, "somebody has removed a table of seals")
	_, text := s.read(apiRoot + "/events/" + sealedEvents[1].RecordID.String() + "/bundle")
	require.Contains(t, text, "a seal is missing")
}

// TestAKeyThatTookOverIsFollowed: it is not in seal_keys, and the one that is has named it under seal.
func TestAKeyThatTookOverIsFollowed(t *testing.T) {
	cfg := sqliteConfig(filepath.Join(t.TempDir(), "sealed.db"))
	open := func(ctx context.Context) (query.Store, error) { return sqlite.OpenQueryStore(ctx, cfg) }
	sealing := sealConfig(t)
	all := explorertest.Generate(time.Now().Add(-time.Hour), 30)
	write := func(events ...session.Event) {
		store, err := sqlite.New(cfg, componenttest.NewNopTelemetrySettings())
		require.NoError(t, err)
		b := sealedAs(t, sealing, store, open)
		require.NoError(t, b.Start(t.Context()))
		_, err = b.Write(t.Context(), explorertest.AllEvents(events))
		require.NoError(t, err)
		require.NoError(t, b.Shutdown(t.Context()))
	}
	write(all[:10]...)
	sealing.NextKeyFile = filepath.Join(t.TempDir(), "next.key")
	next := makeKey(t, sealing.NextKeyFile)
	write(all[10:20]...)
	for _, keys := range []string{publicKey, next} {
		s := startServer(t, func(c *Config) { c.SQLite, c.SealKeys = configoptional.Some(cfg), []string{keys} })
		for n, state := range map[int]string{5: sealSealed, 15: sealSealed} {
			if keys == next && n == 5 {
				state = sealBroken // nobody has named the one before
			}
			var answer recordSealAnswer
			s.readInto("/events/"+all[n].RecordID.String()+"/seal", &answer)
			require.Equal(t, state, answer.Seal.State, answer.Seal.Error)
			require.Equal(t, state == sealSealed, answer.Seal.IsChecked)
		}
	}
	s := startServer(t, func(c *Config) { c.SQLite, c.SealKeys = configoptional.Some(cfg), []string{publicKey} })
	var health healthCallAnswer
	s.readInto("/health", &health)
	require.True(t, health.Heads[0].IsChecked)
}

func hexOf(id session.ID) string { return hex.EncodeToString(id[:]) }

func requireBundle(t *testing.T, s *server, e *session.Event) {
	t.Helper()
	status, content := s.read(apiRoot + "/events/" + e.RecordID.String() + "/bundle")
	require.Equal(t, http.StatusOK, status)
	path := filepath.Join(t.TempDir(), "record.zip")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	proof, _, err := bundle.Read(path)
	require.NoError(t, err)
	keys, err := seal.ParseKeys(publicKey)
	require.NoError(t, err)
	shown, err := proof.Check(keys)
	require.NoError(t, err)
	require.Equal(t, e.User, shown.Event.User)
}
