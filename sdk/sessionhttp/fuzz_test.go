package sessionhttp_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/sessionhttp"
	"github.com/otel-sessionlog/sessionlog/session"
)

// FuzzForwarded: whatever a client sends before the proxy's own element changes nothing.
func FuzzForwarded(f *testing.F) {
	for _, s := range []string{"", "1.1.1.1", `for="`, `"`, `\"`, ",", `for=1.1.1.1;by="x,y`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, claimed string) {
		for header, own := range map[sessionhttp.Header]string{
			sessionhttp.XForwardedFor: "203.0.113.9", sessionhttp.ForwardedHeader: `for="203.0.113.9:80";proto=https`,
		} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			r.RemoteAddr = "10.0.0.1:5000"
			r.Header[string(header)] = []string{claimed + ", " + own}
			var got session.Event
			sessionhttp.New(sessionhttp.TrustedProxies(header, netip.MustParsePrefix("10.0.0.0/8")))(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_ = sessionlog.NewLogger(nil).Login(r.Context(), sessionlog.Set(func(e *session.Event) { got = *e }))
			})).ServeHTTP(httptest.NewRecorder(), r)
			require.Equal(t, "203.0.113.9", got.ClientAddress)
		}
	})
}
