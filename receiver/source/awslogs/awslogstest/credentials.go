// Package awslogstest is for tests of sources of logs in AWS.
package awslogstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// AccessKey is the key that SetCredentials sets.
const AccessKey = "AKIATEST"

// SetCredentials has the SDK find a key in the environment and nothing elsewhere. The secret contains the word secret.
func SetCredentials(t testing.TB) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": AccessKey, "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
}

// SetContainerCredentials has the SDK ask a container's service: its answers are ASIA1, ASIA2 and so on, each valid for an hour.
func SetContainerCredentials(t testing.TB) {
	t.Helper()
	SetCredentials(t)
	var asked atomic.Int64
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{
			"AccessKeyId": fmt.Sprintf("ASIA%d", asked.Add(1)), "SecretAccessKey": "test-secret", "Token": "token", "Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		})
	}))
	t.Cleanup(container.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.URL)
}
