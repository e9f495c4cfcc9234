package httpsource

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/bearertokenauthextension"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

// loadConfig reads a block of YAML as the collector does.
func loadConfig(t testing.TB, values map[string]any) Config {
	t.Helper()
	config := DefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(values).Unmarshal(&config))
	return config
}

func TestTheAuthExtensionDecides(t *testing.T) {
	factory := bearertokenauthextension.NewFactory()
	settings := factory.CreateDefaultConfig().(*bearertokenauthextension.Config)
	settings.BearerToken = "the-token-of-the-shop"
	ext, err := factory.Create(t.Context(), extensiontest.NewNopSettings(factory.Type()), settings)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, ext.Shutdown(context.Background())) })
	r := startWith(t, func(c *Config) {
		endpoint := c.Server.NetAddr.Endpoint
		*c = loadConfig(t, map[string]any{"endpoint": endpoint, "auth": map[string]any{"authenticator": "bearertokenauth"}})
	}, &sourcetest.Recorder{}, map[component.ID]component.Component{component.MustNewID("bearertokenauth"): ext})

	for _, headers := range [][]string{nil, {"Authorization", "Bearer wrong"}} {
		a := r.postText(t, "/v1/events", eventJSON(1, ""), headers...)
		require.Equal(t, http.StatusUnauthorized, a.status)
		require.JSONEq(t, `{"error":"not authenticated"}`, a.text)
	}
	require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", eventJSON(1, ""), "Authorization", "Bearer the-token-of-the-shop").status)
	require.Len(t, r.emit.Delivered(), 1)
}

// authAttributes is what extensions such as basicauth and oidc say of a client.
type authAttributes map[string]any

func (u authAttributes) GetAttribute(name string) any { return u[name] }
func (u authAttributes) GetAttributeNames() []string  { return nil }

func TestTheClientsNameIsANamespace(t *testing.T) {
	for _, c := range []struct {
		auth client.AuthData
		want string
	}{
		{nil, ""},
		{authAttributes{"username": "shop", "raw": "secret"}, "shop"},
		{authAttributes{"subject": "s", "username": "shop"}, "s"},
		{authAttributes{"raw": "secret"}, ""},
		{authAttributes{"subject": 7}, ""},
	} {
		require.Equal(t, c.want, authenticatedName(client.NewContext(t.Context(), client.Info{Auth: c.auth})))
	}
}

const senderSecret = "0123456789abcdef"

func startGuarded(t *testing.T) *runningSource {
	return startSource(t, func(c *Config) {
		endpoint := c.Server.NetAddr.Endpoint
		*c = loadConfig(t, map[string]any{"endpoint": endpoint, "senders": map[string]any{
			"octo": map[string]any{"signature": map[string]any{"style": "hmac_sha256", "secret": senderSecret}},
			"corp": map[string]any{"signature": map[string]any{"style": "header", "secret": senderSecret}},
			"lab":  map[string]any{"signature": map[string]any{"style": "header", "header": "X-Gitlab-Event-Streaming-Token", "secret": senderSecret}},
			"open": map[string]any{},
		}})
	})
}

func TestSignatures(t *testing.T) {
	r := startGuarded(t)
	body := `{"action":"user.login","@timestamp":1763770001123,"_document_id":"1","actor":"octocat"}`
	mac := hmac.New(sha256.New, []byte(senderSecret))
	mac.Write([]byte(body))
	sum := mac.Sum(nil)
	right := "sha256=" + hex.EncodeToString(sum)
	wrong := "sha256=" + hex.EncodeToString(append(sum[:31:31], sum[31]^1))
	for _, c := range []struct {
		name, path string
		status     int
		headers    []string
	}{
		{"right", "/v1/events/github/octo", 200, []string{"X-Hub-Signature-256", right}},
		{"right, in base64", "/v1/events/github/octo", 200, []string{"X-Hub-Signature-256", base64.StdEncoding.EncodeToString(sum)}},
		{"wrong", "/v1/events/github/octo", 401, []string{"X-Hub-Signature-256", wrong}},
		{"nonsense", "/v1/events/github/octo", 401, []string{"X-Hub-Signature-256", "sha256=zz"}},
		{"none", "/v1/events/github/octo", 401, nil},
		{"the older header", "/v1/events/github/octo", 401, []string{"X-Hub-Signature", right}},
		{"Okta's header", "/v1/events/github/corp", 200, []string{"Authorization", senderSecret}},
		{"Okta's header, wrong", "/v1/events/github/corp", 401, []string{"Authorization", senderSecret + "x"}},
		{"GitLab's header", "/v1/events/github/lab", 200, []string{"X-Gitlab-Event-Streaming-Token", senderSecret}},
		{"a sender without signature", "/v1/events/github/open", 200, nil},
		{"an unknown sender", "/v1/events/github/other", 404, []string{"Authorization", senderSecret}},
		{"no sender, where some are named", "/v1/events/github", 404, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(r.emit.Delivered())
			a := r.postText(t, c.path, body, c.headers...)
			require.Equal(t, c.status, a.status, a.text)
			require.Equal(t, c.status == 200, len(r.emit.Delivered()) > before)
		})
	}
	ids := map[string]bool{}
	for _, e := range r.emit.Delivered() {
		ids[e.RecordID.String()] = true
	}
	require.Len(t, ids, 4, "the same id of four senders is four records, and of one sender one")
}

