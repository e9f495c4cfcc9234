package sessionlogforwardexporter

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

func load(t *testing.T, settings map[string]any) (*Config, error) {
	t.Helper()
	c := createDefaultConfig().(*Config)
	if err := confmap.NewFromStringMap(settings).Unmarshal(c); err != nil {
		return c, err
	}
	return c, confmap.Validate(c)
}

func TestMistakesNameTheKeyAndTheRemedy(t *testing.T) {
	for want, settings := range map[string]map[string]any{
		`protocol: "" is none of elasticsearch, splunk_hec, ndjson`:                                         {"endpoint": "http://a"},
		`protocol: "elastic" is none of`:                                                                    {"endpoint": "http://a", "protocol": "elastic"},
		`endpoint: required: the address of the target, such as https://elastic`:                            {"protocol": "elasticsearch"},
		`endpoint: must be an address with http:// or https:// and a host`:                                  {"protocol": "ndjson", "endpoint": "localhost:9200"},
		`endpoint: holds a user or password`:                                                                {"protocol": "ndjson", "endpoint": "http://a:b@c"},
		`format: cef documents cannot go through protocol elasticsearch: write one of ecs, ocsf, flat, cim`: {"protocol": "elasticsearch", "endpoint": "http://a", "format": "cef"},
		`splunk_hec::token: required`:                                                                       {"protocol": "splunk_hec", "endpoint": "http://a"},
		`max_request_bytes: must be`:                                                                        {"protocol": "ndjson", "endpoint": "http://a", "max_request_bytes": 10},
		`timeout`:                                                                                           {"protocol": "ndjson", "endpoint": "http://a", "timeout": 30},
		`did you mean`:                                                                                      {"protocol": "ndjson", "endpoint": "http://a", "formt": "ecs"},
		`elasticsearch::index: required`:                                                                    {"protocol": "elasticsearch", "endpoint": "http://a", "elasticsearch": map[string]any{"index": " "}},
	} {
		_, err := load(t, settings)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "a:b")
	}
	for _, settings := range []map[string]any{
		{"protocol": "elasticsearch", "endpoint": "https://a:9200"},
		{"protocol": "splunk_hec", "endpoint": "https://a:8088", "splunk_hec": map[string]any{"token": "t"}},
		{"protocol": "splunk_hec", "endpoint": "https://a:8088", "headers": map[string]any{"Authorization": "Splunk t"}},
		{"protocol": "ndjson", "endpoint": "https://a/x?y=z", "format": "ocsf", "sending_queue": map[string]any{"num_consumers": 2}},
	} {
		_, err := load(t, settings)
		require.NoError(t, err)
	}
}

func TestCheckConnectionSaysWhichKeyIsWrong(t *testing.T) {
	status := http.StatusBadRequest
	tg := newTarget(t, func([]string, http.Header) (int, string) { return status, "" })
	c, err := load(t, map[string]any{"protocol": "splunk_hec", "endpoint": tg.URL, "splunk_hec": map[string]any{"token": "t"}})
	require.NoError(t, err)
	findings := c.CheckConnection(t.Context())
	require.Len(t, findings, 1)
	require.True(t, findings[0].OK)
	for status, key := range map[int]string{http.StatusForbidden: "splunk_hec::token", http.StatusNotFound: "endpoint", http.StatusMovedPermanently: "endpoint"} {
		answer := status
		other := newTarget(t, func([]string, http.Header) (int, string) { return answer, "" })
		c.Client.Endpoint = other.URL
		findings := c.CheckConnection(t.Context())
		require.False(t, findings[0].OK)
		require.Equal(t, key, findings[0].Key)
		require.NotEmpty(t, findings[0].Remedy)
	}
	c.Client.Endpoint = "http://127.0.0.1:1"
	findings = c.CheckConnection(t.Context())
	require.Equal(t, "endpoint", findings[0].Key)
}
