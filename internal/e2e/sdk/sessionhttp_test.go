package sdk_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/backendexporter"
	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/blocking"
	"github.com/otel-sessionlog/sessionlog/sdk/sessionhttp"
	"github.com/otel-sessionlog/sessionlog/session"
)

// site is a web application that logs everybody in and out, with a real table.
type site struct {
	cfg sqlite.Config
	http.Handler
}

func newSite(t *testing.T, opts ...sessionhttp.Option) *site {
	t.Helper()
	s := &site{cfg: sqlite.DefaultConfig()}
	s.cfg.Path = filepath.Join(t.TempDir(), "session_log.db")
	exporter, err := backendexporter.New(t.Context(), sqlite.New, s.cfg)
	require.NoError(t, err)
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(blocking.NewProcessor(exporter)))
	t.Cleanup(func() { require.NoError(t, provider.Shutdown(context.WithoutCancel(t.Context()))) })
	log := sessionlog.NewLogger(provider)
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "secret of this session"})
		if err := log.Login(r.Context(), sessionlog.User("alice"), sessionlog.SessionToken("secret of this session"), sessionlog.Durable()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		if err := log.Logout(r.Context(), sessionlog.User("alice"), sessionlog.Durable()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	s.Handler = sessionhttp.New(opts...)(mux)
	return s
}

func (s *site) events(t *testing.T) (list []session.Event) {
	t.Helper()
	for e, err := range backendtest.StoredEvents(t.Context(), sqlite.OpenQueryStore, s.cfg, "arrival") {
		require.NoError(t, err)
		var kept session.Event
		e.CopyTo(&kept)
		list = append(list, kept)
	}
	return list
}

// TestABrowsersSession logs in and out over a real connection with TLS: both records tell of the same session and client.
func TestABrowsersSession(t *testing.T) {
	s := newSite(t, sessionhttp.SessionCookie("sid"))
	server := httptest.NewTLSServer(s)
	defer server.Close()
	client := server.Client()
	var err error
	client.Jar, err = cookiejar.New(nil)
	require.NoError(t, err)
	defer client.CloseIdleConnections()
	for _, path := range []string{"/login", "/logout"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, nil)
		require.NoError(t, err)
		req.Header.Set("User-Agent", "browser/1 "+strings.Repeat("x", 100_000))
		req.Header.Set("X-Forwarded-For", "203.0.113.9") // nobody trusts it
		resp, err := client.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	got := s.events(t)
	require.Len(t, got, 2)
	require.Equal(t, []session.Kind{session.KindLogin, session.KindLogout}, []session.Kind{got[0].Kind, got[1].Kind})
	require.Equal(t, got[0].SessionKey, got[1].SessionKey)
	for _, e := range got {
		require.NotContains(t, fmt.Sprint(e), "secret of")
		require.Equal(t, "127.0.0.1", e.ClientAddress)
		require.NotZero(t, e.ClientPort)
		require.Equal(t, "HTTP", e.Interface)
		require.Equal(t, "1.3", e.TLSVersion)
		require.NotEmpty(t, e.TLSCipher)
		require.True(t, strings.HasPrefix(e.UserAgent, "browser/1 xxx"))
		require.Len(t, e.UserAgent, 1024)
		require.Empty(t, e.CertificateSubjects)
	}
}

// TestACertificateCountsWhenItWasVerified connects with a client certificate, to a server that verifies it and to one that does not.
func TestACertificateCountsWhenItWasVerified(t *testing.T) {
	certificate, authority := clientCertificate(t)
	for mode, want := range map[tls.ClientAuthType]int{tls.RequireAnyClientCert: 0, tls.RequireAndVerifyClientCert: 1} {
		s := newSite(t)
		server := httptest.NewUnstartedServer(s)
		server.TLS = &tls.Config{ClientAuth: mode, ClientCAs: authority}
		server.StartTLS()
		client := server.Client()
		client.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{certificate}
		resp, err := client.Post(server.URL+"/login", "", nil)
		require.NoError(t, err)
		resp.Body.Close()
		server.Close()
		got := s.events(t)
		require.Len(t, got, 1)
		require.Len(t, got[0].CertificateSubjects, want)
		if want == 1 {
			require.Equal(t, []string{"CN=alice"}, got[0].CertificateSubjects)
			require.Equal(t, "CN=alice", got[0].CertificateIssuer)
			require.Equal(t, "ff", got[0].CertificateSerial)
			require.Equal(t, "2026-01-02T03:04:05Z", got[0].CertificateNotBefore)
			require.Equal(t, "2126-01-02T03:04:05Z", got[0].CertificateNotAfter)
		}
	}
}

// clientCertificate signs itself.
func clientCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(255), Subject: pkix.Name{CommonName: "alice"}, NotBefore: begin, NotAfter: begin.AddDate(100, 0, 0),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestWhoIsTheClient: the peer, the header's lines, and who is told to have logged in.
func TestWhoIsTheClient(t *testing.T) {
	private := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, c := range []struct {
		name, peer string
		header     sessionhttp.Header
		lines      []string
		address    string
		port       int32
	}{
		{"nobody is trusted", "192.0.2.1:5000", sessionhttp.XForwardedFor, []string{"203.0.113.9"}, "192.0.2.1", 5000},
		{"a proxy", "10.0.0.1:5000", sessionhttp.XForwardedFor, []string{"203.0.113.9"}, "203.0.113.9", 0},
		{"a proxy that says nothing", "10.0.0.1:5000", sessionhttp.XForwardedFor, nil, "10.0.0.1", 5000},
		{"the client lies on the left", "10.0.0.1:5000", sessionhttp.XForwardedFor, []string{"127.0.0.1, 203.0.113.9"}, "203.0.113.9", 0},
		{"and claims to be a proxy", "10.0.0.1:5000", sessionhttp.XForwardedFor, []string{"1.1.1.1, 10.9.9.9, 203.0.113.9"}, "203.0.113.9", 0},
		{"two proxies", "10.0.0.1:5000", sessionhttp.XForwardedFor, []string{"203.0.113.9, 10.0.0.2"}, "203.0.113.9", 0},
		{"two proxies, a line each", "10.0.0.1:5000", sessionhttp.XForwardedFor, []string{"6.6.6.6, 203.0.113.9", "10.0.0.2"}, "203.0.113.9", 0},
		{"all of them ours", "10.0.0.1:5000", sessionhttp.XForwardedFor, []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3", 0},
		{"with a port", "10.0.0.1:5000", sessionhttp.XForwardedFor, []string{"203.0.113.9:4711"}, "203.0.113.9", 4711},
		{"IPv6", "[2001:db8:1::1]:5000", sessionhttp.XForwardedFor, []string{"2001:db8::17"}, "2001:db8::17", 0},
		{"IPv6 with a port", "10.0.0.1:5000", sessionhttp.XForwardedFor, []string{"[2001:db8::17]:4711"}, "2001:db8::17", 4711},
		{"a mapped peer and client", "[::ffff:10.0.0.1]:5000", sessionhttp.XForwardedFor, []string{"::ffff:203.0.113.9"}, "203.0.113.9", 0},
		{"no address: the proxy is the last one known", "10.0.0.1:5000", sessionhttp.XForwardedFor, []string{"203.0.113.9, unknown"}, "10.0.0.1", 5000},
		{"an empty element", "10.0.0.1:5000", sessionhttp.XForwardedFor, []string{"203.0.113.9,"}, "10.0.0.1", 5000},
		{"the other header is the client's own", "10.0.0.1:5000", sessionhttp.ForwardedHeader, nil, "10.0.0.1", 5000},
		{"Forwarded", "10.0.0.1:5000", sessionhttp.ForwardedHeader, []string{`for=203.0.113.9;proto=https;by=10.0.0.1`}, "203.0.113.9", 0},
		{"Forwarded in quotes", "10.0.0.1:5000", sessionhttp.ForwardedHeader, []string{`For="[2001:db8::17]:4711"`}, "2001:db8::17", 4711},
		{"Forwarded by two", "10.0.0.1:5000", sessionhttp.ForwardedHeader, []string{`for=6.6.6.6, for=203.0.113.9, proto=https;for="10.0.0.2:99"`}, "203.0.113.9", 0},
		{"a comma in quotes", "10.0.0.1:5000", sessionhttp.ForwardedHeader, []string{`for=203.0.113.9;ext="a,b;c"`}, "203.0.113.9", 0},
		{"an odd quote of the client's", "10.0.0.1:5000", sessionhttp.ForwardedHeader, []string{`for="evil, for=203.0.113.9`}, "203.0.113.9", 0},
		{"a host that the client chose", "10.0.0.1:5000", sessionhttp.ForwardedHeader, []string{`host="x;for=6.6.6.6;y";for=203.0.113.9`}, "203.0.113.9", 0},
		{"with a quote in it", "10.0.0.1:5000", sessionhttp.ForwardedHeader, []string{`host="x\";for=6.6.6.6;y";for=203.0.113.9`}, "203.0.113.9", 0},
		{"with a backslash at its end", "10.0.0.1:5000", sessionhttp.ForwardedHeader, []string{`for=6.6.6.6;x=y, for=203.0.113.9;host="x\\"`}, "203.0.113.9", 0},
		{"a hidden one", "10.0.0.1:5000", sessionhttp.ForwardedHeader, []string{`for=_gazonk`}, "10.0.0.1", 5000},
		{"none", "10.0.0.1:5000", sessionhttp.ForwardedHeader, []string{`proto=https`}, "10.0.0.1", 5000},
		{"a Unix-domain socket", "@", sessionhttp.XForwardedFor, []string{"203.0.113.9"}, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, sessionhttp.TrustedProxies(c.header, private...))
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/login", nil)
			r.RemoteAddr = c.peer
			r.Header.Set("X-Forwarded-For", "9.9.9.9")
			r.Header.Set("Forwarded", "for=9.9.9.9")
			r.Header.Del(string(c.header))
			for _, line := range c.lines {
				r.Header.Add(string(c.header), line)
			}
			s.ServeHTTP(httptest.NewRecorder(), r)
			got := s.events(t)
			require.Len(t, got, 1)
			require.Equal(t, c.address, got[0].ClientAddress)
			require.Equal(t, c.port, got[0].ClientPort)
		})
	}
}

func TestASessionsPublicID(t *testing.T) {
	s := newSite(t, sessionhttp.Session(func(r *http.Request) string { return r.Header.Get("X-Session") }))
	for _, id := range []string{"4711", ""} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/logout", nil)
		r.Header.Set("X-Session", id)
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
	got := s.events(t)
	require.Equal(t, "4711", got[0].SessionID)
	require.Empty(t, got[1].SessionID)
}
