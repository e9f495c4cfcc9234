package sessionlogexplorer

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/extension/sessionlogexplorer/internal/explorertest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// endpointCalls are calls of every path, at least one each, over the samples.
func endpointCalls() map[string][]string {
	login := samples()[slices.IndexFunc(samples(), func(e session.Event) bool {
		return e.User == explorertest.BrokenIntoUser && e.ClientAddress == explorertest.BrokenFromAddress && !e.SessionKey.IsZero()
	})]
	return map[string][]string{
		"/events": {
			"/events", "/events?limit=7&from=-240h&to=now&outcome=failure", "/events?user_name=b*&-user_name=bob&absent=trace_id", "/events?client_address=203.0.113.0/24",
			"/events?user_name=%3Cimg%20src=x%20onerror=alert(1)%3E", "/events?user_name=bad%FF%FEutf8", "/events?user_name=%27%3B%20DROP%20TABLE%20session_events%3B%20--&-client_name=%27%20OR%201%3D1%20--%00", "/events?user_name=nobody",
		},
		"/events.csv":                {"/events.csv?limit=10", "/events.csv?user_name=nobody"},
		"/events.ndjson":             {"/events.ndjson?limit=10&tz=Asia/Kolkata"},
		"/events.sql":                {"/events.sql?user_name=olga"},
		"/events/{record_id}":        {"/events/" + hex.EncodeToString(login.RecordID[:]), "/events/" + login.RecordID.String()},
		"/events/{record_id}/seal":   {"/events/" + login.RecordID.String() + "/seal"},
		"/events/{record_id}/bundle": {"/events/" + login.RecordID.String() + "/bundle"},
		"/histogram":                 {"/histogram", "/histogram?width=24h&tz=Europe/Berlin", "/histogram?from=-1m", "/histogram?user_name=nobody"},
		"/facets":                    {"/facets", "/facets?columns=user_name,tls_version&top=3"},
		"/sessions/{key}":            {"/sessions/" + hex.EncodeToString(login.SessionKey[:])},
		"/users/{name}":              {"/users/" + explorertest.BrokenIntoUser, "/users/nobody", "/users/%27%3B%20DROP%20TABLE%20session_events%3B%20--", "/users/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/users/alice?tz=America/New_York&from=-240h"},
		"/addresses/{ip}":            {"/addresses/" + explorertest.SprayingAddress, "/addresses/10.0.0.20"},
		"/inventory":                 {"/inventory"},
		"/new":                       {"/new", "/new?from=-48h&tz=Europe/Berlin"},
		"/now":                       {"/now"},
		"/health":                    {"/health"},
		"/config":                    {"/config"},
		"/openapi.yaml":              {"/openapi.yaml"},
	}
}

// TestEveryEndpointAnswersAsDescribed over a real database of the samples, complete and without an error.
func TestEveryEndpointAnswersAsDescribed(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		walkEndpoints(t, startServer(t, func(c *Config) { c.AnswerTime = 10 * time.Second }), 10)
	})
}

func walkEndpoints(t *testing.T, s *server, callsEach int) {
	t.Helper()
	calls, doc := endpointCalls(), loadDescription(t)
	for _, e := range apiEndpoints {
		if e.path == "/tail" { // which does not end: TestTail
			continue
		}
		require.NotEmpty(t, calls[e.path], e.path)
		for _, path := range calls[e.path][:min(callsEach, len(calls[e.path]))] {
			text := requireDescribed(t, s, doc, e.path, path)
			if e.path == "/events/{record_id}/seal" {
				require.Contains(t, text, `"state":"sealed"`)
			}
			if callsEach > 1 && e.path != "/events" { // a page is full; servers that other tests keep busy may come to an end before the question does
				require.NotContains(t, text, `"complete":false`, path)
			}
		}
	}
}

// requireDescribed holds an answer of 200 against openapi.yaml.
func requireDescribed(t *testing.T, s *server, doc *openapi3.T, described, path string) string {
	t.Helper()
	answer := s.send(http.MethodGet, apiRoot+path)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s: %s", path, text)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	require.NoError(t, err)
	item := doc.Paths.Value(described)
	input := &openapi3filter.RequestValidationInput{Request: request, Route: &routers.Route{Spec: doc, Path: described, PathItem: item, Method: http.MethodGet, Operation: item.Get}}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.StatusCode, Header: answer.Header, Body: io.NopCloser(bytes.NewReader(text)),
		Options: &openapi3filter.Options{ExcludeResponseBody: !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json")},
	})
	require.NoError(t, err, "%s: %s", path, text)
	return string(text)
}