// TestHeadersThatAreNotSignedMakeNoIDs: one caught call, sent again with every header that it did not have, is one record.
func TestHeadersThatAreNotSignedMakeNoIDs(t *testing.T) {
	r := startGuarded(t)
	body := `{"action":"user.login","@timestamp":1763770001123,"actor":"octocat"}` // without an id of its own
	mac := hmac.New(sha256.New, []byte(senderSecret))
	mac.Write([]byte(body))
	right := []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac.Sum(nil))}
	for i, more := range [][]string{
		nil,
		{"Idempotency-Key", "1"},
		{"Idempotency-Key", "2"},
		{"Content-Type", "application/json"},
		{"Content-Type", ndjson},
		{"Content-Type", "application/cloudevents+json"},
		{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		{"X-Github-Delivery", "x"},
		{"ce-id", "7", "ce-source", "/x", "ce-type", "t"},
	} {
		a := r.postText(t, "/v1/events/github/octo", body, append(more, right...)...)
		require.Equal(t, http.StatusOK, a.status, a.text)
		events := r.emit.Delivered()
		require.Len(t, events, i+1)
		require.Equal(t, events[0].RecordID, events[i].RecordID, more)
		require.Equal(t, events[0].TraceID, events[i].TraceID, more)
	}
	a := r.postText(t, "/v1/events/github/octo", body, append([]string{"ce-specversion", "1.0", "ce-id", "7", "ce-source", "/x", "ce-type", "t"}, right...)...)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text, "structured mode")
	unsigned := func(key string) string {
		r.postText(t, "/v1/events/github/open", body, "Idempotency-Key", key)
		events := r.emit.Delivered()
		return events[len(events)-1].RecordID.String()
	}
	require.NotEqual(t, unsigned("1"), unsigned("2"), "where nothing is signed the key counts")
}

// namingAuthenticator is an auth extension that believes what a client calls itself, and knows it by attributes as real ones do.
type namingAuthenticator struct{ component.Component }

func (namingAuthenticator) Authenticate(ctx context.Context, headers map[string][]string) (context.Context, error) {
	for key, value := range headers {
		if strings.EqualFold(key, "X-Client") {
			return client.NewContext(ctx, client.Info{Auth: authAttributes{"username": value[0], "raw": "secret"}}), nil
		}
	}
	return ctx, errors.New("who are you?")
}

// TestClientsThatTheAuthExtensionKnowsAreNamespaces, through the collector's own server: the same id of two clients is two records.
func TestClientsThatTheAuthExtensionKnowsAreNamespaces(t *testing.T) {
	r := startWith(t, func(c *Config) {
		*c = loadConfig(t, map[string]any{"endpoint": c.Server.NetAddr.Endpoint, "auth": map[string]any{"authenticator": "namer"}})
	}, &sourcetest.Recorder{}, map[component.ID]component.Component{component.MustNewID("namer"): namingAuthenticator{}})
	ids := map[string]string{}
	for range 2 {
		for _, name := range []string{"shop", "intranet"} {
			require.Equal(t, http.StatusOK, r.postText(t, "/v1/events", eventJSON(1, ""), "X-Client", name).status)
			events := r.emit.Delivered()
			id := events[len(events)-1].RecordID.String()
			require.Contains(t, []string{"", id}, ids[name])
			ids[name] = id
		}
	}
	require.NotEqual(t, ids["shop"], ids["intranet"])
	require.Equal(t, http.StatusUnauthorized, r.postText(t, "/v1/events", eventJSON(1, "")).status)
}

func TestOktaAsksBeforeItSends(t *testing.T) {
	r := startGuarded(t)
	ask := func(path string, headers ...string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.address+path, nil)
		require.NoError(t, err)
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp, err := r.client.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		text := make([]byte, 200)
		n, _ := resp.Body.Read(text)
		return resp.StatusCode, string(text[:n])
	}
	const header = "X-Okta-Verification-Challenge"
	status, text := ask("/v1/events/okta/corp", header, "abc", "Authorization", senderSecret)
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"verification":"abc"}`, text)
	status, _ = ask("/v1/events/okta/corp", header, "abc")
	require.Equal(t, 401, status)
	status, _ = ask("/v1/events/okta/corp", "Authorization", senderSecret)
	require.Equal(t, 405, status)
	status, _ = ask("/v1/events/okta", header, "abc")
	require.Equal(t, 404, status)
}
