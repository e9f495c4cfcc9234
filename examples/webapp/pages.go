package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/sessionhttp"
	"github.com/otel-sessionlog/sessionlog/session"
)

const cookieName = "sid"

// site is the application: two pages and two buttons.
type site struct {
	*telemetry
	databases databases
	sessions  sessions
}

// newSite puts the pages behind the middleware that knows the client, and a span of each request around all.
func newSite(set settings, tel *telemetry) http.Handler {
	s := &site{telemetry: tel, databases: databases{clickhouse: set.clickhouse, postgres: set.postgres, tracer: tel.tracer}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
	return s.traced(sessionhttp.New(sessionhttp.SessionCookie(cookieName))(mux))
}

func (s *site) traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := s.tracer.Start(ctx, r.Method+" "+r.URL.Path, trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(semconv.HTTPRequestMethodKey.String(r.Method), semconv.URLPath(r.URL.Path)))
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

const loginForm = `<form method="post" action="/login"><input name="user" placeholder="user"> <input name="password" type="password"> <button>log in</button></form>`

func (s *site) home(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if open, ok := s.sessions.of(r); ok {
		fmt.Fprintf(w, `Hello %s. <form method="post" action="/logout"><button>log out</button></form>`, html.EscapeString(open.user))
		return
	}
	fmt.Fprint(w, loginForm)
}

// login grants nothing that is not on the disk: the cookie comes after the record.
func (s *site) login(w http.ResponseWriter, r *http.Request) {
	user := r.PostFormValue("user")
	who := sessionlog.User(user)
	method := sessionlog.AuthMethod(session.AuthPassword)
	if err := s.databases.check(r.Context(), user, r.PostFormValue("password")); err != nil {
		s.turnAway(r.Context(), w, err, who, method)
		return
	}
	token := rand.Text()
	if err := s.logins.Login(r.Context(), who, method, sessionlog.SessionToken(token), sessionlog.Durable()); err != nil {
		fmt.Println("webapp: a login was refused:", err)
		http.Error(w, "logins cannot be recorded at the moment", http.StatusServiceUnavailable)
		return
	}
	s.sessions.open(token, user)
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *site) turnAway(ctx context.Context, w http.ResponseWriter, err error, opts ...sessionlog.Option) {
	class, code := session.ErrorProviderUnavailable, http.StatusBadGateway
	if errors.Is(err, errWrongPassword) {
		class, code = session.ErrorInvalidCredentials, http.StatusForbidden
	}
	// A failure grants nothing, so nobody need wait for a disk that is full.
	if failed := s.logins.Failure(ctx, append(opts, sessionlog.ErrorType(class), sessionlog.Reason(err.Error()), sessionlog.Durable())...); failed != nil {
		fmt.Println("webapp: a failed login was not recorded:", failed)
	}
	http.Error(w, err.Error(), code)
}

// logout ends the session whatever becomes of the record: who wants to leave is not held.
func (s *site) logout(w http.ResponseWriter, r *http.Request) {
	if open, ok := s.sessions.close(r); ok {
		if err := s.logins.Logout(r.Context(), sessionlog.User(open.user), sessionlog.Duration(time.Since(open.since))); err != nil {
			fmt.Println("webapp: a logout was not recorded:", err)
		}
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
