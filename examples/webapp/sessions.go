package main

import (
	"net/http"
	"sync"
	"time"
)

// sessions are those of this process, by the secret in the cookie.
type sessions struct{ byToken sync.Map }

type openSession struct {
	user  string
	since time.Time
}

func (s *sessions) open(token, user string) { s.byToken.Store(token, openSession{user, time.Now()}) }

func (s *sessions) of(r *http.Request) (openSession, bool) { return s.find(r, s.byToken.Load) }

func (s *sessions) close(r *http.Request) (openSession, bool) {
	return s.find(r, s.byToken.LoadAndDelete)
}

func (s *sessions) find(r *http.Request, get func(any) (any, bool)) (openSession, bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return openSession{}, false
	}
	found, ok := get(cookie.Value)
	if !ok {
		return openSession{}, false
	}
	return found.(openSession), true
}
