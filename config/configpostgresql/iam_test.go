package configpostgresql_test

import (
	"crypto/tls"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

func setCredentials(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
}

func iamConfig(pg *postgresql.Server, iam configpostgresql.IAMConfig) configpostgresql.ClientConfig {
	c := configpostgresql.DefaultClientConfig()
	secure := configtls.NewDefaultClientConfig()
	secure.CAFile = pg.TLS().CA
	iam.Region = "eu-central-1"
	c.Endpoints, c.Username, c.Database = []string{"localhost:1", pg.Address}, server.Alice.Name, server.AppDB
	c.TLS, c.IAM = configoptional.Some(secure), configoptional.Some(iam)
	return c
}

// Redshift makes a user and a password for each connection: a provisioned cluster by one service, a workgroup by another.
func TestRedshiftMakesThePassword(t *testing.T) {
	setCredentials(t)
	pg := postgresql.Start(t)
	password, calls := server.Alice.Password, 0
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "RedshiftServerless.GetCredentials") {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			fmt.Fprintf(w, `{"dbUser":%q,"dbPassword":%q}`, server.Alice.Name, password)
			return
		}
		if r.FormValue("Action") != "GetClusterCredentials" || r.FormValue("ClusterIdentifier") != "dwh" || r.FormValue("DbName") != server.AppDB {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>ClusterNotFound</Code><Message>none</Message></Error></ErrorResponse>`)
			return
		}
		var escaped strings.Builder
		_ = xml.EscapeText(&escaped, []byte(password))
		fmt.Fprintf(w, `<GetClusterCredentialsResponse><GetClusterCredentialsResult><DbUser>%s</DbUser><DbPassword>%s</DbPassword>`+
			`</GetClusterCredentialsResult></GetClusterCredentialsResponse>`, server.Alice.Name, escaped.String())
	}))
	t.Cleanup(api.Close)
	at := configaws.ClientConfig{Endpoint: api.URL}
	for name, iam := range map[string]configpostgresql.IAMConfig{
		"cluster": {ClientConfig: at, ClusterIdentifier: "dwh"}, "workgroup": {ClientConfig: at, Workgroup: "analytics"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := iamConfig(pg, iam)
			if name == "workgroup" {
				cfg.Username = ""
			}
			require.NoError(t, cfg.Check())
			for range 2 { // the password is another one at the second login
				password = fmt.Sprintf("p&%d", calls)
				pg.Exec(t, "ALTER ROLE alice PASSWORD '"+password+"'")
				conn, err := cfg.Connect(t.Context(), configpostgresql.Options{})
				require.NoError(t, err)
				require.Equal(t, server.Alice.Name, ask(t, conn, "SELECT current_user"))
			}
		})
	}
	cfg := iamConfig(pg, configpostgresql.IAMConfig{ClientConfig: at, ClusterIdentifier: "gone"})
	_, err := cfg.Connect(t.Context(), configpostgresql.Options{})
	require.ErrorIs(t, err, configpostgresql.ErrIAM)
	require.ErrorContains(t, err, "iam::cluster_identifier: correct the name")
}

// fakeRDS asks for the password as RDS does where it checks it by IAM: in cleartext, within TLS.
type fakeRDS struct {
	address string

	mu     sync.Mutex
	tokens []string
}

func startFakeRDS(t *testing.T, secure *tls.Config) *fakeRDS {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	f := &fakeRDS{address: "localhost:" + strings.Split(l.Addr().String(), ":")[1]}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { f.serve(conn, secure) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return f
}

func (f *fakeRDS) serve(conn net.Conn, secure *tls.Config) {
	defer func() { _ = conn.Close() }()
	if _, err := pgproto3.NewBackend(conn, conn).ReceiveStartupMessage(); err != nil {
		return
	}
	_, _ = conn.Write([]byte("S"))
	within := tls.Server(conn, secure)
	backend := pgproto3.NewBackend(within, within)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	backend.Send(&pgproto3.AuthenticationCleartextPassword{})
	_ = backend.Flush()
	_ = backend.SetAuthType(pgproto3.AuthTypeCleartextPassword)
	message, err := backend.Receive()
	if password, ok := message.(*pgproto3.PasswordMessage); ok && err == nil {
		f.mu.Lock()
		f.tokens = append(f.tokens, password.Password)
		f.mu.Unlock()
		backend.Send(&pgproto3.AuthenticationOk{})
		backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		_ = backend.Flush()
		_, _ = backend.Receive() // the goodbye
	}
}

// RDS takes a signature as password, which is of one address, user, and quarter of an hour: each login has its own.
func TestRDSTakesASignature(t *testing.T) {
	setCredentials(t)
	pg := postgresql.Start(t)
	secure, err := pg.ServerTLS()
	require.NoError(t, err)
	rds := startFakeRDS(t, secure)
	cfg := iamConfig(pg, configpostgresql.IAMConfig{})
	cfg.Endpoints = []string{"localhost:1", rds.address}
	require.NoError(t, cfg.Check())
	for range 2 {
		conn, err := cfg.Connect(t.Context(), configpostgresql.Options{})
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
		time.Sleep(1100 * time.Millisecond) // the signature has its second
	}
	rds.mu.Lock()
	defer rds.mu.Unlock()
	require.Len(t, rds.tokens, 2)
	require.NotEqual(t, rds.tokens[0], rds.tokens[1])
	u, err := url.Parse("https://" + rds.tokens[1])
	require.NoError(t, err)
	require.Equal(t, rds.address, u.Host)
	q := u.Query()
	require.Equal(t, []string{"connect", server.Alice.Name, "900"}, []string{q.Get("Action"), q.Get("DBUser"), q.Get("X-Amz-Expires")})
	require.Contains(t, q.Get("X-Amz-Credential"), "/eu-central-1/rds-db/")

	t.Setenv("AWS_ACCESS_KEY_ID", "")
	_, err = cfg.Connect(t.Context(), configpostgresql.Options{})
	require.ErrorIs(t, err, configpostgresql.ErrIAM)
	require.NotContains(t, err.Error(), "test-secret")
}

func TestIAMIsChecked(t *testing.T) {
	valid := configpostgresql.DefaultClientConfig()
	valid.Endpoints, valid.Username, valid.Database = []string{"h:5432"}, "u", "dev"
	valid.TLS, valid.IAM = configoptional.Some(configtls.NewDefaultClientConfig()), configoptional.Some(configpostgresql.IAMConfig{})
	require.NoError(t, valid.Check())
	for _, c := range []struct {
		change func(*configpostgresql.ClientConfig)
		want   string
	}{
		{func(c *configpostgresql.ClientConfig) { c.Password = "p" }, "password: must be empty"},
		{func(c *configpostgresql.ClientConfig) {
			c.TLS = configoptional.None[configtls.ClientConfig]()
		}, "tls: must be on"},
		{func(c *configpostgresql.ClientConfig) { c.Username = "" }, "username: empty"},
		{func(c *configpostgresql.ClientConfig) { c.Endpoints = []string{"/sock"} }, "endpoints[0]: a socket"},
		{func(c *configpostgresql.ClientConfig) {
			c.IAM = configoptional.Some(configpostgresql.IAMConfig{ClusterIdentifier: "a", Workgroup: "b"})
		}, "iam::workgroup: "},
		{func(c *configpostgresql.ClientConfig) {
			c.Database, c.IAM = "", configoptional.Some(configpostgresql.IAMConfig{Workgroup: "b"})
		}, "database: must be written"},
		{func(c *configpostgresql.ClientConfig) {
			c.IAM = configoptional.Some(configpostgresql.IAMConfig{ClientConfig: configaws.ClientConfig{RoleARN: "reader"}})
		}, "iam::role_arn: "},
	} {
		cfg := valid
		c.change(&cfg)
		require.ErrorContains(t, cfg.Check(), c.want)
	}
}
