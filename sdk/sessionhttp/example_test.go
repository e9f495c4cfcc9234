package sessionhttp_test

import (
	"net/http"
	"net/netip"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/sessionhttp"
)

// A login page behind a load balancer.
func Example() {
	logins := sessionlog.NewLogger(nil) // an application has a provider
	pages := http.NewServeMux()
	pages.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		// … the password was right, and the session has a new secret
		if err := logins.Login(r.Context(), sessionlog.User(r.FormValue("user")), sessionlog.SessionToken("new secret"), sessionlog.Durable()); err != nil {
			http.Error(w, "logins cannot be recorded at the moment", http.StatusServiceUnavailable)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "new secret", HttpOnly: true, Secure: true})
	})
	handler := sessionhttp.New(
		sessionhttp.TrustedProxies(sessionhttp.XForwardedFor, netip.MustParsePrefix("10.0.0.0/8")),
		sessionhttp.SessionCookie("sid"),
	)(pages)
	_ = http.Server{Addr: "127.0.0.1:8080", Handler: handler}
}
