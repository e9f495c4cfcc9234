// Package sessionhttp is net/http middleware that adds to events of a request where it came from: client address and port, user
// agent, TLS, and the session that its cookie names.
package sessionhttp

import (
	"crypto/tls"
	"net/http"
	"time"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Option configures the middleware.
type Option func(*eventMiddleware)

type eventMiddleware struct {
	proxies       trustedProxies
	sessionOption func(*http.Request) sessionlog.Option
	next          http.Handler
}

// SessionCookie names the cookie that holds the session's secret. The events have its sessionlog.SessionToken. A login
// that gives its session a new cookie, as it should, says so itself: sessionlog.SessionToken(new) with Login counts.
func SessionCookie(name string) Option {
	return func(m *eventMiddleware) {
		m.sessionOption = func(r *http.Request) sessionlog.Option {
			if c, err := r.Cookie(name); err == nil {
				return sessionlog.SessionToken(c.Value)
			}
			return nil
		}
	}
}

// Session finds the public id of a request's session, "" if it has none. It must not open the session to whoever knows it.
func Session(id func(*http.Request) string) Option {
	return func(m *eventMiddleware) {
		m.sessionOption = func(r *http.Request) sessionlog.Option {
			if s := id(r); s != "" {
				return sessionlog.SessionID(s)
			}
			return nil
		}
	}
}

// New makes the middleware. Events that a handler emits with the request's context have the request's client, session and TLS:
//
//	handler = sessionhttp.New(sessionhttp.SessionCookie("sid"))(handler)
func New(opts ...Option) func(http.Handler) http.Handler {
	var m eventMiddleware
	for _, o := range opts {
		o(&m)
	}
	return func(next http.Handler) http.Handler {
		with := m
		with.next = next
		return &with
	}
}

func (m *eventMiddleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := sessionlog.ContextWith(r.Context(), m.requestOptions(r)...)
	m.next.ServeHTTP(w, r.WithContext(ctx))
}

func (m *eventMiddleware) requestOptions(r *http.Request) []sessionlog.Option {
	address, port := m.proxies.clientAddress(r)
	opts := []sessionlog.Option{
		sessionlog.Client(address, port),
		sessionlog.UserAgent(r.UserAgent()),
		sessionlog.Set(func(e *session.Event) { e.Interface = "HTTP" }),
	}
	if m.sessionOption != nil {
		if s := m.sessionOption(r); s != nil {
			opts = append(opts, s)
		}
	}
	if r.TLS != nil {
		opts = append(opts, sessionlog.Set(func(e *session.Event) { describeTLS(e, r.TLS) }))
	}
	return opts
}

func describeTLS(e *session.Event, state *tls.ConnectionState) {
	e.TLSVersion = tlsVersions[state.Version]
	e.TLSCipher = tls.CipherSuiteName(state.CipherSuite)
	if len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return
	}
	c := state.PeerCertificates[0]
	e.CertificateSubjects = []string{c.Subject.String()}
	e.CertificateSerial = c.SerialNumber.Text(16)
	e.CertificateIssuer = c.Issuer.String()
	e.CertificateNotBefore = c.NotBefore.UTC().Format(time.RFC3339)
	e.CertificateNotAfter = c.NotAfter.UTC().Format(time.RFC3339)
}

// tlsVersions are spelled as tls.protocol.version has them.
var tlsVersions = map[uint16]string{tls.VersionTLS10: "1.0", tls.VersionTLS11: "1.1", tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3"}
