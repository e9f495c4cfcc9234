package sessionlogexplorer

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/bearertokenauthextension"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension"
)

// TestNamesThatLeadHereAreRefused: a page of another site whose name was made to lead here asks with that name (DNS rebinding).
func TestNamesThatLeadHereAreRefused(t *testing.T) {
	s := startServer(t, func(c *Config) { c.AllowedHosts = []string{"logins.example.com"} })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	require.NoError(t, err)
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:" + port: 200, "localhost:" + port: 200, "[::1]:" + port: 200, "LOGINS.example.com": 200, "logins.example.com.:443": 200, "10.1.2.3:80": 200,
		"evil.example": 421, "evil.example:" + port: 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "logins.example.com.evil.example": 421, "x:y:z": 421,
	} {
		for _, path := range []string{"/api/v1/config", "/search", "/static/index.html"} {
			status, text := s.read(path, "Host", host)
			require.Equal(t, want, status, "%s %s", host, path)
			if want == http.StatusMisdirectedRequest {
				require.Contains(t, text, "allowed_hosts")
			}
		}
	}
}

// TestOtherSitesReadNothing, whatever a browser tells of them. A link from elsewhere leads to the page all the same.
func TestOtherSitesReadNothing(t *testing.T) {
	s := startServer(t, nil)
	const api, page = "/api/v1/events", "/search"
	for _, c := range []struct {
		path    string
		headers []string
		want    int
	}{
		{api, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{api, []string{"Sec-Fetch-Site", "same-site"}, 403}, // another port of this machine
		{api, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403},
		{api, []string{"Sec-Fetch-Site", "nonsense"}, 403},
		{api, []string{"Origin", "https://evil.example"}, 403},
		{api, []string{"Origin", "null"}, 403},
		{api, []string{"Origin", s.url}, 200},
		{api, []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{api, []string{"Sec-Fetch-Site", "none"}, 200},
		{api, nil, 200}, // curl
		{page, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200},
		{page, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		{page, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"}, 403},
		{"/static/index.html", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403},
	} {
		answer := s.send(http.MethodGet, c.path, c.headers...)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, c.want, answer.StatusCode, "%s %v", c.path, c.headers)
		for name := range answer.Header {
			require.False(t, strings.HasPrefix(name, "Access-Control-"), name)
		}
	}
}

// TestNothingCanBeChanged: only GET and HEAD, and the headers that keep a page from doing more than it should are on each answer.
func TestNothingCanBeChanged(t *testing.T) {
	s := startServer(t, nil)
	for _, path := range []string{"/api/v1/events", "/search", "/static/index.html", "/", "/nowhere", "/api/v1/nowhere"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"} {
			answer := s.send(method, path)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, http.StatusMethodNotAllowed, answer.StatusCode, "%s %s", method, path)
			require.Equal(t, "GET, HEAD", answer.Header.Get("Allow"))
		}
		answer := s.send(http.MethodHead, path)
		require.NoError(t, answer.Body.Close())
		for header, want := range map[string]string{
			"Content-Security-Policy": contentSecurityPolicy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			require.Equal(t, want, answer.Header.Get(header), "%s of %s", header, path)
		}
	}
}

// TestNoFileOutsideOfThePage is served, and no folder is listed.
func TestNoFileOutsideOfThePage(t *testing.T) {
	s := startServer(t, nil)
	for _, path := range []string{
		"/static/../config.go", "/static/%2e%2e/config.go", "/static/..%2f..%2fconfig.go", "/static//etc/passwd", "/static/", "/static", "/static/index.html/", "/config.go", "/etc/passwd",
		"/search/..%2f..%2fconfig.go", "/static/..\\config.go",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")) // a client of Go's own would clean the path
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path)
		require.NoError(t, err)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.Contains(t, []int{301, 307, 404}, answer.StatusCode, path)
		require.NoError(t, answer.Body.Close())
		require.NoError(t, conn.Close())
	}
}

