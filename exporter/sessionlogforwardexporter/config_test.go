package sessionlogforwardexporter

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap/zapcore"

	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/testengine/victorialogs"
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
		`protocol: required: one of elasticsearch, splunk_hec, ndjson`:                                      {"endpoint": "http://a"},
		`protocol: "elastic" is none of`:                                                                    {"endpoint": "http://a", "protocol": "elastic"},
		`endpoint: required: the address of the target, such as https://elastic`:                            {"protocol": "elasticsearch"},
		`endpoint: must be an address with http:// or https:// and a host`:                                  {"protocol": "ndjson", "endpoint": "localhost:9200"},
		`endpoint: holds a user or password`:                                                                {"protocol": "ndjson", "endpoint": "http://a:b@c"},
		`format: cef documents cannot go through protocol elasticsearch: write one of ecs, ocsf, flat, cim`: {"protocol": "elasticsearch", "endpoint": "http://a", "format": "cef"},
		`splunk_hec::token: required`:                                                                       {"protocol": "splunk_hec", "endpoint": "http://a"},
		`max_request_bytes: must be`:                                                                        {"protocol": "ndjson", "endpoint": "http://a", "max_request_bytes": 10},
		`timeout`:                                                                                           {"protocol": "ndjson", "endpoint": "http://a", "timeout": 30},
		`not_events: "x" is neither`:                                                                        {"protocol": "ndjson", "endpoint": "http://a", "not_events": "x"},
		`did you mean`:                                                                                      {"protocol": "ndjson", "endpoint": "http://a", "formt": "ecs"},
		`splunk_hec: is read with protocol: splunk_hec only, and the protocol is elasticsearch: take the block away`: {"protocol": "elasticsearch", "endpoint": "http://a", "splunk_hec": map[string]any{"index": "x"}},
		`elasticsearch: is read with protocol: elasticsearch only`:                                                   {"protocol": "ndjson", "endpoint": "http://a", "elasticsearch": map[string]any{"index": "x"}},
		`elasticsearch::index: is blank`: {"protocol": "elasticsearch", "endpoint": "http://a", "elasticsearch": map[string]any{"index": " "}},
	} {
		_, err := load(t, settings)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "a:b")
		require.Equal(t, 1, strings.Count(err.Error(), want), err.Error())
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

// TestCheckConnectionKnowsVictoriaLogs: it answers 400 where others answer 404, and dates each login by its arrival where no field is named.
func TestCheckConnectionKnowsVictoriaLogs(t *testing.T) {
	server := victorialogs.Start(t)
	for _, one := range []struct{ protocol, path, key, remedy string }{
		{"elasticsearch", "/insert/elasticsearch?_time_field=@timestamp&_msg_field=message", "", ""},
		{"ndjson", "/insert/jsonline?_time_field=timestamp", "", ""},
		{"splunk_hec", "", "", ""},
		{"splunk_hec", "/insert/splunk/services/collector", "", ""},
		{"elasticsearch", "/insert/elastic", "endpoint", "see whether the path"},
		{"elasticsearch", "", "endpoint", "see whether the path"},
		{"splunk_hec", "/services", "endpoint", "see whether the path"},
		{"ndjson", "/insert/jsonlines", "endpoint", "see whether the path"},
		{"ndjson", "/insert/jsonline", "endpoint", "_time_field=timestamp&_msg_field=event_name&_stream_fields=service.name"},
		{"ndjson", "/insert/jsonline?_time_field=@timestamp", "endpoint", "_time_field=timestamp"},
		{"elasticsearch", "/insert/elasticsearch", "endpoint", "_time_field=@timestamp&_msg_field=message&_stream_fields=event.dataset"},
	} {
		settings := map[string]any{"protocol": one.protocol, "endpoint": server.URL(one.path)}
		if one.protocol == protocolSplunkHEC {
			settings["splunk_hec"] = map[string]any{"token": "t"}
		}
		c, err := load(t, settings)
		require.NoError(t, err)
		findings := c.CheckConnection(t.Context())
		last := findings[len(findings)-1]
		require.Equal(t, one.key == "", last.OK, "%+v %v", one, findings)
		require.Equal(t, one.key, last.Key, "%+v %v", one, findings)
		require.Contains(t, last.Remedy, one.remedy)
	}
	c, err := load(t, map[string]any{"protocol": "ndjson", "endpoint": strings.Replace(server.URL("/insert/jsonline"), "http:", "https:", 1)})
	require.NoError(t, err)
	require.Contains(t, c.CheckConnection(t.Context())[0].Remedy, "http://")
}

// What only a check of the configuration would tell is told by a running exporter too: VictoriaLogs says nothing of it.
func TestMissingTimeFieldIsToldAtStart(t *testing.T) {
	tg := newTarget(t, func([]string, http.Header) (int, string) { return http.StatusOK, "" })
	for path, want := range map[string]int{"/insert/jsonline": 1, "/insert/jsonline?_time_field=timestamp": 0} {
		e, _, logs := openObserved(t, tg.URL+path)
		warnings := logs.FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("each login would bear the time of its arrival").All()
		require.Len(t, warnings, want)
		if want > 0 {
			require.Contains(t, warnings[0].Message, "?_time_field=timestamp&")
			require.Equal(t, "endpoint", warnings[0].ContextMap()["key"])
		}
		for range 2 {
			require.NoError(t, e.ConsumeLogs(t.Context(), plogs.NewEncoder("test").Encode(batchOf("alice"))))
		}
		taken := logs.FilterLevelExact(zapcore.InfoLevel).FilterMessage("the target has taken its first records").All()
		require.Len(t, taken, 1)
		require.Equal(t, tg.URL+"/insert/jsonline", taken[0].ContextMap()["target"])
	}
}
