package httpsource

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTLS(t *testing.T) {
	// A test server of the standard library lends its certificate, which is for 127.0.0.1.
	lender := httptest.NewTLSServer(http.NotFoundHandler())
	pair, trust := lender.TLS.Certificates[0], x509.NewCertPool()
	trust.AddCert(lender.Certificate())
	lender.Close()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600))
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))

	r := startSource(t, func(c *Config) {
		endpoint := c.Server.NetAddr.Endpoint
		*c = loadConfig(t, map[string]any{"endpoint": endpoint, "tls": map[string]any{"cert_file": cert, "key_file": key}})
	})
	require.Equal(t, http.StatusBadRequest, r.postText(t, "/v1/events", eventJSON(1, "")).status, "without TLS")
	transport := lender.Client().Transport.(*http.Transport)
	transport.TLSClientConfig.RootCAs = trust
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Post("https://"+r.address+"/v1/events", "application/json", strings.NewReader(eventJSON(1, "")))
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Len(t, r.emit.Delivered(), 1)
}
