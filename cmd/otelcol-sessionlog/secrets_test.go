package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// TestSecretsComeFromSecretsManager: ${secretsmanager:name#key} is the value of a key of that secret.
func TestSecretsComeFromSecretsManager(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		question, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if !strings.Contains(string(question), `"prod/audit"`) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"ResourceNotFoundException","message":"no such secret"}`)
			return
		}
		fmt.Fprint(w, `{"SecretString":"{\"password\":\"from-aws\"}"}`)
	}))
	t.Cleanup(service.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": service.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "test-secret",
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	resolve := func(secret string) (*confmap.Conf, error) {
		settings := collectorSettings().ConfigProviderSettings.ResolverSettings
		settings.URIs = []string{"yaml:password: ${secretsmanager:" + secret + "}"}
		resolver, err := confmap.NewResolver(settings)
		require.NoError(t, err)
		return resolver.Resolve(t.Context())
	}
	conf, err := resolve("prod/audit#password")
	require.NoError(t, err)
	require.Equal(t, "from-aws", conf.Get("password"))
	_, err = resolve("prod/other#password")
	require.ErrorContains(t, err, "ResourceNotFoundException")
}
