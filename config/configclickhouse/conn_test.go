package configclickhouse_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
	"github.com/otel-sessionlog/sessionlog/testengine/shared"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.EndAfter(m)) }

// quiet is the server of all tests: what they make in it has names of its own.
var quiet = shared.New(func(tb testing.TB) *testengine.Server { return testengine.ClickHouse(tb, testengine.LogsOnDemand()) })

func config(endpoint string) configclickhouse.ClientConfig {
	cfg := configclickhouse.DefaultClientConfig()
	cfg.Endpoints, cfg.Username, cfg.Password = []string{endpoint}, server.Alice.Name, configopaque.String(server.Alice.Password)
	return cfg
}

func connect(t testing.TB, cfg configclickhouse.ClientConfig) configclickhouse.Conn {
	t.Helper()
	require.NoError(t, cfg.Check())
	client, err := configclickhouse.NewClient(t.Context(), cfg)
	require.NoError(t, err)
	conn, err := client.Connect(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

func numbers(ctx context.Context, conn configclickhouse.Conn, sql string) (rows int, err error) {
	var n proto.ColUInt64
	err = conn.Query(ctx, "", sql, proto.Results{{Name: "n", Data: &n}}, func(more int) error {
		rows += more
		return nil
	})
	return rows, err
}

// everyDoor runs a test over both protocols, plain and compressed.
func everyDoor(t *testing.T, s *testengine.Server, test func(t *testing.T, cfg configclickhouse.ClientConfig)) {
	for _, endpoint := range []string{"clickhouse://" + s.Native, "http://" + s.HTTP} {
		for _, compression := range []string{configclickhouse.CompressionNone, configclickhouse.CompressionLZ4} {
			t.Run(endpoint[:4]+" "+compression, func(t *testing.T) {
				cfg := config(endpoint)
				cfg.Compression = compression
				test(t, cfg)
			})
		}
	}
}

func TestAnswersOfManyBlocks(t *testing.T) {
	everyDoor(t, quiet.Get(t), func(t *testing.T, cfg configclickhouse.ClientConfig) {
		conn := connect(t, cfg)
		for range 2 { // the connection is kept
			rows, err := numbers(t.Context(), conn, "SELECT number AS n FROM numbers(1000000)")
			require.NoError(t, err)
			require.Equal(t, 1_000_000, rows)
		}
		rows, err := numbers(t.Context(), conn, "SELECT number AS n FROM numbers(0)")
		require.NoError(t, err)
		require.Zero(t, rows)
	})
}

func TestErrorsKeepTheServersCode(t *testing.T) {
	s := quiet.Get(t)
	s.FlushLogs(t)
	everyDoor(t, s, func(t *testing.T, cfg configclickhouse.ClientConfig) {
		conn := connect(t, cfg)
		f := func(sql string, code int) {
			t.Helper()
			_, err := numbers(t.Context(), conn, sql)
			require.Error(t, err)
			require.True(t, configclickhouse.HasCode(err, code), "%v", err)
		}
		f("SELECT n FROM default.nowhere", configclickhouse.CodeUnknownTable)
		f("SELECT count() AS n FROM system.session_log", configclickhouse.CodeAccessDenied)
		f("SELECT nothing AS n", configclickhouse.CodeUnknownIdentifier)
		// In the middle of an answer, when HTTP has said 200 long ago.
		f("SELECT throwIf(number = 900000) + number AS n FROM numbers(1000000)", 395)
		rows, err := numbers(t.Context(), connect(t, cfg), "SELECT toUInt64(1) AS n")
		require.NoError(t, err)
		require.Equal(t, 1, rows)
	})
}

func TestAWrongPasswordIsARefusal(t *testing.T) {
	everyDoor(t, quiet.Get(t), func(t *testing.T, cfg configclickhouse.ClientConfig) {
		cfg.Password = "no such secret"
		client, err := configclickhouse.NewClient(t.Context(), cfg)
		require.NoError(t, err)
		conn, err := client.Connect(t.Context())
		if err == nil {
			_, err = numbers(t.Context(), conn, "SELECT toUInt64(1) AS n")
			require.NoError(t, conn.Close())
		}
		require.True(t, configclickhouse.RefusesLogin(err), "%v", err)
		require.NotContains(t, err.Error(), "no such secret")
	})
}

func TestACallersErrorComesBackAsItIs(t *testing.T) {
	everyDoor(t, quiet.Get(t), func(t *testing.T, cfg configclickhouse.ClientConfig) {
		mine := errors.New("mine")
		var n proto.ColUInt64
		err := connect(t, cfg).Query(t.Context(), "", "SELECT number AS n FROM numbers(1000000)", proto.Results{{Name: "n", Data: &n}}, func(int) error { return mine })
		require.Equal(t, mine, err)
	})
}

func TestAQueryEndsWithItsContext(t *testing.T) {
	everyDoor(t, quiet.Get(t), func(t *testing.T, cfg configclickhouse.ClientConfig) {
		conn := connect(t, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		var n proto.ColUInt64
		err := conn.Query(ctx, "", "SELECT number AS n FROM system.numbers", proto.Results{{Name: "n", Data: &n}}, func(int) error {
			cancel()
			return nil
		})
		require.Error(t, err)
	})
}

// A tag stands in the row of every login that it was made for. The logout has it over the native protocol alone, and is known by its
// login's auth_id; a login that fails over HTTP has none.
func TestALoginsTagStandsInTheServersRow(t *testing.T) {
	s := quiet.Get(t)
	everyDoor(t, s, func(t *testing.T, cfg configclickhouse.ClientConfig) {
		client, err := configclickhouse.NewClient(t.Context(), cfg)
		require.NoError(t, err)
		var tags []string
		client.LoginTag = func(context.Context) (string, error) {
			tags = append(tags, fmt.Sprintf("tag-%s-%d", t.Name()[len(t.Name())-9:], len(tags)))
			return tags[len(tags)-1], nil
		}
		conn, err := client.Connect(t.Context())
		require.NoError(t, err)
		for range 3 {
			_, err = numbers(t.Context(), conn, "SELECT toUInt64(1) AS n")
			require.NoError(t, err)
		}
		require.NoError(t, conn.Close())
		for _, tag := range tags {
			rows := s.WaitQuery(t, "SELECT type FROM system.session_log WHERE auth_id IN "+
				"(SELECT auth_id FROM system.session_log WHERE type = 'LoginSuccess' AND (session_id = '"+tag+"' OR endsWith(client_name, ' "+tag+"')))"+
				" ORDER BY type", func(rows [][]string) bool { return len(rows) == 2 })
			require.Equal(t, [][]string{{"LoginSuccess"}, {"Logout"}}, rows)
		}

		no := errors.New("no")
		client.LoginTag = func(context.Context) (string, error) { return "", no }
		conn, err = client.Connect(t.Context())
		if err == nil { // over HTTP a connection logs in with its requests
			_, err = numbers(t.Context(), conn, "SELECT toUInt64(1) AS n")
			require.NoError(t, conn.Close())
		}
		require.ErrorIs(t, err, no)
	})
}

// The server's own doors have no TLS: a proxy of the test's has.
func TestTLS(t *testing.T) {
	s := quiet.Get(t)
	for scheme, target := range map[string]string{"clickhouse": s.Native, "https": s.HTTP} {
		t.Run(scheme, func(t *testing.T) {
			address, ca := secureProxy(t, target)
			cfg := config(scheme + "://" + address)
			require.NoError(t, cfg.TLS.Unmarshal(confmap.NewFromStringMap(map[string]any{"ca_file": ca})))
			rows, err := numbers(t.Context(), connect(t, cfg), "SELECT number AS n FROM numbers(100000)")
			require.NoError(t, err)
			require.Equal(t, 100_000, rows)

			stranger := config(scheme + "://" + address)
			require.NoError(t, stranger.TLS.Unmarshal(confmap.NewFromStringMap(map[string]any{})))
			client, err := configclickhouse.NewClient(t.Context(), stranger)
			require.NoError(t, err)
			_, err = client.Connect(t.Context())
			require.ErrorContains(t, err, "certificate")
		})
	}
}

// secureProxy listens with TLS and passes on what it hears. It returns its address and the file of its certificate.
func secureProxy(t *testing.T, target string) (address, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { pipe(client, target) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		wg.Wait()
	})
	return l.Addr().String(), ca
}

func pipe(client net.Conn, target string) {
	defer func() { _ = client.Close() }()
	upstream, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = upstream.Close() }()
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(upstream, client)
		_ = upstream.Close()
	})
	_, _ = io.Copy(client, upstream)
	_ = client.Close()
	wg.Wait()
}