// TestCallsThatAreWrongAreToldWhy, and which key of them.
func TestCallsThatAreWrongAreToldWhy(t *testing.T) {
	s := startServer(t, nil)
	for path, want := range map[string]string{
		"/events?user=alice": `\"user\" is no column that can be searched`,
		"/events?limit=0":    "limit: ",
		"/sessions/042d628aaf578875ab4b756299d0e70a?at=noon": "at: ",
		"/events?limit=1001":          "limit: ",
		"/events?limit=1&limit=2":     "limit: given 2 times",
		"/events?after=x":             "after: ",
		"/events?from=yesterday":      "from: ",
		"/events?tz=Mars/Olympus":     "tz: ",
		"/events?tz=../../etc/passwd": "tz: ",
		"/events?tz=Local":            "tz: ",
		"/events?%zz":                 "the query string cannot be read",
		"/events?a;b":                 "the query string cannot be read",
		"/events.csv?limit=1000001":   "limit: ",
		"/events/zz":                  "record_id: ",
		"/sessions/..":                "",
		"/histogram?width=1x":         "width: ",
		"/histogram?width=1ms":        "width: 1ms makes more than 5000 bars",
		"/facets?columns=roles":       "columns: roles: ",
		"/facets?columns=host,host":   "columns: host: is named twice",
		"/facets?columns=password":    `columns: \"password\" is no column`,
		"/facets?top=-1":              "top: ",
		"/now?from=-1h":               "from: unknown here",
		"/new?client_port=http":       "client_port: ",
		"/tail?limit=1":               `\"limit\" is no column`,
	} {
		status, text := s.read(apiRoot + path)
		require.GreaterOrEqual(t, status, 300, path)
		require.Less(t, status, 500, path)
		if want != "" {
			require.Equal(t, http.StatusBadRequest, status, path)
			require.Contains(t, text, want, path)
		}
	}
	status, _ := s.read(apiRoot + "/events/" + strings.Repeat("0", 31) + "1")
	require.Equal(t, http.StatusNotFound, status)
	status, text := s.read(apiRoot + "/events?user_name=" + strings.Repeat("a", maxQueryBytes))
	require.Equal(t, http.StatusRequestURITooLong, status)
	require.Contains(t, text, "16 KiB")
	status, _ = s.read(apiRoot + "/events?user_name=" + strings.Repeat("a", 2*maxHeaderBytes))
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, status)
}

type hostWith struct {
	component.Host
	extensions map[component.ID]component.Component
}

func (h hostWith) GetExtensions() map[component.ID]component.Component { return h.extensions }

// TestTheTokenIsAskedForByTheAPIAlone: the page holds no data, and has to be there to ask for the token.
func TestTheTokenIsAskedForByTheAPIAlone(t *testing.T) {
	factory := bearertokenauthextension.NewFactory()
	authConfig := factory.CreateDefaultConfig().(*bearertokenauthextension.Config)
	authConfig.BearerToken = configopaque.String("right-token")
	id := component.NewID(factory.Type())
	auth, err := factory.Create(t.Context(), extension.Settings{ID: id, TelemetrySettings: componenttest.NewNopTelemetrySettings()}, authConfig)
	require.NoError(t, err)
	require.NoError(t, auth.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, auth.Shutdown(t.Context())) })

	s := startServerOn(t, hostWith{componenttest.NewNopHost(), map[component.ID]component.Component{id: auth}}, func(c *Config) {
		c.Server.Auth = configoptional.Some(confighttp.AuthConfig{Config: configauth.Config{AuthenticatorID: id}})
	})
	require.Equal(t, []component.ID{id}, s.Dependencies())
	for _, path := range []string{"/search", "/static/index.html", "/now"} {
		status, _ := s.read(path)
		require.Equal(t, http.StatusOK, status)
	}
	for _, e := range apiEndpoints {
		for _, header := range []string{"", "Bearer wrong-token", "Basic cmlnaHQ="} {
			path := apiRoot + strings.NewReplacer("{", "", "}", "").Replace(e.path)
			answer := s.send(http.MethodGet, path, "Authorization", header)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, http.StatusUnauthorized, answer.StatusCode, "%s %q", path, header)
			require.Equal(t, "Bearer", answer.Header.Get("WWW-Authenticate"))
		}
	}
	_, text := s.read("/api/v1/events", "Authorization", "Bearer wrong-token")
	require.NotContains(t, text, "wrong-token")
	require.Contains(t, text, `"reason":"auth"`)
	status, _ := s.read("/api/v1/events", "Authorization", "Bearer right-token")
	require.Equal(t, http.StatusOK, status)
}

// TestWhoLeavesWaitsNoLonger: a reload that gives up its questions leaves none of them behind in the queue.
func TestWhoLeavesWaitsNoLonger(t *testing.T) {
	s := startServer(t, func(c *Config) { c.MaxQuestions = 1 })
	s.stores.queueTime = time.Hour
	s.stores.slots <- struct{}{} // somebody asks
	ended := make(chan error)
	ctx, leave := context.WithCancel(t.Context())
	const reloads = 100
	for range reloads {
		go func() {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+apiRoot+"/events", http.NoBody)
			if err == nil {
				_, err = http.DefaultTransport.RoundTrip(request) //nolint:bodyclose // there is none
			}
			ended <- err
		}()
	}
	leave()
	for range reloads {
		require.ErrorIs(t, <-ended, context.Canceled)
	}
	<-s.stores.slots
	status, _ := s.read(apiRoot + "/events?limit=1")
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, s.stores.slots)
}

// TestManyReadersWait: with every store taken a question waits, and is told so; one that left waits no longer.
func TestManyReadersWait(t *testing.T) {
	s := startServer(t, func(c *Config) { c.MaxQuestions = 1 })
	s.stores.queueTime = 50 * time.Millisecond
	s.stores.slots <- struct{}{} // somebody asks
	answer := s.send(http.MethodGet, "/api/v1/events")
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	require.Equal(t, "1", answer.Header.Get("Retry-After"))
	<-s.stores.slots
	status, _ := s.read("/api/v1/events")
	require.Equal(t, http.StatusOK, status)
}
